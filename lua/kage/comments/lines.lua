--- Which lines of an agent's own file lines of yours, or of its version merged onto yours, stand for. Pure.
---
---     yours     a x b c        a hunk of the agent's that is left to take maps by its pick;
---     merged    a x B C c      everything between the picks is the same text but for what you changed,
---     agent's   a B C c        and is compared line by line
local hunks = require("kage.diff.text.hunks")
local picks = require("kage.diff.picks")

local M = {}

---@class kage.Piece lines `[y0, y1)` of yours, `[m0, m1)` of the merged text and `[b0, b1)` of the agent's
---@field y0 integer
---@field y1 integer
---@field m0 integer
---@field m1 integer
---@field b0 integer
---@field b1 integer
---@field same boolean each line is the agent's, one by one

--- The pieces between two picks.
---@param at {y: integer, m: integer, b: integer} where they begin; is moved behind them
---@param y_past integer
---@param b_past integer
---@param yours string[]
---@param theirs string[]
---@param pieces kage.Piece[] is added to
local function add_gap(at, y_past, b_past, yours, theirs, pieces)
  local function add(lines, theirs_lines, same)
    if lines > 0 or theirs_lines > 0 then
      pieces[#pieces + 1] = {
        y0 = at.y,
        y1 = at.y + lines,
        m0 = at.m,
        m1 = at.m + lines,
        b0 = at.b,
        b1 = at.b + theirs_lines,
        same = same,
      }
      at.y, at.m, at.b = at.y + lines, at.m + lines, at.b + theirs_lines
    end
  end
  local y, b = at.y, at.b
  for _, hunk in ipairs(hunks.diff(hunks.slice(yours, y, y_past), hunks.slice(theirs, b, b_past))) do
    add(y + hunk.a0 - 1 - at.y, b + hunk.b0 - 1 - at.b, true)
    add(hunk.a1 - hunk.a0, hunk.b1 - hunk.b0, false)
  end
  add(y_past - at.y, b_past - at.b, true)
end

--- All pieces from top to bottom.
---@param merge kage.Merge
---@param yours string[]
---@param theirs string[] the agent's own file
---@return kage.Piece[]
function M.pieces(merge, yours, theirs)
  local pieces, at = {}, { y = 1, m = 1, b = 1 }
  for _, pick in ipairs(merge.picks) do
    add_gap(at, pick.y0, pick.b0, yours, theirs, pieces)
    pieces[#pieces + 1] = {
      y0 = pick.y0,
      y1 = pick.y1,
      m0 = pick.m0,
      m1 = pick.m1,
      b0 = pick.b0,
      b1 = pick.b1,
      same = false,
    }
    at.y, at.m, at.b = pick.y1, pick.m1, pick.b1
  end
  add_gap(at, #yours + 1, #theirs + 1, yours, theirs, pieces)
  return pieces
end

--- The agent's lines that a range of lines stands for.
---@param pieces kage.Piece[]
---@param side kage.Side
---@param first integer
---@param last integer
---@return integer b0, integer b1 half-open; empty in front of b0 where the agent has none of them
function M.theirs(pieces, side, first, last)
  local from, to, behind = nil, nil, 1
  for _, piece in ipairs(pieces) do
    local p0 = side == "yours" and piece.y0 or piece.m0
    local p1 = side == "yours" and piece.y1 or piece.m1
    if p0 <= last and first < p1 then
      local b0, b1 = piece.b0, piece.b1
      if p1 - p0 == b1 - b0 and (piece.same or side == "merged") then
        b0, b1 = b0 + math.max(0, first - p0), b1 - math.max(0, p1 - 1 - last)
      end
      from, to = from or b0, b1
    elseif p1 <= first then
      behind = piece.b1
    end
  end
  return from or behind, to or behind
end

--- The agent's lines that are meant: the hunk at the cursor, or the lines selected.
---@param merge kage.Merge
---@param pieces kage.Piece[]
---@param side kage.Side
---@param first integer
---@param last integer? nil: the cursor is at `first`
---@return integer b0, integer b1
function M.meant(merge, pieces, side, first, last)
  local pick = not last and picks.at(merge, side, first)
  if pick then
    return pick.b0, pick.b1
  end
  return M.theirs(pieces, side, first, last or first)
end

--- Where a line of the agent's is in the merged text.
---@param pieces kage.Piece[]
---@param line integer
---@return integer
function M.merged(pieces, line)
  local found = 1
  for _, piece in ipairs(pieces) do
    if piece.b0 <= line then
      found = math.min(piece.m0 + line - piece.b0, math.max(piece.m0, piece.m1 - 1))
    end
  end
  return found
end

return M
