--- Which pick stands at a line, and which part of it a range of lines means. Pure.
local hunks = require("kage.diff.text.hunks")

local M = {}

---@alias kage.Side "yours"|"merged" whose line numbers are meant

---@param pick kage.Pick
---@param side kage.Side
---@return integer first, integer past
function M.range(pick, side)
  if side == "yours" then
    return pick.y0, pick.y1
  end
  return pick.m0, pick.m1
end

--- The pick at a line. An empty range is drawn as filler between two lines; `]c` goes to the lower one, so that
--- counts first.
---@param merge kage.Merge
---@param side kage.Side
---@param line integer
---@return kage.Pick?
function M.at(merge, side, line)
  local above
  for _, pick in ipairs(merge.picks) do
    local first, past = M.range(pick, side)
    if first <= line and (line < past or (first == past and first == line)) then
      return pick
    elseif first == past and first == line + 1 then
      above = pick
    end
  end
  return above
end

--- The line of yours that stands for a line of the merged text.
---@param merge kage.Merge
---@param line integer
---@return integer
function M.to_yours(merge, line)
  local shift = 0
  for _, pick in ipairs(merge.picks) do
    if line < pick.m0 then
      break
    elseif line < pick.m1 then
      return math.max(pick.y0, math.min(pick.y0 + line - pick.m0, pick.y1 - 1))
    end
    shift = pick.y1 - pick.m1
  end
  return line + shift
end

--- The line of the merged text that stands for a line of yours.
---@param merge kage.Merge
---@param line integer
---@return integer
function M.to_merged(merge, line)
  local delta = 0
  for _, pick in ipairs(merge.picks) do
    if pick.y1 <= line then
      delta = pick.m1 - pick.y1
    elseif pick.y0 <= line then
      return math.min(pick.m0 + line - pick.y0, math.max(pick.m0, pick.m1 - 1))
    end
  end
  return line + delta
end

--- The part of a hunk that remains when only lines `[first, past)` of its side a are wanted: as many lines as are
--- left out at an end there are left out of side b, as `:diffget` does with a range.
---@param hunk kage.Hunk
---@param first integer
---@param past integer
---@return kage.Hunk
local function trimmed(hunk, first, past)
  if hunk.a0 == hunk.a1 then
    return hunk
  end
  local top, bottom = math.max(0, first - hunk.a0), math.max(0, hunk.a1 - past)
  local a0, b0 = math.min(hunk.a0 + top, hunk.a1), math.min(hunk.b0 + top, hunk.b1)
  return { a0 = a0, a1 = math.max(hunk.a1 - bottom, a0), b0 = b0, b1 = math.max(hunk.b1 - bottom, b0) }
end

---@param hunk kage.Hunk
---@return kage.Hunk
local function mirrored(hunk)
  return { a0 = hunk.b0, a1 = hunk.b1, b0 = hunk.a0, b1 = hunk.a1 }
end

--- What selected lines mean of one pick. Lines that resemble each other belong together, as on the screen.
---@param pick kage.Pick
---@param yours string[]
---@param side kage.Side
---@param first integer
---@param past integer
---@param parts kage.Pick[] is added to
local function add_parts(pick, yours, side, first, past, parts)
  local from = M.range(pick, side)
  first, past = first - from + 1, past - from + 1
  for _, piece in ipairs(hunks.diff(hunks.slice(yours, pick.y0, pick.y1), pick.lines, true)) do
    local hunk = side == "yours" and piece or mirrored(piece)
    if
      (hunk.a0 < past and first < hunk.a1) or (hunk.a0 == hunk.a1 and first <= hunk.a0 and hunk.a0 <= past)
    then
      hunk = trimmed(hunk, first, past)
      hunk = side == "yours" and hunk or mirrored(hunk)
      parts[#parts + 1] = {
        conflict = pick.conflict,
        c0 = pick.c0,
        c1 = pick.c1,
        y0 = pick.y0 + hunk.a0 - 1,
        y1 = pick.y0 + hunk.a1 - 1,
        lines = hunks.slice(pick.lines, hunk.b0, hunk.b1),
      }
    end
  end
end

--- What selected lines mean: parts of picks, to be taken together.
---@param merge kage.Merge
---@param yours string[]
---@param side kage.Side
---@param first integer
---@param last integer
---@return kage.Pick[]
function M.within(merge, yours, side, first, last)
  local parts = {}
  for _, pick in ipairs(merge.picks) do
    local from, past = M.range(pick, side)
    if from <= last + 1 and first <= past then
      if first <= from and past <= last + 1 then
        parts[#parts + 1] = pick
      else
        add_parts(pick, yours, side, first, last + 1, parts)
      end
    end
  end
  return parts
end

---@param merge kage.Merge
---@return integer added, integer removed, integer conflicts
function M.count(merge)
  local added, removed, conflicts = 0, 0, 0
  for _, pick in ipairs(merge.picks) do
    added = added + #pick.lines
    removed = removed + pick.y1 - pick.y0
    conflicts = conflicts + (pick.conflict and 1 or 0)
  end
  return added, removed, conflicts
end

return M
