--- The diff's tabpage: which file and which agents it shows, kept up to date with yours, until it is closed.
local Content = require("kage.diff.content")
local agent_buffer = require("kage.diff.agent_buffer")
local closing = require("kage.diff.closing")
local follow = require("kage.diff.follow")
local layout = require("kage.diff.layout")
local live = require("kage.diff.live")
local titles = require("kage.diff.titles")
local tree = require("kage.diff.panel.tree")
local visited = require("kage.diff.visited")
local yours = require("kage.diff.yours")

---@class kage.Column one agent's window
---@field window integer
---@field agent integer
---@field buffer integer?
---@field doc string[]? what the buffer shows
---@field merge kage.Merge?

---@class kage.DiffPanel
---@field window integer?
---@field buffer integer
---@field rows kage.PanelRow[]
---@field closed table<string, boolean> folders that are folded, by path
---@field hidden "user"|"narrow"|nil why it has no window
---@field wanted boolean? the user had it shown although the screen is narrow
---@field marked string? path of the file that its cursor was last brought to

---@class kage.DiffView
---@field cwd string
---@field run string
---@field root string of the repository
---@field agents integer[] that can be shown
---@field voices integer[] those of them that count where it is said how many agree
---@field named boolean the user asked for agents by number
---@field numbers integer[] those that were asked for; empty: all
---@field files kage.ChangedFile[]
---@field path string? of the file shown
---@field wanted string? of the file last asked for
---@field content kage.Content?
---@field tab integer
---@field yours integer window
---@field columns kage.Column[]
---@field first integer index in `agents` of the first column's
---@field page integer the same, as the user last chose it
---@field focus integer? the agent last visited
---@field most integer? columns that the user left open
---@field root_folder kage.TreeFolder the files as a tree
---@field agreement table<string, kage.Agreement> by path, once it is known
---@field is_agreement_due boolean? it is to be asked for, again
---@field panel kage.DiffPanel
---@field closed boolean
---@field landed integer? the window in which the user found himself when the tab was closed
---@field away boolean? the user looks at a file in `yours` that no agent changed
local View = {}
View.__index = View

local MODULES = { "files", "columns", "actions", "moves", "panel.agreement", "panel.browse", "panel.folds" }
for _, module in ipairs(MODULES) do
  for name, method in pairs(require("kage.diff." .. module)) do
    View[name] = method
  end
end

---@class kage.DiffAnswer
---@field run string
---@field repository string
---@field base string
---@field store string git directory that has the commits
---@field agents integer[]
---@field commits table<string, string> by agent
---@field files kage.ChangedFile[]

--- The files that one of the agents shown changed, in the order of the panel's tree.
---@param answer kage.DiffAnswer
---@return kage.ChangedFile[] files
---@return kage.TreeFolder root
function View.changed(answer)
  local root = tree.build(vim.tbl_filter(function(file)
    for _, agent in ipairs(answer.agents) do
      if file.agents[tostring(agent)] then
        return true
      end
    end
    return false
  end, answer.files))
  return tree.files(root), root
end

--- What there is to show from now on.
---@param answer kage.DiffAnswer
function View:take_files(answer)
  self.agents, self.voices = answer.agents, answer.voices or answer.agents
  self.files, self.root_folder = View.changed(answer)
  self.is_agreement_due = true
end

--- Open the tab, and ask for the first file.
---@param answer kage.DiffAnswer
---@param options kage.DiffShown
---@param class? table what the view is, where it is not this class itself
---@return kage.DiffView
function View.open(answer, options, class)
  local self = setmetatable(
    { columns = {}, first = 1, page = 1, closed = false, serial = 0, visited = {}, agreement = {} },
    class or View
  )
  self.cwd, self.root, self.named = options.cwd, options.root, options.named
  self.run, self.numbers = answer.run, options.numbers
  self:take_files(answer)
  self.scrollopt = vim.o.scrollopt
  self.origin = {
    tab = vim.api.nvim_get_current_tabpage(),
    window = vim.api.nvim_get_current_win(),
    before = vim.api.nvim_list_tabpages()[vim.fn.tabpagenr("#")],
  }
  vim.cmd("tab split")
  self.tab, self.yours = vim.api.nvim_get_current_tabpage(), vim.api.nvim_get_current_win()
  self.winbar = vim.wo[self.yours].winbar
  layout.set(self.yours, "winfixbuf", false)
  self:create_panel()
  self:open_panel()
  self:arrange()
  follow.begin(self)
  -- What takes kaged longer is asked for once the first file is there.
  if options.path and self:file(options.path) then
    self:show(options.path, options.keep)
  else
    layout.set(self.yours, "winbar", titles.to_come())
  end
  self:draw_panel()
  if not self.wanted then
    self:ask_agreement()
  end
  return self
