--- What the diff's tab listens to: the text of yours, tabs and windows, the run.
local closing = require("kage.diff.closing")
local layout = require("kage.diff.layout")
local linematch = require("kage.diff.linematch")
local live = require("kage.diff.live")
local maps = require("kage.diff.maps")
local marks = require("kage.diff.places.marks")
local title = require("kage.diff.places.title")
local titles = require("kage.diff.titles")
local visited = require("kage.diff.visited")
local yours = require("kage.diff.yours")

local M = {}

-- Typing is followed after this many milliseconds of rest.
local REST = 50

--- Show the text of yours as it is now; later, while another tab is the current one.
---@param view kage.DiffView
local function catch_up(view)
  if view.closed then
    return
  elseif vim.api.nvim_get_current_tabpage() ~= view.tab then
    view.stale = true
  elseif not view:is_current() then
    view:refresh()
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
        catch_up(view)
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
        return catch_up(view)
      end
      -- Without 'hidden', a buffer is unloaded when its window shows another; it stays in the list then.
      if not (view.away and vim.api.nvim_buf_is_valid(buffer) and vim.bo[buffer].buflisted) then
        closing.close(view)
      end
    end)
  end
  vim.api.nvim_buf_attach(buffer, false, { on_lines = changed, on_reload = changed, on_detach = unloaded })
end

--- The user brought another file into the window of yours: compare that one if an agent changed it.
---@param view kage.DiffView
---@param buffer integer
local function other_file(view, buffer)
  local relative = visited.relative(view.root, buffer)
  if view:file(relative) then
    view:show(relative, true)
  else
    yours.leave(view)
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
    yours.leave(view)
    vim.schedule(function()
      closing.close(view)
    end)
  elseif window == view.panel.window then
    view.panel.window, view.panel.hidden = nil, "user"
  end
  for index, column in ipairs(view.columns) do
    if column.window == window then
      table.remove(view.columns, index)
      view.most = #view.columns
      vim.schedule(function()
        closing.wipe(column.buffer)
        linematch.suit(view)
        if #view.columns == 0 then
          closing.close(view)
        end
      end)
      return
    end
  end
end

---@param view kage.DiffView
---@return boolean
local function is_here(view)
  return not view.closed and vim.api.nvim_get_current_tabpage() == view.tab
end

---@param view kage.DiffView
---@param event string|string[]
---@param action fun(event: table)
---@param pattern? string
local function on(view, event, action, pattern)
  vim.api.nvim_create_autocmd(event, { group = view.group, pattern = pattern, callback = action })
end

--- The tab is left for another one, and come back to.
---@param view kage.DiffView
local function follow_tab(view)
  on(view, "TabLeave", function()
    if is_here(view) then
      maps.give_back(view)
      linematch.put_back(view)
    end
  end)
  on(view, "TabEnter", function()
    if not view.landed and not vim.api.nvim_tabpage_is_valid(view.tab) then
      view.landed = vim.api.nvim_get_current_win()
    end
    if not require("kage.diff").here() then
      clean_tab(view)
    end
    if is_here(view) and vim.api.nvim_win_is_valid(view.yours) then
      yours.take_keys(view)
      linematch.suit(view)
      if view.stale then
        view:refresh()
      end
    end
  end)
end

--- Its windows are entered, show another buffer, close.
---@param view kage.DiffView
local function follow_windows(view)
  on(view, "BufWinEnter", function(event)
    local window = vim.api.nvim_get_current_win()
    local is_other = view.away or (view.content and view.content.buffer ~= event.buf)
    if window == view.yours and not view.entering and is_other then
      other_file(view, event.buf)
    end
  end)
  on(view, "WinEnter", function()
    local window = vim.api.nvim_get_current_win()
    if window == view.yours then
      -- Plugins that set maps of the buffer do so at their leisure, over ours.
      yours.take_keys(view)
    end
    for _, column in ipairs(view.columns) do
      if column.window == window then
        view.focus = column.agent
      end
    end
  end)
  on(view, "WinClosed", function(event)
    if not view.closed then
      window_closed(view, tonumber(event.match))
    end
  end)
end

--- There is more room or less.
---@param view kage.DiffView
local function follow_sizes(view)
  on(view, "VimResized", function()
    if not view.closed then
      view:resize()
    end
  end)
  on(view, "WinResized", function()
    -- Names and titles are as long as there is room for them.
    if is_here(view) and view.spots and vim.api.nvim_win_is_valid(view.yours) and view:prune() then
      view:retitle()
      marks.draw(view)
    end
  end)
end

--- Begin to listen.
---@param view kage.DiffView
function M.begin(view)
  view.group = vim.api.nvim_create_augroup("kage.diff." .. view.tab, {})
  view.timer = assert(vim.uv.new_timer())
  live.note(view)
  linematch.suit(view)
  follow_tab(view)
  follow_windows(view)
  follow_sizes(view)
  on(view, "CursorMoved", function()
    if is_here(view) then
      title.draw(view)
    end
  end)
  on(view, "User", function()
    if not view.closed then
      live.updated(view)
    end
  end, "KageUpdate")
  on(view, { "BufWritePost", "FileChangedShellPost", "FocusGained", "CursorHold" }, function()
    if is_here(view) then
      view:retitle()
    end
  end)
end

return M
