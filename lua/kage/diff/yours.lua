--- The window of yours in the diff's tab: its keys, and how it is left as it was.
local layout = require("kage.diff.layout")
local maps = require("kage.diff.maps")
local visited = require("kage.diff.visited")

local M = {}

--- Put our keys into yours while the tab is the current one.
---@param view kage.DiffView
function M.take_keys(view)
  maps.give_back(view)
  if view.away or not vim.api.nvim_win_is_valid(view.yours) then
    return
  end
  local buffer = vim.api.nvim_win_get_buf(view.yours)
  view.keys = { buffer = buffer, saved = maps.install(buffer, "yours", view) }
end

--- Take yours out of the comparison before its window shows another file or closes: Neovim remembers the options
--- of a window for the buffer in it.
---@param view kage.DiffView
function M.leave(view)
  maps.give_back(view)
  visited.hand_over(view)
  if not view.away and vim.api.nvim_win_is_valid(view.yours) then
    layout.diff_off(view.yours)
    layout.set(view.yours, "winbar", view.winbar)
  end
end

return M
