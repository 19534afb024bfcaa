--- What an agent changed of how a text is held in bytes: line ends, encoding, byte order mark. No line shows it, so
--- it is taken and taken back with the whole file.
local bytes = require("kage.diff.text.bytes")
local hunks = require("kage.diff.text.hunks")
local merge = require("kage.diff.picks.merge")
local unicode = require("kage.diff.text.unicode")

local M = {}

---@class kage.ShapeChange
---@field text string "line ends dos, encoding latin1, no bom"
---@field options table<string, any> to set in the buffer
---@field version kage.Version? whose line ends are mixed

---@param encoding string a value of 'fileencoding'
---@return string
local function name_of(encoding)
  return unicode.is_utf8(encoding) and "utf-8" or encoding
end

--- The options that differ between two ways to hold a text, but for line ends.
---@param from kage.Format
---@param to kage.Format
---@return table<string, any>
local function changed(from, to)
  local found = {}
  if name_of(from.fileencoding) ~= name_of(to.fileencoding) then
    found.fileencoding = name_of(to.fileencoding)
  end
  if from.bomb ~= to.bomb then
    found.bomb = to.bomb
  end
  return found
end

---@param content kage.Content
---@return boolean
local function is_comparable(content)
  local buffer = content.buffer
  return buffer ~= nil
    and vim.api.nvim_buf_is_loaded(buffer)
    and not vim.bo[buffer].binary
    and #content.base > 0
    and #content:yours() > 0
end

---@param options table<string, any>
---@param ends string?
---@return string
local function told(options, ends)
  local parts = {}
  parts[#parts + 1] = ends and "line ends " .. ends or nil
  parts[#parts + 1] = options.fileencoding and "encoding " .. options.fileencoding or nil
  if options.bomb ~= nil then
    parts[#parts + 1] = options.bomb and "bom" or "no bom"
  end
  return table.concat(parts, ", ")
end

--- What of it yours does not have. Where a carriage return is part of a line to Neovim, lines show it already.
---@param content kage.Content
---@param agent integer
---@return kage.ShapeChange?
function M.pending(content, agent)
  local version = content.versions[agent]
  if not (version and version.bytes and #version.doc > 0 and is_comparable(content)) then
    return nil
  end
  local yours, base, theirs = content.like, content.base_format, version.format
  local options, missing = changed(base, theirs), changed(yours, theirs)
  for name in pairs(options) do
    options[name] = missing[name]
  end
  local ends = theirs.ends
  local is_hidden = yours.fileformat == "dos" and ends ~= "dos"
    or yours.fileformat == "unix" and ends == "dos" and not yours.carriage
  if not (ends and base.ends and ends ~= base.ends and is_hidden) then
    ends = nil
  end
  options.fileformat = ends == "mixed" and "unix" or ends
  if not next(options) then
    return nil
  end
  return {
    text = told(options, ends),
    options = options,
    version = ends == "mixed" and version or nil,
  }
end

--- What of it yours has from an agent.
---@param content kage.Content
---@return table<string, any>? options that bring the base's back
function M.taken(content)
  if not is_comparable(content) then
    return nil
  end
  local yours, base, back = content.like, content.base_format, {}
  for _, version in pairs(content.versions) do
    local theirs = version.format
    local brought = changed(base, theirs)
    for name in pairs(version.bytes and brought or {}) do
      if changed(yours, theirs)[name] == nil then
        back[name] = changed(theirs, base)[name]
      end
    end
    local is_whole = base.ends == "unix" or base.ends == "dos"
    if is_whole and theirs.ends == yours.fileformat and theirs.ends ~= base.ends and not yours.carriage then
      back.fileformat = base.ends
    end
  end
  return next(back) and back or nil
end

--- A text with the line ends of a version in which they are mixed.
---@param doc string[] yours with that version's lines
---@param version kage.Version
---@return string[] to be held with 'fileformat' unix
function M.mixed(doc, version)
  local like = vim.tbl_extend("force", version.format, { fileformat = "unix", carriage = true })
  local exact = bytes.decode(version.bytes, like)
  local new, line = {}, 1
  for _, h in ipairs(vim.list_extend(hunks.diff(version.doc, doc), { false })) do
    local past = h and h.a0 or #version.doc + 1
    vim.list_extend(new, exact, line, past - 1)
    for index = h and h.b0 or 1, h and h.b1 - 1 or 0 do
      new[#new + 1] = doc[index]:byte(-1) == 10 and doc[index] or doc[index] .. "\r"
    end
    line = h and h.a1 or past
  end
  return new
end

--- Why these picks cannot be put into a buffer: it would be written with other characters than theirs.
---@param buffer integer
---@param yours string[] its document
---@param picks kage.Pick[] from top to bottom
---@param options? table<string, any> that are set with them
---@return string? why, string? fix
function M.refusal(buffer, yours, picks, options)
  local now = vim.bo[buffer].fileencoding
  local encoding = options and options.fileencoding or now
  if unicode.is_utf8(encoding) then
    return nil
  end
  local parts = encoding ~= now and { { lines = merge.take(yours, picks) } } or picks
  for _, part in ipairs(parts) do
    for _, line in ipairs(part.lines) do
      local raw = line:find("[\128-\255]") and (unicode.write(line, encoding) or "")
      if raw and unicode.read(raw, encoding) ~= line then
        return encoding .. " lacks characters of the text",
          ":set fileencoding=utf-8 first; where the agent changed the encoding too, dO takes that along."
      end
    end
  end
end

return M
