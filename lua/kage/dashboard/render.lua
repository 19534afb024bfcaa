-- The dashboard as lines of coloured pieces, for a width. Pure: what it knows comes as arguments.

local words = require("kage.words")

local M = {}

---@alias kage.Chunk { [1]: string, [2]: string? } text and highlight group

---@class kage.Screen
---@field lines kage.Chunk[][]
---@field agents table<integer, integer> line (1-based) → agent's number
---@field candidates table<integer, integer> line → number of a candidate that no agent made
---@field rows integer? lines above the log

---@param agent kage.Agent
---@param now number
---@return string
local function age(agent, now)
  return agent.started and words.duration((agent.ended or now) - agent.started) or ""
end

---@param run kage.Run
---@param number integer
---@return kage.Chunk # the number, the winner's marked
local function name_of(run, number)
  local mark = run.winner == number and "★" or ""
  return { words.fit(mark .. number, 3, true) .. " ", "KageKey" }
end

--- Pieces in so many columns, the last of them cut or padded.
---@param chunks kage.Chunk[]
---@param width integer
---@return kage.Chunk[]
local function within(chunks, width)
  for index, chunk in ipairs(chunks) do
    local fit = index == #chunks and words.fit or words.cut
    chunk[1] = fit(chunk[1], math.max(0, width))
    width = width - vim.api.nvim_strwidth(chunk[1])
  end
  return chunks
end

--- What its checks say, then what it does or why it ended.
---@param run kage.Run
---@param agent kage.Agent
---@param width integer
---@return kage.Chunk[]
local function told(run, agent, width)
  local warned = (agent.warning or "") ~= "" and "KageWaiting" or nil
  local checked, group = "", nil
  if agent.state == "checking" or require("kage.state").ended(agent) then
    checked, group = words.checked(words.candidate(run, agent.number))
  end
  local news = words.news(agent)
  if run.kind == "parts" and agent.angle ~= "" then
    news = words.clean(agent.angle) .. (news == "" and "" or " · " .. news)
  end
  local chunks = checked ~= "" and { { checked, group }, { news ~= "" and " · " or "" } } or {}
  chunks[#chunks + 1] = { news, warned }
  return within(chunks, width)
end

---@param run kage.Run
---@param agent kage.Agent
---@param width integer
---@param now number
---@return kage.Chunk[]
local function row(run, agent, width, now)
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
    name_of(run, agent.number),
    { words.fit(icon, 2) .. words.fit(agent.state, 11) .. " ", group },
  }
  vim.list_extend(left, told(run, agent, math.max(1, width - used - 18)))
  return vim.list_extend(left, right)
end

--- A candidate that no agent made: composed or synthesised.
---@param run kage.Run
---@param candidate kage.Candidate
---@param width integer
---@return kage.Chunk[]
local function made_row(run, candidate, width)
  local checked, group = words.checked(candidate)
  local note = words.clean(candidate.note)
  local size = ("+%d -%d"):format(candidate.added, candidate.removed)
  local chunks = {
    name_of(run, candidate.number),
    { words.fit("+ " .. words.clean(candidate.kind), 13) .. " " },
    { checked, group },
    { (checked ~= "" and " · " or "") .. size .. (note ~= "" and " · " or "") },
    { note, "KageFaint" },
  }
  return within(chunks, width)
end

--- What was done to the tests in a candidate, by name.
---@param candidate kage.Candidate?
---@param width integer
---@return kage.Chunk[]?
local function weakened_row(candidate, width)
  local weakened = candidate and candidate.weakened or {}
  if #weakened > 0 then
    local text = "      tests weakened: " .. words.clean(table.concat(weakened, "; "))
    return { { words.cut(text, width), "KageFailed" } }
  end
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
  if run.strategy and run.strategy ~= "all" then
    facts[#facts + 1] = run.strategy
  end
  if run.kind and run.kind ~= "code" then
    facts[#facts + 1] = run.kind
  end
  facts[#facts + 1] = "g? help"
  local lines = {
    { { words.cut(words.clean(run.task), width), "KageTitle" } },
    { { words.cut(table.concat(facts, " · "), width), "KageFaint" } },
  }
  for _, said in ipairs({ run.verdict or "", run.saved or "" }) do
    lines[#lines + 1] = said ~= "" and { { words.cut(words.clean(said), width) } } or nil
  end
  return lines
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
    return { lines = { { { words.cut(hint, view.width), "KageFaint" } } }, agents = {}, candidates = {} }
  end
  local screen = { lines = header(run, view.place, view.width), agents = {}, candidates = {} }
  for _, agent in ipairs(run.agents) do
    screen.lines[#screen.lines + 1] = row(run, agent, view.width, view.now)
    screen.agents[#screen.lines] = agent.number
    screen.lines[#screen.lines + 1] = weakened_row(words.candidate(run, agent.number), view.width)
  end
  for _, candidate in ipairs(run.candidates) do
    if candidate.kind and candidate.kind ~= "agent" and not candidate.agent then
      screen.lines[#screen.lines + 1] = made_row(run, candidate, view.width)
      screen.candidates[#screen.lines] = candidate.number
      screen.lines[#screen.lines + 1] = weakened_row(candidate, view.width)
    end
  end
  screen.rows = #screen.lines
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
