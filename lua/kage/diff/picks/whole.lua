--- What is taken whole and not line by line: a mode, a rename, a deletion, content that is no text. Kaged lands
--- it, so `u` does not know of it.
local context = require("kage.context")
local disk = require("kage.diff.text.disk")
local host = require("kage.host")
local notify = require("kage.notify")
local report = require("kage.report")

local M = {}

local MODES = { ["100644100755"] = "+x", ["100755100644"] = "-x" }

--- "+x" or "600", where the mode of a file changed.
---@param change kage.FileChange
---@return string?
function M.mode_change(change)
  local old, new = change.old_mode, change.new_mode
  if old and new and old ~= new and change.status ~= "A" and change.status ~= "D" then
    return MODES[old .. new] or new:sub(-3)
  end
end

--- The mode that a regular file is still to get.
---@param path string absolute
---@param change kage.FileChange
---@return string? mode "+x" or "-x"
local function pending_mode(path, change)
  local wanted = change.status == "A" and change.new_mode == "100755" and "+x" or M.mode_change(change)
  local stat = vim.uv.fs_stat(path)
  if not stat or (wanted ~= "+x" and wanted ~= "-x") then
    return nil
  end
  local is_executable = math.floor(stat.mode / 64) % 2 == 1
  return is_executable ~= (wanted == "+x") and wanted or nil
end

--- Is this what stands on disk?
---@param path string absolute
---@param version kage.Version
---@return boolean
local function same_content(path, version)
  local stat = vim.uv.fs_lstat(path)
  if not stat then
    return false
  elseif version.mode == "120000" then
    return stat.type == "link" and vim.uv.fs_readlink(path) == version.bytes
  end
  return stat.type == "file" and stat.size == #version.bytes and disk.read(path) == version.bytes
end

--- What of an agent's change of a file is not there yet and cannot be taken line by line.
---@param root string
---@param file kage.ChangedFile
---@param agent integer
---@param version kage.Version?
---@return string? what "deletion", "rename", "content" or "mode +x"; nil when everything is there
function M.pending(root, file, agent, version)
  local change = file.agents[tostring(agent)]
  if not change or not version then
    return nil
  end
  local path = vim.fs.joinpath(root, file.path)
  if not version.bytes then
    return vim.uv.fs_lstat(path) and "deletion" or nil
  elseif change.status == "R" and change.old_path then
    local old = vim.fs.joinpath(root, change.old_path)
    if vim.uv.fs_lstat(old) or not vim.uv.fs_lstat(path) then
      return "rename"
    end
  end
  if file.kind ~= "text" and not same_content(path, version) then
    return "content"
  end
  local mode = pending_mode(path, change)
  return mode and "mode " .. mode
end

--- Take an agent's whole change of a file.
---@param view kage.DiffView
---@param agent integer
---@param path string
function M.take(view, agent, path)
  local absolute = vim.fs.joinpath(view.root, path)
  local params = { cwd = view.cwd, run = view.run, agent = agent, paths = { absolute }, force = false }
  host.request("accept", params, function(err, result)
    if err then
      return notify.error(err)
    end
    context.changed_on_disk(view.root)
    local name = vim.fn.strtrans(vim.fs.basename(path))
    notify.info(report.landed(result, ("%s taken whole; :KageUndo takes it back, not u"):format(name)))
    require("kage.checks").picked(view.cwd)
    if not view.closed then
      view:refresh()
      view:retitle()
    end
  end)
end

return M
