--- `:KageDiff`: which layout shows it, and the answer of kaged that all of them begin with.
local context = require("kage.context")
local host = require("kage.host")
local notify = require("kage.notify")
local words = require("kage.words")

local M = {}

local LINKS = {
  KageAdded = "Added",
  KageRemoved = "Removed",
  KageChanged = "Changed",
  KageFolder = "Directory",
  KageCurrentFile = "Title",
  KageConflict = "DiagnosticWarn",
  KageChoice = "DiagnosticInfo",
  KageWord = "DiffText",
}

---@class kage.DiffShown what a layout is opened with, beside kaged's answer
---@field cwd string
---@field root string the repository, links resolved
---@field named boolean the user asked for agents by number
---@field numbers integer[] those that were asked for; empty: all
---@field path string? of the file to begin with; nil when there is none yet
---@field lines table<string, integer>? where in it to begin, by agent
---@field keep boolean that file is the current buffer's: the cursor stays where it is

---@class kage.DiffSession what a layout's `open` returns
---@field closed boolean
---@field tab integer its tabpage
---@field path string? of the file shown
---@field close fun(self: kage.DiffSession)

--- Modules of the layouts: each has `open(answer: kage.DiffAnswer, shown: kage.DiffShown): kage.DiffSession`.
---@type table<string, string>
M.layouts = { review = "kage.diff.view", between = "kage.diff.between", inline = "kage.diff.inline" }

---@type table<string, kage.DiffSession> by run
local open = {}

--- Which layout shows the agents that were named: `inline` says so, two agents are shown against each other.
---@param typed (string|integer)[]
---@return string layout
---@return integer[] agents
---@return string? unknown a word that is neither
local function layout_of(typed)
  local layout, agents = nil, {}
  for index, word in ipairs(typed) do
    local number = words.number(tostring(word))
    if number then
      if not vim.tbl_contains(agents, number) then
        agents[#agents + 1] = number
      end
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
---@return string? path, boolean is_current
local function first_path(files, root)
  local name = vim.api.nvim_buf_get_name(0)
  local current = vim.uv.fs_realpath(name) or name
  for _, file in ipairs(files) do
    if vim.fs.joinpath(root, file.path) == current then
      return file.path, true
    end
  end
  return files[1] and files[1].path, false
end

--- Is an agent at work, so that there may be something to compare soon?
---@param id string of the run
---@param agents integer[] only these; empty: any
---@return boolean
local function works(id, agents)
  local state = require("kage.state")
  local run = state.run(id)
  return vim.iter(run and run.agents or {}):any(function(agent)
    return not state.ended(agent) and (#agents == 0 or vim.tbl_contains(agents, agent.number))
  end)
end

--- Show an answer of kaged's; what is open for that run already is replaced.
---@param answer kage.DiffAnswer
---@param layout string
---@param shown {cwd: string, numbers: integer[], path: string?, lines: table<string, integer>?, own: boolean}
local function show(answer, layout, shown)
  local root = vim.uv.fs_realpath(answer.repository) or answer.repository
  local files = require("kage.diff.view").changed(answer)
  local path, is_current = first_path(files, root)
  local provider = require("kage.config").get().diff.provider
  if provider and not shown.own and #files > 0 then
    local begin = { cwd = shown.cwd, root = root, path = shown.path or path }
    local theirs = require("kage.diff.provider")
    return theirs.call(provider, theirs.context(answer, begin, files))
  end
  require("kage.highlight").define()
  for group, link in pairs(LINKS) do
    vim.api.nvim_set_hl(0, group, { link = link, default = true })
  end
  local before = open[answer.run]
  if before and not before.closed then
    path = not is_current and before.path or path
    before:close()
  end
  open[answer.run] = require(M.layouts[layout]).open(answer, {
    cwd = shown.cwd,
    root = root,
    named = #shown.numbers > 0,
    numbers = shown.numbers,
    path = shown.path or path,
    keep = is_current and not shown.path,
    lines = shown.lines,
  })
end

--- The diff of a tab.
---@param tab? integer the current one
---@return kage.DiffSession?
function M.here(tab)
  tab = tab or vim.api.nvim_get_current_tabpage()
  for _, session in pairs(open) do
    if not session.closed and session.tab == tab then
      return session
    end
  end
end

--- The diff of a run, while it is open.
---@param run string
---@return kage.DiffSession?
function M.of(run)
  local session = open[run]
  return session and not session.closed and session or nil
end

--- Open the diff of a run.
---@param typed? (string|integer)[] a layout's name, numbers of agents; all of the run's when there are none
--- `path` is the file to begin with, `lines` where in it, by agent (for two agents); `bang`: Kage's own view.
---@param options? {run: string?, cwd: string?, bang: boolean?, path: string?, lines: table<string, integer>?}
function M.open(typed, options)
  options = options or {}
  local layout, agents, unknown = layout_of(typed or {})
  if unknown then
    return notify.error({
      message = ("diff: expected numbers of agents, found `%s`"):format(unknown),
      fix = "Write :Kage diff " .. require("kage.verbs").diff.usage,
    })
  end
  if layout == "inline" and require("kage.diff.inline").close_here() then
    return
  end
  local cwd = options.cwd or context.cwd()
  local params = { cwd = cwd, run = options.run, agents = agents, early = true }
  host.request("diff", params, function(err, answer)
    if err then
      return notify.error(err)
    elseif #answer.files == 0 and not works(answer.run, agents) then
      return notify.info("nothing to compare: no file was changed")
    elseif layout == "between" and #answer.agents < 2 then
      -- Who has something already is shown, and the other as soon as it has.
      layout = "review"
    end
    show(answer, layout, {
      cwd = cwd,
      numbers = agents,
      path = options.path,
      lines = options.lines,
      own = options.bang or layout == "inline",
    })
  end)
  -- While kaged looks: modules, and what colours need, are loaded at their first use only.
  require(M.layouts[layout])
  local _ = vim.treesitter.highlighter
end

return M
