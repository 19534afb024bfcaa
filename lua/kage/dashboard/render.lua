-- The dashboard as lines of coloured pieces, for a width. Pure: what it knows comes as arguments.

local words = require("kage.words")

local M = {}

---@alias kage.Chunk { [1]: string, [2]: string? } text and highlight group

---@class kage.Screen
---@field lines kage.Chunk[][]
---@field agents table<integer, integer> line (1-based) → agent's number

---@param agent kage.Agent
---@param now number
---@return string
local function age(agent, now)
  return agent.started and words.duration((agent.ended or now) - agent.started) or ""
end

---@param agent kage.Agent
---@param width integer
---@param now number
---@return kage.Chunk[]
local function row(agent, width, now)
  local icon = require("kage.config").get().icons[agent.state] or "?"
  local group = require("kage.highlight").of(agent.state)
  local name = width >= 100 and 20 or 10
  local right = {
    { " " .. words.fit(words.player(agent), name) },
    { " " .. words.fit(words.cost(agent), agent.unmetered and 9 or 7, true) },
    {
      width >= 80 and " " .. words.fit(words.count(agent.tokens_in + agent.tokens_out), 5, true) or "",
      "KageFaint",
    },
    { " " .. words.fit(age(agent, now), 7, true), "KageFaint" },
  }
  local used = 0
  for _, chunk in ipairs(right) do
    used = used + vim.api.nvim_strwidth(chunk[1])
  end
  local left = {
    { words.fit(tostring(agent.number), 3, true) .. " ", "KageKey" },
    { words.fit(icon, 2) .. words.fit(agent.state, 11) .. " ", group },
  }
  local warned = (agent.warning or "") ~= "" and "KageWaiting" or nil
  left[3] = { words.fit(words.news(agent), math.max(1, width - used - 18)), warned }
  return vim.list_extend(left, right)
end

---@param run kage.Run
---@return string
local function total(run)
  local sum, unpriced, metered = 0, false, false
  for _, agent in ipairs(run.agents) do
    sum = sum + (agent.cost_usd or 0)
    unpriced = unpriced or agent.cost_usd == nil or agent.unmetered == true
    metered = metered or not agent.unmetered
  end
  if not metered and #run.agents > 0 then
    return "unmetered"
  end
  return words.money((sum > 0 or not unpriced) and sum or nil) .. (unpriced and sum > 0 and "+" or "")
end

---@param run kage.Run
---@param place string which of how many runs
---@param width integer
---@return kage.Chunk[][]
local function header(run, place, width)
  local facts = { "run " .. run.id .. place, "base " .. run.base:sub(1, 8), total(run) }
  if run.on then
    facts[#facts + 1] = "on " .. run.on
  end
  if #run.candidates > 0 then
    facts[#facts + 1] = #run.candidates == 1 and "1 candidate" or #run.candidates .. " candidates"
  end
  if run.landed then
    facts[#facts + 1] = "landed " .. run.landed
  end
  facts[#facts + 1] = "g? help"
  return {
    { { words.cut(words.clean(run.task), width), "KageTitle" } },
    { { words.cut(table.concat(facts, " · "), width), "KageFaint" } },
  }
end

---@class kage.DashboardView
---@field run kage.Run?
---@field place string " 2/3" when there are more runs
---@field selected integer? agent's number
---@field log kage.Line[] of the selected agent
---@field log_lines integer
---@field width integer
---@field now number Unix seconds

---@param view kage.DashboardView
---@return kage.Screen
function M.screen(view)
  local run = view.run
  if not run then
    local hint = "No agents here yet. :KageSpawn 3 starts three; :help kage"
    return { lines = { { { words.cut(hint, view.width), "KageFaint" } } }, agents = {} }
  end
  local screen = { lines = header(run, view.place, view.width), agents = {} }
  for _, agent in ipairs(run.agents) do
    screen.lines[#screen.lines + 1] = row(agent, view.width, view.now)
    screen.agents[#screen.lines] = agent.number
  end
  if view.selected and view.log_lines > 0 then
    local title = ("── log of agent %d "):format(view.selected)
    local rule = title .. ("─"):rep(math.max(0, view.width - vim.api.nvim_strwidth(title)))
    screen.lines[#screen.lines + 1] = { { rule, "KageFaint" } }
    for i = math.max(1, #view.log - view.log_lines + 1), #view.log do
      screen.lines[#screen.lines + 1] = { { words.cut(view.log[i][1], view.width), view.log[i][2] } }
    end
  end
  return screen
end

return M
