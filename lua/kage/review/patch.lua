-- A suggested patch into your buffer, like a hunk: one undo step, and only where the lines still are those that
-- were reviewed.

local apply = require("kage.diff.picks.apply")
local document = require("kage.diff.text.bytes").document
local hunks = require("kage.diff.text.hunks")

local M = {}

local APPLIED = vim.api.nvim_create_namespace("kage.review.applied")

---@type table<integer, { review: kage.Review, finding: kage.Finding, mark: integer }[]> by buffer
local applied = {}

---@param lines string[]
---@param at integer 1-based
---@param wanted string[]
---@return boolean
local function stands(lines, at, wanted)
  for offset, line in ipairs(wanted) do
    local there = lines[at + offset - 1]
    if there ~= line and there ~= line .. "\r" then -- ends of both kinds are in some files
      return false
    end
  end
  return at >= 1
end

--- Where the lines of a patch stand: where they are expected, or at the only other place. Pure.
---@param lines string[] of the file now
---@param patch { old: string[] }
---@param expected integer? the first line, 1-based
---@return integer? # nil: nowhere, or at several places
function M.place(lines, patch, expected)
  if #patch.old == 0 then
    local is_empty = #lines == 0 or (#lines == 1 and lines[1] == "")
    return is_empty and 1 or nil
  elseif expected and stands(lines, expected, patch.old) then
    return expected
  end
  local found
  for at = 1, #lines - #patch.old + 1 do
    if stands(lines, at, patch.old) then
      if found then
        return nil
      end
      found = at
    end
  end
  return found
end

--- Whether a patch that was applied still is: undo takes it back, redo brings it again. What was edited since
--- counts as it did before.
---@param lines string[]
---@param at integer where it was applied
---@param finding kage.Finding
---@return boolean
local function is_in(lines, at, finding)
  local old, new = finding.patch.old, finding.patch.lines
  local has_old, has_new = stands(lines, at, old), stands(lines, at, new)
  if has_old and has_new then -- one begins with the other
    return #new > #old
  end
  return has_new or (finding.applied and not has_old) or false
end

--- Report, lists and diagnostics follow what undo and redo make of a buffer's patches.
---@param buffer integer
---@return true? # nothing more is to follow here
local function recount(buffer)
  local reviews, changed = require("kage.review"), false
  local lines = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
  applied[buffer] = vim.tbl_filter(function(one)
    local place = vim.api.nvim_buf_get_extmark_by_id(buffer, APPLIED, one.mark, {})
    if not place[1] or reviews.of(one.review.repository) ~= one.review then
      return false -- the file was read anew, or another review is shown now
    end
    local now = is_in(lines, place[1] + 1, one.finding)
    if now ~= one.finding.applied then
      one.finding.applied, changed = now, true
      reviews.refresh(one.review)
      require("kage.review.report").redraw(one.review)
    end
    return true
  end, applied[buffer])
  if #applied[buffer] == 0 then
    applied[buffer] = nil
    return true
  elseif not changed then -- undo moves the signs as it moved those that were there before them
    require("kage.review.marks").diagnostics()
  end
end

--- Note that a patch is in.
---@param review kage.Review
---@param finding kage.Finding
---@param buffer integer
---@param at integer the line where it begins
local function note(review, finding, buffer, at)
  finding.applied = true
  if not applied[buffer] then
    applied[buffer] = {}
    vim.api.nvim_create_autocmd("TextChanged", {
      buffer = buffer,
      callback = function()
        return recount(buffer)
      end,
    })
  end
  -- Not the finding's own mark, which text that comes in before its line moves on.
  local mark = vim.api.nvim_buf_set_extmark(buffer, APPLIED, at - 1, 0, { right_gravity = false })
  table.insert(applied[buffer], { review = review, finding = finding, mark = mark })
end

--- Apply a finding's patch.
---@param review kage.Review
---@param finding kage.Finding
---@return kage.Error? # why nothing was changed
function M.apply(review, finding)
  local patch = finding.patch
  if not patch then
    return { message = "this finding suggests no patch", fix = "Change the lines by hand; <CR> goes there." }
  end
  local marks = require("kage.review.marks")
  local path = marks.file(review, finding)
  if not vim.uv.fs_stat(path) then
    local fix = review.kind == "yours" and "Review again: :Kage review"
      or "Accept the candidate first: :KageAccept"
    return { message = finding.path .. " is not among your files", fix = fix }
  end
  local buffer = vim.fn.bufadd(path)
  vim.fn.bufload(buffer)
  if not vim.bo[buffer].modified then -- it may have been written elsewhere since
    vim.cmd("silent! checktime " .. buffer)
  end
  marks.follow(review, buffer) -- the other findings' lines move with this patch
  local why, fix = apply.refusal(buffer, path)
  if why then
    return { message = finding.path .. " is not changed: " .. why, fix = fix }
  end
  local doc = document(buffer)
  local lines = hunks.bare(doc)
  local first = marks.lines(review, finding)
  local at = M.place(lines, patch, first and first + patch.first - finding.first)
  if not at and review.number and not finding.yours then
    return {
      message = ("these lines of %s are those of candidate %d, not yours"):format(
        finding.path,
        review.number
      ),
      fix = ("Accept it first (:KageAccept %d), then review what you have: :Kage review"):format(
        review.number
      ),
    }
  elseif not at then
    return {
      message = ("the lines of %s are no longer those that were reviewed"):format(finding.path),
      fix = "Review again (:Kage review), or change them by hand: the report shows the patch.",
    }
  end
  local has_cr = #patch.old > 0 and lines[at] == patch.old[1] .. "\r"
  local new = vim.list_slice(lines, 1, at - 1)
  for _, line in ipairs(patch.lines) do
    new[#new + 1] = has_cr and line .. "\r" or line
  end
  vim.list_extend(new, lines, at + #patch.old)
  if not hunks.ends(doc) and #new > 0 then
    new[#new] = new[#new] .. hunks.NOEOL
  end
  vim.bo[buffer].buflisted = true
  apply.set_document(buffer, new, nil, doc)
  note(review, finding, buffer, at)
end

return M
