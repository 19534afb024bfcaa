--- Hunks of two sides that overlap or touch, taken together, and what each side made of the lines there. Pure.
local hunks = require("kage.diff.text.hunks")

local M = {}

---@class kage.Cluster hunks of both sides that overlap or touch, on base lines `[c0, c1)`
---@field c0 integer
---@field c1 integer
---@field agent kage.Hunk[]
---@field yours kage.Hunk[]

--- From top to bottom.
---@param agent kage.Hunk[]
---@param yours kage.Hunk[]
---@return kage.Cluster[]
function M.of(agent, yours)
  local found, last = {}, nil
  local i, j = 1, 1
  while agent[i] or yours[j] do
    local a, y = agent[i], yours[j]
    local mine = not a or (y and (y.a0 < a.a0 or (y.a0 == a.a0 and y.a1 < a.a1)))
    local hunk = mine and y or a
    if not last or hunk.a0 > last.c1 then
      last = { c0 = hunk.a0, c1 = hunk.a1, agent = {}, yours = {} }
      found[#found + 1] = last
    end
    last.c1 = math.max(last.c1, hunk.a1)
    table.insert(mine and last.yours or last.agent, hunk)
    i, j = mine and i or i + 1, mine and j + 1 or j
  end
  return found
end

--- Did both change the same base lines, or insert at the same place?
---@param cluster kage.Cluster
---@return boolean
function M.is_overlapping(cluster)
  for _, a in ipairs(cluster.agent) do
    for _, y in ipairs(cluster.yours) do
      local same_place = a.a0 == a.a1 and y.a0 == y.a1 and a.a0 == y.a0
      if same_place or (a.a0 < y.a1 and y.a0 < a.a1) then
        return true
      end
    end
  end
  return false
end

--- How much hunks of one side grow its text.
---@param own kage.Hunk[]
---@return integer
function M.growth(own)
  local sum = 0
  for _, hunk in ipairs(own) do
    sum = sum + (hunk.b1 - hunk.b0) - (hunk.a1 - hunk.a0)
  end
  return sum
end

---@class kage.Region one side of a cluster
---@field first integer its first line in its document
---@field lines string[]
---@field base table<integer, integer> index of a line here → the base line that it is or, if new, replaced
---@field new table<integer, true> index of each new line
---@field kept table<integer, true> the base lines that are still here

--- The lines of one side that stand for the cluster's base lines.
---@param cluster kage.Cluster
---@param own kage.Hunk[] the cluster's hunks of that side
---@param delta integer how far that side is shifted against the base in front of the cluster
---@param doc string[]
---@return kage.Region
function M.region(cluster, own, delta, doc)
  local found = { first = cluster.c0 + delta, lines = {}, base = {}, new = {}, kept = {} }
  found.lines = hunks.slice(doc, found.first, cluster.c1 + delta + M.growth(own))
  local next_hunk, at, base = 1, 1, cluster.c0
  while at <= #found.lines or base < cluster.c1 do
    local hunk = own[next_hunk]
    if hunk and hunk.a0 == base then
      for offset = 0, hunk.b1 - hunk.b0 - 1 do
        found.new[at + offset] = true
        found.base[at + offset] = hunk.a0 + offset < hunk.a1 and hunk.a0 + offset or nil
      end
      at, base, next_hunk = at + hunk.b1 - hunk.b0, hunk.a1, next_hunk + 1
    else
      found.base[at], found.kept[base] = base, true
      at, base = at + 1, base + 1
    end
  end
  return found
end

return M
