--- Yours read as the base with one of its versions at each place: all of it, or a stretch between what was edited by
--- hand. Pure.
local M = {}

---@class kage.Alternative
---@field lines string[]
---@field version integer? nil: the base's lines

--- Is a line there? Amid a text, its newline cannot be missing.
---@param yours string[]
---@param at integer
---@param line string
---@return boolean
local function stands(yours, at, line)
  local there = yours[at]
  return there == line or (at < #yours and line:byte(-1) == 10 and there == line:sub(1, -2))
end

--- Follow lines `[first, past)` of a text in yours, from a line on.
---@param yours string[]
---@param at integer
---@param lines string[]
---@param first integer
---@param past integer
---@return integer? where they end in yours
function M.follow(yours, at, lines, first, past)
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
function M.explain(stretch, places, base, yours, options)
  local count = #stretch.places
  local at, chosen, dead = {}, {}, {}
  --- Over the base lines in front of place k, or behind the last one.
  local function across(k, line)
    local before, here = places[stretch.places[k - 1]], places[stretch.places[k]]
    local first, past = before and before.past or stretch.c0, here and here.first or stretch.c1
    return M.follow(yours, line, base, first, past)
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
      local past = M.follow(yours, at[k], one.lines, 1, #one.lines + 1)
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
function M.of(places, edits)
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

return M
