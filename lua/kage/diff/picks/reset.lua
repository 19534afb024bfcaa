--- Back to the base: what was picked or typed at a place is taken out of yours again, and nothing beside it.
--- Methods of the view; each gets a kage.LineRange.
local apply = require("kage.diff.picks.apply")
local choices = require("kage.diff.places.choices")
local hunks = require("kage.diff.text.hunks")
local merge = require("kage.diff.picks.merge")
local notify = require("kage.notify")
local operator = require("kage.diff.picks.operator")
local picks = require("kage.diff.picks")
local shape = require("kage.diff.text.shape")

local M = {}

--- The places in a stretch of the base are decided.
---@param view kage.DiffView
---@param c0 integer
---@param c1 integer
---@return boolean any
local function decide(view, c0, c1)
  local any = false
  for _, place in ipairs(view.content.places or {}) do
    if choices.overlap(c0, c1, place.first, place.past) then
      view.content:reset(place)
      any = true
    end
  end
  return any
end

--- A difference of yours from the base, as a pick that takes it back.
---@param hunk kage.Hunk base → yours
---@param base string[]
---@return kage.Pick
local function backwards(hunk, base)
  return {
    conflict = false,
    c0 = hunk.a0,
    c1 = hunk.a1,
    y0 = hunk.b0,
    y1 = hunk.b1,
    lines = hunks.slice(base, hunk.a0, hunk.a1),
  }
end

