--- Pieces of text side by side in rows that have only so many columns. Plain functions over tables.
local words = require("kage.words")

local M = {}

---@class kage.Span
---@field [1] string text
---@field [2] string? highlight group
---@field joined boolean? stays in one row with the span before it

---@param spans kage.Span[]
---@return integer columns that they take
function M.columns(spans)
  local total = 0
  for _, span in ipairs(spans) do
    total = total + vim.api.nvim_strwidth(span[1])
  end
  return total
end

---@param spans kage.Span[]
---@param index integer
---@return integer columns of a span with those that are joined to it
local function joined(spans, index)
  local total = 0
  repeat
    total = total + vim.api.nvim_strwidth(spans[index][1])
    index = index + 1
  until not (spans[index] and spans[index].joined)
  return total
end

--- Go on in a row with parcels of spans, each two columns after the one before, in new rows where it is full. What
--- is too long for a row of its own goes on in the next one, and is cut where that is not enough.
---@param row kage.PanelRow the last one of `rows`
---@param parcels kage.Span[][]
---@param indent integer columns at which the new rows begin
---@param width integer
---@param rows kage.PanelRow[] is added to
function M.flow(row, parcels, indent, width, rows)
  local used = M.columns(row.spans)
  local function turn()
    row = { spans = { { (" "):rep(indent) } }, path = row.path, folder = row.folder }
    rows[#rows + 1], used = row, indent
  end
  local function put(text, group)
    text = words.cut(text, width - used)
    used = used + vim.api.nvim_strwidth(text)
    table.insert(row.spans, { text, group })
  end
  for _, spans in ipairs(parcels) do
    if used > indent and used + 2 + M.columns(spans) > width then
      turn()
    elseif used > indent then
      put("  ")
    end
    for index, span in ipairs(spans) do
      local is_full = not span.joined and used > indent and used + joined(spans, index) > width
      if is_full then
        turn()
      end
      put(is_full and vim.trim(span[1]) or span[1], span[2])
    end
  end
end

return M
