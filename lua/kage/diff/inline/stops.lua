--- The places of a file at which something of the agents is left to take, each with its versions. Pure.
local choices = require("kage.diff.places.choices")
local hunks = require("kage.diff.text.hunks")

local M = {}

---@class kage.StopVersion what agents who agree make of a place
---@field agents integer[] the first one's text stands for all
---@field how string "same", "space" or "syntax"
---@field picks kage.Pick[] of the first agent

---@class kage.Stop
---@field c0 integer base lines `[c0, c1)`
---@field c1 integer
---@field y0 integer lines `[y0, y1)` of yours
---@field y1 integer
---@field versions kage.StopVersion[] most agents first, then the lowest number

--- Every agent's picks in the order of the base; of those that begin together insertions first.
---@param merges table<integer, kage.Merge>
---@return {agent: integer, pick: kage.Pick}[]
local function in_order(merges)
  local found = {}
  for agent, merge in pairs(merges) do
    for _, pick in ipairs(merge.picks) do
      found[#found + 1] = { agent = agent, pick = pick }
    end
  end
  table.sort(found, function(one, other)
    local a, b = one.pick, other.pick
    if a.c0 ~= b.c0 then
      return a.c0 < b.c0
    elseif a.c1 ~= b.c1 then
      return a.c1 < b.c1
    elseif one.agent ~= other.agent then
      return one.agent < other.agent
    end
    return a.y0 < b.y0
  end)
  return found
end

--- Do a pick and what was gathered before it touch the same base lines? Two insertions at one place do; an insertion
--- in front of a line that another agent changes does not.
---@param stop kage.Stop
---@param pick kage.Pick
---@return boolean
local function meet(stop, pick)
  return choices.overlap(stop.c0, stop.c1, pick.c0, pick.c1)
end

--- What yours would hold at a place with these picks taken.
---@param yours string[]
---@param stop kage.Stop
---@param picks kage.Pick[]
---@return string
local function result(yours, stop, picks)
  local lines, at = {}, stop.y0
  for _, pick in ipairs(picks) do
    vim.list_extend(lines, yours, at, pick.y0 - 1)
    vim.list_extend(lines, pick.lines)
    at = pick.y1
  end
  vim.list_extend(lines, hunks.slice(yours, at, stop.y1))
  return #lines .. ":" .. table.concat(lines, "\n")
end

--- Which version of an aligned place each agent is in.
---@param places kage.Place[]
---@param stop kage.Stop
---@return table<integer, {agents: integer[], how: string}>
local function aligned(places, stop)
  local found = {}
  for _, place in ipairs(places) do
    if place.first == stop.c0 and place.past == stop.c1 then
      for _, version in ipairs(place.versions) do
        for _, agent in ipairs(version.agents) do
          found[agent] = version
        end
      end
    end
  end
  return found
end

---@param stop kage.Stop
---@param picks table<integer, kage.Pick[]> by agent
---@param yours string[]
---@param places kage.Place[]
local function add_versions(stop, picks, yours, places)
  local known, by_key = aligned(places, stop), {}
  local numbers = vim.tbl_keys(picks)
  table.sort(numbers)
  for _, agent in ipairs(numbers) do
    local key = known[agent] or result(yours, stop, picks[agent])
    local version = by_key[key]
    if not version then
      version = { agents = {}, how = "same", picks = picks[agent] }
      by_key[key] = version
      table.insert(stop.versions, version)
    elseif known[agent] then
      version.how = known[agent].how
    end
    table.insert(version.agents, agent)
  end
  table.sort(stop.versions, function(one, other)
    if #one.agents ~= #other.agents then
      return #one.agents > #other.agents
    end
    return one.agents[1] < other.agents[1]
  end)
end

--- The stops of a file from top to bottom.
---@param merges table<integer, kage.Merge> by agent, all onto the same text
---@param yours string[]
---@param places kage.Place[]? where known: tells who agrees although the characters differ
---@return kage.Stop[]
function M.find(merges, yours, places)
  local stops, gathered = {}, {}
  for _, one in ipairs(in_order(merges)) do
    local pick, stop = one.pick, stops[#stops]
    if not (stop and meet(stop, pick)) then
      stop = { c0 = pick.c0, c1 = pick.c1, y0 = pick.y0, y1 = pick.y1, versions = {} }
      stops[#stops + 1], gathered[stop] = stop, {}
    end
    stop.c1 = math.max(stop.c1, pick.c1)
    stop.y0, stop.y1 = math.min(stop.y0, pick.y0), math.max(stop.y1, pick.y1)
    gathered[stop][one.agent] = gathered[stop][one.agent] or {}
    table.insert(gathered[stop][one.agent], pick)
  end
  for _, stop in ipairs(stops) do
    add_versions(stop, gathered[stop], yours, places or {})
  end
  return stops
end

--- Those that the user has not decided: where a version was taken, or the base, the others are no longer offered.
---@param stops kage.Stop[]
---@param spots kage.Spot[]? what became of each place; nil where that is not known
---@return kage.Stop[]
function M.open(stops, spots)
  return vim.tbl_filter(function(stop)
    local decided = false
    for _, spot in ipairs(spots or {}) do
      if choices.overlap(stop.c0, stop.c1, spot.place.first, spot.place.past) then
        if spot.state ~= "taken" and spot.state ~= "reset" then
          return true
        end
        decided = true
      end
    end
    return not decided
  end, stops)
end

---@param stop kage.Stop
---@param agent integer
---@return boolean
local function is_of(stop, agent)
  return vim.iter(stop.versions):any(function(version)
    return vim.tbl_contains(version.agents, agent)
  end)
end

--- The stop at a line of yours. As with picks, an insertion belongs to the line below it first. Where stops touch, it
--- is one of the agent's, if there is one.
---@param stops kage.Stop[]
---@param line integer
---@param agent? integer 0: any
---@return kage.Stop?
function M.at(stops, line, agent)
  local here, above, of_agent
  for _, stop in ipairs(stops) do
    local empty = stop.y0 == stop.y1
    local is_here = stop.y0 <= line and (line < stop.y1 or (empty and stop.y0 == line))
    local is_above = empty and stop.y0 == line + 1
    here, above = here or (is_here and stop or nil), above or (is_above and stop or nil)
    if (is_here or is_above) and not of_agent and is_of(stop, agent or 0) then
      of_agent = stop
    end
  end
  return of_agent or here or above
end

return M
