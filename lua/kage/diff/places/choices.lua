--- The places of a file, where agents agree or differ: which one is meant, and what taking a version of it makes of
--- yours. Pure; spots.lua says what became of each place in yours.
local hunks = require("kage.diff.text.hunks")
local merge = require("kage.diff.picks.merge")

local M = {}

---@class kage.PlaceVersion what agents who agree made of a place; its text is that of the first of them
---@field agents integer[]
---@field how "same"|"space"|"syntax"
---@field spans table<integer, integer[]> each agent's own lines `[b0, b1)`

---@class kage.Place base lines `[first, past)` that agents changed; first == past: an insertion in front of it
---@field first integer
---@field past integer
---@field versions kage.PlaceVersion[] most agents first

---@class kage.Spot a place as it is in yours
---@field place kage.Place
---@field kind "consensus"|"choice"|"lone"
---@field state "open"|"taken"|"edited"|"reset" reset: the user decided for the base
---@field version integer? index of the version that was taken
---@field y0 integer lines `[y0, y1)` of yours stand for the place; those of an edited one only roughly
---@field y1 integer
---@field number integer? how manieth choice of the file it is

--- Places as kaged sends them.
---@param sent table[]
---@return kage.Place[]
function M.read(sent)
  return vim.tbl_map(function(place)
    local versions = vim.tbl_map(function(version)
      local spans = {}
      for agent, span in pairs(version.spans) do
        spans[assert(tonumber(agent))] = span
      end
      return { agents = version.agents, how = version.how, spans = spans }
    end, place.versions)
    return { first = place.first, past = place.past, versions = versions }
  end, sent)
end

---@param place kage.Place
---@return "consensus"|"choice"|"lone"
function M.kind(place)
  if #place.versions > 1 then
    return "choice"
  end
  return #place.versions[1].agents > 1 and "consensus" or "lone"
end

--- The version of a place that an agent is part of.
---@param place kage.Place
---@param agent integer
---@return integer? index
function M.version_of(place, agent)
  for index, version in ipairs(place.versions) do
    if version.spans[agent] then
      return index
    end
  end
end

--- Do these ranges of the base share a line, or insert at the same one?
---@param a0 integer
---@param a1 integer
---@param b0 integer
---@param b1 integer
---@return boolean
function M.overlap(a0, a1, b0, b1)
  return (a0 < b1 and b0 < a1) or (a0 == a1 and b0 == b1 and a0 == b0)
end

--- The places that a line of yours may mean, the likeliest first: the one that it is part of, then empty ones, which
--- are drawn as filler above or below it; of those the one above counts first, since `]c` goes to the line below it.
---@param spots kage.Spot[]
---@param line integer
---@return kage.Spot[]
function M.all_at(spots, line)
  local inside, above, below = {}, {}, {}
  for _, spot in ipairs(spots) do
    local is_empty = spot.y0 == spot.y1
    local among = (spot.y0 <= line and line < spot.y1 and inside)
      or (is_empty and spot.y0 == line and above)
      or (is_empty and spot.y0 == line + 1 and below)
    if among then
      among[#among + 1] = spot
    end
  end
  return vim.list_extend(vim.list_extend(inside, above), below)
end

--- The place at a line of yours.
---@param spots kage.Spot[]
---@param line integer
---@return kage.Spot?
function M.at(spots, line)
  return M.all_at(spots, line)[1]
end

--- The place that a pick is part of.
---@param spots kage.Spot[]
---@param pick kage.Pick
---@return kage.Spot?
function M.of_pick(spots, pick)
  for _, spot in ipairs(spots) do
    if M.overlap(pick.c0, pick.c1, spot.place.first, spot.place.past) then
      return spot
    end
  end
end

--- Where a line of yours is in an agent's window.
---@param merged kage.Merge
---@param line integer
---@return integer
function M.to_merged(merged, line)
  local delta = 0
  for _, pick in ipairs(merged.picks) do
    if pick.y0 <= line and (line < pick.y1 or pick.y0 == pick.y1 and pick.y0 == line) then
      return pick.m0 + math.min(line - pick.y0, math.max(0, pick.m1 - pick.m0 - 1))
    elseif pick.y1 <= line then
      delta = pick.m1 - pick.y1
    end
  end
  return line + delta
end

--- The place at a line of an agent's window.
---@param spots kage.Spot[]
---@param merged kage.Merge
---@param line integer
---@return kage.Spot?
---@return integer line of yours
function M.at_merged(spots, merged, line)
  local delta, above = 0, nil
  for _, pick in ipairs(merged.picks) do
    if pick.m0 <= line and (line < pick.m1 or pick.m0 == pick.m1 and pick.m0 == line) then
      return M.of_pick(spots, pick), math.min(pick.y0 + line - pick.m0, math.max(pick.y0, pick.y1 - 1))
    elseif pick.m0 == pick.m1 and pick.m0 == line + 1 then
      above = pick
    elseif pick.m1 <= line then
      delta = pick.y1 - pick.m1
    end
  end
  local spot = M.at(spots, line + delta)
  return spot or (above and M.of_pick(spots, above)), line + delta
end

--- An agent's lines at a place.
---@param place kage.Place
---@param agent integer
---@param docs table<integer, string[]>
---@return string[]
function M.lines(place, agent, docs)
  local span = place.versions[assert(M.version_of(place, agent))].spans[agent]
  return hunks.slice(docs[agent] or {}, span[1], span[2])
end

---@class kage.Take
---@field spot kage.Spot neither edited nor reset
---@field agent integer whose version

--- Yours with versions put at places, in the stead of what stands there.
---@param yours string[]
---@param takes kage.Take[] from top to bottom
---@param docs table<integer, string[]>
---@return string[]
function M.take(yours, takes, docs)
  local picks = {}
  for index, take in ipairs(takes) do
    local spot = take.spot
    picks[index] = { y0 = spot.y0, y1 = spot.y1, lines = M.lines(spot.place, take.agent, docs) }
  end
  return merge.take(yours, picks)
end

--- How many agents made a version by themselves: what was put together of others' work is no further voice.
---@param version {agents: integer[]}
---@param voices integer[]
---@return integer
function M.count(version, voices)
  local count = 0
  for _, agent in ipairs(version.agents) do
    count = count + (vim.tbl_contains(voices, agent) and 1 or 0)
  end
  return count
end

--- Of which agent the version is that all agents compared made of a place, or more than half of them.
---@param place kage.Place
---@param voices integer[] the agents that count
---@param majority boolean
---@return integer? agent
function M.agreed(place, voices, majority)
  for _, version in ipairs(place.versions) do
    local count = M.count(version, voices)
    if count == #voices or (majority and 2 * count > #voices) then
      return version.agents[1]
    end
  end
end

--- The open choices.
---@param spots kage.Spot[]
---@return kage.Spot[]
function M.open(spots)
  return vim.tbl_filter(function(spot)
    return spot.kind == "choice" and spot.state == "open"
  end, spots)
end

--- "1 2 | 3": who made what, most agents first.
---@param place kage.Place
---@return string
function M.sides(place)
  local sides = {}
  for index, version in ipairs(place.versions) do
    sides[index] = table.concat(version.agents, " ")
  end
  return table.concat(sides, " | ")
end

return M
