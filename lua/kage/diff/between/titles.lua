--- What is said of each side where two agents are shown against each other. Methods of that view.
local panel = require("kage.diff.panel")
local titles = require("kage.diff.titles")

local M = {}

--- Did both make the same of a file? Nil while only its content, which is not here, could tell.
---@param file kage.ChangedFile
---@return boolean?
function M:equal(file)
  local one, other = file.agents[tostring(self.agents[1])], file.agents[tostring(self.agents[2])]
  if not one or not other then
    return false
  elseif one.new_mode ~= other.new_mode then
    return false
  end
  return one.new_sha and one.new_sha == other.new_sha
end

---@param agent integer
---@return integer
function M:other(agent)
  return self.agents[1] == agent and self.agents[2] or self.agents[1]
end

---@param file kage.ChangedFile
---@param agent integer
---@return string
function M:title(file, agent)
  if agent == 0 then
    return titles.coloured("KageTitle", " base ") .. (self.content.is_new and "not there" or "")
  end
  local change = file.agents[tostring(agent)]
  local head = titles.coloured("KageTitle", (" %d "):format(agent))
    .. titles.safe(titles.player(agent, self.run))
  local said = {}
  if change and file.kind == "text" then
    said[1] = ("+%d -%d"):format(change.added, change.removed)
  end
  local remarks = change and panel.remarks(file, change) or "as at the base"
  said[#said + 1] = remarks ~= "" and remarks or nil
  said[#said + 1] = self:equal(file) and "same as " .. self:other(agent) or nil
  return head .. titles.coloured("KageFaint", "  %<" .. titles.safe(table.concat(said, ", ")))
end

--- What to show of a file without lines to compare.
---@param file kage.ChangedFile
---@param agent integer 0 for the base
---@return string[]
function M:note(file, agent)
  if agent == 0 then
    return { "", " " .. vim.fn.strtrans(file.path), "", " " .. file.kind .. ", not compared line by line" }
  end
  return titles.note(file, agent, self.content.versions[agent], self.root)
end

return M
