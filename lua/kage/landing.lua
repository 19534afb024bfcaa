-- `:KageAccept` and `:KageUndo` as the user sees them; the edits themselves are made by kage.diff.land when
-- kaged asks for them.

local context = require("kage.context")
local host = require("kage.host")
local notify = require("kage.notify")
local report = require("kage.report")

local M = {}

--- A quickfix list of its own, so that the user's current one stays in the history (`:colder`).
---@param root string
---@param number integer
---@param conflicts { path: string, line: integer? }[]
local function list_conflicts(root, number, conflicts)
  local items = {}
  for _, conflict in ipairs(conflicts) do
    local path = vim.startswith(conflict.path, "/") and conflict.path or vim.fs.joinpath(root, conflict.path)
    items[#items + 1] =
      { filename = path, lnum = conflict.line or 1, text = "conflict with candidate " .. number }
  end
  vim.fn.setqflist({}, " ", { title = "Kage: conflicts of candidate " .. number, items = items })
  vim.cmd("botright copen " .. math.min(10, math.max(3, #items)))
  vim.cmd.wincmd("p")
end

---@param words kage.Words the first word is the candidate, the others are paths
---@param number integer
function M.accept(words, number)
  local cwd = context.cwd()
  local paths = {}
  for i = 2, #words.fargs do
    local full = vim.fn.fnamemodify(words.fargs[i], ":p"):gsub("(.)/$", "%1")
    paths[#paths + 1] = vim.uv.fs_realpath(full) or full
  end
  local params = { cwd = cwd, run = words.run, agent = number, paths = paths, force = words.bang }
  host.request("accept", params, function(err, result)
    if err then
      if err.code == "conflict" then
        list_conflicts(vim.fs.root(cwd, ".git") or cwd, number, err.data.conflicts)
      end
      return notify.error(err)
    end
    context.changed_on_disk(cwd) -- what kaged wrote itself is shown; it asks nothing about unsaved text
    notify.info(report.landed(result, "candidate " .. number .. " landed"))
    if result.conflicts and #result.conflicts > 0 then
      list_conflicts(vim.fs.root(cwd, ".git") or cwd, number, result.conflicts)
    end
  end)
end

---@param words kage.Words
function M.undo(words)
  local cwd = context.cwd()
  host.request("undo", { cwd = cwd, run = words.run }, function(err, result)
    if err then
      return notify.error(err)
    end
    context.changed_on_disk(cwd)
    notify.info(report.landed(result, "the last landing is undone"))
  end)
end

return M
