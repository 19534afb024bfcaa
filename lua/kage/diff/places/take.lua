--- What `do` means at a place: whose version, and which lines of yours it replaces.
local choices = require("kage.diff.places.choices")
local hunks = require("kage.diff.text.hunks")
local notify = require("kage.notify")

local M = {}

--- Whose version is meant. Where agents agree, and where only one has one, it is theirs, whoever is in focus; else
--- that of the number typed, the agent's window, or the focus.
---@param view kage.DiffView
---@param spot kage.Spot
---@param count integer the number typed; 0 = none
---@param column kage.Column? the agent's window that the key was typed in
---@return integer agent
local function meant(view, spot, count, column)
  if count == 0 and not column and spot.kind ~= "choice" then
    return spot.place.versions[1].agents[1]
  end
  return count > 0 and count or (column and column.agent) or view:agent_meant()
end

--- The places that touch one, directly or through others: one block on the screen, at whose first line `]c` stops.
---@param spots kage.Spot[]
---@param here kage.Spot
---@return kage.Spot[] those below it, then those above it, the nearest first
local function touching(spots, here)
  local found, at = {}, 0
  for index, spot in ipairs(spots) do
    at = spot == here and index or at
  end
  for index = at + 1, #spots do
    if spots[index].y0 ~= spots[index - 1].y1 then
      break
    end
    found[#found + 1] = spots[index]
  end
  for index = at - 1, 1, -1 do
    if spots[index].y1 ~= spots[index + 1].y0 then
      break
    end
    found[#found + 1] = spots[index]
  end
  return found
end

--- A line may mean several places: the first at which the agent meant made something that is not there yet, so that
--- the next `do` reaches the next one; else one at which it made anything. An agent named by its number that did
--- nothing at the line itself is looked for in the places that touch.
---@param view kage.DiffView
---@param spots kage.Spot[] all of the file
---@param found kage.Spot[] those at the line, the likeliest first
---@param count integer
---@param column kage.Column?
---@return kage.Spot?
local function choose(view, spots, found, count, column)
  local there
  local function look(among)
    for _, spot in ipairs(among) do
      local version = choices.version_of(spot.place, meant(view, spot, count, column))
      if version and not (spot.state == "taken" and spot.version == version) then
        return spot
      end
      there = there or (version and spot or nil)
    end
  end
  local left = look(found)
  if not left and not there and count > 0 and found[1] then
    left = look(touching(spots, found[1]))
  end
  return left or there or found[1]
end

--- The place that a line of the current window means, in yours as it is now.
---@param view kage.DiffView
---@param column kage.Column? of the current window
---@param line integer
---@param count integer the number typed; 0 = none
---@return kage.Spot?
function M.spot(view, column, line, count)
  local content = view.content
  if not (content and content.places and content.buffer and vim.api.nvim_buf_is_loaded(content.buffer)) then
    return nil
  end
  local spots = content:spots(content:yours())
  if not (column and column.merge) then
    return choose(view, spots, choices.all_at(spots, line), count, column)
  end
  local first, of_yours = choices.at_merged(spots, column.merge, line)
  local found = { first }
  for _, spot in ipairs(choices.all_at(spots, of_yours)) do
    if spot ~= first then
      found[#found + 1] = spot
    end
  end
  return choose(view, spots, found, count, column)
end

--- "1do takes that of 1 2, 3do that of 3"
---@param place kage.Place
---@return string
local function offers(place)
  local found = {}
  for index, version in ipairs(place.versions) do
    local verb = index == 1 and "takes the version of" or "that of"
    found[index] = ("%ddo %s %s"):format(version.agents[1], verb, table.concat(version.agents, " "))
  end
  return table.concat(found, ", ")
end

--- Whose version is meant; says so when that agent has none.
---@param view kage.DiffView
---@param spot kage.Spot
---@param count integer the number typed; 0 = none
---@param column kage.Column? the agent's window that the key was typed in
---@return integer? agent
function M.agent(view, spot, count, column)
  local agent = meant(view, spot, count, column)
  if choices.version_of(spot.place, agent) or not vim.tbl_contains(view.agents, agent) then
    return agent
  end
  notify.info(("agent %d leaves these lines as they are; %s"):format(agent, offers(spot.place)))
end

--- The picks that put an agent's version there. What only Kage put there, or nobody, is replaced as a whole, so that
--- one version follows another; what was edited by hand, by three-way merge.
---@param content kage.Content
---@param spot kage.Spot
---@param agent integer
---@param merged kage.Merge of that agent
---@param yours string[]
---@return kage.Pick[] none when it is there already
function M.picks(content, spot, agent, merged, yours)
  local place = spot.place
  if spot.state == "edited" or not choices.version_of(place, agent) then
    return vim.tbl_filter(function(pick)
      return choices.overlap(pick.c0, pick.c1, place.first, place.past)
    end, merged.picks)
  end
  local _, docs = content:texts(yours)
  local lines = choices.lines(place, agent, docs)
  if hunks.equal(lines, hunks.slice(yours, spot.y0, spot.y1)) then
    return {}
  end
  return {
    {
      conflict = false,
      c0 = place.first,
      c1 = place.past,
      y0 = spot.y0,
      y1 = spot.y1,
      lines = lines,
    },
  }
end

return M
