-- The verbs: one table from which `:Kage verb`, the `:KageVerb` aliases and their completion come.

---@class kage.Verb
---@field desc string
---@field usage string what may follow the verb
---@field run fun(words: kage.Words)
---@field text boolean? a text follows the agent
---@field complete string[]? what each word is: "agent", "all", "path", "player"; the last one repeats

local steer = require("kage.steer")

local agent_of, ask, control = steer.agent_of, steer.ask, steer.control

---@param words kage.Words
local function diff(words)
  local options = { run = words.run, cwd = require("kage.context").cwd(), bang = words.bang }
  require("kage.diff").open(words.fargs, options)
end

---@param words kage.Words
local function log(words)
  local agent = agent_of(words, "log")
  if agent then
    require("kage.dashboard.log").open(agent --[[@as integer]], words.run)
  end
end

--- A verb that answers with text to read.
---@param name "status"|"cost"|"doctor"
---@return fun(words: kage.Words)
local function report(name)
  return function(words)
    local function show(result)
      require("kage.notify").info(require("kage.report")[name](result))
    end
    ask(words, name, {}, show)
  end
end

---@type table<string, kage.Verb>
local verbs = {
  spawn = {
    desc = "start agents on a task",
    usage = "[N] [@player[:n][+role]]… [--OPTION …] [task]",
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
    run = steer.send,
  },
  task = {
    desc = "change the task of the run for all its agents",
    usage = "[text]",
    text = true,
    complete = { "none" },
    run = steer.task,
  },
  repair = {
    desc = "send agents the failures of their candidates, to be mended",
    usage = "N|all",
    complete = { "all" },
    run = function(words)
      require("kage.spending").repair(words)
    end,
  },
  stats = {
    desc = "what each player was worth so far",
    usage = "[all]",
    complete = { "word:all", "none" },
    run = function(words)
      require("kage.spending").stats(words)
    end,
  },
  summary = {
    desc = "what agents did: files, commands, tests, cost",
    usage = "[N]",
    complete = { "all" },
    run = steer.summary,
  },
  role = {
    desc = "the roles that agents can be given, what one says, or those that others share",
    usage = "[NAME | add URL [NAME]… | remove NAME]",
    complete = { "role", "role", "none" },
    run = function(words)
      require("kage.roles").command(words)
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
    usage = "[inline] [N [M]…]",
    complete = { "layout", "agent" },
    run = diff,
  },
  contrast = {
    desc = "how the agents' approaches differ, as a table",
    usage = "[N [M]…]",
    complete = { "agent" },
    run = function(words)
      local agents = {}
      for _, word in ipairs(words.fargs) do
        local number = require("kage.words").number(word)
        if not number then
          return steer.misuse("contrast: expected numbers of agents, found `" .. word .. "`", "contrast")
        end
        agents[#agents + 1] = not vim.tbl_contains(agents, number) and number or nil
      end
      require("kage.contrast").open(agents, words.run)
    end,
  },
  parts = {
    desc = "the parts of the run's task, their union, and where they clash",
    usage = "",
    run = function(words)
      require("kage.parts").command(words)
    end,
  },
  accept = {
    desc = "bring candidates into your files",
    usage = "N [M]… [PATH…] [--commit|--branch NAME] (! marks conflicts)",
    complete = { "agent", "accepted" },
    run = function(words)
      local landing = require("kage.landing")
      local fargs, message = require("kage.accept_words").split(words.args)
      local wish, problem = landing.parse(fargs, words.bang)
      if message == "" then
        wish, problem = nil, "--message has no text"
      end
      if not wish then
        return steer.misuse("accept: " .. problem, "accept")
      elseif #wish.agents == 0 then
        local agent = agent_of(words, "accept")
        if not agent then
          return
        end
        wish.agents = {
          agent --[[@as integer]],
        }
      end
      wish.message = message or wish.message
      landing.accept(words, wish)
    end,
  },
  undo = {
    desc = "take the last landing back, or the last N",
    usage = "[N]",
    complete = { "none" },
    run = function(words)
      local count = words.fargs[1] or "1"
      if #words.fargs > 1 or not count:find("^[1-9]%d*$") then
        return steer.misuse("undo: expected how many landings, found `" .. words.args .. "`", "undo")
      end
      require("kage.landing").undo(words, tonumber(count) --[[@as integer]])
    end,
  },
  history = {
    desc = "what was landed",
    usage = "",
    run = function(words)
      ask(words, "history", {}, function(result)
        require("kage.history").show(result.landings)
      end)
    end,
  },
  check = {
    desc = "run the project's checks on what you have, or on a candidate",
    usage = "[N]",
    complete = { "agent", "none" },
    run = function(words)
      require("kage.checks").command(words)
    end,
  },
  compose = {
    desc = "put the candidates' hunks together so that most checks pass",
    usage = "[N]…",
    complete = { "agent" },
    run = function(words)
      require("kage.combine").compose(words)
    end,
  },
  synth = {
    desc = "have one more agent improve the winner by what the others made",
    usage = "[N] [@player[+role]]",
    complete = { "improver", "improver", "none" },
    run = function(words)
      require("kage.combine").synth(words)
    end,
  },
  judge = {
    desc = "rank the candidates, and show why",
    usage = "",
    complete = { "none" },
    run = function(words)
      require("kage.verdict").command(words)
    end,
  },
  review = {
    desc = "have a change read by reviewers",
    usage = "[BASE|A..B|N|last|stop] [--head REV] [--role R]… [--player P]…",
    complete = { "reviewed" },
    run = function(words)
      require("kage.review").command(words)
    end,
  },
  comment = {
    desc = "say something about these lines to the agent that wrote them",
    usage = "[N] [TEXT] (! collects; :Kage comment send)",
    text = true,
    complete = { "commented", "none" },
    run = function(words)
      require("kage.comments").command(words)
    end,
  },
  comments = {
    desc = "the comments that are collected, to edit or drop",
    usage = "",
    run = function()
      require("kage.comments.list").open()
    end,
  },
  take = {
    desc = "take every hunk that all agents agree on",
    usage = "[PATH…] (! what a majority agrees on)",
    complete = { "path" },
    run = function(words)
      require("kage.diff.places.gather").command(words)
    end,
  },
  choices = {
    desc = "the places where agents differ and nothing is decided, as a quickfix list",
    usage = "",
    run = function(words)
      require("kage.diff.places.quickfix").list((require("kage.diff.places.gather.order").where(words)))
    end,
  },
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
