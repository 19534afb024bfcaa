--- The open choices of a run as a quickfix list of its own.
local choices = require("kage.diff.places.choices")
local hunks = require("kage.diff.text.hunks")
local notify = require("kage.notify")
local survey = require("kage.diff.places.survey")
local words = require("kage.words")

local M = {}

local TITLE = "Kage: open choices of "
-- The text of a line in the list is cut here.
local LONGEST = 80

---@type table<string, integer> run → id of its list
local lists = {}

--- The first line of a version that says something.
---@param text kage.SurveyedFile
---@param spot kage.Spot
---@return string
local function sample(text, spot)
  for _, version in ipairs(spot.place.versions) do
    local agent = version.agents[1]
    local found = text.content.versions[agent]
    local lines = found and choices.lines(spot.place, agent, { [agent] = hunks.bare(found.doc) }) or {}
    for _, line in ipairs(lines) do
      if line:find("%S") then
        return words.cut(vim.trim(vim.fn.strtrans(line)), LONGEST)
      end
    end
  end
  return "lines are deleted"
end

---@param found kage.Survey
---@return table[]
local function entries(found)
  local items = {}
  for _, text in ipairs(found.texts) do
    for _, spot in ipairs(choices.open(text.spots)) do
      local line = math.max(1, math.min(spot.y0, #text.yours))
      items[#items + 1] = {
        filename = text.absolute,
        lnum = line,
        end_lnum = math.max(line, spot.y1 - 1),
        text = choices.sides(spot.place) .. ": " .. sample(text, spot),
      }
    end
  end
  return items
end

---@param run string
---@return integer? id of the run's list, when it is still in the stack
local function known(run)
  local id = lists[run]
  return id and vim.fn.getqflist({ id = id, title = 0 }).title == TITLE .. run and id or nil
end

--- Write the list: over the one of the run where there is one, else on top of the stack.
---@param found kage.Survey
---@param make boolean make one where there is none
---@return integer count of its entries
function M.write(found, make)
  local items, id = entries(found), known(found.run)
  if id then
    vim.fn.setqflist({}, "r", { id = id, items = items, title = TITLE .. found.run })
  elseif make and #items > 0 then
    vim.fn.setqflist({}, " ", { title = TITLE .. found.run, items = items })
    lists[found.run] = vim.fn.getqflist({ id = 0 }).id
  end
  return #items
end

--- Bring the run's list to the top of the user's eyes.
---@param run string
---@param count integer
local function show(run, count)
  local nr = vim.fn.getqflist({ id = known(run), nr = 0 }).nr
  if nr ~= vim.fn.getqflist({ nr = 0 }).nr then
    vim.cmd("silent " .. nr .. "chistory")
  end
  vim.cmd("botright copen " .. math.min(10, math.max(3, count)))
  vim.cmd.wincmd("p")
end

--- `:Kage choices`.
---@param order kage.SurveyOrder
function M.list(order)
  order.keep = function(_, places)
    return vim.iter(places):any(function(place)
      return choices.kind(place) == "choice"
    end)
  end
  survey.run(order, function(err, found)
    if err then
      return notify.error(err)
    end
    local count = M.write(found, true)
    local text = count == 0 and "no choice is open"
      or (count == 1 and "1 choice is open" or count .. " choices are open")
    if #found.unread > 0 then
      local names = vim.fn.strtrans(table.concat(found.unread, ", "))
      text = text .. "; not among them, as agents are only compared as a whole there: " .. names
    end
    if #found.apart > 0 then
      text = text .. "; left out, no files of yours any more: " .. survey.named(found.apart)
    end
    if count > 0 then
      show(found.run, count)
    end
    notify.info(text)
  end)
end

return M
