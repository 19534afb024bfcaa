--- One changed file as it is compared: its base, each agent's version, and yours as it is at this instant.
local apply = require("kage.diff.picks.apply")
local bytes = require("kage.diff.text.bytes")
local choices = require("kage.diff.places.choices")
local hunks = require("kage.diff.text.hunks")
local merge = require("kage.diff.picks.merge")
local shape = require("kage.diff.text.shape")
local spots = require("kage.diff.places.spots")
local tracked = require("kage.diff.picks.tracked")

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
---@field places kage.Place[]? what the agents changed, compared; nil where kaged's lines are not those of a buffer
---@field resets table<string, integer> places that the user decided for the base → number of the undo step then
---@field answer table of kaged
---@field like kage.Format how yours is held
---@field base_format kage.Format
---@field shape string? key of how yours was held when the texts were read
---@field buffer integer? yours; nil for what is no text, and for a file that is only read
---@field held {key: string, doc: string[]}? yours as it was last read
---@field tracked kage.Tracked? how yours lies on the base
---@field read string[]? document of yours when it is in no buffer
local Content = {}
Content.__index = Content

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

--- How yours is held, which decides where bytes can be read in more than one way.
---@param buffer integer?
---@param on_disk string?
---@return kage.Format
---@return string[]? read document of what is only read
local function format_of(buffer, on_disk)
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

--- Kaged's answer to `diff_file`, read as the user's buffer is.
---@param answer {path: string, base_b64: string?, base_mode: string?, versions: table<string, table>, places: table[]?}
---@param buffer integer?
---@param on_disk? string yours, where it is in no buffer
---@return kage.Content
function Content.new(answer, buffer, on_disk)
  local self = { path = answer.path, base_mode = answer.base_mode, resets = {}, buffer = buffer }
  setmetatable(self, Content)
  self.answer, self.is_new = answer, answer.base_b64 == nil
  self:decode(on_disk)
  return self
end

--- How a buffer turns bytes into lines.
---@param buffer integer?
---@return string?
local function shape_key(buffer)
  local options = buffer and vim.bo[buffer]
  return options
    and ("%s %s %s %s"):format(options.fileencoding, options.fileformat, options.bomb, options.binary)
end

