--- What became of the places of a file in yours. Pure.
---
---     base    a b c d e f     places   b: 1 and 2 made it B, 3 made it X   a choice
---     yours   a B c d e f              e: 1, 2 and 3 made it E             a consensus
---
--- Yours is read as the base with one of its versions at each place; here B is agent 1's and 2's, and e is open.
--- Where it was edited by hand too, the same is tried between the edits, and only the places that they touch are
--- looked for in what was written there.
local choices = require("kage.diff.places.choices")
local edited = require("kage.diff.places.edited")
local hunks = require("kage.diff.text.hunks")
local stretches = require("kage.diff.places.stretches")

--- What can stand at a place: the base's lines first, so that what can be read as untouched is.
---@param place kage.Place
---@param base string[]
---@param docs table<integer, string[]> by agent
---@return kage.Alternative[]
local function alternatives(place, base, docs)
  local before = hunks.slice(base, place.first, place.past)
  local found = { { lines = before } }
  for index, version in ipairs(place.versions) do
    for number, agent in ipairs(version.agents) do
      if docs[agent] and (number == 1 or version.how ~= "same") then
        local span = version.spans[agent]
        local lines = hunks.slice(docs[agent], span[1], span[2])
        -- Where the newline at the end was settled, a change of it alone is nothing that is left to take.
        local settled = hunks.equal(lines, before)
        table.insert(found, settled and 1 or #found + 1, { lines = lines, version = index })
      end
    end
  end
  return found
end

---@class kage.Known what was found out of places, for the texts that it was found in
---@field base string[]
---@field docs table<integer, string[]>
---@field options kage.Alternative[][] by place
---@field yours string[]?
---@field found table[]?

---@type table<kage.Place[], kage.Known>
local known = setmetatable({}, { __mode = "k" })

--- What can stand at each place; the same for as long as the texts are.
---@param places kage.Place[]
---@param base string[]
---@param docs table<integer, string[]>
---@return kage.Known
local function known_of(places, base, docs)
  local before = known[places]
  local is_same = before and before.base == base
  for agent, doc in pairs(docs) do
    is_same = is_same and before.docs[agent] == doc
  end
  if not is_same then
    local options = {}
    for index, place in ipairs(places) do
      options[index] = alternatives(place, base, docs)
    end
    before = { base = base, docs = docs, options = options }
    known[places] = before
  end
  return before
end

---@param stretch kage.Stretch
---@param places kage.Place[]
---@param base string[]
---@param yours string[]
---@param options kage.Alternative[][]
---@param found table[] is filled
---@return boolean explained
local function add_explained(stretch, places, base, yours, options, found)
  local chosen, at = stretches.explain(stretch, places, base, yours, options)
  for k, index in ipairs(chosen and stretch.places or {}) do
    local one = options[index][chosen[k]]
    local state = one.version and "taken" or "open"
    found[index] = { state = state, version = one.version, y0 = at[k], y1 = at[k] + #one.lines }
  end
  return chosen ~= nil
end

--- What became of each place, as far as the texts tell.
---@param base string[]
---@param places kage.Place[]
---@param yours string[]
---@param options kage.Alternative[][]
---@param edits fun(): kage.Hunk[] differences of yours from the base
---@return {state: string, version: integer?, y0: integer, y1: integer}[]
local function look(base, places, yours, options, edits)
  local all, found = {}, {}
  for index in ipairs(places) do
    all[index] = index
  end
  local whole = { c0 = 1, c1 = #base + 1, y0 = 1, y1 = #yours + 1, places = all, edits = {} }
  if #places > 0 and not add_explained(whole, places, base, yours, options, found) then
    for _, stretch in ipairs(stretches.of(places, edits())) do
      if #stretch.places > 0 and not add_explained(stretch, places, base, yours, options, found) then
        local floor = stretch.y0
        for _, index in ipairs(stretch.places) do
          found[index] = edited.search(stretch, places[index], options[index], yours, floor)
          floor = found[index].state == "edited" and floor or math.max(floor, found[index].y1)
        end
      end
    end
  end
  for index = #found - 1, 1, -1 do
    local spot = found[index]
    spot.y1 = math.max(spot.y0, math.min(spot.y1, found[index + 1].y0))
  end
  return found
end

--- What became of each place. A key and the redraw after it ask of the same text: it is read once.
---@param base string[]
---@param docs table<integer, string[]> the agents' texts
---@param places kage.Place[] from top to bottom
---@param yours string[] never changed in place
---@param edits? kage.Hunk[] differences of yours from the base, where at hand
---@return kage.Spot[]
local function spots_of(base, docs, places, yours, edits)
  local here = known_of(places, base, docs)
  if here.yours ~= yours then
    here.found = look(base, places, yours, here.options, function()
      return edits or hunks.diff(base, yours)
    end)
    here.yours = yours
  end
  local found, number = {}, 0
  for index, one in ipairs(here.found) do
    local place = places[index]
    local kind = choices.kind(place)
    number = number + (kind == "choice" and 1 or 0)
    found[index] = {
      place = place,
      kind = kind,
      state = one.state,
      version = one.version,
      y0 = one.y0,
      y1 = one.y1,
      number = kind == "choice" and number or nil,
    }
  end
  return found
end

return { spots = spots_of }
