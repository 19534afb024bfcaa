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

--- A verb that tells agents something and says which ones heard it.
---@param verb string
---@param past string
---@return fun(words: kage.Words)
local function control(verb, past)
  return function(words)
    local agent = agent_of(words, verb, true)
    if agent then
      local text = verb == "restart" and vim.trim(words.args:match("^%S+%s+(.*)$") or "") or nil
      ask(words, verb, { agent = agent, text = text ~= "" and text or nil }, function(result)
        local numbers = table.concat(result.agents, ", ")
        require("kage.notify").info(numbers == "" and "no agent to " .. verb or past .. " " .. numbers)
      end)
    end
  end
end

---@param words kage.Words
local function send(words)
  local agent = agent_of(words, "send", true)
  if not agent then
    return
  end
  local text = vim.trim(words.args:match("^%S+%s+(.*)$") or "")
  local function say(input)
    if input and vim.trim(input) ~= "" then
      ask(words, "send", { agent = agent, text = input }, function(result)
        require("kage.notify").info("sent to " .. table.concat(result.agents, ", "))
      end)
    end
  end
  if text ~= "" then
    say(text)
  else
    vim.ui.input(
      { prompt = "Say to " .. (agent == "all" and "all agents" or "agent " .. agent) .. ": " },
      say
    )
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
    usage = "[N] [@player[:n][+role]]… [task]",
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
  interrupt = {
    desc = "break off what an agent does now",
    usage = "N|all",
    complete = { "all", "none" },
    run = control("interrupt", "interrupted"),
  },
  stop = {
    desc = "end an agent",
    usage = "N|all",
    complete = { "all", "none" },
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
    complete = { "all", "none" },
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
