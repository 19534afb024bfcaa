--- What the keys of the inline layout do: methods of the session. Each gets the mode that its key was typed in.
local apply = require("kage.diff.apply")
local choices = require("kage.diff.choices")
local merge = require("kage.diff.merge")
local notify = require("kage.notify")
local operator = require("kage.diff.operator")
local picks = require("kage.diff.picks")
local sheet = require("kage.diff.inline.sheet")
local stops = require("kage.diff.inline.stops")
local take = require("kage.diff.take")
local whole = require("kage.diff.whole")

local M = {}

--- Can something be taken into yours? Says why not.
---@param session kage.InlineSession
---@return boolean
local function can_take(session)
  if not session:is_here() then
    notify.error({ message = "no file that agents changed is shown here", fix = "]f shows one." })
    return false
  end
  local why, fix = apply.refusal(session.buffer)
  if why then
    local name = vim.fn.strtrans(session.path)
    notify.error({ message = ("nothing is taken into %s: %s"):format(name, why), fix = fix })
  end
  return not why
end

--- Put picks into yours, in one undo step.
---@param session kage.InlineSession
---@param yours string[]
---@param taken kage.Pick[]
---@param agent integer whose file gives a new one its format
local function put(session, yours, taken, agent)
  table.sort(taken, function(one, other)
    return one.y0 < other.y0 or (one.y0 == other.y0 and one.y1 < other.y1)
  end)
  -- Of what meets in yours, the first: the others are left to be taken next.
  local disjoint, past = {}, 1
  for _, pick in ipairs(taken) do
    if pick.y0 >= past then
      disjoint[#disjoint + 1], past = pick, pick.y1
    end
  end
  local format = apply.format_of_new(session.buffer, yours, session.content.versions[agent].format)
  apply.set_document(session.buffer, merge.take(yours, disjoint), format)
  session:refresh()
end

--- The version of a place that an agent made, or with 0 the one that is shown.
---@param session kage.InlineSession
---@param stop kage.Stop
---@param agent integer
---@return kage.StopVersion?
local function version_of(session, stop, agent)
  if agent == 0 then
    return session:shown(stop).version
  end
  for _, version in ipairs(stop.versions) do
    if vim.tbl_contains(version.agents, agent) then
      return version
    end
  end
end

--- The place of a stop; nil where kaged's places are not known, or the user's edits made one stop of several.
---@param session kage.InlineSession
---@param stop kage.Stop
---@return kage.Spot?
local function spot_of(session, stop)
  local found
  for _, spot in ipairs(session.spots or {}) do
    if choices.overlap(stop.c0, stop.c1, spot.place.first, spot.place.past) then
      if found then
        return nil
      end
      found = spot
    end
  end
  return found
end

--- The picks of an agent's at a place: its own, also where another's text stands for all who agree.
---@param session kage.InlineSession
---@param stop kage.Stop
---@param agent integer
---@param yours string[]
---@return kage.Pick[]
local function own_picks(session, stop, agent, yours)
  local spot = spot_of(session, stop)
  if spot then
    return take.picks(session.content, spot, agent, session.merges[agent], yours)
  end
  return vim.tbl_filter(function(pick)
    return pick.c0 >= stop.c0 and pick.c1 <= stop.c1 and pick.y0 >= stop.y0 and pick.y1 <= stop.y1
  end, session.merges[agent].picks)
end

--- Another version in the stead of the one that was taken.
---@param session kage.InlineSession
---@param yours string[]
---@param line integer
---@param agent integer
---@return kage.Pick[]?
local function decided_at(session, yours, line, agent)
  local spot = choices.at(session.spots or {}, line)
  local taken = spot
    and session.merges[agent]
    and take.picks(session.content, spot, agent, session.merges[agent], yours)
  return taken and #taken > 0 and taken or nil
end

--- Nothing stands at the line: then what is meant is what can only be taken whole, if there is any.
---@param session kage.InlineSession
---@param agent integer 0 = any
local function take_whole(session, agent)
  for _, note in ipairs(session:notes()) do
    local merged = session.merges[note[1]]
    if (agent == 0 or note[1] == agent) and not (merged and #merged.picks > 0) then
      return whole.take(session, note[1], session.path)
    end
  end
  if agent > 0 then
    return notify.info(("no change of agent %d here; ]c goes to the next"):format(agent))
  end
  notify.info(
    #session.stops > 0 and "no change here; ]c goes to the next" or "all is taken; ]f shows the next file"
  )
end

--- Take what the lines of a range mean; for `operator`.
---@param range kage.LineRange
function M:take_range(range)
  if not can_take(self) then
    return
  end
  local yours, agent = self:compute(), range.count
  local taken, of = {}, nil
  if not range.visual then
    local stop = stops.at(self.stops, range.first)
    local version = stop and version_of(self, stop, agent)
    local decided = not stop and agent > 0 and decided_at(self, yours, range.first, agent)
    if decided then
      return put(self, yours, decided, agent)
    elseif not version then
      return take_whole(self, agent)
    end
    of = agent > 0 and agent or version.agents[1]
    taken = own_picks(self, stop, of, yours)
  else
    for _, stop in ipairs(self.stops) do
      local version = version_of(self, stop, agent)
      if version then
        local one = agent > 0 and agent or version.agents[1]
        local merged = { picks = own_picks(self, stop, one, yours) }
        local parts = picks.within(merged, yours, "yours", range.first, range.last)
        vim.list_extend(taken, parts)
        of = #parts > 0 and one or of
      end
    end
  end
  if #taken == 0 then
    return notify.info("no change here; ]c goes to the next")
  end
  put(self, yours, taken, of)
end

---@param mode string
function M:take(mode)
  operator.act(self, mode, "take_range")
end

--- Take what is shown at every place, or all that the agent of a number typed made.
function M:take_all()
  if not can_take(self) then
    return
  end
  local yours, taken, agent, of = self:compute(), {}, vim.v.count, nil
  for _, stop in ipairs(self.stops) do
    local version = version_of(self, stop, agent)
    if version then
      of = agent > 0 and agent or version.agents[1]
      vim.list_extend(taken, own_picks(self, stop, of, yours))
    end
  end
  if of then
    put(self, yours, taken, of)
  else
    take_whole(self, agent)
  end
end

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
