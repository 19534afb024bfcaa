--- Places of yours in lines that were edited by hand, or beside such lines: what can be told from what stands there.
--- Pure.
local choices = require("kage.diff.places.choices")
local stretches = require("kage.diff.places.stretches")

local M = {}

-- A brace or a blank line that stands somewhere proves nothing.
local TELLING = "[%w\128-\255]"

--- Where lines stand in a range of yours.
---@param yours string[]
---@param lines string[]
---@param first integer
---@param past integer
---@return integer?
local function find(yours, lines, first, past)
  for at = first, past - #lines do
    if stretches.follow(yours, at, lines, 1, #lines + 1) then
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
function M.search(stretch, place, options, yours, floor)
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

return M
