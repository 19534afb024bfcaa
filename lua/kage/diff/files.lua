--- The changed files of a run as a layout holds them: methods of whatever has `files` and `agents`.
local host = require("kage.host")
local notify = require("kage.notify")

local M = {}

---@param path string?
---@return kage.ChangedFile?
function M:file(path)
  for _, file in ipairs(self.files) do
    if file.path == path then
      return file
    end
  end
end

--- The agents that changed a file.
---@param file kage.ChangedFile
---@return integer[]
function M:changers(file)
  return vim.tbl_filter(function(agent)
    return file.agents[tostring(agent)] ~= nil
  end, self.agents)
end

--- Ask for a file's versions, unless another file is asked for meanwhile.
---@param path string
---@param take fun(file: kage.ChangedFile, answer: table) gets the answer to `diff_file`
function M:fetch(path, take)
  local file = self:file(path)
  if not file then
    return
  end
  self.serial, self.wanted = self.serial + 1, path
  local serial = self.serial
  local params = { cwd = self.cwd, run = self.run, path = path, agents = self:changers(file) }
  host.request("diff_file", params, function(err, answer)
    if self.closed or serial ~= self.serial then
      return
    elseif err then
      return notify.error(err)
    end
    take(file, answer)
  end)
end

return M
