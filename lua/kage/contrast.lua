--- `:Kage contrast 1 3`: how the agents' approaches differ, as a table in a scratch buffer.
local context = require("kage.context")
local host = require("kage.host")
local notify = require("kage.notify")
local words = require("kage.words")

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("kage.contrast")
-- What stands in front of a row's text.
local INDENT = { head = "", total = "", file = "", symbol = "  ", note = "  " }
-- The first column gets no narrower than this, where agents need more the table is wider than the screen.
local NARROWEST = 18

---@class kage.ContrastRow
---@field level "head"|"total"|"file"|"symbol"|"note"
---@field text string
---@field cells string[] by agent
---@field how string
---@field path string
---@field lines table<string, integer> where it stands, by agent

---@param rows kage.ContrastRow[]
---@param hows string[] by row
---@param is_named boolean whether names count, or only what stands below them
---@return integer[] widths of the agents' cells, then of the last column
---@return integer sum with the blanks in front of each
local function widths(rows, hows, is_named)
  local found, sum = {}, 0
  for at, row in ipairs(rows) do
    for index, cell in ipairs(row.cells) do
      local width = (is_named or row.level ~= "head") and vim.api.nvim_strwidth(cell) or 0
      found[index] = math.min(20, math.max(found[index] or 0, width))
    end
    local last = #row.cells + 1
    found[last] = math.max(found[last] or 0, vim.api.nvim_strwidth(hows[at]))
  end
  for _, size in ipairs(found) do
    sum = sum + size + 2
  end
  return found, sum
end

--- As much as the screen has room for: names get shorter, the longest first, then the signs in the last column.
---@param rows kage.ContrastRow[]
---@param room integer
---@return integer[] widths
---@return string[] hows the last column, by row
local function suited(rows, room)
  local hows = vim.tbl_map(function(row)
    return row.how
  end, rows)
  local sizes, sum = widths(rows, hows, true)
  local least, least_sum = widths(rows, hows, false)
  if least_sum > room then
    hows = vim.tbl_map(function(how)
      return (how:gsub(" | ", "|"))
    end, hows)
    sizes, sum = widths(rows, hows, true)
    least = widths(rows, hows, false)
  end
  while sum > room do
    local widest
    for index = 1, #sizes - 1 do
      local is_more = sizes[index] > least[index] and (not widest or sizes[index] > sizes[widest])
      widest = is_more and index or widest
    end
    if not widest then
      break
    end
    sizes[widest], sum = sizes[widest] - 1, sum - 1
  end
  return sizes, hows
end

--- The table as lines, with what is to be coloured. Pure.
---@param rows kage.ContrastRow[]
---@param columns integer of the screen
---@return string[] lines
---@return {line: integer, from: integer, past: integer, group: string}[] marks 0-based
function M.lines(rows, columns)
  local sizes, hows = suited(rows, columns - NARROWEST)
  local lines, marks = {}, {}
  local first = columns - 2
  for _, size in ipairs(sizes) do
    first = first - size - 2
  end
  first = math.max(NARROWEST, math.min(first, 60))
  local groups = { head = "KageTitle", file = "KageFolder", note = "KageFaint" }
  for index, row in ipairs(rows) do
    local parts =
      { words.fit(INDENT[row.level] .. words.clean(row.text), row.level == "note" and columns - 2 or first) }
    for at, cell in ipairs(row.level == "note" and {} or row.cells) do
      parts[#parts + 1] = words.fit(words.clean(cell), sizes[at], true)
    end
    parts[#parts + 1] = row.level ~= "note" and hows[index] or nil
    lines[index] = (table.concat(parts, "  "):gsub("%s+$", ""))
    if groups[row.level] then
      marks[#marks + 1] = {
        line = index - 1,
        from = 0,
        past = row.level == "file" and math.min(#parts[1], #lines[index]) or #lines[index],
        group = groups[row.level],
      }
    end
    if row.how ~= "" then
      local group = row.how == "same" and "KageAdded" or row.how == "differ" and "KageConflict" or "KageFaint"
      local past = #lines[index]
      marks[#marks + 1] = { line = index - 1, from = past - #hows[index], past = past, group = group }
    end
  end
  return lines, marks
end

--- Go where a row of the table points: two agents beside each other, more beside yours.
---@param answer table
---@param row kage.ContrastRow?
---@param cwd string
local function jump(answer, row, cwd)
  if row and answer.kind == "proposals" then
    return require("kage.sections").open(answer, row.path ~= "" and row.text or nil)
  end
  if not row or row.path == "" then
    return notify.info("nothing to go to here; <CR> on a file or on what is in it")
  end
  local agents = vim.tbl_map(function(agent)
    return agent.number
  end, answer.agents)
  require("kage.diff").open(agents, { run = answer.run, cwd = cwd, path = row.path, lines = row.lines })
end

---@param answer table of kaged
---@param cwd string
local function show(answer, cwd)
  require("kage.highlight").define()
  local lines, marks = M.lines(answer.table, vim.o.columns)
  local name = ("kage://%s/contrast"):format(answer.run)
  local buffer = require("kage.diff.agent_buffer").create(name)
  vim.bo[buffer].buftype, vim.bo[buffer].bufhidden = "nofile", "wipe"
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.bo[buffer].modifiable = false
  vim.api.nvim_buf_clear_namespace(buffer, NAMESPACE, 0, -1)
  for _, mark in ipairs(marks) do
    vim.api.nvim_buf_set_extmark(buffer, NAMESPACE, mark.line, mark.from, {
      end_col = mark.past,
      hl_group = mark.group,
    })
  end
  local window = vim.fn.win_findbuf(buffer)[1]
  if window then
    vim.api.nvim_set_current_win(window)
  else
    vim.cmd("botright split")
    window = vim.api.nvim_get_current_win()
    vim.api.nvim_win_set_buf(window, buffer)
    vim.api.nvim_win_set_height(window, math.min(#lines + 1, math.floor(vim.o.lines / 2)))
  end
  local layout = require("kage.diff.layout")
  layout.plain(window)
  layout.set(window, "winbar", "")
  vim.keymap.set("n", "<CR>", function()
    jump(answer, answer.table[vim.fn.line(".")], cwd)
  end, { buffer = buffer, nowait = true, desc = "Kage: compare the agents here" })
  vim.keymap.set("n", "q", function()
    pcall(vim.api.nvim_win_close, 0, true)
  end, { buffer = buffer, nowait = true, desc = "Kage: close" })
end

--- Ask, and show the table when it comes.
---@param agents integer[] none: all that have a candidate
---@param run string?
function M.open(agents, run)
  local cwd = context.cwd()
  host.request("contrast", { cwd = cwd, run = run, agents = agents }, function(err, answer)
    if err then
      return notify.error(err)
    elseif #answer.files == 0 then
      return notify.info("nothing to contrast: no file was changed")
    end
    show(answer, cwd)
  end)
end

return M
