-- Says once what agents warn of: a budget that is nearly used up, another player that stepped in.

local M = {}

local told = {} ---@type table<string, true> run and warning

---@param state { runs: fun(): kage.Run[], ended: fun(agent: kage.Agent): boolean }
---@param run kage.Run
local function tell(state, run)
  for _, agent in ipairs(run.agents) do
    local warning = require("kage.words").clean(agent.warning)
    local key = run.id .. " " .. warning
    if warning ~= "" and not told[key] then
      told[key] = true
      local old = state.ended(agent) and agent.state ~= "stopped"
      if not old then
        require("kage.notify").warn(("agent %d: %s"):format(agent.number, warning))
      end
    end
  end
end

--- Tell of the newest run's warnings as they come.
---@param state { subscribe: fun(listener: fun()), runs: fun(): kage.Run[], ended: fun(agent: kage.Agent): boolean }
function M.follow(state)
  state.subscribe(function()
    local run = state.runs()[1]
    if run then
      tell(state, run)
    end
  end)
end

return M
