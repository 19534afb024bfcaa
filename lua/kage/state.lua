-- What this Neovim knows of the agents: the last push of kaged, and who wants to hear of changes.

local M = {}

local last ---@type kage.Update?
local listeners = {} ---@type table<integer, fun()>
local next_listener = 0

local ENDED = { done = true, failed = true, stopped = true, interrupted = true }

---@param agent kage.Agent
---@return boolean # it does nothing until someone speaks to it
function M.ended(agent)
  return ENDED[agent.state] == true
end

---@param run kage.Run
---@return boolean
local function all_ended(run)
  for _, agent in ipairs(run.agents) do
    if not M.ended(agent) then
      return false
    end
  end
  return #run.agents > 0
end

---@param runs kage.Run[]
---@param id string
---@return kage.Run?
local function find(runs, id)
  for _, run in ipairs(runs) do
    if run.id == id then
      return run
    end
  end
end

---@param run kage.Run?
---@param number integer
---@return kage.Agent?
local function find_agent(run, number)
  for _, agent in ipairs(run and run.agents or {}) do
    if agent.number == number then
      return agent
    end
  end
end

---@param event string
---@param run kage.Run
---@param agent kage.Agent?
local function fire(event, run, agent)
  local data = { run = run.id, agent = agent and agent.number }
  vim.api.nvim_exec_autocmds("User", { pattern = event, modeline = false, data = data })
end

--- Fire events for what changed between two pushes. An agent that is not in the old one was seen starting
--- when `seen_all`: the old push told everything there was, so whatever is new happened since.
---@param old kage.Run[]
---@param new kage.Run[]
---@param seen_all boolean
local function fire_transitions(old, new, seen_all)
  local waits = false
  for _, run in ipairs(new) do
    local before = find(old, run.id)
    if before or seen_all then
      for _, agent in ipairs(run.agents) do
        local was = find_agent(before, agent.number)
        if M.ended(agent) and not (was and M.ended(was)) then
          fire("KageAgentDone", run, agent)
        elseif
          agent.state == "waiting"
          and agent.rule ~= "strategy"
          and not (was and was.state == "waiting")
        then
          waits = true
          require("kage.waiting").add(run, agent)
        end
      end
      if all_ended(run) and not (before and all_ended(before)) then
        fire("KageRunDone", run)
      end
      if before and (run.saved or "") ~= "" and run.saved ~= before.saved then
        require("kage.notify").info(require("kage.words").clean(run.saved))
      end
    end
  end
  if waits then
    require("kage.waiting").tell_soon()
  end
end

--- Take a push. One that is older than what is known is dropped; a new epoch (kaged was restarted) or another
--- repository starts afresh. The first push of a repository fires no events of agents: nothing was seen to
--- change.
---@param update kage.Update
function M.push(update)
  local old = last
  local same_place = old ~= nil and old.repository == update.repository
  if old and same_place then
    if update.epoch < old.epoch or (update.epoch == old.epoch and update.seq <= old.seq) then
      return
    end
    if vim.deep_equal(old.runs, update.runs) then
      last = update
      return
    end
  end
  last = update
  for _, listener in pairs(listeners) do
    listener()
  end
  local newest = update.runs[1]
  local data = newest and { run = newest.id } or {}
  vim.api.nvim_exec_autocmds("User", { pattern = "KageUpdate", modeline = false, data = data })
  if old and same_place then
    fire_transitions(old.runs, update.runs, update.epoch == old.epoch)
  end
end

--- Forget everything: the repository in view changed, or there is no connection.
function M.reset()
  last = nil
  for _, listener in pairs(listeners) do
    listener()
  end
end

---@param id string? the newest when nil
---@return kage.Run?
function M.run(id)
  local runs = M.runs()
  return id and find(runs, id) or (not id and runs[1]) or nil
end

---@return kage.Run[] # newest first
function M.runs()
  return last and last.runs or {}
end

---@param number integer
---@param id string?
---@return kage.Agent?
function M.agent(number, id)
  return find_agent(M.run(id), number)
end

---@return string? # the repository that the runs belong to
function M.repository()
  return last and last.repository
end

--- Be called after every change.
---@param listener fun()
---@return fun() # ends the subscription
function M.subscribe(listener)
  next_listener = next_listener + 1
  local id = next_listener
  listeners[id] = listener
  return function()
    listeners[id] = nil
  end
end

-- The statusline is rebuilt by pushes alone, so whoever holds state keeps it up to date.
require("kage.statusline").follow(M)
require("kage.budget").follow(M)

return M
