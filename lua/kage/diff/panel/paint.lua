--- The rows of the file panel in its buffer, with their colours.
local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("kage.diff.panel")

---@param row kage.PanelRow
---@return string
local function text_of(row)
  local texts = {}
  for place, span in ipairs(row.spans) do
    texts[place] = span[1]
  end
  return table.concat(texts)
end

---@type table<integer, kage.PanelRow[]> by buffer
local drawn = {}

-- Colours are given as lines come on the screen: long lists have many that never do.
vim.api.nvim_set_decoration_provider(NAMESPACE, {
  on_win = function(_, _, buffer)
    return drawn[buffer] ~= nil
  end,
  on_line = function(_, _, buffer, line)
    local column, row = 0, drawn[buffer][line + 1]
    for _, span in ipairs(row and row.spans or {}) do
      if span[2] and span[1] ~= "" then
        vim.api.nvim_buf_set_extmark(buffer, NAMESPACE, line, column, {
          end_col = column + #span[1],
          hl_group = span[2],
          ephemeral = true,
        })
      end
      column = column + #span[1]
    end
  end,
})

--- Write the rows into the panel's buffer; lines that stay as they are are not touched.
---@param buffer integer
---@param rows kage.PanelRow[]
function M.draw(buffer, rows)
  local old, new = vim.api.nvim_buf_get_lines(buffer, 0, -1, true), vim.tbl_map(text_of, rows)
  local first, past = 1, 0
  while first <= #new and first <= #old and old[first] == new[first] do
    first = first + 1
  end
  while past < math.min(#old, #new) - first + 1 and old[#old - past] == new[#new - past] do
    past = past + 1
  end
  drawn[buffer] = rows
  vim.bo[buffer].modifiable = true
  local changed = vim.list_slice(new, first, #new - past)
  vim.api.nvim_buf_set_lines(buffer, first - 1, #old - past, true, changed)
  vim.bo[buffer].modifiable = false
end

--- The buffer is gone.
---@param buffer integer
function M.forget(buffer)
  drawn[buffer] = nil
end

return M
