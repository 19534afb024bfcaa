--- How yours lies on the base, kept through every edit. Comparing the two texts anew could find another reading: of
--- two equal lines it cannot know which one was inserted, and would offer again what was taken there.
---
---     base    a b c d              own    [b → B], then x typed below B:  [b → B] [→ x]
---     yours   a B x c d            an edit makes the hunks that it touches one; only those lines are compared again
local explained = require("kage.diff.picks.explained")
local hunks = require("kage.diff.text.hunks")

---@class kage.Own a hunk base → yours
---@field a0 integer
---@field a1 integer
---@field b0 integer
---@field b1 integer
---@field dirty boolean? its lines were edited since they were compared
---@field taken boolean? a pick, which nobody edited since: what it stands for is known

---@class kage.Tracked
---@field base string[]
---@field own kage.Own[] from top to bottom; two that touch are two edits
---@field lost boolean the texts have to be compared as wholes
---@field paused boolean
---@field gone boolean? the buffer was unloaded
---@field brought boolean? whether a newline ends the text since a pick changed that; nil when none did
local Tracked = {}
Tracked.__index = Tracked

local M = {}

-- With more hunks than this, to compare as a whole is cheaper than to follow.
local MOST = 4000

---@param base string[]
---@return kage.Tracked
function M.new(base)
  return setmetatable({ base = base, own = {}, lost = true, paused = false }, Tracked)
end

---@param h kage.Own
---@param first integer
---@param past integer
---@return boolean
local function touches(h, first, past)
  return (h.b0 < past and first < h.b1) or (h.b0 == h.b1 and first <= h.b0 and h.b0 <= past)
end

--- Lines `[first, past)` of yours became `count` lines.
---@param first integer
---@param past integer
---@param count integer
---@param taken? boolean by a pick
function Tracked:edit(first, past, count, taken)
  if self.lost or self.paused then
    return
  elseif #self.own > MOST then
    self.lost = true
    return
  end
  local own, index = self.own, hunks.first(self.own, "b1", first)
  while own[index] and own[index].b1 <= first and not touches(own[index], first, past) do
    index = index + 1
  end
  local last = index - 1
  while own[last + 1] and touches(own[last + 1], first, past) do
    last = last + 1
  end
  local before = own[index - 1]
  local made = { b0 = first, b1 = past, dirty = true, taken = taken }
  made.a0 = first + (before and before.a1 - before.b1 or 0)
  made.a1 = made.a0 + past - first
  if last >= index then
    local top, bottom = own[index], own[last]
    made.b0, made.b1 = math.min(first, top.b0), math.max(past, bottom.b1)
    made.a0 = top.a0 - (top.b0 - made.b0)
    made.a1 = bottom.a1 + (made.b1 - bottom.b1)
  end
  local delta = count - (past - first)
  made.b1 = made.b1 + delta
  for _ = index, last do
    table.remove(own, index)
  end
  table.insert(own, index, made)
  for later = index + 1, delta ~= 0 and #own or 0 do
    own[later].b0, own[later].b1 = own[later].b0 + delta, own[later].b1 + delta
  end
end

--- Compare the lines of one hunk.
---@param h kage.Own
---@param base string[]
---@param yours string[]
---@return kage.Own[] parts
---@return integer size how many lines differ
local function compared(h, base, yours)
  local size = 0
  local parts = hunks.diff(hunks.slice(base, h.a0, h.a1), hunks.slice(yours, h.b0, h.b1))
  for _, part in ipairs(parts) do
    size = size + part.a1 - part.a0 + part.b1 - part.b0
    part.taken = h.taken
    part.a0, part.a1 = part.a0 + h.a0 - 1, part.a1 + h.a0 - 1
    part.b0, part.b1 = part.b0 + h.b0 - 1, part.b1 + h.b0 - 1
  end
  return parts, size
end

