--- `:KageDiff`: which layout shows it, and the answer of kaged that all of them begin with.
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

---@class kage.DiffShown what a layout is opened with, beside kaged's answer
---@field cwd string
---@field root string the repository, links resolved
---@field named boolean the user asked for agents by number
---@field path string of the file to begin with
---@field keep boolean that file is the current buffer's: the cursor stays where it is

---@class kage.DiffSession what a layout's `open` returns
---@field closed boolean
---@field path string? of the file shown
---@field close fun(self: kage.DiffSession)

--- Modules of the layouts: each has `open(answer: kage.DiffAnswer, shown: kage.DiffShown): kage.DiffSession`.
---@type table<string, string>
M.layouts = { review = "kage.diff.view" }

---@type table<string, kage.DiffSession> by run
local open = {}

--- Which layout shows the agents that were named: `inline` says so, two agents are shown against each other.
---@param words (string|integer)[]
---@return string layout
---@return integer[] agents
---@return string? unknown a word that is neither
local function layout_of(words)
  local layout, agents = nil, {}
  for index, word in ipairs(words) do
    local number = tostring(word):match("^%d+$")
    if number then
      agents[#agents + 1] = tonumber(number)
    elseif index == 1 and M.layouts[word] then
      layout = word
    else
      return "", {}, word
    end
  end
  if not layout then
    layout = #agents == 2 and M.layouts.between and "between" or "review"
  end
  return layout, agents
end

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

--- Show an answer of kaged's; what is open for that run already is replaced.
---@param answer kage.DiffAnswer
---@param layout string
---@param shown {cwd: string, named: boolean}
local function show(answer, layout, shown)
  require("kage.highlight").define()
  for group, link in pairs(LINKS) do
    vim.api.nvim_set_hl(0, group, { link = link, default = true })
  end
  local root = vim.uv.fs_realpath(answer.repository) or answer.repository
  local files = require("kage.diff.view").changed(answer)
  local path, is_current = first_path(files, root)
  local before = open[answer.run]
  if before and not before.closed then
    path = not is_current and before.path or path
    before:close()
  end
  open[answer.run] = require(M.layouts[layout]).open(answer, {
    cwd = shown.cwd,
    root = root,
    named = shown.named,
    path = path,
    keep = is_current,
  })
end

--- Open the diff of a run.
---@param words? (string|integer)[] a layout's name, numbers of agents; all of the run's when there are none
---@param options? {run: string?, cwd: string?, bang: boolean?} the newest run of the repository by default
function M.open(words, options)
  options = options or {}
  local layout, agents, unknown = layout_of(words or {})
  if unknown then
    return notify.error({
      message = ("diff: expected numbers of agents, found `%s`"):format(unknown),
      fix = "Write :Kage diff " .. require("kage.verbs").diff.usage,
    })
  end
  local cwd = options.cwd or context.cwd()
  local params = { cwd = cwd, run = options.run, agents = agents }
  host.request("diff", params, function(err, answer)
    if err then
      return notify.error(err)
    elseif #answer.files == 0 then
      return notify.info("nothing to compare: no file was changed")
    end
    show(answer, layout, { cwd = cwd, named = #agents > 0 })
  end)
end

return M
