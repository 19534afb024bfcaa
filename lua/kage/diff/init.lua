--- `:KageDiff`: yours beside what the agents made of it.
local context = require("kage.context")
local host = require("kage.host")
local notify = require("kage.notify")

local M = {}

local LINKS = {
  KageAdded = "Added",
  KageRemoved = "Removed",
  KageChanged = "Changed",
  KageFolder = "Directory",
  KageCurrentFile = "Title",
  KageConflict = "DiagnosticWarn",
}

---@type table<string, kage.DiffView> by run
local open = {}

--- The file to begin with: the current one when an agent changed it.
---@param files kage.ChangedFile[]
---@param root string
---@return string path, boolean is_current
local function first_path(files, root)
  local name = vim.api.nvim_buf_get_name(0)
  local current = vim.uv.fs_realpath(name) or name
  for _, file in ipairs(files) do
    if vim.fs.joinpath(root, file.path) == current then
      return file.path, true
    end
  end
  return files[1].path, false
end

--- Open the diff of a run, in a tab of its own; one that is open for that run already is replaced.
---@param agents? integer[] whose versions to show; all of the run's when nil or empty
---@param options? {run: string?, cwd: string?} the newest run of the repository by default
function M.open(agents, options)
  agents, options = agents or {}, options or {}
  local cwd = options.cwd or context.cwd()
  local params = { cwd = cwd, run = options.run, agents = agents }
  host.request("diff", params, function(err, answer)
    if err then
      return notify.error(err)
    elseif #answer.files == 0 then
      return notify.info("nothing to compare: no file was changed")
    end
    require("kage.highlight").define()
    for group, link in pairs(LINKS) do
      vim.api.nvim_set_hl(0, group, { link = link, default = true })
    end
    local root = vim.uv.fs_realpath(answer.repository) or answer.repository
    local path, is_current = first_path(require("kage.diff.view").changed(answer), root)
    local before = open[answer.run]
    if before and not before.closed then
      path = not is_current and before.path or path
      before:close()
    end
    local view = require("kage.diff.view").open(answer, { cwd = cwd, root = root, named = #agents > 0 })
    open[answer.run] = view
    view:show(view:file(path) and path or view.files[1].path, is_current)
  end)
end

return M
