--- `:Kage take`: what agents agree on, in all files. Texts are edited in buffers and left unwritten, each in one undo
--- step; what is no text (a new file, a deletion, a rename, a mode, a binary file) is landed by kaged.
local apply = require("kage.diff.picks.apply")
local choices = require("kage.diff.places.choices")
local notify = require("kage.notify")
local orders = require("kage.diff.places.gather.order")
local quickfix = require("kage.diff.places.quickfix")
local shape = require("kage.diff.text.shape")
local survey = require("kage.diff.places.survey")
local told = require("kage.diff.places.gather.told")
local visited = require("kage.diff.visited")
local wholes = require("kage.diff.places.gather.wholes")

local M = {}

---@class kage.Gathered
---@field places integer
---@field files integer
---@field whole integer
---@field unwritten string[]
---@field refused string[]

---@param order kage.GatherOrder
---@param text kage.SurveyedFile
---@param voices integer[]
---@return kage.Take[]
local function takes_of(order, text, voices)
  local takes = {}
  for _, spot in ipairs(text.spots) do
    local agent = spot.state == "open" and choices.agreed(spot.place, voices, order.majority)
    local lines = order.lines
    local is_inside = not lines or (spot.y0 <= lines.last and lines.first < math.max(spot.y1, spot.y0 + 1))
    if agent and is_inside and text.content.versions[agent].bytes then
      takes[#takes + 1] = { spot = spot, agent = agent }
    end
  end
  return takes
end

--- The buffer of a file, loaded and listed.
---@param text kage.SurveyedFile
---@return integer
local function load(text)
  local buffer = survey.buffer(text.absolute)
  if not buffer then
    buffer = visited.load(text.absolute)
    vim.bo[buffer].buflisted = true
  end
  return buffer
end

---@param order kage.GatherOrder
---@param found kage.Survey
---@param index integer of the text
---@param done kage.Gathered
local function take_text(order, found, index, done)
  local text = found.texts[index]
  if not orders.is_meant(order, text.absolute) or #takes_of(order, text, found.voices) == 0 then
    return
  end
  local buffer = load(text)
  text = assert(survey.file(found.run, text.absolute, text.answer))
  local takes = takes_of(order, text, found.voices)
  local _, docs = text.content:texts(text.yours)
  local why, fix = apply.refusal(buffer, text.absolute)
  if not why and #text.yours > 0 then
    local lines = vim.tbl_map(function(one)
      return { lines = choices.lines(one.spot.place, one.agent, docs) }
    end, takes)
    why, fix = shape.refusal(buffer, text.yours, lines)
  end
  if why or #takes == 0 then
    done.refused[#done.refused + 1] = ("nothing was taken into %s: %s; %s"):format(
      vim.fn.strtrans(text.path),
      why or "its buffer differs from what is on disk",
      fix or "take again"
    )
    return
  end
  local format = apply.format_of_new(buffer, text.yours, text.content.versions[takes[1].agent].format)
  apply.set_document(buffer, choices.take(text.yours, takes, docs), format)
  done.places, done.files = done.places + #takes, done.files + 1
  done.unwritten[#done.unwritten + 1] = vim.fn.strtrans(text.path)
  found.texts[index] = assert(survey.file(found.run, text.absolute, text.answer))
end

--- Is there something in a text that this is about: agreed, or a choice that may be left?
---@param order kage.GatherOrder
---@return fun(file: kage.ChangedFile, places: kage.Place[], voices: integer[]): boolean
local function matters(order)
  return function(_, places, voices)
    return vim.iter(places):any(function(place)
      return choices.kind(place) == "choice" or choices.agreed(place, voices, order.majority) ~= nil
    end)
  end
end

---@param order kage.GatherOrder
---@param found kage.Survey
local function take(order, found)
  if #found.agents < 2 then
    return notify.info(
      ("only agent %d is compared; :KageAccept %d takes all of it"):format(found.agents[1], found.agents[1])
    )
  end
  local done = { places = 0, files = 0, whole = 0, unwritten = {}, refused = {} }
  local wanted, is_whole = {}, {}
  for _, file in ipairs(order.lines and {} or found.files) do
    local path = vim.fs.joinpath(found.root, file.path)
    local agent = orders.is_meant(order, path)
      and file.kind ~= "submodule"
      and wholes.agreed(found, file, order.majority)
    if agent then
      wanted[agent] = wanted[agent] or {}
      table.insert(wanted[agent], path)
      is_whole[file.path] = true
    end
  end
  for index = 1, #found.texts do
    if not is_whole[found.texts[index].path] then
      take_text(order, found, index, done)
    end
  end
  wholes.land(found, wanted, done, function()
    quickfix.write(found, false)
    told.add_left(order, found, done)
    told.report(order, found, done)
    if done.places + done.whole > 0 then
      require("kage.checks").picked(order.cwd)
    end
  end)
end

--- Take what all agents agree on, or a majority of them.
---@param order kage.GatherOrder
function M.take(order)
  local wanted = { cwd = order.cwd, run = order.run, agents = order.agents, keep = matters(order) }
  survey.run(wanted, function(err, found)
    if err then
      return notify.error(err)
    end
    take(order, found)
  end)
end

--- `:Kage take`.
---@param words kage.Words
function M.command(words)
  M.take(orders.read(words))
end

return M
