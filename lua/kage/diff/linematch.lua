--- 'diffopt' is one for all tabs. Its "linematch" pairs similar lines of two texts well; with three or more it tears
--- lines apart that stand beside each other otherwise. So it is set aside while such a tab is the current one.
local M = {}

---@class kage.SetAside
---@field view kage.DiffView for whose tab
---@field item string "linematch:40"
---@field before string the user's 'diffopt'
---@field without string

---@type kage.SetAside?
local aside

---@param view kage.DiffView
local function set_aside(view)
  for item in vim.o.diffopt:gmatch("[^,]+") do
    -- Once it is set aside, one that is there is the user's wish.
    if item:find("^linematch") and not aside then
      local before = vim.o.diffopt
      vim.opt.diffopt:remove(item)
      aside = { view = view, item = item, before = before, without = vim.o.diffopt }
    end
  end
end

--- Put it back; what the user set meanwhile stays.
---@param view kage.DiffView
function M.put_back(view)
  if not aside or aside.view ~= view then
    return
  elseif vim.o.diffopt == aside.without then
    vim.o.diffopt = aside.before
  elseif not vim.o.diffopt:find("linematch") then
    vim.opt.diffopt:append(aside.item)
  end
  aside = nil
end

--- As the windows of the current tab need it.
---@param view kage.DiffView
function M.suit(view)
  if view.closed or vim.api.nvim_get_current_tabpage() ~= view.tab then
    return
  elseif #view.columns > 1 then
    set_aside(view)
  else
    M.put_back(view)
  end
end

return M
