--- Random bases and agents: what is taken is told as taken, in any order, beside edits by hand, and undone.
local choices = require("kage.diff.places.choices")
local hunks = require("kage.diff.text.hunks")
local spots_of = require("kage.diff.places.spots").spots

local seed, cases, places_of = ...
places_of = loadfile(places_of)()
math.randomseed(seed)

local WORDS = { "", "}", "x = 1", "if a then", "end", "foo" }

local function line(unique)
  if math.random() < unique then
    return "line " .. math.random(1000000)
  end
  return WORDS[math.random(#WORDS)]
end

local function ended(doc)
  if #doc > 0 and math.random() < 0.15 then
    doc[#doc] = doc[#doc] .. hunks.NOEOL
  end
  return doc
end

local function edited(doc, unique, newlines)
  local copy = vim.list_slice(hunks.bare(doc))
  for _ = 1, math.random(0, 5) do
    local at, what = math.random(#copy + 1), math.random(4)
    if what == 1 then
      for _ = 1, math.random(3) do
        table.insert(copy, at, line(unique))
      end
    elseif what == 2 and copy[at] then
      table.remove(copy, at)
    elseif copy[at] then
      copy[at] = line(unique)
    end
  end
  return newlines and ended(copy) or copy
end

--- The base with a version at each place, straight from the spans.
local function composed(base, docs, places, chosen)
  local doc, at = {}, 1
  for index, place in ipairs(places) do
    vim.list_extend(doc, base, at, place.first - 1)
    local version = place.versions[chosen[index]]
    if version then
      vim.list_extend(doc, choices.lines(place, version.agents[1], docs))
    else
      vim.list_extend(doc, base, place.first, place.past - 1)
    end
    at = place.past
  end
  vim.list_extend(doc, base, at)
  for index = 1, #doc - 1 do
    doc[index] = doc[index]:gsub("\n$", "")
  end
  return doc
end

local stats = { cases = 0, places = 0, choices = 0, beside = 0, edited = 0, other = 0 }
for case = 1, cases do
  -- A third of the texts has lines that are found again anywhere; there only what follows from the text is asked.
  local unique = ({ 0.2, 0.9, 1 })[case % 3 + 1]
  local base = {}
  for index = 1, math.random(0, 16) do
    base[index] = line(unique)
  end
  -- A newline at the end that goes, and lines behind it, are two places that cannot both be seen in the text.
  local newlines = unique < 1
  base = newlines and ended(base) or base
  local docs = {}
  for agent = 1, math.random(4) do
    docs[agent] = edited(agent > 1 and math.random() < 0.3 and docs[agent - 1] or base, unique, newlines)
  end
  local places = choices.read((places_of(base, docs)))
  local function check(holds, what, yours)
    if not holds then
      error(
        table.concat(
          { "case " .. case, what, vim.inspect(base), vim.inspect(docs), vim.inspect(yours) },
          "\n"
        )
      )
    end
  end
  for _, spot in ipairs(spots_of(base, docs, places, base)) do
    check(spot.state == "open", "nothing is taken from the base", base)
    check(spot.y0 == spot.place.first and spot.y1 == spot.place.past, "it is where it is", base)
  end
  -- Take versions one after the other in any order, and others in their stead.
  local yours, chosen = base, {}
  for _ = 1, #places * 2 do
    local index = math.random(#places)
    local version = math.random(#places[index].versions)
    local spot = spots_of(base, docs, places, yours)[index]
    if spot.state ~= "edited" then
      chosen[index] = version
      local agents = places[index].versions[version].agents
      yours = choices.take(yours, { { spot = spot, agent = agents[math.random(#agents)] } }, docs)
    end
    if unique == 1 then
      check(
        hunks.equal(yours, composed(base, docs, places, chosen)),
        "each take changes its place alone",
        yours
      )
    end
    local again = spots_of(base, docs, places, yours)
    for number, one in ipairs(again) do
      check(one.state ~= "edited", "no hand was laid on it", yours)
      check(one.y1 >= one.y0 and one.y0 >= (again[number - 1] or { y1 = 1 }).y1, "in order", yours)
      check((one.state == "taken") == (one.version ~= nil), "a version was taken", yours)
    end
    -- Two ways to take may make the same text; what is told is one of them.
    local told = vim.tbl_map(function(one)
      return one.version or 0
    end, again)
    check(hunks.equal(composed(base, docs, places, told), yours), "yours is what is told of it", yours)
    for number = 1, unique == 1 and #places or 0 do
      stats.other = stats.other + (told[number] == (chosen[number] or 0) and 0 or 1)
    end
    chosen = told
  end
  -- An edit by hand changes nothing of what is known of places that do not touch it; one amid a place is told.
  if unique == 1 and #places > 0 then
    local spots, mine = spots_of(base, docs, places, yours), vim.list_slice(yours)
    local at = math.random(#mine + 1)
    table.insert(mine, at, "mine")
    local near = {}
    for pass = 1, 2 do
      for step = 1, #spots do
        local index = pass == 1 and step or #spots + 1 - step
        local other = places[pass == 1 and index - 1 or index + 1]
        local touches = other
          and (other.past == places[index].first or places[index].past == other.first)
          and near[pass == 1 and index - 1 or index + 1]
        near[index] = near[index] or touches or (spots[index].y0 <= at and at <= spots[index].y1)
      end
    end
    for index, one in ipairs(spots_of(base, docs, places, mine)) do
      local spot = spots[index]
      if not near[index] then
        check(one.state == spot.state and one.version == spot.version, "beside an edit", mine)
        check(one.y0 == spot.y0 + (spot.y0 >= at and 1 or 0), "it moves with the edit", mine)
        stats.beside = stats.beside + 1
      elseif spot.y0 < at and at < spot.y1 then
        local lines = one.version
          and choices.lines(one.place, one.place.versions[one.version].agents[1], docs)
        local stands = lines and hunks.equal(lines, hunks.slice(mine, one.y0, one.y1))
        check(one.state == "edited" or stands, "edited by hand", mine)
        stats.edited = stats.edited + 1
      end
    end
  end
  stats.cases, stats.places = stats.cases + 1, stats.places + #places
  stats.choices = stats.choices + #choices.open(spots_of(base, docs, places, base))
end
return stats
