--- Which words differ between two versions of the same lines. Pure.
local hunks = require("kage.diff.text.hunks")

local M = {}

-- Lines longer than this many bytes, and versions of more lines than that, are not compared word by word.
local LONGEST, MOST = 400, 60

---@class kage.WordRange bytes `[c0, c1)` of a line, 0-based; the line 1-based
---@field line integer
---@field c0 integer
---@field c1 integer

---@param char string
---@return string kind characters of one kind make one word; "" stands alone
local function kind(char)
  if char:find("^[%w_]") then
    return "word"
  elseif char:find("^[ \t]") then
    return "blank"
  elseif #char == 1 then
    return ""
  end
  -- 2: a letter of an alphabet. Others, as those of Chinese, are words themselves.
  return vim.fn.charclass(char) == 2 and "word" or ""
end

--- A line's words, blanks and signs. A character keeps what combines with it.
---@param line string
---@return string[]
function M.split(line)
  local words, last = {}, ""
  for _, char in ipairs(vim.fn.split(line, "\\zs")) do
    local now = kind(char)
    if now ~= "" and now == last then
      words[#words] = words[#words] .. char
    else
      words[#words + 1] = char
    end
    last = now
  end
  return words
end

---@param line integer
---@param words string[]
---@param first integer
---@param past integer
---@param found kage.WordRange[] is added to
local function add(line, words, first, past, found)
  local c0 = 0
  for index = 1, first - 1 do
    c0 = c0 + #words[index]
  end
  local c1 = c0
  for index = first, past - 1 do
    c1 = c1 + #words[index]
  end
  if c1 > c0 then
    found[#found + 1] = { line = line, c0 = c0, c1 = c1 }
  end
end

--- A line that has no counterpart differs as a whole, but for its indent.
---@param text string
---@param line integer
---@param found kage.WordRange[]
local function add_line(text, line, found)
  local c0, past = text:match("^%s*()"), text:match("()%s*$")
  if past > c0 then
    found[#found + 1] = { line = line, c0 = c0 - 1, c1 = past - 1 }
  end
end

---@param one string
---@param other string
---@param i integer
---@param j integer
---@param of_one kage.WordRange[]
---@param of_other kage.WordRange[]
local function compare(one, other, i, j, of_one, of_other)
  if #one > LONGEST or #other > LONGEST then
    add_line(one, i, of_one)
    return add_line(other, j, of_other)
  end
  local a, b = M.split(one), M.split(other)
  for _, hunk in ipairs(hunks.diff(a, b)) do
    add(i, a, hunk.a0, hunk.a1, of_one)
    add(j, b, hunk.b0, hunk.b1, of_other)
  end
end

--- The words that are not the same. Lines that resemble each other are compared with each other.
---@param one string[]
---@param other string[]
---@return kage.WordRange[] of_one, kage.WordRange[] of_other
function M.differ(one, other)
  local of_one, of_other = {}, {}
  if #one > MOST or #other > MOST then
    return of_one, of_other
  end
  one, other = hunks.bare(one), hunks.bare(other)
  for _, piece in ipairs(hunks.diff(one, other, true)) do
    local same = math.min(piece.a1 - piece.a0, piece.b1 - piece.b0)
    for offset = 0, same - 1 do
      local i, j = piece.a0 + offset, piece.b0 + offset
      compare(one[i], other[j], i, j, of_one, of_other)
    end
    for i = piece.a0 + same, piece.a1 - 1 do
      add_line(one[i], i, of_one)
    end
    for j = piece.b0 + same, piece.b1 - 1 do
      add_line(other[j], j, of_other)
    end
  end
  return of_one, of_other
end

return M
