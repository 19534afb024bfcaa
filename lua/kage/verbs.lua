-- The verbs: one table from which `:Kage verb`, the `:KageVerb` aliases and their completion come.

---@class kage.Verb
---@field desc string
---@field usage string what may follow the verb
---@field run fun(words: kage.Words)
---@field text boolean? a text follows the agent
---@field complete string[]? what each word is: "agent", "all", "path", "player"; the last one repeats

local verbs ---@type table<string, kage.Verb>

---@param message string
---@param verb string
local function misuse(message, verb)
  local usage = verbs[verb].usage
  require("kage.notify").error({
    message = message,
    fix = "Write :Kage " .. verb .. (usage ~= "" and " " .. usage or ""),
  })
end

---@param words kage.Words
---@param method string
---@param params table
---@param done fun(result: any)?
local function ask(words, method, params, done)
  params.cwd = require("kage.context").cwd()
  params.run = words.run
  require("kage.host").request(method, params, function(err, result)
    if err then
      require("kage.notify").error(err)
    elseif done then
      done(result)
    end
  end)
end

--- The agent that the first word names. Without one: the run's only agent.
---@param words kage.Words
---@param verb string
---@param all boolean? `all` is understood
---@return integer|"all"|nil # nil: the user was told what is wrong
local function agent_of(words, verb, all)
  local word = words.fargs[1]
  local number = word and word:match("^%d+$")
  if number then
    return tonumber(number)
  elseif word == "all" and all then
    return "all"
  end
  local run = require("kage.state").run(words.run)
  if not word and run and #run.agents == 1 then
    return run.agents[1].number
  end
  local expected = all and "an agent's number or `all`" or "an agent's number"
  misuse(("%s: expected %s, found %s"):format(verb, expected, word and "`" .. word .. "`" or "nothing"), verb)
end

