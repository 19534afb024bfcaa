--- The base of a file and the agents' versions of it, as kaged sends them, read as yours is held. Where yours is read in
--- another way than before, so are they.
local bytes = require("kage.diff.text.bytes")
local choices = require("kage.diff.places.choices")
local hunks = require("kage.diff.text.hunks")

local M = {}

---@class kage.Version
---@field bytes string? nil when the agent deletes the file
---@field mode string?
---@field doc string[]
---@field format kage.Format
---@field hunks kage.Hunk[] against the base

---@class kage.Texts
---@field base string[]
---@field format kage.Format of the base
---@field versions table<integer, kage.Version> by agent
---@field places kage.Place[]? nil where kaged's lines are not those of a buffer

--- How yours is held, which decides where bytes can be read in more than one way.
---@param buffer integer?
---@param on_disk string?
---@return kage.Format
---@return string[]? read document of what is only read
function M.like(buffer, on_disk)
  local like = bytes.plain()
  if buffer then
    local yours = bytes.document(buffer)
    return #yours > 0 and bytes.format(buffer, yours) or like
  elseif on_disk then
    local read, format = bytes.decode(on_disk)
    return #read > 0 and format or like, read
  end
  return like
end

--- How a buffer turns bytes into lines.
---@param buffer integer?
---@return string?
function M.shape(buffer)
  local options = buffer and vim.bo[buffer]
  return options
    and ("%s %s %s %s"):format(options.fileencoding, options.fileformat, options.bomb, options.binary)
end

---@param b64 string?
---@return string?
local function decoded(b64)
  return b64 and vim.base64.decode(b64) or nil
end

--- Are the lines of a document those of its bytes as kaged splits them: at each newline?
---@param raw string
---@param doc string[]
---@param format kage.Format
---@return boolean
local function is_split_alike(raw, doc, format)
  local _, newlines = raw:gsub("\n", "")
  local lines = newlines + ((raw == "" or raw:byte(-1) == 10) and 0 or 1)
  if #doc ~= lines or format.fileformat == "mac" then
    return false
  end
  return format.fileformat == "unix" or select(2, raw:gsub("\r\n", "")) == newlines
end

---@param sent integer[][]
---@return kage.Hunk[]
local function read_hunks(sent)
  return vim.tbl_map(function(hunk)
    return { a0 = hunk[1], a1 = hunk[2], b0 = hunk[3], b1 = hunk[4] }
  end, sent)
end

--- Read the texts of an answer.
---@param answer {base_b64: string?, versions: table<string, table>, places: table[]?} to `diff_file`
---@param like kage.Format how yours is held
---@return kage.Texts
function M.read(answer, like)
  local raw, versions = decoded(answer.base_b64) or "", {}
  local base, base_format = bytes.decode(raw, like, true)
  local alike = is_split_alike(raw, base, base_format)
  local all_alike = alike
  for name, version in pairs(answer.versions) do
    local content = decoded(version.b64)
    local doc, format = bytes.decode(content or "", like, true)
    local same_lines = alike
      and is_split_alike(content or "", doc, format)
      and (#doc == 0 or #base == 0 or format.fileformat == base_format.fileformat)
    all_alike = all_alike and same_lines
    versions[assert(tonumber(name))] = {
      bytes = content,
      mode = version.mode,
      doc = doc,
      format = format,
      hunks = same_lines and version.hunks and read_hunks(version.hunks) or hunks.diff(base, doc),
    }
  end
  local places = all_alike and answer.places and choices.read(answer.places) or nil
  return { base = base, format = base_format, versions = versions, places = places }
end

return M