--- Hunks that touch, of which one was edited: separate, or as one where that finds lines of the base among them.
---@param group kage.Own[]
---@param base string[]
---@param yours string[]
---@return kage.Own[]
local function settled(group, base, yours)
  local apart, apart_size = {}, 0
  for _, h in ipairs(group) do
    if h.dirty then
      local parts, size = compared(h, base, yours)
      vim.list_extend(apart, parts)
      apart_size = apart_size + size
    else
      apart[#apart + 1] = h
      apart_size = apart_size + h.a1 - h.a0 + h.b1 - h.b0
    end
  end
  if #group == 1 then
    return apart
  end
  local top, bottom = group[1], group[#group]
  local whole = { a0 = top.a0, a1 = bottom.a1, b0 = top.b0, b1 = bottom.b1 }
  local together, size = compared(whole, base, yours)
  return size < apart_size and together or apart
end

--- Could two edits be one? A pick is none but itself.
---@param upper kage.Own
---@param lower kage.Own
---@return boolean
local function joins(upper, lower)
  return upper.a1 == lower.a0 and upper.b1 == lower.b0 and not upper.taken and not lower.taken
end

---@param own kage.Own[]
---@param base string[]
---@param yours string[]
---@return kage.Own[]
local function settle(own, base, yours)
  local found, index = {}, 1
  while own[index] do
    local group, dirty = { own[index] }, own[index].dirty
    while own[index + 1] and joins(own[index], own[index + 1]) do
      index = index + 1
      group[#group + 1], dirty = own[index], dirty or own[index].dirty
    end
    vim.list_extend(found, dirty and settled(group, base, yours) or group)
    index = index + 1
  end
  return found
end

--- Is yours the base wherever no hunk says otherwise?
---@param own kage.Own[]
---@param base string[]
---@param yours string[]
---@return boolean
local function holds(own, base, yours)
  local a, b = 1, 1
  for index = 1, #own + 1 do
    local h = own[index] or { a0 = #base + 1, a1 = #base + 1, b0 = #yours + 1, b1 = #yours + 1 }
    if h.a0 - a ~= h.b0 - b or h.a0 < a then
      return false
    end
    for offset = 0, h.a0 - a - 1 do
      if base[a + offset] ~= yours[b + offset] then
        return false
      end
    end
    a, b = h.a1, h.b1
  end
  return true
end

--- What yours changed of the base.
---@param base string[] its newline at the end may be another than at first
---@param yours string[]
---@param changes fun(): kage.Change[] the agents'
---@return kage.Own[]
function Tracked:read(base, yours, changes)
  if not self.lost then
    local own = settle(self.own, base, yours)
    if holds(own, base, yours) then
      self.own = own
      return own
    end
  end
  self.own = explained(base, yours, changes()) or hunks.diff(base, yours)
  self.lost = false
  return self.own
end

--- A pick was taken. Where nothing else was done to the base lines that it stands for, that is all there is to know.
---@param pick kage.Pick
function Tracked:place(pick)
  local own, index = self.own, 1
  while own[index] and own[index].a1 <= pick.c0 and own[index].b1 <= pick.y0 do
    index = index + 1
  end
  local before, below = own[index - 1] or { a1 = 1, b1 = 1 }, own[index]
  local fits = pick.c0 - before.a1 == pick.y0 - before.b1 and pick.c1 - pick.c0 == pick.y1 - pick.y0
  if not fits or (below and (below.a0 < pick.c1 or below.b0 < pick.y1)) then
    return self:edit(pick.y0, pick.y1, #pick.lines, true)
  end
  local delta = #pick.lines - (pick.y1 - pick.y0)
  local made = { a0 = pick.c0, a1 = pick.c1, b0 = pick.y0, b1 = pick.y1 + delta, taken = true }
  table.insert(own, index, made)
  for later = index + 1, #own do
    own[later].b0, own[later].b1 = own[later].b0 + delta, own[later].b1 + delta
  end
end

--- Do what takes picks, so that each is one hunk however it is done.
---@param picks kage.Pick[] from top to bottom
---@param work fun()
function Tracked:take(picks, work)
  self.paused = true
  local done, problem = pcall(work)
  self.paused = false
  if not done then
    self.lost = true
    error(problem, 0)
  end
  for index = #picks, 1, -1 do
    if not self.lost then
      self:place(picks[index])
    end
  end
end

---@type table<integer, kage.Tracked> by buffer, while something is compared with it
local followed = setmetatable({}, { __mode = "v" })

--- Follow a buffer, for as long as what this returns is in use.
---@param buffer integer
---@param base string[]
---@return kage.Tracked
function M.follow(buffer, base)
  local before = followed[buffer]
  if before and hunks.equal(before.base, base) then
    return before
  end
  local self = M.new(base)
  followed[buffer] = self
  local weak = setmetatable({ self }, { __mode = "v" })
  vim.api.nvim_buf_attach(buffer, false, {
    on_lines = function(_, _, _, first, last, new_last)
      if not weak[1] then
        return true
      end
      weak[1]:edit(first + 1, last + 1, new_last - first)
    end,
    on_reload = function()
      if weak[1] then
        weak[1].lost = true
      end
    end,
    on_detach = function()
      if weak[1] then
        weak[1].gone = true
        followed[buffer] = nil
      end
    end,
  })
  return self
end

return M
