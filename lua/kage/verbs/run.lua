-- How those verbs are run that no other file does as a whole: each is a function under its name.

local steer = require("kage.steer")

local agent_of, ask, control = steer.agent_of, steer.ask, steer.control

local M = {}

---@param words kage.Words
function M.diff(words)
  local options = { run = words.run, cwd = require("kage.context").cwd(), bang = words.bang }
  require("kage.diff").open(words.fargs, options)
end

---@param words kage.Words
function M.log(words)
  local agent = agent_of(words, "log")
  if agent then
    require("kage.dashboard.log").open(agent --[[@as integer]], words.run)
  end
end

---@param words kage.Words
function M.focus(words)
  local agent = agent_of(words, "focus")
  if agent then
    require("kage.pane").focus(words, agent --[[@as integer]])
  end
end

---@param words kage.Words
function M.explain(words)
  local agent = agent_of(words, "explain")
  if agent then
    ask(words, "explain", { agent = agent }, function(result)
      require("kage.notify").info(table.concat(result.lines, "\n"))
    end)
  end
end

---@param words kage.Words
function M.contrast(words)
  local agents = {}
  for _, word in ipairs(words.fargs) do
    local number = require("kage.words").number(word)
    if not number then
      return steer.misuse("contrast: expected numbers of agents, found `" .. word .. "`", "contrast")
    end
    agents[#agents + 1] = not vim.tbl_contains(agents, number) and number or nil
  end
  require("kage.contrast").open(agents, words.run)
end

---@param words kage.Words
function M.choices(words)
  require("kage.diff.places.quickfix").list((require("kage.diff.places.gather.order").where(words)))
end

---@param words kage.Words
function M.history(words)
  ask(words, "history", {}, function(result)
    require("kage.history").show(result.landings)
  end)
end

---@param words kage.Words
function M.hide(words)
  ask(words, "hide", {}, function(result)
    require("kage.notify").info(result.hidden and "panes are hidden" or "panes are back")
  end)
end

---@param words kage.Words
function M.clean(words)
  ask(words, "clean", { all = words.fargs[1] == "all" }, function(result)
    require("kage.notify").info(require("kage.report").clean(result))
  end)
end

---@param words kage.Words
function M.accept(words)
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
end

---@param words kage.Words
function M.undo(words)
  local count = words.fargs[1] or "1"
  if #words.fargs > 1 or not count:find("^[1-9]%d*$") then
    return steer.misuse("undo: expected how many landings, found `" .. words.args .. "`", "undo")
  end
  require("kage.landing").undo(words, tonumber(count) --[[@as integer]])
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

M.status, M.cost, M.doctor = report("status"), report("cost"), report("doctor")

M.interrupt = control("interrupt", "interrupted")
M.stop = control("stop", "stopped")
M.restart = control("restart", "restarted")
M.resume = control("resume", "resumed")

return M
