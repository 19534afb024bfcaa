-- `:KageAccept` and `:KageUndo` as the user sees them; the edits themselves are made by kage.diff.land when
-- kaged asks for them.

local context = require("kage.context")
local host = require("kage.host")
local notify = require("kage.notify")
local report = require("kage.report")

local M = {}

local TITLE = "Kage: conflicts of candidate "
local lists = {} ---@type table<integer, integer> a landing's id → that of its quickfix list

---@param path string
---@return string # links in its folder resolved, not one that it is itself: that may be what lands
local function real(path)
  local stat = vim.uv.fs_lstat(path)
  if stat and stat.type ~= "link" then
    return vim.uv.fs_realpath(path) or path
  end
  local folder = vim.uv.fs_realpath(vim.fs.dirname(path))
  return folder and vim.fs.joinpath(folder, vim.fs.basename(path)) or path
end

--- A quickfix list of its own, so that the user's current one stays in the history (`:colder`).
---@param root string
---@param number integer
---@param conflicts { path: string, line: integer? }[]
---@return integer # the list's id
local function list_conflicts(root, number, conflicts)
  local items = {}
  for _, conflict in ipairs(conflicts) do
    local path = vim.startswith(conflict.path, "/") and conflict.path or vim.fs.joinpath(root, conflict.path)
    items[#items + 1] =
      { filename = path, lnum = conflict.line or 1, text = "conflict with candidate " .. number }
  end
  vim.fn.setqflist({}, " ", { title = TITLE .. number, items = items })
  local id = vim.fn.getqflist({ id = 0 }).id
  vim.cmd("botright copen " .. math.min(10, math.max(3, #items)))
  vim.cmd.wincmd("p")
  return id
end

--- The conflicts that a landing had marked are gone with it: so is what its list says, if the list is still
--- there and Kage's.
---@param landing integer
local function empty_list(landing)
  local id = lists[landing]
  local title = id and vim.fn.getqflist({ id = id, title = 0 }).title or ""
  if vim.startswith(title, TITLE) then
    vim.fn.setqflist({}, "r", { id = id, items = {}, title = title })
  end
end

---@param root string
---@return fun(path: string): boolean # this Neovim holds unsaved changes of that file
local function is_here(root)
  local unsaved = {}
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.bo[buffer].modified then
      unsaved[real(vim.api.nvim_buf_get_name(buffer))] = true
    end
  end
  return function(path)
    return unsaved[real(vim.fs.joinpath(root, path))] or false
  end
end

---@param words kage.Words the first word is the candidate, the others are paths
---@param number integer
function M.accept(words, number)
  local cwd = context.cwd()
  local root = vim.fs.root(cwd, ".git") or cwd
  local paths = {}
  for i = 2, #words.fargs do
    paths[#paths + 1] = real((vim.fn.fnamemodify(words.fargs[i], ":p"):gsub("(.)/$", "%1")))
  end
  local params = { cwd = cwd, run = words.run, agent = number, paths = paths, force = words.bang }
  host.request("accept", params, function(err, result)
    if err then
      if err.code == "conflict" then
        list_conflicts(root, number, err.data.conflicts)
      end
      return notify.error(err)
    end
    context.changed_on_disk(cwd) -- what kaged wrote itself is shown; it asks nothing about unsaved text
    notify.info(report.landed(result, "candidate " .. number .. " landed", is_here(root)))
    if result.conflicts and #result.conflicts > 0 then
      lists[result.landing] = list_conflicts(root, number, result.conflicts)
    end
  end)
end

---@param words kage.Words
function M.undo(words)
  local cwd = context.cwd()
  local root = vim.fs.root(cwd, ".git") or cwd
  host.request("undo", { cwd = cwd, run = words.run }, function(err, result)
    if err then
      return notify.error(err)
    end
    context.changed_on_disk(cwd)
    empty_list(result.landing)
    notify.info(report.landed(result, "the last landing is undone", is_here(root)))
  end)
end

return M
