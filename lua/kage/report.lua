-- Kaged's answers as text to read. Pure functions.

local words = require("kage.words")

local M = {}

---@param number integer
---@param thing string
---@return string
local function count(number, thing)
  return ("%d %s%s"):format(number, thing, number == 1 and "" or "s")
end

---@param agent kage.Agent
---@return string
local function agent_line(agent)
  local icon = require("kage.config").get().icons[agent.state] or "?"
  local player, cost, news = words.player(agent), words.cost(agent), words.news(agent)
  return ("  %d %s %s  %s  %s  %s"):format(agent.number, icon, agent.state, player, cost, news)
end

---@param result { runs: kage.Run[] }
---@return string
function M.status(result)
  if #result.runs == 0 then
    return "no runs in this repository; :KageSpawn starts one"
  end
  local lines = {}
  for _, run in ipairs(result.runs) do
    local landed = run.landed and (", candidate " .. run.landed .. " landed") or ""
    lines[#lines + 1] = words.cut("run " .. run.id .. landed .. ": " .. words.clean(run.task), 70)
    vim.list_extend(lines, vim.tbl_map(agent_line, run.agents))
    for _, candidate in ipairs(run.candidates or {}) do
      local checked = words.checked(candidate)
      local said = vim.trim(checked .. "  " .. words.clean(candidate.note))
      local mark = run.winner == candidate.number and "★" or ""
      local line = ("  candidate %d%s: %s"):format(candidate.number, mark, said)
      lines[#lines + 1] = said ~= "" and line or nil
    end
    for _, said in ipairs({ run.verdict or "", run.saved or "" }) do
      lines[#lines + 1] = said ~= "" and "  " .. words.clean(said) or nil
    end
  end
  return table.concat(lines, "\n")
end

---@param result { agents: integer[], missed: integer[]? }
---@return string # who was told, and who has no process to hear it
function M.sent(result)
  local missed = table.concat(result.missed or {}, ",")
  local said = "sent to " .. table.concat(result.agents, ", ")
  return missed == "" and said
    or said .. ("\nnot to %s, whose process ended: :Kage resume %s"):format(missed, missed)
end

---@param result { agents: integer[], later: integer[] }
---@return string
function M.task(result)
  local lines = { "the task is changed" }
  if #result.agents > 0 then
    lines[1] = lines[1] .. "; told " .. table.concat(result.agents, ", ")
  end
  local later = table.concat(result.later, ",")
  if later ~= "" then
    lines[2] = ("%s without a process: told when resumed, :Kage resume %s"):format(later, later)
  end
  return table.concat(lines, "\n")
end

---@param agent table
---@param lines string[] is added to
local function summary_of(agent, lines)
  lines[#lines + 1] = ("%d %s: %s"):format(agent.number, words.player(agent), agent.state)
  local said = agent.words ~= "" and agent.words or agent.reason
  for _, line in ipairs(vim.split(vim.trim(said), "\n", { plain = true })) do
    lines[#lines + 1] = "  " .. words.clean(line)
  end
  if #agent.files > 0 then
    lines[#lines + 1] = "  changed " .. words.clean(table.concat(agent.files, ", "))
  end
  for _, ran in ipairs(agent.commands) do
    local command = words.cut(words.clean(ran.command:match("^[^\n]*")), 60)
    lines[#lines + 1] = ("  ran %s → exit %s"):format(command, ran.exit or "?")
  end
  local test = agent.tests[#agent.tests]
  if test then
    local form = "  tests: %d passed, %d failed (%s)"
    lines[#lines + 1] = form:format(test.passed, test.failed, test.runner)
  end
  local tokens = words.count(agent.tokens_in) .. " tokens in, " .. words.count(agent.tokens_out) .. " out"
  local cost, time = words.money(agent.cost_usd), words.duration(agent.seconds)
  local calls = count(agent.calls, "call")
  if agent.restarts > 0 then
    calls = ("%s (with those before %s)"):format(calls, count(agent.restarts, "restart"))
  end
  lines[#lines + 1] = ("  %s, %s, %s, %s"):format(calls, tokens, cost, time)
end

---@param result { agents: table[] }
---@return string
function M.summary(result)
  local lines = {}
  for _, agent in ipairs(result.agents) do
    summary_of(agent, lines)
  end
  return table.concat(lines, "\n")
end

---@param result { roles: { name: string, description: string, text: string, source: string }[] }
---@param whole boolean
---@param width integer? of a line of the list
---@return string
function M.roles(result, whole, width)
  local lines = {}
  if not whole then
    local rows = vim.tbl_map(function(role)
      return { words.clean(role.name), words.clean(role.description) }
    end, result.roles)
    for _, line in ipairs(words.columns(rows)) do
      lines[#lines + 1] = words.cut(line, width or 76)
    end
    return table.concat(lines, "\n")
  end
  for _, role in ipairs(result.roles) do
    lines[#lines + 1] = words.clean(role.name) .. ": " .. words.clean(role.description)
    lines[#lines + 1] = "from " .. words.clean(role.source)
    for _, line in ipairs(vim.split(role.text, "\n", { plain = true })) do
      lines[#lines + 1] = words.clean(line)
    end
  end
  return table.concat(lines, "\n")
end

---@param sum table?
---@return string
local function sum_line(sum)
  if not sum or sum.calls == 0 then
    return "nothing"
  end
  local some = (sum.unpriced_calls or 0) > 0 and sum.cost_usd ~= nil
  local unpriced = some and ", " .. count(sum.unpriced_calls, "call") .. " unpriced" or ""
  local cost = sum.cost_usd and words.money(sum.cost_usd) or "unpriced"
  local tokens = words.count(sum.tokens_in) .. " tokens in, " .. words.count(sum.tokens_out) .. " out"
  return ("%s, %s, %s%s"):format(cost, count(sum.calls, "call"), tokens, unpriced)
end

---@param lines string[]
---@param sums table<string, table> by player
local function add_players(lines, sums)
  local names = vim.tbl_keys(sums)
  table.sort(names)
  for _, name in ipairs(names) do
    lines[#lines + 1] = ("  @%s: %s"):format(words.clean(name), sum_line(sums[name]))
  end
end

---@class kage.Left one limit of a budget, in US dollars or tokens as its name says
---@field name string
---@field agent integer? whose it is
---@field limit number
---@field spent number
---@field held number by calls under way
---@field left number

---@param budget kage.Left
---@return string
local function budget_line(budget)
  local show = vim.endswith(budget.name, "_usd") and words.money or words.count
  local whose = budget.agent and (" of agent %d"):format(budget.agent) or ""
  local held = budget.held > 0 and (", %s held by calls under way"):format(show(budget.held)) or ""
  local left = ("%s of %s left"):format(show(budget.left), show(budget.limit))
  return ("%s%s: %s (%s spent%s)"):format(budget.name, whose, left, show(budget.spent), held)
end

---@class kage.Account
---@field id string? the run
---@field run table
---@field agents table[]
---@field players table<string, table> of the run
---@field today table of this repository
---@field today_players table<string, table>
---@field everywhere table
---@field budgets kage.Left[]
---@field unmetered integer[]

---@param result kage.Account
---@return string
function M.cost(result)
  local lines = {}
  if result.id then
    lines[1] = "this run: " .. sum_line(result.run)
    for _, agent in ipairs(result.agents) do
      local said = agent.unmetered and agent.calls == 0 and "unmetered" or sum_line(agent)
      lines[#lines + 1] = ("  %d %s: %s"):format(agent.number, words.clean(agent.player), said)
    end
    add_players(lines, result.players)
  end
  lines[#lines + 1] = "today, here: " .. sum_line(result.today)
  add_players(lines, result.today_players)
  lines[#lines + 1] = "today, everywhere: " .. sum_line(result.everywhere)
  vim.list_extend(lines, vim.tbl_map(budget_line, result.budgets))
  if #result.unmetered > 0 then
    local who = "agent " .. table.concat(result.unmetered, ", ")
    lines[#lines + 1] = "unmetered: " .. who .. "; what it spends is neither seen nor limited here"
  end
  return table.concat(lines, "\n")
end

---@param result { checks: { name: string, ok: boolean, found: string, fix: string }[] }
---@return string
function M.doctor(result)
  local lines = {}
  for _, check in ipairs(result.checks) do
    lines[#lines + 1] = ("%s %s: %s"):format(check.ok and "✓" or "✗", check.name, check.found)
    if not check.ok then
      lines[#lines + 1] = "    " .. check.fix
    end
  end
  return table.concat(lines, "\n")
end

---@param result { runs: string[], freed: any, trash: string[] }
---@return string
function M.clean(result)
  if #result.runs == 0 then
    return "nothing to clean"
  end
  local runs, refs = count(#result.runs, "run"), count(#result.trash, "trash ref")
  return ("cleaned %s; the content is kept for 30 days in %s"):format(runs, refs)
end

---@param result { files: { path: string, action: string, where: string }[] }
---@param is_here fun(path: string): boolean this Neovim holds the file's unsaved changes
---@return string[] # which files are not on disk yet
local function unwritten(result, is_here)
  local here, elsewhere, lines = {}, {}, {}
  for _, file in ipairs(result.files) do
    if file.where == "buffer-modified" then
      table.insert(is_here(file.path) and here or elsewhere, file.path)
    end
  end
  local unsaved = "not yet written, because you had unsaved changes"
  if #here > 0 then
    lines[#lines + 1] = unsaved .. ": " .. table.concat(here, ", ")
  end
  if #elsewhere > 0 then
    lines[#lines + 1] = unsaved .. " in another Neovim: " .. table.concat(elsewhere, ", ")
  end
  return lines
end

---@param result { files: { path: string, action: string, where: string }[], notes: string[]? }
---@param verb string
---@param is_here fun(path: string): boolean this Neovim holds the file's unsaved changes
---@return string
function M.landed(result, verb, is_here)
  local changed = count(#result.files, "file") .. " changed"
  local lines = { verb .. ": " .. (#result.files == 0 and "nothing had to be changed" or changed) }
  vim.list_extend(lines, unwritten(result, is_here))
  return table.concat(vim.list_extend(lines, result.notes or {}), "\n")
end

---@param result { files: table[], notes: string[]?, commits: string[]?, branch: string? }
---@param agents integer[] the candidates
---@param is_here fun(path: string): boolean
---@return string
function M.accepted(result, agents, is_here)
  local commits = result.commits or {}
  if #agents < 2 and #commits == 0 then
    return M.landed(result, ("candidate %d landed"):format(agents[1]), is_here)
  end
  local last = agents[#agents]
  local whose = #agents < 2 and tostring(last)
    or table.concat(agents, ", ", 1, #agents - 1) .. " and " .. last
  local lines = { ("%s landed from %s"):format(count(#result.files, "file"), whose) }
  if #commits > 0 then
    local as = ("%s on %s: %s"):format(count(#commits, "commit"), result.branch, commits[#commits]:sub(1, 10))
    lines[1] = #result.files > 0 and lines[1] .. ", " .. as or ("candidate %s: %s"):format(whose, as)
  end
  vim.list_extend(lines, unwritten(result, is_here))
  return table.concat(vim.list_extend(lines, result.notes or {}), "\n")
end

return M
