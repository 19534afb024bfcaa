--- Files as bytes, and as documents (see hunks.lua) of the lines that a buffer holds.
--- `encode(decode(bytes))` is `bytes`, whatever they are, unless the caller asks for a lenient reading.
local hunks = require("kage.diff.text.hunks")
local unicode = require("kage.diff.text.unicode")

local M = {}

---@class kage.Format the options of a buffer that decide which bytes `:write` makes of its lines
---@field fileencoding string "" means UTF-8
---@field fileformat "unix"|"dos"|"mac"
---@field bomb boolean
---@field endoffile boolean a CTRL-Z stands behind the last line of a dos file
---@field ends? "unix"|"dos"|"mixed" how the lines of bytes that were read end; nil where there is one line only
---@field carriage? boolean lines end in CR although the format is unix, and shall go on doing so

local BREAK = { unix = "\n", dos = "\r\n", mac = "\n" }

-- Byte order marks, longer ones first: UTF-32LE begins like UTF-16LE.
local MARKS = {
  { "\239\187\191", "utf-8" },
  { "\0\0\254\255", "ucs-4" },
  { "\255\254\0\0", "ucs-4le" },
  { "\254\255", "utf-16" },
  { "\255\254", "utf-16le" },
}

--- The encoding, as Neovim would find it with its default 'fileencodings', but the user's choice first.
---@param raw string
---@param like kage.Format
---@return string text, string fileencoding, boolean bomb
local function read(raw, like)
  local utf8 = unicode.is_utf8(like.fileencoding) and like.fileencoding or "utf-8"
  for _, mark in ipairs(MARKS) do
    local text = vim.startswith(raw, mark[1]) and unicode.read(raw:sub(#mark[1] + 1), mark[2])
    if text then
      return text, mark[2] == "utf-8" and utf8 or mark[2], true
    end
  end
  local valid = unicode.valid(raw)
  if not unicode.is_utf8(like.fileencoding) and not (valid and raw:find("[\128-\255]")) then
    local text = unicode.read(raw, like.fileencoding)
    if text then
      return text, like.fileencoding, false
    end
  end
  if valid then
    return raw, utf8, false
  end
  return assert(unicode.read(raw, "latin1")), "latin1", false
end

---@param text string
---@param like kage.Format
---@param lenient? boolean
---@return "unix"|"dos"|"mac"
---@return "unix"|"dos"|"mixed"|nil ends
local function line_breaks(text, like, lenient)
  local _, newlines = text:gsub("\n", "\n")
  local _, pairs_ = text:gsub("\r\n", "\r\n")
  if newlines == 0 then
    return like.fileformat
  elseif newlines == pairs_ then
    return like.carriage and like.fileformat or "dos", "dos"
  end
  return lenient and like.fileformat or "unix", pairs_ == 0 and "unix" or "mixed"
end

--- Bytes as a document, and the options under which `encode` gives them back.
---
--- `like` is how the user's buffer holds the file; it decides where the bytes leave a choice. With `lenient`,
--- for showing only, lines that end in LF alone pass in a file that is dos to the user.
---@param raw string
---@param like? kage.Format
---@param lenient? boolean
---@return string[] document, kage.Format
function M.decode(raw, like, lenient)
  like = like or M.plain()
  local text, fileencoding, bomb = read(raw, like)
  local format = { fileencoding = fileencoding, bomb = bomb, endoffile = false }
  format.fileformat, format.ends = line_breaks(text, like, lenient)
  format.carriage = like.carriage and format.fileformat == "unix" or nil
  if format.fileformat == "mac" then
    text = text:gsub("[\r\n]", { ["\r"] = "\n", ["\n"] = "\r" })
  elseif format.fileformat == "dos" then
    if text:byte(-1) == 26 then
      text, format.endoffile = text:sub(1, -2), true
    end
    text = text:gsub("\r\n", "\n")
  end
  if text == "" then
    return {}, format
  end
  local doc = vim.split(text, "\n", { plain = true })
  if doc[#doc] == "" then
    doc[#doc] = nil
  else
    doc[#doc] = doc[#doc] .. hunks.NOEOL
  end
  return doc, format
end

---@param doc string[]
---@param format kage.Format
---@return string bytes
function M.encode(doc, format)
  local ending = #doc > 0 and hunks.ends(doc) and BREAK[format.fileformat] or ""
  local text = table.concat(hunks.bare(doc), BREAK[format.fileformat]) .. ending
  if format.fileformat == "mac" then
    text = text:gsub("[\r\n]", { ["\r"] = "\n", ["\n"] = "\r" })
  end
  text = text .. (format.endoffile and "\26" or "")
  local encoding = format.fileencoding
  text = unicode.write(text, encoding) or text
  if format.bomb then
    for _, mark in ipairs(MARKS) do
      if mark[2] == encoding or (mark[2] == "utf-8" and unicode.is_utf8(encoding)) then
        return mark[1] .. text
      end
    end
  end
  return text
end

--- How a new file would be held.
---@return kage.Format
function M.plain()
  return { fileencoding = "", fileformat = "unix", bomb = false, endoffile = false }
end

---@param buffer integer
---@param doc? string[] its document, where at hand
---@return kage.Format
function M.format(buffer, doc)
  local options = vim.bo[buffer]
  local format = {
    fileencoding = options.fileencoding,
    fileformat = options.binary and "unix" or options.fileformat,
    bomb = options.bomb and not options.binary,
    endoffile = options.endoffile,
  }
  for _, line in ipairs(format.fileformat == "unix" and doc or {}) do
    if line:byte(-1) == 13 then
      format.carriage = true
      break
    end
  end
  return format
end

--- What a buffer holds now.
---@param buffer integer
---@return string[] document
function M.document(buffer)
  local doc = vim.api.nvim_buf_get_lines(buffer, 0, -1, true)
  if #doc == 1 and doc[1] == "" then
    local words = vim.api.nvim_buf_call(buffer, vim.fn.wordcount)
    if words.bytes == 0 then
      return {}
    end
  end
  if not vim.bo[buffer].endofline then
    doc[#doc] = doc[#doc] .. hunks.NOEOL
  end
  return doc
end

return M