end

--- The file to begin with, when agents changed something: that of the window of yours, or the first.
---@return string?
function View:first_file()
  local name = vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(self.yours))
  for _, file in ipairs(self.files) do
    if vim.fs.joinpath(self.root, file.path) == name then
      return file.path
    end
  end
  return self.files[1] and self.files[1].path
end

--- Ask for a file's versions and show them.
---@param path string
---@param keep? boolean the cursor stays where it is
function View:show(path, keep)
  self:fetch(path, function(file, answer)
    self:place(file, answer, keep)
    self:ask_agreement()
  end)
end

--- Put a file into the windows.
---@param file kage.ChangedFile
---@param answer table of `diff_file`
---@param keep? boolean
function View:place(file, answer, keep)
  if not self:prune() then
    return
  end
  local here = vim.api.nvim_get_current_win()
  local shown = self.content and self.content.buffer
  local same = not self.away
    and self.path == file.path
    and (not shown or shown == vim.api.nvim_win_get_buf(self.yours))
  self.path = file.path
  if not same then
    yours.leave(self)
    if self.away then
      self:arrange()
    end
    self:enter(file)
  end
  local is_text = file.kind == "text"
  local buffer = vim.api.nvim_win_get_buf(self.yours)
  self.content = Content.new(answer, is_text and buffer or nil)
  if not same then
    self:turn_to_a_changer(file)
  end
  self:fill_columns()
  if not same and is_text then
    follow.attach(self, buffer)
    if not keep then
      self:go_to_first_change()
    end
  end
  self:draw_panel()
  if vim.api.nvim_win_is_valid(here) and vim.api.nvim_get_current_tabpage() == self.tab then
    vim.api.nvim_set_current_win(here)
  end
end

--- The agents that the user turned to are shown; for a file that none of those changed, the first that did.
---@param file kage.ChangedFile
function View:turn_to_a_changer(file)
  local last = math.max(1, #self.agents - #self.columns + 1)
  local page = math.min(self.page, last)
  local changer
  for index, agent in ipairs(self.agents) do
    local is_shown = index >= page and index < page + #self.columns
    if file.agents[tostring(agent)] and (is_shown or not changer) then
      changer = is_shown and page or index
      if is_shown then
        break
      end
    end
  end
  local first = math.min(changer or page, last)
  if first ~= self.first then
    self.first, self.focus = first, nil
  end
end

--- Bring the user's own buffer of a file into the left window, or a note where there is no text to compare.
---@param file kage.ChangedFile
function View:enter(file)
  local buffer, fresh
  if file.kind == "text" then
    buffer, fresh = visited.load(vim.fs.joinpath(self.root, file.path))
  else
    buffer = agent_buffer.create(("kage://%s/yours/%s"):format(self.run, file.path))
    agent_buffer.fill(buffer, nil, titles.note(file, nil))
  end
  self.entering = true
  local _, problem = pcall(vim.api.nvim_win_call, self.yours, function()
    vim.cmd("hide keepalt keepjumps buffer " .. buffer)
  end)
  self.entering = false
  -- An autocommand of the user's that fails leaves the file shown all the same.
  if vim.api.nvim_win_get_buf(self.yours) ~= buffer then
    error(problem, 0)
  end
  if fresh then
    visited.add(self, buffer)
  end
  self.away = nil
  layout.set(self.yours, "winbar", titles.yours(file))
  yours.take_keys(self)
end

function View:go_to_first_change()
  local first
  for _, column in ipairs(self.columns) do
    local pick = column.merge and column.merge.picks[1]
    first = pick and math.min(first or pick.y0, pick.y0) or first
  end
  if first then
    local last = vim.api.nvim_buf_line_count(self.content.buffer)
    vim.api.nvim_win_set_cursor(self.yours, { math.min(first, last), 0 })
  end
  vim.api.nvim_win_call(self.yours, function()
    vim.cmd("normal! zz")
  end)
  if vim.fn.line("w0", self.yours) == 1 then
    self:show_top()
  else
    self:scroll_along()
  end
end

--- An agent has a new candidate: ask again, and keep what is on the screen.
function View:reload()
  live.reload(self)
end

--- Close the tab; all is as it was before it was opened.
function View:close()
  closing.close(self)
end

return View
