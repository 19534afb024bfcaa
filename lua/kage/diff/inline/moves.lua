--- What the other keys of the inline layout do: turn versions, agents and files, walk, comment. Methods of the session.
local notify = require("kage.notify")
local sheet = require("kage.diff.inline.sheet")
local stops = require("kage.diff.inline.stops")

local M = {}

--- What a key would do without us.
---@param session kage.InlineSession
---@param lhs string
local function fall_through(session, lhs)
  local user ---@type table?
  for _, saved in ipairs(session.keys and session.keys.saved or {}) do
    user = saved.lhs == lhs and saved.map or user
  end
  for _, map in ipairs(user and {} or vim.api.nvim_get_keymap("n")) do
    user = map.lhs == lhs and map or user
  end
  local count = vim.v.count > 0 and tostring(vim.v.count) or ""
  if user and user.callback then
    local keys = user.callback()
    if user.expr == 1 and type(keys) == "string" then
      vim.api.nvim_feedkeys(vim.keycode(keys), "n", false)
    end
  elseif user and user.rhs and user.expr ~= 1 then
    vim.api.nvim_feedkeys(count .. vim.keycode(user.rhs), user.noremap == 1 and "n" or "m", false)
  else
    vim.api.nvim_feedkeys(count .. vim.keycode(lhs), "n", false)
  end
end

---@param session kage.InlineSession
---@param step integer
---@param lhs string
local function turn(session, step, lhs)
  session:catch_up()
  local stop = stops.at(session.stops, vim.fn.line("."))
  if not stop then
    return fall_through(session, lhs)
  elseif #stop.versions == 1 then
    return notify.info("there is one version of this place")
  end
  local index = session:shown(stop).index
  local version = stop.versions[(index - 1 + step * vim.v.count1) % #stop.versions + 1]
  session.chosen[session:key(stop)] = version.agents[1]
  session:refresh()
  if stop.y0 == 1 then
    sheet.show_top(session.canvas)
  end
end

function M:next_version()
  turn(self, 1, "<Tab>")
end

function M:previous_version()
  turn(self, -1, "<S-Tab>")
end

--- Show an agent's versions wherever it has one.
---@param session kage.InlineSession
---@param step integer
local function turn_agent(session, step)
  session:catch_up()
  local file = session:file(session.path)
  local changers = file and session:changers(file) or {}
  local wanted, at = vim.v.count, 0
  for index, agent in ipairs(changers) do
    if agent == (wanted > 0 and wanted or session.preferred) then
      at = index
    end
  end
  if wanted > 0 and at == 0 then
    return notify.info(("agent %d does not change this file"):format(wanted))
  elseif wanted == 0 then
    at = at == 0 and (step > 0 and 1 or #changers) or (at - 1 + step) % #changers + 1
  end
  session.preferred, session.chosen = changers[at], {}
  session:refresh()
  notify.info(("agent %d first, wherever it has a version"):format(session.preferred))
end

function M:next_agent()
  turn_agent(self, 1)
end

function M:previous_agent()
  turn_agent(self, -1)
end

--- Put the cursor at a place.
---@param stop kage.Stop?
function M:go_to(stop)
  if not stop then
    return
  end
  local last = vim.api.nvim_buf_line_count(self.buffer)
  vim.api.nvim_win_set_cursor(self.window, { math.min(stop.y0, last), 0 })
  vim.api.nvim_win_call(self.window, function()
    vim.cmd("normal! zv")
    -- What was just gone to is to be seen with the lines below it.
    if vim.fn.winline() > vim.api.nvim_win_get_height(self.window) / 2 then
      vim.cmd("normal! zz")
    end
  end)
  if stop.y0 == 1 then
    sheet.show_top(self.canvas)
  end
end

---@param session kage.InlineSession
---@param step 1|-1
---@param wanted fun(stop: kage.Stop): boolean
---@param what string
local function walk(session, step, wanted, what)
  if not session:is_here() then
    return
  end
  session:catch_up()
  local last, line = vim.api.nvim_buf_line_count(session.buffer), vim.fn.line(".")
  local left, found = vim.v.count1, nil
  for index = step > 0 and 1 or #session.stops, step > 0 and #session.stops or 1, step do
    local stop = session.stops[index]
    local at = math.min(stop.y0, last)
    if wanted(stop) and (at - line) * step > 0 and left > 0 then
      found, line, left = stop, at, left - 1
    end
  end
  if found then
    vim.cmd("normal! m'")
    session:go_to(found)
  else
    notify.info(("no %s %s here; ]f shows the next file"):format(step > 0 and "further" or "earlier", what))
  end
end

local function any()
  return true
end

---@param stop kage.Stop
local function is_choice(stop)
  return #stop.versions > 1
end

function M:next_change()
  walk(self, 1, any, "change")
end

function M:previous_change()
  walk(self, -1, any, "change")
end

function M:next_choice()
  walk(self, 1, is_choice, "choice")
end

function M:previous_choice()
  walk(self, -1, is_choice, "choice")
end

---@param session kage.InlineSession
---@param step integer
local function turn_file(session, step)
  local at = 0
  for index, file in ipairs(session.files) do
    at = file.path == session.path and index or at
  end
  at = at == 0 and step < 0 and 1 or at
  local next_file = session.files[(at - 1 + step * vim.v.count1) % #session.files + 1]
  if next_file and next_file.path ~= session.path then
    session:show(next_file.path)
  else
    notify.info("no other file was changed that is a text")
  end
end

function M:next_file()
  turn_file(self, 1)
end

function M:previous_file()
  turn_file(self, -1)
end

--- The agent whose version is shown at a line.
---@param line integer
---@return integer?
function M:agent_at(line)
  self:catch_up()
  local stop = stops.at(self.stops, line)
  return stop and self:shown(stop).version.agents[1] or self.preferred
end

---@param mode string
function M.comment(_, mode)
  require("kage.comments").key(mode)
end

function M.help()
  local listed = vim.tbl_filter(function(key)
    -- The help of every layout names it.
    return key.action ~= "next_change"
  end, require("kage.diff.inline.keys"))
  require("kage.diff.moves").help({ keys_in_help = listed })
end

return M
