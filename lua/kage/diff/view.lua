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
---@field content kage.Content?
---@field tab integer
---@field yours integer window
---@field columns kage.Column[]
---@field first integer index in `agents` of the first column's
---@field focus integer? the agent last visited
---@field panel {window: integer?, buffer: integer, rows: kage.PanelRow[]}
---@field closed boolean
local View = {}
View.__index = View

---@type table<string, fun(view: kage.DiffView, mode: string)>
for name, action in pairs(require("kage.diff.actions")) do
  View[name] = action
end

---@class kage.DiffAnswer
---@field run string
---@field repository string
---@field agents integer[]
---@field files kage.ChangedFile[]

--- The files that one of the agents shown changed.
---@param answer kage.DiffAnswer
---@return kage.ChangedFile[]
function View.changed(answer)
  return vim.tbl_filter(function(file)
    for _, agent in ipairs(answer.agents) do
      if file.agents[tostring(agent)] then
        return true
      end
    end
    return false
  end, answer.files)
end

--- Open the tab. `show` brings the first file into it.
---@param answer kage.DiffAnswer
---@param options {cwd: string, root: string, named: boolean}
---@return kage.DiffView
function View.open(answer, options)
  local self = setmetatable({ columns = {}, first = 1, closed = false, serial = 0, visited = {} }, View)
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
  return self
end

function View:open_panel()
  local buffer = agent_buffer.create(("kage://%s/files"):format(self.run))
  self.panel = { buffer = buffer, rows = {}, window = layout.split(buffer, self.yours, "left") }
  layout.plain(self.panel.window)
  layout.set(self.panel.window, "winbar", titles.panel(self))
  maps.install(buffer, "panel", self)
end

--- Open or close columns, as many as the screen has room for.
function View:arrange()
  local wanted = self.named and #self.agents or require("kage.config").get().diff.columns
  local count = layout.count(vim.o.columns, #self.agents, wanted, self.named)
  while #self.columns > count do
    self:drop(#self.columns)
  end
  while #self.columns < count do
    local beside = #self.columns > 0 and self.columns[#self.columns].window or self.yours
    local window = layout.split(agent_buffer.create(("kage://%s/empty%d"):format(self.run, #self.columns)), beside, "right")
    local buffer = vim.api.nvim_win_get_buf(window)
    self.columns[#self.columns + 1] = { window = window, agent = 0, buffer = buffer }
  end
  self.first = math.max(1, math.min(self.first, #self.agents - #self.columns + 1))
  local windows = { self.yours }
  for _, column in ipairs(self.columns) do
    windows[#windows + 1] = column.window
  end
  layout.share(self.panel.window, windows)
end

--- Close a column.
---@param index integer
function View:drop(index)
  local column = table.remove(self.columns, index)
  if vim.api.nvim_win_is_valid(column.window) then
    vim.api.nvim_win_close(column.window, true)
  end
  lifecycle.wipe(column.buffer)
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
  self.serial = self.serial + 1
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
  local here = vim.api.nvim_get_current_win()
  local same = self.path == file.path
  self.path = file.path
  if not same then
    lifecycle.leave(self)
    self:enter(file)
  end
  local is_text = file.kind == "text"
  local buffer = vim.api.nvim_win_get_buf(self.yours)
  self.content = Content.new(answer, is_text and buffer or nil)
  self:fill_columns(not same)
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

--- Bring the user's own buffer of a file into the left window, or a note where there is no text to compare.
---@param file kage.ChangedFile
function View:enter(file)
  local buffer, fresh
  if file.kind == "text" then
    buffer, fresh = lifecycle.load(self, vim.fs.joinpath(self.root, file.path))
  else
    buffer = agent_buffer.create(("kage://%s/yours/%s"):format(self.run, file.path))
    agent_buffer.fill(buffer, nil, titles.note(file, nil))
  end
  vim.api.nvim_win_call(self.yours, function()
    vim.cmd("hide keepalt keepjumps buffer " .. buffer)
  end)
  if fresh then
    self.visited[buffer] = vim.api.nvim_buf_get_changedtick(buffer)
    vim.bo[buffer].buflisted = true
  end
  layout.set(self.yours, "winbar", titles.yours(file))
  lifecycle.take_keys(self)
end

--- Give each column its agent's version.
---@param renew boolean the buffers belong to another file or other agents
function View:fill_columns(renew)
  local file = assert(self:file(self.path))
  local is_text = file.kind == "text"
  for index, column in ipairs(self.columns) do
    local agent = self.agents[self.first + index - 1]
    if renew or column.agent ~= agent then
      local old = column.buffer
      column.agent, column.doc = agent, nil
      column.buffer = agent_buffer.create(("kage://%s/%d/%s"):format(self.run, agent, file.path))
      layout.diff_off(column.window)
      vim.api.nvim_win_set_buf(column.window, column.buffer)
      lifecycle.wipe(old)
      maps.install(column.buffer, "agent", self)
    end
    if not is_text then
      agent_buffer.fill(column.buffer, nil, titles.note(file, agent, self.content.versions[agent]))
      layout.set(column.window, "winbar", titles.agent(self, column))
    end
  end
  if is_text then
    self:refresh()
    self:compare()
  end
end

--- Diff mode for yours and the columns.
function View:compare()
  layout.diff_on(self.yours)
  for _, column in ipairs(self.columns) do
    if not vim.bo[column.buffer].syntax:find("%S") then
      agent_buffer.colour(column.buffer, self.path, self.content.buffer)
    end
    layout.diff_on(column.window)
  end
end

--- Merge every version shown onto yours as it is now.
function View:refresh()
  local content = self.content
  if not (content and content.buffer and vim.api.nvim_buf_is_loaded(content.buffer)) then
    return
  end
  self.stale = false
  local yours = content:yours()
  self.tick = vim.api.nvim_buf_get_changedtick(content.buffer)
  local shown = vim.tbl_map(function(column)
    return column.agent
  end, self.columns)
  local merges = content:merges(yours, shown)
  for _, column in ipairs(self.columns) do
    local version = content.versions[column.agent]
    column.merge = merges[column.agent] or { picks = {}, lines = version and {} or yours }
    agent_buffer.fill(column.buffer, column.doc, column.merge.lines)
    column.doc = column.merge.lines
    agent_buffer.mark_conflicts(column.buffer, column.merge)
    layout.set(column.window, "winbar", titles.agent(self, column))
  end
  vim.api.nvim_win_call(self.yours, function()
    vim.cmd("diffupdate")
  end)
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
end

function View:draw_panel()
  local window = self.panel.window
  if window and vim.api.nvim_win_is_valid(window) then
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
    if self.closed or err then
      return
    end
    self.files, self.agents = View.changed(answer), answer.agents
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
