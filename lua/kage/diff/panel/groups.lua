--- Which agents did the same to a file: to the byte, or at least by the numbers. Plain functions over tables.
local whole = require("kage.diff.picks.whole")

local M = {}

---@class kage.AgentGroup
---@field agents integer[]
---@field same boolean their files are equal
---@field change kage.FileChange of the first

--- Two changes with one key made equal files; nil when that is not known.
---@param change kage.FileChange
---@return string?
function M.content(change)
  if change.status == "D" then
    return "D"
  end
  return change.new_sha and change.new_sha .. (change.new_mode or "") .. (change.old_path or "")
end

--- Two changes with one key look alike in the panel.
---@param file kage.ChangedFile
---@param change kage.FileChange
---@return string
local function looks_of(file, change)
  local counts = file.kind == "text" and ("+%d -%d"):format(change.added, change.removed) or ""
  local mode = whole.mode_change(change) or ""
  return table.concat({ change.status, counts, mode, change.old_path or "" }, " ")
end

--- The agents that changed a file, those with equal files together; then those whose changes only look alike.
---@param file kage.ChangedFile
---@param agents integer[]
---@return kage.AgentGroup[] in the order of their first agents
function M.of(file, agents)
  local groups, by_content = {}, {}
  for _, agent in ipairs(agents) do
    local change = file.agents[tostring(agent)]
    local content = change and M.content(change)
    local group = content and by_content[content]
    if group then
      group.same = true
      table.insert(group.agents, agent)
    elseif change then
      group = { agents = { agent }, same = false, change = change }
      groups[#groups + 1] = group
      by_content[content or group] = group
    end
  end
  local found, by_looks = {}, {}
  for _, group in ipairs(groups) do
    local looks = not group.same and looks_of(file, group.change)
    if looks and by_looks[looks] then
      vim.list_extend(by_looks[looks].agents, group.agents)
    else
      found[#found + 1] = group
      by_looks[looks or group] = group
    end
  end
  return found
end

--- Numbers as short as they can be said: `1 2 4`, `1-4 6`.
---@param numbers integer[] ascending
---@return string
function M.numbers(numbers)
  local parts, index = {}, 1
  while index <= #numbers do
    local last = index
    while numbers[last + 1] == numbers[last] + 1 do
      last = last + 1
    end
    if last - index < 2 then
      last = index
    end
    parts[#parts + 1] = last > index and numbers[index] .. "-" .. numbers[last] or tostring(numbers[index])
    index = last + 1
  end
  return table.concat(parts, " ")
end

return M
