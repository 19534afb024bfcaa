--- Files that `:Kage take` takes whole, since no line shows what agents agree on: new ones, deletions, renames, modes,
--- binary files. Kaged lands them.
local context = require("kage.context")
local groups = require("kage.diff.panel.groups")
local host = require("kage.host")
local survey = require("kage.diff.places.survey")
local whole = require("kage.diff.picks.whole")

local M = {}

--- Is there something to do about a file that only can be taken whole?
---@param root string
---@param file kage.ChangedFile
---@param change kage.FileChange
---@return boolean
local function is_pending(root, file, change)
  local path = vim.fs.joinpath(root, file.path)
  local exists = vim.uv.fs_lstat(path) ~= nil
  if change.status == "D" then
    return exists
  elseif change.status == "A" then
    return not exists and not survey.buffer(path)
  elseif change.status == "R" then
    return not exists
  end
  return file.kind ~= "text" or whole.mode_change(change) ~= nil
end

--- Whose change of a file is taken whole, when enough agents made the same of it.
---@param found kage.Survey
---@param file kage.ChangedFile
---@param majority boolean
---@return integer? agent
function M.agreed(found, file, majority)
  local counts, firsts = {}, {}
  for _, agent in ipairs(found.voices) do
    local change = file.agents[tostring(agent)]
    local same = change and groups.content(change)
    if same then
      counts[same], firsts[same] = (counts[same] or 0) + 1, firsts[same] or agent
    end
  end
  for same, count in pairs(counts) do
    local enough = count == #found.voices or (majority and 2 * count > #found.voices)
    local change = file.agents[tostring(firsts[same])]
    if enough and is_pending(found.root, file, change) then
      return firsts[same]
    end
  end
end

--- Land the files that are taken whole, one agent's after the other's.
---@param found kage.Survey
---@param wanted table<integer, string[]> absolute paths by agent
---@param done kage.Gathered
---@param finish fun()
function M.land(found, wanted, done, finish)
  local agent, paths = next(wanted)
  if not agent then
    return finish()
  end
  wanted[agent] = nil
  local params =
    { cwd = found.cwd, run = found.run, agents = { agent }, agent = agent, paths = paths, force = false }
  host.request("accept", params, function(err, result)
    if err then
      local names = vim.tbl_map(function(path)
        return vim.fn.strtrans(path:sub(#found.root + 2))
      end, paths)
      local fix = err.fix and "; " .. err.fix or ""
      done.refused[#done.refused + 1] = ("not taken: %s: %s%s"):format(
        table.concat(names, ", "),
        err.message,
        fix
      )
    else
      done.whole = done.whole + #result.files
      context.changed_on_disk(found.root)
    end
    M.land(found, wanted, done, finish)
  end)
end

return M
