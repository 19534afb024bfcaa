--- How the diff's tab goes, and what it puts back then.
local linematch = require("kage.diff.linematch")
local live = require("kage.diff.live")
local visited = require("kage.diff.visited")
local yours = require("kage.diff.yours")

local M = {}

---@param buffer integer?
function M.wipe(buffer)
  if buffer and vim.api.nvim_buf_is_valid(buffer) then
    vim.api.nvim_buf_delete(buffer, { force = true })
  end
end

---@param view kage.DiffView
local function go_back(view)
  local origin = view.origin
  if vim.api.nvim_tabpage_is_valid(origin.tab) then
    local before = origin.before
    if before and before ~= origin.tab and vim.api.nvim_tabpage_is_valid(before) then
      -- g<Tab> goes where it went.
      vim.cmd("noautocmd tabnext " .. vim.api.nvim_tabpage_get_number(before))
    end
    vim.api.nvim_set_current_tabpage(origin.tab)
    if vim.api.nvim_win_is_valid(origin.window) then
      vim.api.nvim_set_current_win(origin.window)
    end
  end
end

--- Close the tab and put everything back.
---@param view kage.DiffView
function M.close(view)
  if view.closed then
    return
  end
  yours.leave(view)
  linematch.put_back(view)
  view.closed = true
  live.look_away(view)
  view.timer:stop()
  view.timer:close()
  vim.api.nvim_del_augroup_by_id(view.group)
  local mine = { view.panel.buffer }
  -- The user who closed the tab may have gone on to another window by now.
  local was_here = vim.api.nvim_get_current_tabpage() == view.tab
    or vim.api.nvim_get_current_win() == view.landed
  for _, column in ipairs(view.columns) do
    mine[#mine + 1] = column.buffer
  end
  if vim.api.nvim_tabpage_is_valid(view.tab) then
    local only = #vim.api.nvim_list_tabpages() == 1
    for _, window in ipairs(vim.api.nvim_tabpage_list_wins(view.tab)) do
      -- The last window of Neovim stays; yours is the one to stay.
      if vim.api.nvim_win_is_valid(window) and not (only and window == view.yours) then
        pcall(vim.api.nvim_win_close, window, true)
      end
    end
  end
  for _, buffer in ipairs(mine) do
    M.wipe(buffer)
  end
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.startswith(vim.api.nvim_buf_get_name(buffer), "kage://" .. view.run .. "/yours/") then
      M.wipe(buffer)
    end
  end
  if was_here then
    go_back(view)
  end
  visited.unload(view)
  require("kage.diff.picks.operator").forget(view)
  vim.o.scrollopt = view.scrollopt
end

return M
