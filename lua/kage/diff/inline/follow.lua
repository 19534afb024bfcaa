--- What the inline layout listens to: typing, windows, candidates; and when its keys are there.
local keys = require("kage.diff.inline.keys")
local maps = require("kage.diff.maps")
local sheet = require("kage.diff.inline.sheet")
local visited = require("kage.diff.visited")

local M = {}

-- Typing is followed after this many milliseconds of rest.
local REST = 50

-- Options that what is drawn depends on.
local SHAPING = { wrap = true, tabstop = true, number = true, relativenumber = true, signcolumn = true }

-- Those that make sense beside a file that no agent changed.
local ELSEWHERE = { next_file = true, previous_file = true, close = true, help = true }

--- Put our keys into yours while its window is the current one.
---@param session kage.InlineSession
function M.take_keys(session)
  maps.give_back(session)
  if session.closed or vim.api.nvim_get_current_win() ~= session.window then
    return
  end
  local wanted = session:is_here() and keys
    or vim.tbl_filter(function(key)
      return ELSEWHERE[key.action] ~= nil
    end, keys)
  local buffer = vim.api.nvim_win_get_buf(session.window)
  session.keys = { buffer = buffer, saved = maps.install(buffer, wanted, session) }
end

--- Draw again once nothing has happened for a moment.
---@param session kage.InlineSession
local function soon(session)
  session.timer:stop()
  session.timer:start(
    REST,
    0,
    vim.schedule_wrap(function()
      session:refresh()
    end)
  )
end

--- Follow what happens to the text of yours.
---@param session kage.InlineSession
---@param buffer integer
function M.attach(session, buffer)
  local function changed()
    if session.closed or session.buffer ~= buffer then
      return true
    end
    soon(session)
  end
  local function unloaded()
    vim.schedule(function()
      if session.closed or session.buffer ~= buffer then
        return
      elseif not vim.api.nvim_buf_is_loaded(buffer) then
        return session:leave()
      end
      -- It was read anew, by `:edit` or because it changed on disk, and Neovim let go of those who follow it.
      M.attach(session, buffer)
      session:refresh()
    end)
  end
  vim.api.nvim_buf_attach(buffer, false, { on_lines = changed, on_reload = changed, on_detach = unloaded })
end

--- The window shows another file: that one, if an agent changed it; otherwise nothing, until it comes back.
---@param session kage.InlineSession
---@param buffer integer
function M.turn(session, buffer)
  local relative = visited.relative(session.root, buffer)
  session:leave()
  -- An answer that is under way would bring its file over the user's.
  session.serial = session.serial + 1
  if session:file(relative) then
    session:show(relative, true)
  else
    session:stand_beside()
  end
end

---@param session kage.InlineSession
---@return table<string, string>? commits by number of the candidate; nil while Kage looks at another repository
local function commits(session)
  local run = require("kage.state").run(session.run)
  if not run then
    return nil
  end
  local found = {}
  for _, candidate in ipairs(run.candidates or {}) do
    found[tostring(candidate.number)] = candidate.commit
  end
  return found
end

--- The window was scrolled to the first line, above which there may be lines of agents.
---@param session kage.InlineSession
local function scrolled(session)
  local moved = vim.v.event[tostring(session.window)]
  if moved and moved.topline < 0 and session:is_here() then
    sheet.show_top(session.canvas)
  end
end

---@param session kage.InlineSession
---@param event string|string[]
---@param action fun(event: table)
---@param pattern? string
local function on(session, event, action, pattern)
  vim.api.nvim_create_autocmd(event, {
    group = session.group,
    pattern = pattern,
    callback = function(given)
      if not session.closed then
        action(given)
      end
    end,
  })
end

--- Its window is entered and left, shows another buffer, closes, changes.
---@param session kage.InlineSession
local function follow_window(session)
  on(session, { "WinEnter", "BufEnter" }, function()
    M.take_keys(session)
  end)
  on(session, { "WinLeave", "BufLeave" }, function()
    maps.give_back(session)
  end)
  on(session, "BufWinEnter", function(event)
    local here = vim.api.nvim_get_current_win() == session.window
    if here and not session.entering and event.buf ~= session.buffer then
      M.turn(session, event.buf)
    end
  end)
  on(session, "WinClosed", function(event)
    if tonumber(event.match) == session.window then
      session:close()
    end
  end)
  on(session, { "WinResized", "OptionSet" }, function(event)
    if event.event == "WinResized" or SHAPING[event.match] then
      soon(session)
    end
  end)
  on(session, "WinScrolled", function()
    scrolled(session)
  end)
end

--- Begin to listen.
---@param session kage.InlineSession
function M.begin(session)
  session.group = vim.api.nvim_create_augroup("kage.inline." .. session.window, {})
  session.timer = assert(vim.uv.new_timer())
  session.commits = commits(session)
  follow_window(session)
  on(session, { "BufWritePost", "FileChangedShellPost" }, function(event)
    if event.buf == session.buffer then
      session:refresh()
    end
  end)
  on(session, "User", function()
    local now = commits(session)
    if now and not vim.deep_equal(now, session.commits) then
      session.commits = now
      session:reload()
    end
  end, "KageUpdate")
end

--- Stop listening.
---@param session kage.InlineSession
function M.finish(session)
  session.timer:stop()
  session.timer:close()
  vim.api.nvim_del_augroup_by_id(session.group)
end

return M
