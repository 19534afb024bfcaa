-- Completion of the commands: verbs, agents (by number, or by what plays them), players, paths.

---@param lead string
---@param words string[]
---@return string[]
local function starting_with(lead, words)
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, words)
end

--- The numbers of the newest run's agents; a player's name leads to its agents' numbers.
---@param lead string
---@return string[]
local function agents(lead)
  local run = require("kage.state").run()
  local found = {}
  for _, agent in ipairs(run and run.agents or {}) do
    local number = tostring(agent.number)
    if vim.startswith(number, lead) or (lead ~= "" and vim.startswith(agent.player, lead)) then
      found[#found + 1] = number
    end
  end
  return found
end

--- The players that config.toml names, and those of runs.
---@return string[]
local function players()
  local names = {}
  local base = vim.env.XDG_CONFIG_HOME
  base = base and base ~= "" and base or vim.env.HOME .. "/.config"
  local file = io.open(base .. "/kage/config.toml", "r")
  for line in file and file:lines() or function() end do
    local name = line:match('^%s*%[players%."?([^%]"]+)"?%]')
    names[name or ""] = true
  end
  if file then
    file:close()
  end
  for _, run in ipairs(require("kage.state").runs()) do
    for _, agent in ipairs(run.agents) do
      names[agent.player] = true
    end
  end
  names[""] = nil
  local list = vim.tbl_keys(names)
  table.sort(list)
  return vim.tbl_map(function(name)
    return "@" .. name
  end, list)
end

--- Files and folders whose names begin like that, no character of which is a pattern.
---@param lead string
---@return string[]
local function files(lead)
  local folder, first = lead:match("^(.-)([^/]*)$")
  local found = {}
  for name, kind in vim.fs.dir(vim.fn.fnamemodify(folder == "" and "." or folder, ":p")) do
    if vim.startswith(name, first) and (vim.startswith(first, ".") or not vim.startswith(name, ".")) then
      found[#found + 1] = folder .. name .. (kind == "directory" and "/" or "")
    end
  end
  table.sort(found)
  return found
end

---@type table<string, fun(lead: string): string[]>
local KINDS = {
  agent = agents,
  all = function(lead)
    return vim.list_extend(agents(lead), starting_with(lead, { "all" }))
  end,
  player = function(lead)
    return vim.startswith(lead, "@") and starting_with(lead, players()) or lead == "" and players() or {}
  end,
  path = function(lead)
    return vim.tbl_map(vim.fn.fnameescape, files(require("kage.words").arguments(lead)[1] or ""))
  end,
  none = function()
    return {}
  end,
}

---@param commands table kage.commands
---@param verb string? nil for :Kage
---@param lead string the word at the cursor
---@param line string the command line up to the cursor
---@return string[]
return function(commands, verb, lead, line)
  local rest = line:match("Kage%a*!?%s+(.*)$") or ""
  local words = require("kage.words").arguments(rest:sub(1, #rest - #lead))
  if not verb then
    verb = table.remove(words, 1)
    if not verb then
      return starting_with(lead, commands.names())
    end
  end
  local entry = commands.verbs[verb]
  local kinds = entry and entry.complete
  if not kinds then
    return {}
  end
  local kind = kinds[math.min(#words + 1, #kinds)]
  local word = kind:match("^word:(.*)$")
  return word and starting_with(lead, { word }) or KINDS[kind](lead)
end
