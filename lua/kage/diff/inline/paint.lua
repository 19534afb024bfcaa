--- Agents' lines as virtual lines: with the file's colours, the changed words marked, cut to the window. Pure but for
--- treesitter.
local wordwise = require("kage.diff.places.wordwise")

local M = {}

---@alias kage.Chunk {[1]: string, [2]: string|string[]} a piece of a virtual line with its highlight groups

-- A hunk with more bytes than this is shown without colours: parsing takes longer than reading.
local COLOUR_LIMIT = 64 * 1024

---@alias kage.Span {[1]: integer, [2]: integer} bytes [first, past) of a line, 1-based

--- Changed words by the line that they are in. Where a whole line is new, its colour says so already.
---@param found kage.WordRange[]
---@param lines string[]
---@return table<integer, kage.Span[]>
local function by_line(found, lines)
  local spans = {}
  for _, range in ipairs(found) do
    local text = lines[range.line]
    local before, behind = text:sub(1, range.c0), text:sub(range.c1 + 1)
    if before:find("%S") or behind:find("%S") then
      spans[range.line] = spans[range.line] or {}
      table.insert(spans[range.line], { range.c0 + 1, range.c1 + 1 })
    end
  end
  return spans
end

--- The changed words of replaced lines: lines that resemble each other are compared.
---@param old string[]
---@param new string[]
---@return table<integer, kage.Span[]> in_old, table<integer, kage.Span[]> in_new by index of the line
function M.changed_words(old, new)
  local in_old, in_new = wordwise.differ(old, new)
  return by_line(in_old, old), by_line(in_new, new)
end

--- The colours of lines as treesitter gives them to a text of their own.
---@param lines string[]
---@param language string?
---@return table<integer, table<integer, string>> line → byte → group
local function colours(lines, language)
  local found = {}
  local text = table.concat(lines, "\n")
  local query = language and #text <= COLOUR_LIMIT and vim.treesitter.query.get(language, "highlights")
  if not query then
    return found
  end
  local parser = vim.treesitter.get_string_parser(text, language)
  local root = parser:parse()[1]:root()
  for id, node in query:iter_captures(root, text) do
    local name = query.captures[id]
    if not name:find("^_") and not name:find("^n?o?spell$") and name ~= "conceal" then
      local row, column, last_row, last_column = node:range()
      for at = row, math.min(last_row, #lines - 1) do
        local groups = found[at + 1] or {}
        found[at + 1] = groups
        local past = at == last_row and last_column or #lines[at + 1]
        for byte = (at == row and column or 0) + 1, past do
          groups[byte] = "@" .. name .. "." .. language
        end
      end
    end
  end
  return found
end

--- A piece of text as a screen can show it, from a column on.
---@param text string
---@param column integer
---@param tabstop integer
---@return string shown, integer column behind it
local function shown(text, column, tabstop)
  local parts = {}
  for piece, tab in text:gsub("%z", "^@"):gmatch("([^\t]*)(\t?)") do
    piece = piece ~= "" and vim.fn.strtrans(piece) or ""
    column = column + vim.api.nvim_strwidth(piece)
    parts[#parts + 1] = piece
    if tab ~= "" then
      local gap = tabstop - column % tabstop
      parts[#parts + 1], column = (" "):rep(gap), column + gap
    end
  end
  return table.concat(parts), column
end

--- One line in pieces of one highlight each.
---@param line string
---@param groups table<integer, string>? by byte
---@param spans kage.Span[]? its changed words
---@param tabstop integer
---@return kage.Chunk[] chunks, integer width
local function chunks_of(line, groups, spans, tabstop)
  local function look(byte)
    for _, span in ipairs(spans or {}) do
      if span[1] <= byte and byte < span[2] then
        return (groups and groups[byte] or ""), "KageInlineWord"
      end
    end
    return (groups and groups[byte] or ""), "KageInlineAdd"
  end
  local chunks, column, at = {}, 0, 1
  while at <= #line do
    local syntax, back = look(at)
    local past = at + 1
    while past <= #line do
      local next_syntax, next_back = look(past)
      local inside = line:byte(past) >= 128 and line:byte(past) < 192
      if not inside and (next_syntax ~= syntax or next_back ~= back) then
        break
      end
      past = past + 1
    end
    local text
    text, column = shown(line:sub(at, past - 1), column, tabstop)
    chunks[#chunks + 1] = { text, syntax == "" and back or { back, syntax } }
    at = past
  end
  return chunks, column
end

--- Break a line's pieces at a width, as 'wrap' breaks the lines of the buffer.
---@param chunks kage.Chunk[]
---@param width integer
---@return kage.Chunk[][]
local function wrapped(chunks, width)
  local lines, room = { {} }, width
  for _, chunk in ipairs(chunks) do
    local text = chunk[1]
    while vim.api.nvim_strwidth(text) > room do
      local count = room
      while count > 0 and vim.api.nvim_strwidth(vim.fn.strcharpart(text, 0, count)) > room do
        count = count - 1
      end
      if count == 0 and room == width then
        count = 1
      end
      table.insert(lines[#lines], { vim.fn.strcharpart(text, 0, count), chunk[2] })
      text = vim.fn.strcharpart(text, count)
      lines[#lines + 1], room = {}, width
    end
    table.insert(lines[#lines], { text, chunk[2] })
    room = room - vim.api.nvim_strwidth(text)
  end
  return lines
end

---@class kage.Paper what lines are painted on
---@field width integer columns of the window's text
---@field wrap boolean
---@field tabstop integer
---@field language string? of treesitter
---@field cap integer no more virtual lines than this for one pick

--- A pick's lines as virtual lines.
---@param lines string[]
---@param spans table<integer, kage.Span[]> changed words by line
---@param paper kage.Paper
---@return kage.Chunk[][]
function M.lines(lines, spans, paper)
  local kept = vim.list_slice(lines, 1, paper.cap)
  local painted, count = {}, 0
  local groups = colours(kept, paper.language)
  for index, line in ipairs(kept) do
    if #painted >= paper.cap then
      break
    end
    count = index
    local chunks, width = chunks_of(line, groups[index], spans[index], paper.tabstop)
    local rows = paper.wrap and width > paper.width and wrapped(chunks, paper.width) or { chunks }
    for _, row in ipairs(rows) do
      local used = 0
      for _, chunk in ipairs(row) do
        used = used + vim.api.nvim_strwidth(chunk[1])
      end
      row[#row + 1] = { (" "):rep(math.max(0, paper.width - used)), "KageInlineAdd" }
      painted[#painted + 1] = row
    end
  end
  if count < #lines then
    local more = #lines - count
    painted[#painted + 1] =
      { { more == 1 and "… 1 more line" or ("… %d more lines"):format(more), "KageFaint" } }
  end
  return painted
end

return M