--- Read the texts as yours is read.
---@param on_disk? string
function Content:decode(on_disk)
  local answer, like, read = self.answer, format_of(self.buffer, on_disk)
  local base = decoded(answer.base_b64) or ""
  self.like, self.read, self.shape, self.versions = like, read, shape_key(self.buffer), {}
  self.base, self.base_format = bytes.decode(base, like, true)
  local alike = is_split_alike(base, self.base, self.base_format)
  local all_alike = alike
  for name, version in pairs(answer.versions) do
    local content = decoded(version.b64)
    local doc, format = bytes.decode(content or "", like, true)
    local same_lines = alike
      and is_split_alike(content or "", doc, format)
      and (#doc == 0 or #self.base == 0 or format.fileformat == self.base_format.fileformat)
    all_alike = all_alike and same_lines
    self.versions[assert(tonumber(name))] = {
      bytes = content,
      mode = version.mode,
      doc = doc,
      format = format,
      hunks = same_lines and version.hunks and read_hunks(version.hunks) or hunks.diff(self.base, doc),
    }
  end
  self.places = all_alike and answer.places and choices.read(answer.places) or nil
end

---@param content kage.Content
---@return string key of what a buffer holds; the newline at the end is no edit to Neovim
local function text_key(content)
  local buffer = assert(content.buffer)
  return vim.api.nvim_buf_get_changedtick(buffer) .. (vim.bo[buffer].endofline and "" or "!")
end

---@return string[] document of yours, now; not to be changed
function Content:yours()
  if not self.buffer then
    return self.read or {}
  elseif self.shape ~= shape_key(self.buffer) then
    self:decode()
  end
  local key = text_key(self)
  if not self.held or self.held.key ~= key then
    self.held = { key = key, doc = bytes.document(self.buffer) }
  end
  return self.held.doc
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

--- Did a pick bring the newline at the end of yours, or its lack? After a restart, what is there tells.
---@param yours string[]
---@return boolean
function Content:is_ending_taken(yours)
  local ends = hunks.ends(yours)
  if self.tracked and self.tracked.brought ~= nil then
    return self.tracked.brought == ends
  end
  for _, version in pairs(self.versions) do
    if version.bytes and hunks.ends(version.doc) == ends and version.doc[#version.doc] == yours[#yours] then
      return true
    end
  end
  return false
end

--- The base and the agents' texts. Of a thing with two states, the one who changed it wins: where you changed the
--- newline at the end, it stays, and is no change of the last line. What a pick brought is no change of yours.
---@param yours string[]
---@return string[] base, table<integer, string[]> docs, boolean settled
function Content:texts(yours)
  local ends = hunks.ends(yours)
  local settled = #yours > 0
    and #self.base > 0
    and ends ~= hunks.ends(self.base)
    and not self:is_ending_taken(yours)
  local docs = {}
  for agent, version in pairs(self.versions) do
    if version.bytes then
      docs[agent] = settled and ending(version.doc, ends) or version.doc
    end
  end
  return settled and ending(self.base, ends) or self.base, docs, settled
end

--- What follows the buffer of yours.
---@return kage.Tracked
function Content:follow()
  if not self.tracked or self.tracked.gone then
    self.tracked = tracked.follow(self.buffer, self.base)
  end
  return self.tracked
end

--- What you changed of the base.
---@param base string[] of `texts`
---@param yours string[]
---@return kage.Hunk[]
function Content:own(base, yours)
  if not self.buffer then
    return hunks.diff(base, yours)
  end
  return self:follow():read(base, yours, function()
    local changes = {}
    for _, version in pairs(self.versions) do
      for _, hunk in ipairs(version.hunks) do
        local lines = hunks.slice(version.doc, hunk.b0, hunk.b1)
        changes[#changes + 1] = { a0 = hunk.a0, a1 = hunk.a1, lines = lines }
      end
    end
    return changes
  end)
end

--- Take picks into yours, and keep in mind what each stands for.
---@param yours string[] its document now
---@param taken kage.Pick[] from top to bottom
---@param format? kage.Format
---@param change? kage.ShapeChange what of the shape is taken along
function Content:take(yours, taken, format, change)
  local new = merge.take(yours, taken)
  if change then
    new = change.version and shape.mixed(new, change.version) or new
    format = vim.tbl_extend("force", format or {}, change.options)
  end
  self:follow():take(taken, function()
    apply.set_document(self.buffer, new, format, yours)
  end)
  if hunks.ends(new) ~= hunks.ends(yours) then
    self.tracked.brought = hunks.ends(new)
  end
  if #new > 1 then
    self.held = { key = text_key(self), doc = new }
  end
  if #taken > 0 then
    apply.set_marks(self.buffer, taken)
  end
end

--- Each agent's changes on top of yours.
---@param yours string[]
---@param agents integer[]
---@return table<integer, kage.Merge> for those of the agents that have a version with text
function Content:merges(yours, agents)
  local base, docs, settled = self:texts(yours)
  local found, known = {}, self:own(base, yours)
  for _, agent in ipairs(agents) do
    local doc = docs[agent]
    if doc then
      local changes = settled and hunks.diff(base, doc) or self.versions[agent].hunks
      found[agent] = merge.merge(base, yours, doc, { yours = known, agent = changes })
    end
  end
  return found
end

---@param place kage.Place
---@return string
local function key(place)
  return place.first .. ":" .. place.past
end

---@param buffer integer?
---@return integer number of the undo step that the text is at
local function undo_step(buffer)
  if not buffer or not vim.api.nvim_buf_is_loaded(buffer) then
    return 0
  end
  return vim.api.nvim_buf_call(buffer, vim.fn.undotree).seq_cur
end

--- The user decided for the base here: an open place counts as decided, until that is undone.
---@param place kage.Place
function Content:reset(place)
  self.resets[key(place)] = undo_step(self.buffer)
end

--- What became of each place in yours.
---@param yours string[]
---@return kage.Spot[]? nil where there are no places to tell of
function Content:spots(yours)
  if not self.places then
    return nil
  end
  local base, docs = self:texts(yours)
  local found = spots.spots(base, docs, self.places, yours, self:own(base, yours))
  local step = next(self.resets) and undo_step(self.buffer) or 0
  for _, spot in ipairs(found) do
    local since = self.resets[key(spot.place)]
    if since and step < since then
      self.resets[key(spot.place)] = nil
    elseif since and spot.state == "open" then
      spot.state = "reset"
    end
  end
  return found
end

return Content
