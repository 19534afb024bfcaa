--- What stands above the window of yours: the place under the cursor, and what of the file is to be chosen.
local layout = require("kage.diff.layout")
local names = require("kage.diff.places.names")
local titles = require("kage.diff.titles")
local windows = require("kage.diff.places.windows")

local M = {}

--- What the window of yours says above it, of the place under the cursor and of the file.
---@param view kage.DiffView
---@return kage.Span[]
local function said(view)
  local open, all = 0, 0
  for _, spot in ipairs(view.spots) do
    if spot.kind == "choice" then
      all = all + 1
      open = open + (spot.state == "open" and 1 or 0)
    end
  end
  local found = {}
  if open > 0 then
    found[1] = { open == 1 and "1 choice open" or open .. " choices open", "KageChoice" }
  elseif all > 0 then
    found[1] = { "no choice open", "KageFaint" }
  end
  local spot = windows.here(view)
  local told = spot and names.told(spot, view.voices, all)
  local changed = vim.bo[vim.api.nvim_win_get_buf(view.yours)].modified
  local head = vim.api.nvim_strwidth(" yours " .. vim.fs.basename(view.path) .. (changed and " [+] " or "  "))
  local room = vim.api.nvim_win_get_width(view.yours) - head
  if found[1] then
    if room < vim.api.nvim_strwidth(found[1][1]) + (told and vim.api.nvim_strwidth(told[1]) + 2 or 0) then
      found[1][1] = open .. " open"
    end
    room = room - vim.api.nvim_strwidth(found[1][1])
  end
  local name = told and names.fitting(told, room - (found[1] and 1 or 0))
  if name then
    found[#found + 1] = { name, "KageFaint" }
  end
  return found
end

--- The cursor moved: name the place that it is at. Costs nothing where that is the same.
---@param view kage.DiffView
function M.draw(view)
  local file = view.path and view:file(view.path)
  if not (file and view.spots) or view.away or not vim.api.nvim_win_is_valid(view.yours) then
    return
  end
  local title = titles.yours(file, #view.agents > 1 and said(view) or {})
  if vim.wo[view.yours].winbar ~= title then
    layout.set(view.yours, "winbar", title)
  end
end

return M
