--- An agent's changes merged onto your text, as picks. Pure.
---
---     base    a b c d e           the agent's hunks and yours are both measured against the base;
---     yours   a B c d e f         where they lie apart, the agent's is a pick at its place in yours
---     agent   a b c D e           that leaves B and f alone; where they meet, the two texts are compared
---     merged  a B c D e f         line by line, and only what both of you changed is a conflict.
local clusters = require("kage.diff.picks.clusters")
local hunks = require("kage.diff.text.hunks")
local taken = require("kage.diff.picks.taken")

local M = {}

---@class kage.Pick one change of an agent that yours does not have: what to put in place of which of your lines
---@field conflict boolean you changed these lines too, and taking the pick replaces your version
---@field y0 integer lines `[y0, y1)` of yours are replaced …
---@field y1 integer equal to y0 for an insertion in front of line y0
---@field lines string[] … by these, which are
---@field m0 integer lines `[m0, m1)` of the merged text
---@field m1 integer
---@field b0 integer lines `[b0, b1)` of the agent's own text
---@field b1 integer
---@field c0 integer base lines `[c0, c1)`: those of the agent's hunks that it stands for
---@field c1 integer

---@class kage.Merge
---@field lines string[] yours with every pick taken
---@field picks kage.Pick[] from top to bottom; their ranges are disjoint

--- Did this side do something between these lines: is one of them new, or did it touch a base line that the other
--- side still has, or replaced?
---@param side kage.Region
---@param s0 integer
---@param s1 integer
---@param other kage.Region
---@param o0 integer
---@param o1 integer
---@param agreed table<integer, true> base lines for which both brought the same line
---@return boolean
local function changed(side, s0, s1, other, o0, o1, agreed)
  for index = s0, s1 - 1 do
    if side.new[index] then
      return true
    end
  end
  for index = o0, o1 - 1 do
    local base = other.base[index]
    if base and not side.kept[base] and not agreed[base] then
      return true
    end
  end
  return false
end

--- The new lines that the two sides have in common.
---@param yours kage.Region
---@param agent kage.Region
---@param differences kage.Hunk[]
---@return table<integer, true> agreed base lines that they replace
---@return boolean any
local function common(yours, agent, differences)
  local agreed, any, blank = {}, false, true
  for index in pairs(agent.new) do
    blank = blank and not agent.lines[index]:find("%S")
  end
  local at, shift, next_one = 1, 0, 1
  while at <= #yours.lines do
    local hunk = differences[next_one]
    if hunk and hunk.a0 == at then
      at, shift, next_one = hunk.a1, hunk.b1 - hunk.a1, next_one + 1
    else
      if yours.new[at] and agent.new[at + shift] then
        agreed[yours.base[at] or 0], agreed[agent.base[at + shift] or 0] = true, true
        -- A blank line in common proves nothing, unless it is all that the agent brings.
        any = any or blank or yours.lines[at]:find("%S") ~= nil
      end
      at = at + 1
    end
  end
  return agreed, any
end

