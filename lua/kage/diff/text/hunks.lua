--- Where two texts differ, as half-open ranges of lines. Pure: no buffer, no window.
---
--- A text here is a *document*: a list of lines as Neovim's API gives them, in which the last line ends in
--- `NOEOL` when no newline follows it, and which is empty when the file is. So an edit of the last newline is
--- an ordinary hunk, and the empty file differs from the one with an empty line.
local M = {}

--- Ends the last line of a document whose last newline is missing; no line of a buffer can hold it.
M.NOEOL = "\n"

-- What xdiff sees in its place.
local NO_NEWLINE = "\0\0 no newline at end of file"

---@class kage.Hunk lines `[a0, a1)` of the one text became lines `[b0, b1)` of the other, 1-based
---@field a0 integer
---@field a1 integer equal to a0 for an insertion in front of line a0
---@field b0 integer
---@field b1 integer

--- The document as one string for xdiff: "\n" ends each line and stands nowhere else.
---@param doc string[]
---@return string
local function joined(doc)
  if #doc == 0 then
    return ""
  end
  local text = table.concat(doc, "\n")
  return (M.ends(doc) and text or text:sub(1, -2) .. NO_NEWLINE) .. "\n"
end

--- Does a newline end the document's last line?
---@param doc string[]
---@return boolean
function M.ends(doc)
  return #doc == 0 or doc[#doc]:byte(-1) ~= 10
end

--- The document's lines as a buffer takes them.
---@param doc string[]
---@return string[]
function M.bare(doc)
  if M.ends(doc) then
    return doc
  end
  local lines = vim.list_slice(doc)
  lines[#lines] = lines[#lines]:sub(1, -2)
  return lines
end

---@param one string[]
---@param other string[]
---@return boolean
function M.equal(one, other)
  if #one ~= #other then
    return false
  end
  for index = 1, #one do
    if one[index] ~= other[index] then
      return false
    end
  end
  return true
end

---@param from integer
---@param count integer
---@return integer first, integer past
local function range(from, count)
  -- An empty range is named by the line before it.
  if count == 0 then
    return from + 1, from + 1
  end
  return from, from + count
end

--- The differences from top to bottom; two of them never touch.
---
--- Without `indent_heuristic`: xdiff then slides every insertion as far down as it goes, whatever stands around
--- it, so that the same insertion lies at the same base line in every text. With `align`, hunks are cut further
--- where lines resemble each other; those pieces may touch.
---@param a string[]
---@param b string[]
---@param align? boolean
---@return kage.Hunk[]
function M.diff(a, b, align)
  local options = { result_type = "indices", algorithm = "histogram", linematch = align and 60 or nil }
  local found = {}
  for index, numbers in ipairs(vim.diff(joined(a), joined(b), options)) do
    local a0, a1 = range(numbers[1], numbers[2])
    local b0, b1 = range(numbers[3], numbers[4])
    found[index] = { a0 = a0, a1 = a1, b0 = b0, b1 = b1 }
  end
  return found
end

---@param doc string[]
---@param first integer
---@param past integer
---@return string[]
function M.slice(doc, first, past)
  return vim.list_slice(doc, first, past - 1)
end

--- The first of a list's entries, which grow from top to bottom, whose field is not below a line.
---@param list table[]
---@param field string
---@param line integer
---@return integer index one behind the last where all are below
function M.first(list, field, line)
  local low, high = 1, #list + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if list[middle][field] < line then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

return M
