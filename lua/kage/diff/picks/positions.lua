--- Where the user was in a buffer before a landing, so that undoing it brings them back: marks of lines that were
--- deleted, and windows whose cursor went with such a line. Who moved since, stays where they are.
local new_memory = require("kage.diff.text.held")

local M = {}

---@class kage.Positions
---@field marks table<string, integer[]> name → line, column
---@field views table<integer, table> window → its view
---@field left table<integer, integer[]>? window → where the landing left its cursor
---@field moved table<string, integer[]>? the marks as the landing left them

local held = new_memory("positions")

local MARKS = {}
for byte = ("a"):byte(), ("z"):byte() do
  MARKS[#MARKS + 1] = string.char(byte)
  MARKS[#MARKS + 1] = string.char(byte):upper()
end

---@param buffer integer
---@return table<string, integer[]>
local function marks_of(buffer)
  local found = {}
  for _, name in ipairs(MARKS) do
    local mark = vim.api.nvim_buf_get_mark(buffer, name)
    if mark[1] > 0 then
      found[name] = mark
    end
  end
  return found
end

---@param buffer integer
---@return kage.Positions
function M.of(buffer)
  local views = {}
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    views[window] = vim.api.nvim_win_call(window, vim.fn.winsaveview)
  end
  return { marks = marks_of(buffer), views = views }
end

--- Keep in mind the positions that a buffer had with these bytes, now that it has others.
---@param buffer integer
---@param content string
---@param positions kage.Positions
function M.remember(buffer, content, positions)
  positions.left, positions.moved = {}, marks_of(buffer)
  for window in pairs(positions.views) do
    positions.left[window] = vim.api.nvim_win_get_cursor(window)
  end
  held:put(buffer, content, positions)
end

--- The buffer is about to have these bytes again: which marks and cursors are where the
--- landing left them.
---@param buffer integer
---@param content string
---@return fun() restore to be called when it has them
function M.recall(buffer, content)
  local positions = held:get(buffer, content)
  if not positions then
    return function() end
  end
  local unmoved, marks, now = {}, {}, marks_of(buffer)
  for name, mark in pairs(positions.marks) do
    if vim.deep_equal(now[name], positions.moved[name]) then
      marks[name] = mark
    end
  end
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    local left = positions.left[window]
    if left and vim.deep_equal(vim.api.nvim_win_get_cursor(window), left) then
      unmoved[#unmoved + 1] = window
    end
  end
  return function()
    for name, mark in pairs(marks) do
      pcall(vim.api.nvim_buf_set_mark, buffer, name, mark[1], mark[2], {})
    end
    for _, window in ipairs(unmoved) do
      vim.api.nvim_win_call(window, function()
        vim.fn.winrestview(positions.views[window])
      end)
    end
  end
end

return M
