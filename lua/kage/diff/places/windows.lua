--- Where places stand in the diff's windows: in an agent's, whose text is yours with its picks, and under the cursor.
local choices = require("kage.diff.places.choices")
local hunks = require("kage.diff.text.hunks")

local M = {}

--- How much the picks in front of each one grow the text; they are known as long as the merge is.
---@type table<kage.Merge, integer[]>
local growths = setmetatable({}, { __mode = "k" })

---@param merged kage.Merge
---@return integer[] sums in front of each pick, and behind the last
local function growths_of(merged)
  local sums = growths[merged]
  if not sums then
    sums = { 0 }
    for index, pick in ipairs(merged.picks) do
      sums[index + 1] = sums[index] + #pick.lines - (pick.y1 - pick.y0)
    end
    growths[merged] = sums
  end
  return sums
end

--- Lines `[m0, m1)` of an agent's window that stand for a place.
---@param spot kage.Spot
---@param merged kage.Merge
---@return integer m0, integer m1
function M.range(spot, merged)
  local sums, all = growths_of(merged), merged.picks
  local index = hunks.first(all, "y1", spot.y0)
  local before, inside = sums[index], 0
  while all[index] and all[index].y0 <= spot.y1 do
    local pick = all[index]
    if choices.overlap(pick.c0, pick.c1, spot.place.first, spot.place.past) then
      inside = inside + sums[index + 1] - sums[index]
    elseif pick.y1 <= spot.y0 then
      before = before + sums[index + 1] - sums[index]
    end
    index = index + 1
  end
  local m0 = spot.y0 + before
  return m0, math.max(m0, spot.y1 + before + inside)
end

--- The place under the cursor of the current window.
---@param view kage.DiffView
---@return kage.Spot?
---@return integer line of yours
function M.here(view)
  local column = view:column_here()
  if column and column.merge then
    return choices.at_merged(view.spots, column.merge, vim.api.nvim_win_get_cursor(0)[1])
  end
  local line = vim.api.nvim_win_get_cursor(view.yours)[1]
  return choices.at(view.spots, line), line
end

return M
