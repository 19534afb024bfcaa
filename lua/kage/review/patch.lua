-- A suggested patch into your buffer, like a hunk: one undo step, and only where the lines still are those that
-- were reviewed.

local apply = require("kage.diff.picks.apply")
local document = require("kage.diff.text.bytes").document
local hunks = require("kage.diff.text.hunks")

local M = {}

---@param lines string[]
---@param at integer 1-based
---@param wanted string[]
---@return boolean
local function stands(lines, at, wanted)
  for offset, line in ipairs(wanted) do
    if lines[at + offset - 1] ~= line then
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
  local new = vim.list_slice(lines, 1, at - 1)
  vim.list_extend(new, patch.lines)
  vim.list_extend(new, lines, at + #patch.old)
  if not hunks.ends(doc) and #new > 0 then
    new[#new] = new[#new] .. hunks.NOEOL
  end
  vim.bo[buffer].buflisted = true
  apply.set_document(buffer, new, nil, doc)
end

return M
