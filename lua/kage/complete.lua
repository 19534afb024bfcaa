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

--- The CLIs that Kage drives by name and that are installed here.
---@param names table<string, boolean> is added to
local function installed(names)
  local here = "rplugin/python3/kage_nvim/agent_runtime/players/*"
  for _, path in ipairs(vim.api.nvim_get_runtime_file(here, true)) do
    local name = vim.fs.basename(path):match("^(%l%w*)%.%w+$")
    if name and vim.fn.executable(name) == 1 then
      names[name] = true
    end
  end
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
  installed(names)
  local list = vim.tbl_keys(names)
  table.sort(list)
  return require("kage.spending").best_first(vim.tbl_map(function(name)
    return "@" .. name
  end, list))
end

local WAIT = 150 -- milliseconds that a key may wait for kaged; what comes later is there for the next one
local packaged = {} ---@type table<string, true> roles that only kaged knows: those of packages

--- Ask kaged, which may not be there yet, for all roles.
local function ask_for_roles()
  local answered = false
  require("kage.host").request("role", { cwd = require("kage.context").cwd(), name = "" }, function(_, result)
    answered = true
    for _, role in ipairs(result and result.roles or {}) do
      if vim.startswith(role.source, "package ") then
        packaged[role.name] = true
      end
    end
  end)
  vim.wait(WAIT, function()
    return answered
  end, 5)
end

--- The name that a role's front matter gives it, else that of its file.
---@param path string
---@return string
local function role_name(path)
  local lines = vim.fn.readfile(path, "", 20)
  for i = 2, lines[1] and vim.startswith(lines[1], "---") and #lines or 0 do
    local name = lines[i]:match("^name:%s+[\"']?(%w[%w_.-]*)[\"']?%s*$")
    if name or vim.startswith(lines[i], "---") then
      return name or vim.fs.basename(path):sub(1, -4)
    end
  end
  return vim.fs.basename(path):sub(1, -4)
end

--- The roles that there are: Kage's own, the user's, the repository's, packages'.
---@return string[]
local function roles()
  local base = vim.env.XDG_CONFIG_HOME
  base = base and base ~= "" and base or vim.env.HOME .. "/.config"
  local found = vim.api.nvim_get_runtime_file("rplugin/python3/kage_nvim/roles/*.md", true)
  local root = vim.fs.root(require("kage.context").cwd(), ".git") or vim.fn.getcwd()
  for _, folder in ipairs({ base .. "/kage/roles", root .. "/.kage/roles" }) do
    vim.list_extend(found, vim.fn.glob(vim.fn.escape(folder, "*?[]\\") .. "/*.md", true, true))
  end
  ask_for_roles()
  local names = vim.deepcopy(packaged)
  for _, path in ipairs(found) do
    names[role_name(path)] = true
  end
  local list = vim.tbl_keys(names)
  table.sort(list)
  return list
end

--- `@claude:2+` leads to roles, `@` to players.
---@param lead string
---@return string[]
local function seats(lead)
  local player, role = lead:match("^(@[^+]*%+)(.*)$")
  if player then
    return vim.tbl_map(function(name)
      return player .. name
    end, starting_with(role, roles()))
  elseif vim.startswith(lead, "-") then
    return starting_with(lead, require("kage.spawn_words").names())
  end
  return (lead == "" or vim.startswith(lead, "@")) and starting_with(lead, players()) or {}
end

--- The candidates to go on from: those of the newest run by number, and all as RUN:NUMBER.
---@param lead string
---@return string[]
local function candidates(lead)
  local found = {}
  for i, run in ipairs(require("kage.state").runs()) do
    for _, candidate in ipairs(run.candidates) do
      if i == 1 then
        found[#found + 1] = tostring(candidate.number)
      end
      found[#found + 1] = run.id .. ":" .. candidate.number
    end
  end
  return starting_with(lead, found)
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

---@param lead string
---@return string[]
local function paths(lead)
  return vim.tbl_map(vim.fn.fnameescape, files(require("kage.words").arguments(lead)[1] or ""))
end

---@type table<string, fun(lead: string): string[]>
local KINDS = {
  agent = agents,
  all = function(lead)
    return vim.list_extend(agents(lead), starting_with(lead, { "all" }))
  end,
  layout = function(lead)
    return vim.list_extend(agents(lead), starting_with(lead, { "inline" }))
  end,
  commented = function(lead)
    return vim.list_extend(agents(lead), starting_with(lead, { "send" }))
  end,
  player = seats,
  candidate = candidates,
  role = function(lead)
    return starting_with(lead, roles())
  end,
  improver = function(lead)
    return lead:find("^@") and seats(lead) or agents(lead)
  end,
  path = paths,
  accepted = function(lead)
    return vim.list_extend(lead:find("^%d*$") and agents(lead) or {}, paths(lead))
  end,
  reviewed = function(lead)
    local options = { "last", "stop", "--head", "--role", "--player" }
    return vim.list_extend(starting_with(lead, options), candidates(lead))
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
  local option = verb == "spawn"
    and require("kage.spawn_words").OPTIONS[(words[#words] or ""):match("^%-%-(.+)$")]
  if option and type(option.complete) == "table" then
    return starting_with(lead, option.complete --[[@as string[] ]])
  elseif option and option.complete then
    kind = option.complete --[[@as string]]
  elseif verb == "accept" and vim.startswith(lead, "-") then
    return starting_with(lead, require("kage.accept_words").OPTIONS)
  elseif verb == "review" and words[#words] == "--role" then
    kind = "role"
  end
  local word = kind:match("^word:(.*)$")
  return word and starting_with(lead, { word }) or KINDS[kind](lead)
end
