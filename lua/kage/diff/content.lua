--- One changed file as it is compared: its base, each agent's version, and yours as it is at this instant.
local apply = require("kage.diff.picks.apply")
local bytes = require("kage.diff.text.bytes")
local hunks = require("kage.diff.text.hunks")
local merge = require("kage.diff.picks.merge")
local shape = require("kage.diff.text.shape")
local spots = require("kage.diff.places.spots")
local tracked = require("kage.diff.picks.tracked")
local versions = require("kage.diff.versions")

---@class kage.Content
---@field path string relative to the repository
---@field base string[]
---@field is_new boolean the file is not there at the base
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

--- Kaged's answer to `diff_file`, read as the user's buffer is.
---@param answer {path: string, base_b64: string?, versions: table<string, table>, places: table[]?}
---@param buffer integer?
---@param on_disk? string yours, where it is in no buffer
---@return kage.Content
function Content.new(answer, buffer, on_disk)
  local self = { path = answer.path, resets = {}, buffer = buffer }
  setmetatable(self, Content)
  self.answer, self.is_new = answer, answer.base_b64 == nil
  self:decode(on_disk)
  return self
end

--- Read the texts as yours is read.
---@param on_disk? string
function Content:decode(on_disk)
  self.like, self.read = versions.like(self.buffer, on_disk)
  self.shape = versions.shape(self.buffer)
  local texts = versions.read(self.answer, self.like)
  self.base, self.base_format = texts.base, texts.format
  self.versions, self.places = texts.versions, texts.places
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
  elseif self.shape ~= versions.shape(self.buffer) then
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
