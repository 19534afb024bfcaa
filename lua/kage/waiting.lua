-- Agents that need the user: one event and one notice for all that began to wait, at most one in five seconds.

local M = {}

local APART = 5000 -- milliseconds
local last = -APART
local due = false
local waiting = {} ---@type table<string, kage.WaitingAgent[]> # by run

---@class kage.WaitingAgent
---@field number integer
---@field reason string
---@field waiting string # for what: permission, question, trust, or another word that its reason begins with

--- Those of a run that wait still; who was answered meanwhile is no news.
---@param id string
---@param agents kage.WaitingAgent[]
---@return kage.WaitingAgent[]
local function still(id, agents)
  return vim.tbl_filter(function(entry)
    local agent = require("kage.state").agent(entry.number, id)
    return agent ~= nil and agent.state == "waiting"
  end, agents)
end

local function tell()
  due = false
  local news = waiting
  waiting = {}
  for id, agents in pairs(news) do
    agents = still(id, agents)
    if #agents > 0 then
      last = vim.uv.now()
      local data = { run = id, agent = agents[1].number, agents = agents }
      vim.api.nvim_exec_autocmds("User", { pattern = "KageAgentWaiting", modeline = false, data = data })
      if require("kage.config").get().notify.waiting then
        local lines = vim.tbl_map(function(agent)
          return ("agent %d waits: %s"):format(agent.number, agent.reason)
        end, agents)
        require("kage.notify").warn(table.concat(lines, "\n"))
      end
    end
  end
end

--- An agent began to wait.
---@param run kage.Run
---@param agent kage.Agent
function M.add(run, agent)
  local reason = agent.reason or ""
  waiting[run.id] = waiting[run.id] or {}
  table.insert(waiting[run.id], {
    number = agent.number,
    reason = reason,
    waiting = reason:match("^(%a+):") or "",
  })
end

--- Tell of those that were added: now, or five seconds after the last time.
function M.tell_soon()
  if due then
    return
  end
  due = true
  local left = last + APART - vim.uv.now()
  if left > 0 then
    vim.defer_fn(tell, left)
  else
    tell()
  end
end

return M