--- The agents that the first words name: `2`, `2,3`, `2 3` or `all`; and the text after them. Without any: the
--- run's only agent.
---@param words kage.Words
---@param verb string
---@return integer|integer[]|"all"|nil, string # nil: the user was told what is wrong
local function agents_of(words, verb)
  local numbers, rest = {}, vim.trim(words.args)
  while true do
    local list, after = rest:match("^(%d[%d,]*)%f[%s%z](.*)$")
    if not list then
      break
    end
    for number in list:gmatch("%d+") do
      numbers[#numbers + 1] = tonumber(number)
    end
    rest = vim.trim(after)
  end
  rest = rest:gsub("^%-%-%f[%s%z]%s*", "")
  if #numbers > 0 then
    return #numbers == 1 and numbers[1] or numbers, rest
  end
  return agent_of(words, verb, true), vim.trim(words.args:match("^%S+%s+(.*)$") or "")
end

--- A verb that tells agents something and says which ones heard it.
---@param verb string
---@param past string
---@return fun(words: kage.Words)
local function control(verb, past)
  return function(words)
    local agents, text = agents_of(words, verb)
    if agents and text ~= "" and verb ~= "restart" then
      return misuse(("%s: expected agents' numbers or `all`, found `%s`"):format(verb, text), verb)
    elseif agents then
      ask(words, verb, { agent = agents, text = text ~= "" and text or nil }, function(result)
        local numbers = table.concat(result.agents, ", ")
        require("kage.notify").info(numbers == "" and "no agent to " .. verb or past .. " " .. numbers)
      end)
    end
  end
end

--- The lines that a range names, to stand below what is said.
---@param words kage.Words
---@return string
local function selected(words)
  if words.range == 0 then
    return ""
  end
  local place = require("kage.context").place(words.line1, words.line2)
  local selection = place.selection
  if not selection then
    local lines = vim.api.nvim_buf_get_lines(0, words.line1 - 1, words.line2, false)
    return "\n\n```\n" .. table.concat(lines, "\n") .. "\n```"
  end
  local where = ("%s, lines %d to %d"):format(selection.path, selection.first, selection.last)
  return "\n\n" .. where .. ":\n```\n" .. selection.text .. "\n```"
end

---@param words kage.Words
local function send(words)
  local agents, text = agents_of(words, "send")
  if not agents then
    return
  end
  local lines = selected(words)
  local function say(input)
    if input and vim.trim(input) ~= "" then
      ask(words, "send", { agent = agents, text = input .. lines }, function(result)
        require("kage.notify").info(require("kage.report").sent(result))
      end)
    end
  end
  if text ~= "" then
    return say(text)
  end
  local whom = type(agents) == "table" and "agents " .. table.concat(agents, ", ") or "agent " .. agents
  vim.ui.input({ prompt = "Say to " .. (agents == "all" and "all agents" or whom) .. ": " }, say)
end

--- The task of the run: changed for all its agents, or shown in the prompt to be changed.
---@param words kage.Words
local function task(words)
  local function change(text)
    ask(words, "task", { text = text }, function(result)
      require("kage.notify").info(require("kage.report").task(result))
    end)
  end
  if vim.trim(words.args) ~= "" then
    return change(vim.trim(words.args))
  end
  ask(words, "task", {}, function(result)
    local key = "task of " .. (words.run or require("kage.context").cwd())
    require("kage.prompt").open({
      key = key,
      title = "Kage task: what all agents are to do",
      text = result.task,
      send = change,
    })
  end)
end

---@param words kage.Words
local function summary(words)
  local agents, text = "all", "" ---@type any, string
  if words.args ~= "" then
    agents, text = agents_of(words, "summary")
  end
  if text ~= "" then
    return misuse("summary: expected agents' numbers, found `" .. text .. "`", "summary")
  elseif agents then
    ask(words, "summary", { agent = agents }, function(result)
      require("kage.notify").info(require("kage.report").summary(result))
    end)
  end
end

---@param words kage.Words
local function diff(words)
  local agents = {}
  for _, word in ipairs(words.fargs) do
    if not word:match("^%d+$") then
      return misuse("diff: expected numbers of agents, found `" .. word .. "`", "diff")
    end
    agents[#agents + 1] = tonumber(word)
  end
  require("kage.diff").open(agents, { run = words.run, cwd = require("kage.context").cwd() })
end

---@param words kage.Words
local function log(words)
  local agent = agent_of(words, "log")
  if agent then
    require("kage.dashboard.log").open(agent --[[@as integer]], words.run)
  end
end

--- A verb that answers with text to read.
---@param name "status"|"history"|"cost"|"doctor"
---@return fun(words: kage.Words)
local function report(name)
  return function(words)
    local function show(result)
      require("kage.notify").info(require("kage.report")[name](result))
    end
    ask(words, name, {}, show)
  end
end

verbs = {
  spawn = {
    desc = "start agents on a task",
    usage = "[N] [@player[:n][+role]]… [--on CANDIDATE] [--record FILE] [task]",
    complete = { "player" },
    run = function(words)
      require("kage.spawn").command(words)
    end,
  },
  status = { desc = "how the agents are doing", usage = "", run = report("status") },
  log = { desc = "what an agent did, live", usage = "N", complete = { "agent", "none" }, run = log },
  focus = {
    desc = "go to an agent's pane",
    usage = "N",
    complete = { "agent", "none" },
    run = function(words)
      local agent = agent_of(words, "focus")
      if agent then
        require("kage.pane").focus(words, agent --[[@as integer]])
      end
    end,
  },
  hide = {
    desc = "put the agents' panes away, or back",
    usage = "",
    run = function(words)
      ask(words, "hide", {}, function(result)
        require("kage.notify").info(result.hidden and "panes are hidden" or "panes are back")
      end)
    end,
  },
  attach = {
    desc = "show the agents in a terminal split",
    usage = "",
    run = function(words)
      require("kage.pane").attach(words)
    end,
  },
  send = {
    desc = "say something to an agent",
    usage = "N|all TEXT",
    text = true,
    complete = { "all", "none" },
    run = send,
  },
  task = {
    desc = "change the task of the run for all its agents",
    usage = "[text]",
    text = true,
    complete = { "none" },
    run = task,
  },
  summary = {
    desc = "what agents did: files, commands, tests, cost",
    usage = "[N]",
    complete = { "all" },
    run = summary,
  },
  role = {
    desc = "the roles that agents can be given, or what one says",
    usage = "[NAME]",
    complete = { "role", "none" },
    run = function(words)
      ask(words, "role", { name = words.fargs[1] or "" }, function(result)
        require("kage.notify").info(require("kage.report").roles(result, words.fargs[1] ~= nil))
      end)
    end,
  },
  interrupt = {
    desc = "break off what an agent does now",
    usage = "N|all",
    complete = { "all" },
    run = control("interrupt", "interrupted"),
  },
  stop = {
    desc = "end an agent",
    usage = "N|all",
    complete = { "all" },
    run = control("stop", "stopped"),
  },
  restart = {
    desc = "begin again, from the base",
    usage = "N|all [text]",
    text = true,
    complete = { "all", "none" },
    run = control("restart", "restarted"),
  },
  resume = {
    desc = "go on where an agent stopped",
    usage = "N|all",
    complete = { "all" },
    run = control("resume", "resumed"),
  },
  diff = {
    desc = "compare candidates with your files",
    usage = "[N [M]…]",
    complete = { "agent" },
    run = diff,
  },
  accept = {
    desc = "bring a candidate into your files",
    usage = "N [PATH…] (! lands conflicts with markers)",
    complete = { "agent", "path" },
    run = function(words)
      local agent = agent_of(words, "accept")
      if agent then
        require("kage.landing").accept(words, agent --[[@as integer]])
      end
    end,
  },
  undo = {
    desc = "take the last landing back",
    usage = "",
    run = function(words)
      require("kage.landing").undo(words)
    end,
  },
  history = { desc = "what was landed", usage = "", run = report("history") },
  clean = {
    desc = "free slots and panes of a run; its content stays in trash refs",
    usage = "[all]",
    complete = { "word:all", "none" },
    run = function(words)
      ask(words, "clean", { all = words.fargs[1] == "all" }, function(result)
        require("kage.notify").info(require("kage.report").clean(result))
      end)
    end,
  },
  explain = {
    desc = "why an agent is in its state",
    usage = "N",
    complete = { "agent", "none" },
    run = function(words)
      local agent = agent_of(words, "explain")
      if agent then
        ask(words, "explain", { agent = agent }, function(result)
          require("kage.notify").info(table.concat(result.lines, "\n"))
        end)
      end
    end,
  },
  cost = { desc = "what was spent", usage = "", run = report("cost") },
  doctor = { desc = "what is missing, and its fix", usage = "", run = report("doctor") },
}

return verbs