--- The base lines of those of the agent's hunks that a difference between the two sides is part of.
---@param cluster kage.Cluster
---@param yours kage.Region
---@param agent kage.Region
---@param d kage.Hunk yours → the agent's
---@return integer c0, integer c1
local function stands_for(cluster, yours, agent, d)
  local lowest, highest = math.huge, 0
  for index = d.a0, d.a1 - 1 do
    local line = yours.base[index]
    if line then
      lowest, highest = math.min(lowest, line), math.max(highest, line + 1)
    end
  end
  local c0, c1
  for _, hunk in ipairs(cluster.agent) do
    local first, past = hunk.b0 - agent.first + 1, hunk.b1 - agent.first + 1
    if (first < d.b1 and d.b0 < past) or (hunk.a0 < highest and lowest < hunk.a1) then
      c0, c1 = c0 or hunk.a0, hunk.a1
    end
  end
  return c0 or cluster.agent[1].a0, c1 or cluster.agent[#cluster.agent].a1
end

--- The agent's hunks of a cluster in which each base line was changed by one side only: they fit beside yours.
---@param cluster kage.Cluster
---@param delta integer of yours in front of the cluster
---@param theirs string[] the agent's document
---@return kage.Pick[]
local function apart(cluster, delta, theirs)
  local picks, index = {}, 1
  for _, a in ipairs(cluster.agent) do
    while cluster.yours[index] and cluster.yours[index].a1 <= a.a0 do
      local y = cluster.yours[index]
      delta, index = delta + (y.b1 - y.b0) - (y.a1 - y.a0), index + 1
    end
    picks[#picks + 1] = {
      conflict = false,
      c0 = a.a0,
      c1 = a.a1,
      y0 = a.a0 + delta,
      y1 = a.a1 + delta,
      lines = hunks.slice(theirs, a.b0, a.b1),
      b0 = a.b0,
      b1 = a.b1,
    }
  end
  return picks
end

--- Picks of a cluster in which both sides did something.
---@param cluster kage.Cluster
---@param yours kage.Region
---@param agent kage.Region
---@return kage.Pick[]? nil: what they did lies apart
local function both(cluster, yours, agent)
  local picks = {}
  local differences = hunks.diff(yours.lines, agent.lines)
  local agreed, any = common(yours, agent, differences)
  if not any and not clusters.is_overlapping(cluster) then
    return nil
  end
  for _, d in ipairs(differences) do
    if changed(agent, d.b0, d.b1, yours, d.a0, d.a1, agreed) then
      local c0, c1 = stands_for(cluster, yours, agent, d)
      picks[#picks + 1] = {
        c0 = c0,
        c1 = c1,
        conflict = changed(yours, d.a0, d.a1, agent, d.b0, d.b1, agreed),
        y0 = yours.first + d.a0 - 1,
        y1 = yours.first + d.a1 - 1,
        lines = hunks.slice(agent.lines, d.b0, d.b1),
        b0 = agent.first + d.b0 - 1,
        b1 = agent.first + d.b1 - 1,
      }
    end
  end
  return picks
end

--- Picks of a cluster with hunks of the agent. Where yours is the base still, nothing needs to be compared.
---@param cluster kage.Cluster
---@param yours string[]
---@param yours_delta integer how far yours is shifted in front of the cluster
---@param agent string[]
---@param agent_delta integer
---@return kage.Pick[]
local function picks_of(cluster, yours, yours_delta, agent, agent_delta)
  local found
  if #cluster.yours > 0 then
    local mine = clusters.region(cluster, cluster.yours, yours_delta, yours)
    found = both(cluster, mine, clusters.region(cluster, cluster.agent, agent_delta, agent))
  end
  return found or apart(cluster, yours_delta, agent)
end

--- Only the last line of a document can lack its newline: an agent's last line that lands amid yours gets one.
---@param lines string[]
---@param keep_last boolean
---@return string[]
local function with_newlines(lines, keep_last)
  local past = #lines - (keep_last and 1 or 0)
  for index = 1, past do
    if lines[index]:byte(-1) == 10 then
      lines[index] = lines[index]:sub(1, -2)
    end
  end
  return lines
end

--- Yours with picks taken.
---@param yours string[]
---@param picks kage.Pick[] disjoint, from top to bottom; `m0` and `m1` are set
---@return string[]
function M.take(yours, picks)
  local merged, at = {}, 1
  for _, pick in ipairs(picks) do
    vim.list_extend(merged, yours, at, pick.y0 - 1)
    pick.m0 = #merged + 1
    vim.list_extend(merged, pick.lines)
    pick.m1 = #merged + 1
    at = pick.y1
  end
  vim.list_extend(merged, yours, at)
  return with_newlines(merged, true)
end

--- The agent's changes on top of yours.
---@param base string[]
---@param yours string[]
---@param agent string[]
---@param known? {yours: kage.Hunk[]?, agent: kage.Hunk[]?} differences from the base, where already computed
---@return kage.Merge
function M.merge(base, yours, agent, known)
  known = known or {}
  local of_agent = known.agent or hunks.diff(base, agent)
  local of_yours = known.yours or hunks.diff(base, yours)
  local picks, agent_delta, yours_delta = {}, 0, 0
  local is_held = taken.holds(of_agent, agent, of_yours, yours)
  for _, cluster in ipairs(clusters.of(of_agent, of_yours)) do
    if #cluster.agent > 0 then
      for _, pick in ipairs(picks_of(cluster, yours, yours_delta, agent, agent_delta)) do
        pick.lines = with_newlines(pick.lines, pick.y1 > #yours)
        local same = hunks.equal(pick.lines, hunks.slice(yours, pick.y0, pick.y1))
        if not same and not is_held(pick.c0, pick.c1) then
          picks[#picks + 1] = pick
        end
      end
    end
    agent_delta = agent_delta + clusters.growth(cluster.agent)
    yours_delta = yours_delta + clusters.growth(cluster.yours)
  end
  return { lines = M.take(yours, picks), picks = picks }
end

return M
