--- What `do` means at a place: whose version, and which lines of yours it replaces.
local choices = require("kage.diff.choices")
local hunks = require("kage.diff.hunks")
local notify = require("kage.notify")

local M = {}

--- The place at a line of the current window, in yours as it is now.
---@param view kage.DiffView
---@param column kage.Column? of the current window
---@param line integer
---@return kage.Spot?
function M.spot(view, column, line)
  local content = view.content
  if not (content and content.places and content.buffer and vim.api.nvim_buf_is_loaded(content.buffer)) then
    return nil
  end
  local spots = content:spots(content:yours())
  if column and column.merge then
    return (choices.at_merged(spots, column.merge, line))
  end
  return choices.at(spots, line)
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

--- Whose version is meant. Where agents agree, and where only one has one, it is theirs, whoever is in focus; else
--- that of the number typed, the agent's window, or the focus. Says so when that agent has none.
---@param view kage.DiffView
---@param spot kage.Spot
---@param count integer the number typed; 0 = none
---@param column kage.Column? the agent's window that the key was typed in
---@return integer? agent
function M.agent(view, spot, count, column)
  local place = spot.place
  if count == 0 and not column and spot.kind ~= "choice" then
    return place.versions[1].agents[1]
  end
  local agent = count > 0 and count or (column and column.agent) or view:agent_meant()
  if choices.version_of(place, agent) or not vim.tbl_contains(view.agents, agent) then
    return agent
  end
  notify.info(("agent %d leaves these lines as they are; %s"):format(agent, offers(place)))
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
