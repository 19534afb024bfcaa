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
  local doing = words.doing(agent)
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
    lines[#lines + 1] = ("%s  candidate %d of %s, %s: %s"):format(
      when,
      landing.number,
      landing.run,
      count(#landing.files, "file"),
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
  local unpriced = some and ", " .. count(sum.unpriced_calls, "call") .. " unpriced" or ""
  local cost = sum.cost_usd and words.money(sum.cost_usd) or "unpriced"
  local tokens = words.count(sum.tokens_in) .. " tokens in, " .. words.count(sum.tokens_out) .. " out"
  return ("%s, %s, %s%s"):format(cost, count(sum.calls, "call"), tokens, unpriced)
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
  local runs, refs = count(#result.runs, "run"), count(#result.trash, "trash ref")
  return ("cleaned %s; the content is kept for 30 days in %s"):format(runs, refs)
end

---@param result { files: { path: string, action: string, where: string }[], notes: string[]? }
---@param verb string
---@param is_here fun(path: string): boolean this Neovim holds the file's unsaved changes
---@return string
function M.landed(result, verb, is_here)
  local here, elsewhere, notes = {}, {}, result.notes or {}
  for _, file in ipairs(result.files) do
    if file.where == "buffer-modified" then
      table.insert(is_here(file.path) and here or elsewhere, file.path)
    end
  end
  local changed = count(#result.files, "file") .. " changed"
  local lines = { verb .. ": " .. (#result.files == 0 and "nothing had to be changed" or changed) }
  local unsaved = "not yet written, because you had unsaved changes"
  if #here > 0 then
    lines[#lines + 1] = unsaved .. ": " .. table.concat(here, ", ")
  end
  if #elsewhere > 0 then
    lines[#lines + 1] = unsaved .. " in another Neovim: " .. table.concat(elsewhere, ", ")
  end
  return table.concat(vim.list_extend(lines, notes), "\n")
end

return M
