--- How the diff's tab lives beside the user's windows: what it listens to, and what it puts back when it goes.
local layout = require("kage.diff.layout")
local linematch = require("kage.diff.linematch")
local live = require("kage.diff.live")
local maps = require("kage.diff.maps")
local marks = require("kage.diff.places.marks")
local title = require("kage.diff.places.title")
local titles = require("kage.diff.titles")
local visited = require("kage.diff.visited")

local M = {}

-- Typing is followed after this many milliseconds of rest.
local REST = 50

---@param buffer integer?
function M.wipe(buffer)
  if buffer and vim.api.nvim_buf_is_valid(buffer) then
    vim.api.nvim_buf_delete(buffer, { force = true })
  end
end

--- Put our keys into yours while the tab is the current one.
---@param view kage.DiffView
function M.take_keys(view)
  M.give_keys(view)
  if view.away or not vim.api.nvim_win_is_valid(view.yours) then
    return
  end
  local buffer = vim.api.nvim_win_get_buf(view.yours)
  view.keys = { buffer = buffer, saved = maps.install(buffer, "yours", view) }
end

---@param view kage.DiffView
function M.give_keys(view)
  if view.keys then
    maps.remove(view.keys.buffer, view.keys.saved)
    view.keys = nil
  end
end

--- Follow what happens to the text of yours.
---@param view kage.DiffView
---@param buffer integer
function M.attach(view, buffer)
  local function gone()
    return view.closed or not view.content or view.content.buffer ~= buffer
  end
  local function changed()
    if gone() then
      return true
    end
    view.timer:stop()
    view.timer:start(
      REST,
      0,
      vim.schedule_wrap(function()
        M.catch_up(view)
      end)
    )
  end
  local function unloaded()
    vim.schedule(function()
      if gone() then
        return
      elseif vim.api.nvim_buf_is_valid(buffer) and vim.api.nvim_buf_is_loaded(buffer) then
        -- It was read anew, by `:edit` or because it changed on disk, and Neovim let go of those who follow it.
        M.attach(view, buffer)
        return M.catch_up(view)
      end
      -- Without 'hidden', a buffer is unloaded when its window shows another; it stays in the list then.
      if not (view.away and vim.api.nvim_buf_is_valid(buffer) and vim.bo[buffer].buflisted) then
        M.close(view)
      end
    end)
  end
  vim.api.nvim_buf_attach(buffer, false, { on_lines = changed, on_reload = changed, on_detach = unloaded })
end

--- Show the text of yours as it is now; later, while another tab is the current one.
---@param view kage.DiffView
function M.catch_up(view)
  if view.closed then
    return
  elseif vim.api.nvim_get_current_tabpage() ~= view.tab then
    view.stale = true
  elseif not view:is_current() then
    view:refresh()
  end
end

--- Take yours out of the comparison before its window shows another file or closes: Neovim remembers the options
--- of a window for the buffer in it.
---@param view kage.DiffView
function M.leave(view)
  M.give_keys(view)
  visited.hand_over(view)
  if not view.away and vim.api.nvim_win_is_valid(view.yours) then
    layout.diff_off(view.yours)
    layout.set(view.yours, "winbar", view.winbar)
  end
end

--- The user brought another file into the window of yours: compare that one if an agent changed it.
---@param view kage.DiffView
---@param buffer integer
local function other_file(view, buffer)
  local name = vim.api.nvim_buf_get_name(buffer)
  local path = vim.uv.fs_realpath(name) or name
  local relative = vim.startswith(path, view.root .. "/") and path:sub(#view.root + 2) or ""
  if view:file(relative) then
    view:show(relative, true)
  else
    M.leave(view)
    -- An answer that is under way would bring its file over the user's.
    view.away, view.serial = true, view.serial + 1
  end
end

--- `<C-w>T` made a tab of a split of yours: it takes options along that are ours.
---@param view kage.DiffView
local function clean_tab(view)
  for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    if vim.wo[window].diff and titles.is_yours(vim.wo[window].winbar) then
      layout.diff_off(window)
      layout.set(window, "winbar", view.winbar)
    end
  end
end

---@param view kage.DiffView
---@param window integer that closes
local function window_closed(view, window)
  if window == view.yours then
    M.leave(view)
    vim.schedule(function()
      M.close(view)
    end)
  elseif window == view.panel.window then
    view.panel.window, view.panel.hidden = nil, "user"
  end
  for index, column in ipairs(view.columns) do
    if column.window == window then
      table.remove(view.columns, index)
      view.most = #view.columns
      vim.schedule(function()
        M.wipe(column.buffer)
        linematch.suit(view)
        if #view.columns == 0 then
          M.close(view)
        end
      end)
      return
    end
  end
end

--- Begin to listen.
---@param view kage.DiffView
function M.follow(view)
  view.group = vim.api.nvim_create_augroup("kage.diff." .. view.tab, {})
  view.timer = assert(vim.uv.new_timer())
  live.note(view)
  linematch.suit(view)
  local function on(event, pattern, action)
    vim.api.nvim_create_autocmd(event, { group = view.group, pattern = pattern, callback = action })
  end
  local function here()
    return not view.closed and vim.api.nvim_get_current_tabpage() == view.tab
  end
  on("TabLeave", nil, function()
    if here() then
      M.give_keys(view)
      linematch.put_back(view)
    end
  end)
  on("TabEnter", nil, function()
    if not require("kage.diff").here() then
      clean_tab(view)
    end
    if here() and vim.api.nvim_win_is_valid(view.yours) then
      M.take_keys(view)
      linematch.suit(view)
      if view.stale then
        view:refresh()
      end
    end
  end)
  on("BufWinEnter", nil, function(event)
    local window = vim.api.nvim_get_current_win()
    local is_other = view.away or (view.content and view.content.buffer ~= event.buf)
    if window == view.yours and not view.entering and is_other then
      other_file(view, event.buf)
    end
  end)
  on("WinEnter", nil, function()
    local window = vim.api.nvim_get_current_win()
    if window == view.yours then
      -- Plugins that set maps of the buffer do so at their leisure, over ours.
      M.take_keys(view)
    end
    for _, column in ipairs(view.columns) do
      if column.window == window then
        view.focus = column.agent
      end
    end
  end)
  on("CursorMoved", nil, function()
    if here() then
      title.draw(view)
    end
  end)
  on("WinClosed", nil, function(event)
    if not view.closed then
      window_closed(view, tonumber(event.match))
    end
  end)
  on("VimResized", nil, function()
    if not view.closed then
      view:resize()
    end
  end)
  on("WinResized", nil, function()
    -- Names and titles are as long as there is room for them.
    if here() and view.spots and vim.api.nvim_win_is_valid(view.yours) and view:prune() then
      view:retitle()
      marks.draw(view)
    end
  end)
  on("User", "KageUpdate", function()
    if not view.closed then
      live.updated(view)
    end
  end)
  on({ "BufWritePost", "FileChangedShellPost", "FocusGained", "CursorHold" }, nil, function()
    if here() then
      view:retitle()
    end
  end)
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
  M.leave(view)
  linematch.put_back(view)
  view.closed = true
  live.look_away(view)
  view.timer:stop()
  view.timer:close()
  vim.api.nvim_del_augroup_by_id(view.group)
  local mine = { view.panel.buffer }
  local was_here = not vim.api.nvim_tabpage_is_valid(view.tab)
    or vim.api.nvim_get_current_tabpage() == view.tab
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
