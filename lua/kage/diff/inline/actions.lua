--- What the keys of the inline layout take: methods of the session. Each gets the mode that its key was typed in.
local apply = require("kage.diff.picks.apply")
local choices = require("kage.diff.places.choices")
local notify = require("kage.notify")
local operator = require("kage.diff.picks.operator")
local picks = require("kage.diff.picks")
local shape = require("kage.diff.text.shape")
local stops = require("kage.diff.inline.stops")
local take = require("kage.diff.places.take")
local whole = require("kage.diff.picks.whole")

local M = {}

--- Can something be taken into yours? Says why not.
---@param session kage.InlineSession
---@return boolean
local function can_take(session)
  if not session:is_here() then
    notify.error({ message = "no file that agents changed is shown here", fix = "]f shows one." })
    return false
  end
  local why, fix = apply.refusal(session.buffer, vim.fs.joinpath(session.root, session.path))
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
---@param change? kage.ShapeChange what of its shape is taken along
local function put(session, yours, taken, agent, change)
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
  local why, fix = shape.refusal(session.buffer, yours, disjoint, change and change.options or format)
  if why then
    return notify.error({ message = ("nothing of agent %d is taken: %s"):format(agent, why), fix = fix })
  end
  session.content:take(yours, disjoint, format, change)
  session:refresh()
  require("kage.checks").picked(session.cwd)
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
---@param yours string[]
local function take_whole(session, agent, yours)
  for _, note in ipairs(session:notes()) do
    local merged = session.merges[note[1]]
    if (agent == 0 or note[1] == agent) and not (merged and #merged.picks > 0) then
      if note.change then
        return put(session, yours, {}, note[1], note.change)
      end
      return whole.take(session, note[1], note.path or session.path)
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
    local stop = stops.at(self.stops, range.first, agent)
    local version = stop and version_of(self, stop, agent)
    local decided = not stop and agent > 0 and decided_at(self, yours, range.first, agent)
    if decided then
      return put(self, yours, decided, agent)
    elseif not version then
      return take_whole(self, agent, yours)
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
    put(self, yours, taken, of, agent > 0 and shape.pending(self.content, agent) or nil)
  else
    take_whole(self, agent, yours)
  end
end

return M
