-- A file as a candidate's checks saw it, in a scratch buffer of its own, so that a quickfix list can lead to the
-- lines that were complained of, which are other lines than those of your file.

local agent_buffer = require("kage.diff.agent_buffer")
local host = require("kage.host")

local M = {}

--- Lines are set in their places: replaced as a range they would be deleted ones to a quickfix list.
---@param buffer integer
---@param lines string[]
local function set(buffer, lines)
  vim.bo[buffer].modifiable = true
  vim.fn.setbufline(buffer, 1, lines)
  if vim.api.nvim_buf_line_count(buffer) > #lines then
    vim.fn.deletebufline(buffer, #lines + 1, "$")
  end
  vim.bo[buffer].modifiable, vim.bo[buffer].modified = false, false
end

---@param bytes string
---@return string[]
local function split(bytes)
  local lines = vim.split(bytes, "\n", { plain = true })
  if lines[#lines] == "" and #lines > 1 then
    lines[#lines] = nil
  end
  return vim.tbl_map(function(line)
    return (line:gsub("\r$", ""):gsub("%z", "\n"))
  end, lines)
end

---@class kage.CheckedFile
---@field cwd string
---@field run string
---@field agent integer the candidate
---@field tree string what was checked
---@field path string in the repository
---@field lines integer it has at least as many

--- The buffer of a file. Its lines come when kaged has answered; until then it is as long as it must be.
---@param file kage.CheckedFile
---@return integer buffer
function M.buffer(file)
  local buffer = agent_buffer.create(("kage://%s/%d/checked/%s"):format(file.run, file.agent, file.path))
  if vim.b[buffer].kage_tree == file.tree then
    return buffer
  end
  vim.b[buffer].kage_tree = file.tree
  vim.bo[buffer].bufhidden = "hide"
  local empty = {}
  for line = 1, math.max(file.lines, 1) do
    empty[line] = ""
  end
  set(buffer, empty)
  local params = { cwd = file.cwd, run = file.run, tree = file.tree, path = file.path }
  host.request("file_at", params, function(err, answer)
    if not vim.api.nvim_buf_is_valid(buffer) or vim.b[buffer].kage_tree ~= file.tree then
      return
    elseif err then
      vim.b[buffer].kage_tree = nil
      return set(buffer, { "", require("kage.words").clean(err.message) })
    end
    set(buffer, split(vim.base64.decode(answer.b64)))
    agent_buffer.colour(buffer, file.path)
  end)
  return buffer
end

return M
