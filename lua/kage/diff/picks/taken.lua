--- Which of an agent's hunks are in yours because they were taken. Pure.
local hunks = require("kage.diff.text.hunks")

local M = {}

--- The agent's hunks that are known to have been taken as they are, however else the texts could be read.
---@param of_agent kage.Hunk[]
---@param agent string[]
---@param of_yours kage.Own[]
---@param yours string[]
---@return fun(c0: integer, c1: integer): boolean holds are all hunks there among them?
function M.holds(of_agent, agent, of_yours, yours)
  local taken, found = {}, {}
  for _, hunk in ipairs(of_yours) do
    if hunk.taken and not hunk.dirty then
      taken[hunk.a0 .. ":" .. hunk.a1] = hunk
    end
  end
  if not next(taken) then
    return function()
      return false
    end
  end
  for _, hunk in ipairs(of_agent) do
    local own = taken[hunk.a0 .. ":" .. hunk.a1]
    found[hunk] = own
      and hunks.equal(hunks.slice(agent, hunk.b0, hunk.b1), hunks.slice(yours, own.b0, own.b1))
  end
  return function(c0, c1)
    local index, all = hunks.first(of_agent, "a0", c0), false
    while of_agent[index] and of_agent[index].a0 <= c1 do
      if of_agent[index].a1 <= c1 then
        if not found[of_agent[index]] then
          return false
        end
        all = true
      end
      index = index + 1
    end
    return all
  end
end

return M
