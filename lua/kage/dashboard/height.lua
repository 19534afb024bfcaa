-- The dashboard's height. A window that has no other above or below it can only grow and shrink against the
-- command line: there Neovim changes 'cmdheight', so its height is left alone.

local M = {}

---@param layout any[] of vim.fn.winlayout()
---@param window integer
---@param stacked boolean? there are windows above or below
---@return boolean? # nil: the window is not in this part
local function is_stacked(layout, window, stacked)
  if layout[1] == "leaf" then
    return layout[2] == window and (stacked or false) or nil
  end
  for _, part in ipairs(layout[2]) do
    local found = is_stacked(part, window, stacked or layout[1] == "col")
    if found ~= nil then
      return found
    end
  end
end

---@param window integer
---@return boolean # other windows can take and give lines; a floating one has none
local function can_change(window)
  local tab = vim.api.nvim_tabpage_get_number(vim.api.nvim_win_get_tabpage(window))
  return is_stacked(vim.fn.winlayout(tab), window) or false
end

---@param window integer
---@param lines integer
function M.set(window, lines)
  if can_change(window) then
    local command_line = vim.o.cmdheight
    vim.api.nvim_win_set_height(window, lines)
    if vim.o.cmdheight ~= command_line then
      vim.o.cmdheight = command_line
    end
  end
end

--- Hold the height against windows that come and go, while there are others to take what changes.
---@param window integer 0 = the current one
function M.keep(window)
  window = window == 0 and vim.api.nvim_get_current_win() or window
  local hold = can_change(window)
  if vim.wo[window].winfixheight ~= hold then
    vim.wo[window][0].winfixheight = hold
  end
end

--- Give lines back that the window got when the screen was larger, or that it took from the files.
---@param window integer
---@param lines integer the most it should have
function M.limit(window, lines)
  local above = math.floor(vim.o.lines * 0.6)
  if vim.api.nvim_win_get_height(window) > above then
    M.set(window, math.min(lines, above))
  end
end

return M
