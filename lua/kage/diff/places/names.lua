--- What places are called on the screen. Pure.
local choices = require("kage.diff.places.choices")

local M = {}

local HOW = { space = "up to whitespace", syntax = "same syntax" }

--- What a place is called, in full and shorter and shorter.
---@param spot kage.Spot
---@param voices integer[] the agents that count
---@param all integer how many choices the file has
---@return string[]
local function names_of(spot, voices, all)
  local place = spot.place
  local version = place.versions[1]
  local sides = choices.sides(place)
  local count, of = choices.count(version, voices), #voices
  if spot.kind == "lone" or spot.kind == "consensus" and count < 2 then
    return { "only " .. sides }
  elseif spot.kind == "consensus" then
    local full = ("%d of %d agree (%s)"):format(count, of, sides)
    local how = HOW[version.how]
    local short = { full, ("%d/%d agree"):format(count, of), ("=%d/%d"):format(count, of) }
    return how and vim.list_extend({ full .. ", " .. how }, short) or short
  end
  local number = ("%d/%d"):format(spot.number, all)
  return { ("choice %s: %s"):format(number, sides), number .. ": " .. sides:gsub(" | ", "|"), number }
end

--- What became of it.
---@param spot kage.Spot
---@return string? nil while it is open
local function state_of(spot)
  if spot.state == "taken" then
    return spot.kind == "choice" and table.concat(spot.place.versions[spot.version].agents, " ") .. " taken"
      or "taken"
  end
  return ({ edited = "edited", reset = "base kept" })[spot.state]
end

--- Its name with what became of it; its number when there is no room for more.
---@param spot kage.Spot
---@param voices integer[] the agents that count
---@param all integer how many choices the file has
---@return string[] in full and shorter and shorter
function M.told(spot, voices, all)
  local names, state = names_of(spot, voices, all), state_of(spot)
  if not state then
    return names
  end
  local told = vim.tbl_map(function(name)
    return name .. ", " .. state
  end, names)
  vim.list_extend(told, { state, names[#names] })
  return told
end

--- What of it there is room for.
---@param told string[]
---@param room integer columns
---@return string? the fullest that fits
function M.fitting(told, room)
  for _, name in ipairs(told) do
    if vim.api.nvim_strwidth(name) <= room then
      return name
    end
  end
end

return M
