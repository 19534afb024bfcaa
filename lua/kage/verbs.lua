-- The verbs: one table from which `:Kage verb`, the `:KageVerb` aliases and their completion come.

---@class kage.Verb
---@field desc string
---@field usage string what may follow the verb
---@field run fun(words: kage.Words)
---@field text boolean? a text follows the agent
---@field complete string[]? what each word is: "agent", "all", "path", "player"; the last one repeats

--- A verb that is done elsewhere, by a file that is read when it is first used.
---@param module string
---@param name string
---@return fun(words: kage.Words)
local function by(module, name)
  return function(words)
    require(module)[name](words)
  end
end

---@type table<string, kage.Verb>
local verbs = {
  spawn = {
    desc = "start agents on a task",
    usage = "[N] [@player[:n][+role]]… [--OPTION …] [task]",
    complete = { "player" },
    run = by("kage.spawn", "command"),
  },
  status = { desc = "how the agents are doing", usage = "", run = by("kage.verbs.run", "status") },
  log = {
    desc = "what an agent did, live",
    usage = "N",
    complete = { "agent", "none" },
    run = by("kage.verbs.run", "log"),
  },
  focus = {
    desc = "go to an agent's pane",
    usage = "N",
    complete = { "agent", "none" },
    run = by("kage.verbs.run", "focus"),
  },
  hide = {
    desc = "put the agents' panes away, or back",
    usage = "",
    run = by("kage.verbs.run", "hide"),
  },
  attach = {
    desc = "show the agents in a terminal split",
    usage = "",
    run = by("kage.pane", "attach"),
  },
  send = {
    desc = "say something to an agent",
    usage = "N|all TEXT",
    text = true,
    complete = { "all", "none" },
    run = by("kage.steer", "send"),
  },
  task = {
    desc = "change the task of the run for all its agents",
    usage = "[text]",
    text = true,
    complete = { "none" },
    run = by("kage.steer", "task"),
  },
  repair = {
    desc = "send agents the failures of their candidates, to be mended",
    usage = "N|all",
    complete = { "all" },
    run = by("kage.spending", "repair"),
  },
  stats = {
    desc = "what each player was worth so far",
    usage = "[all]",
    complete = { "word:all", "none" },
    run = by("kage.spending", "stats"),
  },
  summary = {
    desc = "what agents did: files, commands, tests, cost",
    usage = "[N]",
    complete = { "all" },
    run = by("kage.steer", "summary"),
  },
  role = {
    desc = "the roles that agents can be given, what one says, or those that others share",
    usage = "[NAME | add URL [NAME]… | remove NAME]",
    complete = { "role", "role", "none" },
    run = by("kage.roles", "command"),
  },
  interrupt = {
    desc = "break off what an agent does now",
    usage = "N|all",
    complete = { "all" },
    run = by("kage.verbs.run", "interrupt"),
  },
  stop = {
    desc = "end an agent",
    usage = "N|all",
    complete = { "all" },
    run = by("kage.verbs.run", "stop"),
  },
  restart = {
    desc = "begin again, from the base",
    usage = "N|all [text]",
    text = true,
    complete = { "all", "none" },
    run = by("kage.verbs.run", "restart"),
  },
  resume = {
    desc = "go on where an agent stopped",
    usage = "N|all",
    complete = { "all" },
    run = by("kage.verbs.run", "resume"),
  },
  diff = {
    desc = "compare candidates with your files",
    usage = "[inline] [N [M]…]",
    complete = { "layout", "agent" },
    run = by("kage.verbs.run", "diff"),
  },
  contrast = {
    desc = "how the agents' approaches differ, as a table",
    usage = "[N [M]…]",
    complete = { "agent" },
    run = by("kage.verbs.run", "contrast"),
  },
  parts = {
    desc = "the parts of the run's task, their union, and where they clash",
    usage = "",
    run = by("kage.parts", "command"),
  },
  accept = {
    desc = "bring candidates into your files",
    usage = "N [M]… [PATH…] [--commit|--branch NAME] (! marks conflicts)",
    complete = { "agent", "accepted" },
    run = by("kage.verbs.run", "accept"),
  },
  undo = {
    desc = "take the last landing back, or the last N",
    usage = "[N]",
    complete = { "none" },
    run = by("kage.verbs.run", "undo"),
  },
  history = {
    desc = "what was landed",
    usage = "",
    run = by("kage.verbs.run", "history"),
  },
  check = {
    desc = "run the project's checks on what you have, or on a candidate",
    usage = "[N]",
    complete = { "agent", "none" },
    run = by("kage.checks", "command"),
  },
  compose = {
    desc = "put the candidates' hunks together so that most checks pass",
    usage = "[N]…",
    complete = { "agent" },
    run = by("kage.combine", "compose"),
  },
  synth = {
    desc = "have one more agent improve the winner by what the others made",
    usage = "[N] [@player[+role]]",
    complete = { "improver", "improver", "none" },
    run = by("kage.combine", "synth"),
  },
  judge = {
    desc = "rank the candidates, and show why",
    usage = "",
    complete = { "none" },
    run = by("kage.verdict", "command"),
  },
  review = {
    desc = "have a change read by reviewers",
    usage = "[BASE|A..B|N|last|stop] [--head REV] [--role R]… [--player P]…",
    complete = { "reviewed" },
    run = by("kage.review", "command"),
  },
  comment = {
    desc = "say something about these lines to the agent that wrote them",
    usage = "[N] [TEXT] (! collects; :Kage comment send)",
    text = true,
    complete = { "commented", "none" },
    run = by("kage.comments", "command"),
  },
  comments = {
    desc = "the comments that are collected, to edit or drop",
    usage = "",
    run = by("kage.comments.list", "open"),
  },
  take = {
    desc = "take every hunk that all agents agree on",
    usage = "[PATH…] (! what a majority agrees on)",
    complete = { "path" },
    run = by("kage.diff.places.gather", "command"),
  },
  choices = {
    desc = "the places where agents differ and nothing is decided, as a quickfix list",
    usage = "",
    run = by("kage.verbs.run", "choices"),
  },
  clean = {
    desc = "free slots and panes of a run; its content stays in trash refs",
    usage = "[all]",
    complete = { "word:all", "none" },
    run = by("kage.verbs.run", "clean"),
  },
  explain = {
    desc = "why an agent is in its state",
    usage = "N",
    complete = { "agent", "none" },
    run = by("kage.verbs.run", "explain"),
  },
  cost = { desc = "what was spent", usage = "", run = by("kage.verbs.run", "cost") },
  doctor = { desc = "what is missing, and its fix", usage = "", run = by("kage.verbs.run", "doctor") },
}

return verbs