--- What takes exactly those lines back that an agent's hunk brought into a difference of yours, however much was
--- typed beside them: the merge of "the agent's hunk undone" onto yours.
---@param hunk kage.Hunk base → yours
---@param own kage.Hunk base → the agent's, inside it
---@param base string[]
---@param yours string[]
---@param doc string[] the agent's
---@return kage.Pick[]
local function taken_back(hunk, own, base, yours, doc)
  local before = hunks.slice(base, hunk.a0, hunk.a1)
  local with = hunks.slice(base, hunk.a0, own.a0)
  vim.list_extend(with, doc, own.b0, own.b1 - 1)
  vim.list_extend(with, base, own.a1, hunk.a1 - 1)
  local found = {}
  for _, pick in ipairs(merge.merge(with, hunks.slice(yours, hunk.b0, hunk.b1), before).picks) do
    if not pick.conflict then
      pick.y0, pick.y1 = pick.y0 + hunk.b0 - 1, pick.y1 + hunk.b0 - 1
      pick.c0, pick.c1 = own.a0, own.a1
      found[#found + 1] = pick
    end
  end
  return found
end

---@param versions table<integer, kage.Version>
---@param hunk kage.Hunk
---@param base string[]
---@param yours string[]
---@return kage.Pick[][] for each agent's hunk inside the difference, where yours has it
local function brought(versions, hunk, base, yours)
  local found = {}
  local agents = vim.tbl_keys(versions)
  table.sort(agents)
  for _, agent in ipairs(agents) do
    for _, own in ipairs(versions[agent].hunks) do
      if hunk.a0 <= own.a0 and own.a1 <= hunk.a1 then
        local back = taken_back(hunk, own, base, yours, versions[agent].doc)
        if #back > 0 then
          found[#found + 1] = back
        end
      end
    end
  end
  return found
end

--- What to take back at a line: what an agent brought there; where none did, what was typed there and does not
--- touch what one brought.
---@param content kage.Content
---@param own kage.Hunk[] base → yours
---@param base string[]
---@param yours string[]
---@param line integer
---@return kage.Pick[]
local function at_line(content, own, base, yours, line)
  local all = vim.tbl_map(function(hunk)
    return backwards(hunk, base)
  end, own)
  local meant = picks.at({ picks = all }, "yours", line)
  if not meant then
    return {}
  end
  local hunk = { a0 = meant.c0, a1 = meant.c1, b0 = meant.y0, b1 = meant.y1 }
  local groups = brought(content.versions, hunk, base, yours)
  for _, group in ipairs(groups) do
    if picks.at({ picks = group }, "yours", line) then
      return group
    end
  end
  local pieces = {}
  for _, piece in ipairs(hunks.diff(meant.lines, hunks.slice(yours, meant.y0, meant.y1), true)) do
    local part = backwards({
      a0 = piece.a0 + meant.c0 - 1,
      a1 = piece.a1 + meant.c0 - 1,
      b0 = piece.b0 + meant.y0 - 1,
      b1 = piece.b1 + meant.y0 - 1,
    }, base)
    local is_free = true
    for _, group in ipairs(groups) do
      for _, back in ipairs(group) do
        is_free = is_free and not choices.overlap(back.y0, back.y1, part.y0, part.y1)
      end
    end
    pieces[#pieces + 1] = is_free and part or nil
  end
  return #groups == 0 and { meant } or { picks.at({ picks = pieces }, "yours", line) }
end

--- What differs from the base.
---@param content kage.Content
---@param yours string[]
---@param with_end boolean the newline at the end is meant too, whoever changed it
---@return string[] base
---@return kage.Hunk[] own base → yours
local function against(content, yours, with_end)
  local base, _, settled = content:texts(yours)
  if settled and with_end then
    return content.base, hunks.diff(content.base, yours)
  end
  return base, content:own(base, yours)
end

--- Nothing differs from the base here: then the user decides that nothing shall.
---@param view kage.DiffView
---@param yours string[]
---@param line integer
local function keep_base(view, yours, line)
  local decided = false
  for _, merged in pairs(view.content:merges(yours, view.agents)) do
    local pick = picks.at(merged, "yours", line)
    decided = pick and decide(view, pick.c0, pick.c1) or decided
  end
  if decided then
    view:refresh()
    return notify.info("decided: yours stays as the base is here")
  end
  notify.info("yours is as the base is here")
end

---@param view kage.DiffView
---@return boolean
local function can_reset(view)
  local buffer = view.content and view.content.buffer
  if not buffer then
    notify.info("what was taken whole is taken back by :KageUndo")
    return false
  elseif not vim.api.nvim_buf_is_loaded(buffer) then
    notify.error({ message = "the file is not open any more", fix = "<CR> in the panel shows it again." })
    return false
  end
  local why, fix = apply.refusal(buffer, vim.fs.joinpath(view.root, view.path))
  if why then
    notify.error({ message = "nothing is reset: " .. why, fix = fix })
  end
  return not why
end

---@param view kage.DiffView
---@param yours string[]
---@param parts kage.Pick[]
---@param options? table<string, any> that are the base's too
local function take_back(view, yours, parts, options)
  local why, fix = shape.refusal(view.content.buffer, yours, parts, options)
  if why then
    return notify.error({ message = "nothing is reset: " .. why, fix = fix })
  end
  view.content:take(yours, parts, options)
  for _, part in ipairs(parts) do
    decide(view, part.c0, part.c1)
  end
  view:refresh()
  require("kage.checks").picked(view.cwd)
end

--- Lines of the current window.
---@param range kage.LineRange
function M:reset_lines(range)
  if not can_reset(self) then
    return
  end
  local column = self:column_here()
  local first, last = range.first, range.last
  if column and column.merge then
    first, last = picks.to_yours(column.merge, first), picks.to_yours(column.merge, last)
  end
  local yours = self.content:yours()
  local base, own = against(self.content, yours, last >= #yours)
  local parts
  if range.visual then
    local all = vim.tbl_map(function(hunk)
      return backwards(hunk, base)
    end, own)
    parts = picks.within({ picks = all }, yours, "yours", first, last)
  else
    parts = at_line(self.content, own, base, yours, first)
  end
  if #parts > 0 then
    take_back(self, yours, parts)
  elseif range.visual then
    notify.info("yours is as the base is here")
  else
    keep_base(self, yours, first)
  end
end

function M:reset_all()
  if not can_reset(self) then
    return
  end
  local yours = self.content:yours()
  local base, own = against(self.content, yours, true)
  local options = shape.taken(self.content)
  if #own == 0 and not options then
    return notify.info("yours is as the base is")
  end
  local parts = vim.tbl_map(function(hunk)
    return backwards(hunk, base)
  end, own)
  take_back(self, yours, parts, options)
end

--- `dr`.
---@param mode string
function M:reset(mode)
  operator.act(self, mode, "reset_lines")
end

--- `dR`.
---@param mode string
function M:reset_file(mode)
  operator.act(self, mode, "reset_all")
end

return M
