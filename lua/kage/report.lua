-- Kaged's answers as text to read. Pure functions.

local words = require("kage.words")

local M = {}

---@param agent kage.Agent
---@return string
local function agent_line(agent)
  local icon = require("kage.config").get().icons[agent.state] or "?"
  local doing = words.clean(agent.activity ~= "" and agent.activity or agent.reason)
  local cost = words.money(agent.cost_usd)
  return ("  %d %s %s  %s  %s  %s"):format(agent.number, icon, agent.state, agent.player, cost, doing)
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
  end
  return table.concat(lines, "\n")
end

---@param result { landings: table[] }
---@return string
function M.history(result)
  if #result.landings == 0 then
    return "nothing was landed in this repository yet"
  end
  local lines = {}
  for _, landing in ipairs(result.landings) do
    local when = os.date("%Y-%m-%d %H:%M", math.floor(landing.created))
    local files = #landing.files == 1 and "1 file" or #landing.files .. " files"
    lines[#lines + 1] = ("%s  candidate %d of %s, %s: %s"):format(
      when,
      landing.number,
      landing.run,
      files,
      landing.state
    )
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
  local unpriced = some and (", %d calls unpriced"):format(sum.unpriced_calls) or ""
  local cost = sum.cost_usd and words.money(sum.cost_usd) or "unpriced"
  local tokens = words.count(sum.tokens_in) .. " tokens in, " .. words.count(sum.tokens_out) .. " out"
  return ("%s, %d calls, %s%s"):format(cost, sum.calls, tokens, unpriced)
end

---@param result { run: table, today: table, players: table<string, table> }
---@return string
function M.cost(result)
  local lines = { "this run: " .. sum_line(result.run), "today: " .. sum_line(result.today) }
  local names = vim.tbl_keys(result.players or {})
  table.sort(names)
  for _, name in ipairs(names) do
    lines[#lines + 1] = ("  @%s: %s"):format(name, sum_line(result.players[name]))
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
  local runs = #result.runs == 1 and "1 run" or #result.runs .. " runs"
  return ("cleaned %s; the content is kept for 30 days in %d trash refs"):format(runs, #result.trash)
end

---@param result { files: { path: string, action: string, where: string }[], notes: string[]? }
---@param verb string
---@return string
function M.landed(result, verb)
  local unsaved, notes = {}, result.notes or {}
  for _, file in ipairs(result.files) do
    if file.where == "buffer-modified" then
      unsaved[#unsaved + 1] = file.path
    end
  end
  local files = #result.files == 1 and "1 file" or #result.files .. " files"
  local lines = { ("%s: %s changed"):format(verb, files) }
  if #unsaved > 0 then
    lines[#lines + 1] = "not yet written, because you had unsaved changes: " .. table.concat(unsaved, ", ")
  end
  return table.concat(vim.list_extend(lines, notes), "\n")
end

return M
