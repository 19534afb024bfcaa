--- Where yours differs from the base, followed from edit to edit instead of compared anew. Pure.
---
--- A comparison of the two texts does not know which of three equal lines was inserted, and may find the lines
--- that a pick brought somewhere else; then the pick would be offered again. What is known stays known here:
---
---     base → yours   hunks of before          both measured on yours as it was; where they overlap,
---     yours → now    edits                    that part alone is compared with the base
---     base → now     hunks
local hunks = require("kage.diff.hunks")

local M = {}

---@class kage.Track
---@field base string[]
---@field yours string[]
---@field hunks kage.Hunk[] from base to yours; two of them may touch

---@param base string[]
---@param yours string[]
---@return kage.Track
function M.new(base, yours)
  return { base = base, yours = yours, hunks = hunks.diff(base, yours) }
end

--- What one edit, whatever it was, did: the lines between the first and the last that differ. Of equal lines the
--- last ones count as new, as in a comparison.
---@param before string[]
---@param now string[]
---@return kage.Hunk[] one or none
function M.edit(before, now)
  local shorter = math.min(#before, #now)
  local first, last = 0, 0
  while first < shorter and before[first + 1] == now[first + 1] do
    first = first + 1
  end
  if first == #before and first == #now then
    return {}
  end
  while last < shorter - first and before[#before - last] == now[#now - last] do
    last = last + 1
  end
  return { { a0 = first + 1, a1 = #before - last + 1, b0 = first + 1, b1 = #now - last + 1 } }
end

--- Do a hunk (by its lines in yours) and an edit (by the lines that it replaces) share lines, or lie at one place?
---@param h0 integer
---@param h1 integer
---@param e0 integer
---@param e1 integer
---@param exact boolean where the edit ends is known; else those that touch may belong together
---@return boolean
local function meet(h0, h1, e0, e1, exact)
  if not exact then
    return h0 <= e1 and e0 <= h1
  end
  return (h0 < e1 and e0 < h1) or (h0 == h1 and e0 == e1 and h0 == e0)
end

--- The hunks of one part of the base and the text, compared by themselves.
---@param base string[]
---@param now string[]
---@param part kage.Hunk
---@param into kage.Hunk[]
local function compare(base, now, part, into)
  local old, new = hunks.slice(base, part.a0, part.a1), hunks.slice(now, part.b0, part.b1)
  for _, hunk in ipairs(hunks.diff(old, new)) do
    into[#into + 1] = {
      a0 = part.a0 + hunk.a0 - 1,
      a1 = part.a0 + hunk.a1 - 1,
      b0 = part.b0 + hunk.b0 - 1,
      b1 = part.b0 + hunk.b1 - 1,
    }
  end
end

---@class kage.Group hunks and edits that meet; lines `[p0, p1)` of the text between
---@field p0 integer
---@field p1 integer
---@field old boolean there is a hunk in it
---@field new boolean there is an edit in it
---@field grown integer by its hunks
---@field edited integer by its edits

--- Two ways in a row as one.
---@param first kage.Hunk[] from base to before
---@param second kage.Hunk[] from before to now
---@param base string[]
---@param now string[]
---@param exact boolean
---@return kage.Hunk[] from base to now
local function compose(first, second, base, now, exact)
  local found, i, j, delta, shift = {}, 1, 1, 0, 0
  local group ---@type kage.Group?
  local function close()
    if not group then
      return
    end
    local part = {
      a0 = group.p0 - delta,
      a1 = group.p1 - delta - group.grown,
      b0 = group.p0 + shift,
      b1 = group.p1 + shift + group.edited,
    }
    if group.old and group.new then
      compare(base, now, part, found)
    else
      found[#found + 1] = part
    end
    delta, shift, group = delta + group.grown, shift + group.edited, nil
  end
  while first[i] or second[j] do
    local h, e = first[i], second[j]
    local is_old = not e or (h ~= nil and (h.b0 < e.a0 or (h.b0 == e.a0 and h.b1 <= e.a1)))
    local p0, p1 = (is_old and h.b0 or e.a0), (is_old and h.b1 or e.a1)
    if group and not meet(group.p0, group.p1, p0, p1, exact) then
      close()
    end
    group = group or { p0 = p0, p1 = p1, old = false, new = false, grown = 0, edited = 0 }
    group.p1 = math.max(group.p1, p1)
    if is_old then
      group.old, group.grown, i = true, group.grown + (h.b1 - h.b0) - (h.a1 - h.a0), i + 1
    else
      group.new, group.edited, j = true, group.edited + (e.b1 - e.b0) - (e.a1 - e.a0), j + 1
    end
  end
  close()
  return found
end

--- Are all lines outside the hunks the base's?
---@param track kage.Track
---@return boolean
function M.holds(track)
  local base, yours, at, delta = track.base, track.yours, 1, 0
  for _, hunk in ipairs(track.hunks) do
    if hunk.a0 < at or hunk.a0 + delta ~= hunk.b0 then
      return false
    end
    for line = at, hunk.a0 - 1 do
      if base[line] ~= yours[line + delta] then
        return false
      end
    end
    at, delta = hunk.a1, delta + (hunk.b1 - hunk.b0) - (hunk.a1 - hunk.a0)
  end
  for line = at, #base do
    if base[line] ~= yours[line + delta] then
      return false
    end
  end
  return #base + delta == #yours
end

--- Yours is another text now.
---@param track kage.Track
---@param now string[]
---@param made? kage.Hunk[] the edits that led there, where they are known (a pick's); from top to bottom
---@return kage.Track
function M.follow(track, now, made)
  local edits = made or M.edit(track.yours, now)
  if #edits == 0 then
    return { base = track.base, yours = now, hunks = track.hunks }
  end
  local followed =
    { base = track.base, yours = now, hunks = compose(track.hunks, edits, track.base, now, made ~= nil) }
  -- Ways that lead around and back, and edits that were not what they were said to be.
  if hunks.equal(track.base, now) or not M.holds(followed) then
    return M.new(track.base, now)
  end
  return followed
end

return M
