--- One changed file as it is compared: its base, each agent's version, and yours as it is at this instant.
local bytes = require("kage.diff.bytes")
local hunks = require("kage.diff.hunks")
local merge = require("kage.diff.merge")

---@class kage.Version
---@field bytes string? nil when the agent deletes the file
---@field mode string?
---@field doc string[]
---@field format kage.Format
---@field hunks kage.Hunk[] against the base

---@class kage.Content
---@field path string relative to the repository
---@field base string[]
---@field is_new boolean the file is not there at the base
---@field base_mode string?
---@field versions table<integer, kage.Version> of the agents that changed it
---@field buffer integer? yours; nil for what is no text
local Content = {}
Content.__index = Content

---@param b64 string?
---@return string?
local function decoded(b64)
  return b64 and vim.base64.decode(b64) or nil
end

--- Read kaged's answer to `diff_file` as the user's buffer is read.
---@param answer {path: string, base_b64: string?, base_mode: string?, versions: table<string, table>}
---@param buffer integer?
---@return kage.Content
function Content.new(answer, buffer)
  local self = setmetatable({ path = answer.path, base_mode = answer.base_mode, versions = {} }, Content)
  self.buffer = buffer
  self.is_new = answer.base_b64 == nil
  local base = decoded(answer.base_b64) or ""
  local like = bytes.plain()
  if buffer then
    local yours = bytes.document(buffer)
    like = #yours > 0 and bytes.format(buffer, yours) or like
  end
  self.base = bytes.decode(base, like, true)
  for name, version in pairs(answer.versions) do
    local content = decoded(version.b64)
    local doc, format = bytes.decode(content or "", like, true)
    self.versions[assert(tonumber(name))] =
      { bytes = content, mode = version.mode, doc = doc, format = format, hunks = hunks.diff(self.base, doc) }
  end
  return self
end

---@return string[] document of yours, now
function Content:yours()
  return bytes.document(assert(self.buffer))
end

--- A document with or without its last newline.
---@param doc string[]
---@param ends boolean
---@return string[]
local function ending(doc, ends)
  if #doc == 0 or hunks.ends(doc) == ends then
    return doc
  end
  local lines = vim.list_slice(hunks.bare(doc))
  lines[#lines] = lines[#lines] .. (ends and "" or hunks.NOEOL)
  return lines
end

--- Each agent's changes on top of yours.
---@param yours string[]
---@param agents integer[]
---@return table<integer, kage.Merge> for those of the agents that have a version with text
function Content:merges(yours, agents)
  -- Of a thing with two states, the one who changed it wins: yours stays, and is no change of the last line.
  local ends = hunks.ends(yours)
  local settled = #yours > 0 and #self.base > 0 and ends ~= hunks.ends(self.base)
  local base = settled and ending(self.base, ends) or self.base
  local found, known = {}, hunks.diff(base, yours)
  for _, agent in ipairs(agents) do
    local version = self.versions[agent]
    if version and version.bytes then
      local doc = settled and ending(version.doc, ends) or version.doc
      local changes = settled and hunks.diff(base, doc) or version.hunks
      found[agent] = merge.merge(base, yours, doc, { yours = known, agent = changes })
    end
  end
  return found
end

return Content
