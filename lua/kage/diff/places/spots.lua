--- What became of the places of a file in yours. Pure.
---
---     base    a b c d e f     places   b: 1 and 2 made it B, 3 made it X   a choice
---     yours   a B c d e f              e: 1, 2 and 3 made it E             a consensus
---
--- Yours is read as the base with one of its versions at each place; here B is agent 1's and 2's, and e is open.
--- Where it was edited by hand too, the same is tried between the edits, and only the places that they touch are
--- looked for in what was written there.
local choices = require("kage.diff.places.choices")
local hunks = require("kage.diff.text.hunks")

-- A brace or a blank line that stands somewhere proves nothing.
local TELLING = "[%w\128-\255]"

---@class kage.Alternative
---@field lines string[]
---@field version integer? nil: the base's lines

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

--- Is a line there? Amid a text, its newline cannot be missing.
---@param yours string[]
---@param at integer
---@param line string
---@return boolean
local function stands(yours, at, line)
  local there = yours[at]
  return there == line or (at < #yours and line:byte(-1) == 10 and there == line:sub(1, -2))
end

---@param yours string[]
---@param at integer
---@param lines string[]
---@param first integer
---@param past integer
---@return integer? where they end in yours
local function follow(yours, at, lines, first, past)
  for index = first, past - 1 do
    if not stands(yours, at + index - first, lines[index]) then
      return nil
    end
  end
  return at + past - first
end

---@class kage.Stretch base lines `[c0, c1)` and lines `[y0, y1)` of yours that stand for them
---@field c0 integer
---@field c1 integer
---@field y0 integer
---@field y1 integer
---@field places integer[] indices of the places in it
---@field edits kage.Hunk[] differences of yours from the base in it

--- Read a stretch of yours as the base with one alternative at each place.
---@param stretch kage.Stretch
---@param places kage.Place[]
---@param base string[]
---@param yours string[]
---@param options kage.Alternative[][] by place
---@return integer[]? chosen index of the alternative at each place of the stretch
---@return integer[] at where each begins in yours
local function explain(stretch, places, base, yours, options)
  local count = #stretch.places
  local at, chosen, dead = {}, {}, {}
  --- Over the base lines in front of place k, or behind the last one.
  local function across(k, line)
    local before, here = places[stretch.places[k - 1]], places[stretch.places[k]]
    local first, past = before and before.past or stretch.c0, here and here.first or stretch.c1
    return follow(yours, line, base, first, past)
  end
  local k = 1
  at[1], chosen[1] = across(1, stretch.y0), 0
  while at[1] and k > 0 do
    chosen[k] = chosen[k] + 1
    local one = options[stretch.places[k]][chosen[k]]
    if not one then
      dead[k * (#yours + 2) + at[k]] = true
      k = k - 1
    else
      local past = follow(yours, at[k], one.lines, 1, #one.lines + 1)
      local following = past and across(k + 1, past)
      if following and k == count then
        if following == stretch.y1 then
          return chosen, at
        end
      elseif following and not dead[(k + 1) * (#yours + 2) + following] then
        k = k + 1
        at[k], chosen[k] = following, 0
      end
    end
  end
  return nil, at
end

--- Places and edits by hand that meet, together.
---@param places kage.Place[]
---@param edits kage.Hunk[]
---@return kage.Stretch[]
local function stretches(places, edits)
  local found, last, delta = {}, nil, 0
  local i, j = 1, 1
  while places[i] or edits[j] do
    local place, edit = places[i], edits[j]
    local is_edit = not place or (edit and edit.a0 < place.first)
    local c0, c1 = is_edit and edit.a0 or place.first, is_edit and edit.a1 or place.past
    if not last or c0 > last.c1 then
      last = { c0 = c0, c1 = c1, y0 = c0 + delta, y1 = c0 + delta, places = {}, edits = {} }
      found[#found + 1] = last
    end
    last.c1 = math.max(last.c1, c1)
    if is_edit then
      last.edits[#last.edits + 1] = edit
      delta, j = delta + (edit.b1 - edit.b0) - (edit.a1 - edit.a0), j + 1
    else
      last.places[#last.places + 1], i = i, i + 1
    end
    last.y1 = last.c1 + delta
  end
  return found
end

--- Where lines stand in a range of yours.
---@param yours string[]
---@param lines string[]
---@param first integer
---@param past integer
---@return integer?
local function find(yours, lines, first, past)
  for at = first, past - #lines do
    if follow(yours, at, lines, 1, #lines + 1) then
      return at
    end
  end
end

---@class kage.Edited the edits by hand at a place
---@field y0 integer? lines `[y0, y1)` of yours that they made; nil: there are none
---@field y1 integer?
---@field gone boolean they deleted the place
---@field inside boolean they changed the place itself; else they added lines beside it
---@field delta integer how far yours is shifted in front of the place

---@param stretch kage.Stretch
---@param place kage.Place
---@return kage.Edited
local function edits_at(stretch, place)
  local found = { delta = stretch.y0 - stretch.c0, gone = false, inside = false }
  for _, edit in ipairs(stretch.edits) do
    local grown = (edit.b1 - edit.b0) - (edit.a1 - edit.a0)
    local inside = choices.overlap(edit.a0, edit.a1, place.first, place.past)
    local beside = grown > 0 and (edit.a1 == place.first or edit.a0 == place.past)
    if inside or beside then
      found.y0, found.y1 = found.y0 or edit.b0, edit.b1
      found.gone = found.gone or edit.b0 == edit.b1 and edit.a0 <= place.first and place.past <= edit.a1
      found.inside = found.inside or inside
    end
    if edit.a1 <= place.first then
      found.delta = found.delta + grown
    end
  end
  return found
end

--- Does one of a version's own lines stand there?
---@param options kage.Alternative[]
---@param yours string[]
---@param first integer
---@param past integer
---@return boolean
local function any_line(options, yours, first, past)
  local there = {}
  for index = first, past - 1 do
    there[yours[index]] = true
  end
  for _, one in ipairs(options) do
    for _, line in ipairs(one.version and one.lines or {}) do
      if there[line] and line:find(TELLING) then
        return true
      end
    end
  end
  return false
end

--- The version that stands in lines of yours; the longest, since one may be part of another.
---@param options kage.Alternative[]
---@param yours string[]
---@param edited kage.Edited
---@param floor integer
---@return kage.Alternative?
---@return integer at
local function best_of(options, yours, edited, floor)
  local best, where = nil, floor
  for _, one in ipairs(options) do
    if one.version and #one.lines == 0 and edited.gone and not best then
      best, where = one, edited.y0
    elseif
      one.version
      and table.concat(one.lines):find(TELLING)
      and #one.lines > (best and #best.lines or -1)
    then
      local at = find(yours, one.lines, math.max(edited.y0, floor), edited.y1)
      if at then
        best, where = one, at
      end
    end
  end
  return best, math.max(where, floor)
end

--- What became of a place that was edited by hand, or whose neighbourhood was.
---@param stretch kage.Stretch
---@param place kage.Place
---@param options kage.Alternative[]
---@param yours string[]
---@param floor integer line of yours where the place before ends
---@return {state: string, version: integer?, y0: integer, y1: integer}
local function search(stretch, place, options, yours, floor)
  local edited = edits_at(stretch, place)
  local untouched = {
    state = "open",
    y0 = math.max(floor, place.first + edited.delta),
    y1 = math.max(floor, place.past + edited.delta),
  }
  if not edited.y0 then
    return untouched
  end
  local best, where
  if edited.inside or place.first == place.past then
    best, where = best_of(options, yours, edited, floor)
  end
  if best then
    return { state = "taken", version = best.version, y0 = where, y1 = where + #best.lines }
  end
  local y0, y1 = math.max(edited.y0, floor), math.max(edited.y1, floor)
  if edited.inside then
    return { state = "edited", y0 = y0, y1 = y1 }
  elseif any_line(options, yours, y0, y1) then
    -- A part of a version was taken, beside the lines that it replaces.
    return { state = "edited", y0 = math.min(y0, untouched.y0), y1 = math.max(y1, untouched.y1) }
  end
  return untouched
end

---@param stretch kage.Stretch
---@param places kage.Place[]
---@param base string[]
---@param yours string[]
---@param options kage.Alternative[][]
---@param found table[] is filled
---@return boolean explained
local function add_explained(stretch, places, base, yours, options, found)
  local chosen, at = explain(stretch, places, base, yours, options)
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
    for _, stretch in ipairs(stretches(places, edits())) do
      if #stretch.places > 0 and not add_explained(stretch, places, base, yours, options, found) then
        local floor = stretch.y0
        for _, index in ipairs(stretch.places) do
          found[index] = search(stretch, places[index], options[index], yours, floor)
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
