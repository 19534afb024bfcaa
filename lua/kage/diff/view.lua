--- The diff's tabpage: which file and which agents it shows, kept up to date with yours, until it is closed.
local Content = require("kage.diff.content")
local agent_buffer = require("kage.diff.agent_buffer")
local host = require("kage.host")
local layout = require("kage.diff.layout")
local lifecycle = require("kage.diff.lifecycle")
local maps = require("kage.diff.maps")
local notify = require("kage.notify")
local panel = require("kage.diff.panel")
local titles = require("kage.diff.titles")
local visited = require("kage.diff.visited")

---@class kage.Column one agent's window
---@field window integer
---@field agent integer
---@field buffer integer?
---@field doc string[]? what the buffer shows
---@field merge kage.Merge?

---@class kage.DiffView
---@field cwd string
---@field run string
---@field root string of the repository
---@field agents integer[] that can be shown
---@field named boolean the user asked for them by number
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
---@field panel {window: integer?, buffer: integer, rows: kage.PanelRow[]}
---@field closed boolean
---@field away boolean? the user looks at a file in `yours` that no agent changed
local View = {}
View.__index = View

for _, methods in ipairs({ require("kage.diff.columns"), require("kage.diff.actions") }) do
  for name, method in pairs(methods) do
    View[name] = method
  end
end

---@class kage.DiffAnswer
---@field run string
---@field repository string
---@field agents integer[]
---@field files kage.ChangedFile[]

--- The files that one of the agents shown changed; those at the root first, above the folders' headings.
---@param answer kage.DiffAnswer
---@return kage.ChangedFile[]
function View.changed(answer)
  local at_root, below = {}, {}
  for _, file in ipairs(answer.files) do
    for _, agent in ipairs(answer.agents) do
      if file.agents[tostring(agent)] then
        table.insert(file.path:find("/", 1, true) and below or at_root, file)
        break
      end
    end
  end
  return vim.list_extend(at_root, below)
end

--- Open the tab, and ask for the first file.
---@param answer kage.DiffAnswer
---@param options kage.DiffShown
---@return kage.DiffView
function View.open(answer, options)
  local self =
    setmetatable({ columns = {}, first = 1, page = 1, closed = false, serial = 0, visited = {} }, View)
  self.cwd, self.root, self.named = options.cwd, options.root, options.named
  self.run, self.agents, self.files = answer.run, answer.agents, View.changed(answer)
  self.scrollopt = vim.o.scrollopt
  self.origin = { tab = vim.api.nvim_get_current_tabpage(), window = vim.api.nvim_get_current_win() }
  vim.cmd("tab split")
  self.tab, self.yours = vim.api.nvim_get_current_tabpage(), vim.api.nvim_get_current_win()
  self.winbar = vim.wo[self.yours].winbar
  layout.set(self.yours, "winfixbuf", false)
  self:open_panel()
  self:arrange()
  lifecycle.follow(self)
  self:show(self:file(options.path) and options.path or self.files[1].path, options.keep)
  return self
end

function View:open_panel()
  local buffer = agent_buffer.create(("kage://%s/files"):format(self.run))
  self.panel = { buffer = buffer, rows = {}, window = layout.split(buffer, self.yours, "left") }
  layout.plain(self.panel.window)
  layout.set(self.panel.window, "winbar", titles.panel(self))
  maps.install(buffer, "panel", self)
end

---@param path string
---@return kage.ChangedFile?
function View:file(path)
  for _, file in ipairs(self.files) do
    if file.path == path then
      return file
    end
  end
end

--- The agents that changed a file.
---@param file kage.ChangedFile
---@return integer[]
function View:changers(file)
  return vim.tbl_filter(function(agent)
    return file.agents[tostring(agent)] ~= nil
  end, self.agents)
end

--- Ask for a file's versions and show them.
---@param path string
---@param keep? boolean the cursor stays where it is
function View:show(path, keep)
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
    self:place(file, answer, keep)
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
    lifecycle.leave(self)
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
    lifecycle.attach(self, buffer)
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
    buffer, fresh = visited.load(self, vim.fs.joinpath(self.root, file.path))
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
    self.visited[buffer] = vim.api.nvim_buf_get_changedtick(buffer)
    vim.bo[buffer].buflisted = true
  end
  self.away = nil
  layout.set(self.yours, "winbar", titles.yours(file))
  lifecycle.take_keys(self)
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
    vim.cmd("silent! syncbind")
  end)
  if vim.fn.line("w0", self.yours) == 1 then
    self:show_top()
  end
end

function View:draw_panel()
  local window = self.panel.window
  if
    window
    and vim.api.nvim_win_is_valid(window)
    and vim.api.nvim_win_get_buf(window) == self.panel.buffer
  then
    local width = vim.api.nvim_win_get_width(window)
    self.panel.rows = panel.rows(self.files, self.agents, self.path, width)
    panel.draw(self.panel.buffer, self.panel.rows)
    for index, row in ipairs(self.panel.rows) do
      if row.path == self.path then
        vim.api.nvim_win_set_cursor(window, { index, 0 })
        break
      end
    end
  end
end

--- An agent has a new candidate: ask again, and keep what is on the screen.
function View:reload()
  local params = { cwd = self.cwd, run = self.run, agents = self.named and self.agents or {} }
  host.request("diff", params, function(err, answer)
    if err or not self:prune() then
      return
    end
    self.files, self.agents = View.changed(answer), answer.agents
    if self.away then
      return self:draw_panel()
    end
    self:arrange()
    if self.path and self:file(self.path) then
      self:show(self.path, true)
    elseif self.files[1] then
      self:show(self.files[1].path)
    end
  end)
end

--- Close the tab; all is as it was before it was opened.
function View:close()
  lifecycle.close(self)
end

return View
