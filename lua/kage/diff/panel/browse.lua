--- The file panel's window: what it shows, its folds, its cursor. Methods of the view.
local agent_buffer = require("kage.diff.agent_buffer")
local checks = require("kage.checks")
local headline = require("kage.diff.panel.headline")
local host = require("kage.host")
local layout = require("kage.diff.layout")
local live = require("kage.diff.live")
local maps = require("kage.diff.maps")
local panel = require("kage.diff.panel")
local state = require("kage.state")
local titles = require("kage.diff.titles")
local tree = require("kage.diff.panel.tree")

local M = {}

function M:open_panel()
  self.panel.hidden = nil
  local window = layout.split(self.panel.buffer, self.yours, "left")
  self.panel.window = window
  layout.plain(window)
  layout.set(window, "winbar", titles.panel(self))
end

---@param why "user"|"narrow"
function M:hide_panel(why)
  local window = self.panel.window
  self.panel.hidden, self.panel.window = why, nil
  if window and vim.api.nvim_win_is_valid(window) then
    if vim.api.nvim_get_current_win() == window then
      vim.api.nvim_set_current_win(self.yours)
    end
    vim.api.nvim_win_close(window, true)
  end
end

--- Hide the panel, or show it again.
function M:toggle_panel()
  if not self:prune() then
    return
  elseif self.panel.window then
    self:hide_panel("user")
  else
    self:open_panel()
    self.panel.wanted = true
  end
  self:resize()
  self:draw_panel()
end

--- The screen's size changed.
function M:resize()
  if not self:prune() then
    return
  end
  self:arrange()
  if self.content then
    self:fill_columns()
  end
  self:draw_panel()
end

---@param view kage.DiffView
---@return kage.PanelRow? row under the panel's cursor
local function row_here(view)
  local window = view.panel.window
  return window and view.panel.rows[vim.api.nvim_win_get_cursor(window)[1]]
end

---@param rows kage.PanelRow[]
---@param wanted kage.PanelRow? of an earlier drawing
---@param line integer where it was
---@return integer line where the same is now
local function line_of(rows, wanted, line)
  local nearest
  for index, row in ipairs(rows) do
    local is_same = wanted
      and ((wanted.path and row.path == wanted.path) or (wanted.folder and row.folder == wanted.folder))
    if is_same and (not nearest or math.abs(index - line) < math.abs(nearest - line)) then
      nearest = index
    end
  end
  return math.max(1, math.min(nearest or line, #rows))
end

--- Draw the panel. Its cursor goes to the file that is shown when that is another one, and stays otherwise.
function M:draw_panel()
  local window = self.panel.window
  if
    not (
      window
      and vim.api.nvim_win_is_valid(window)
      and vim.api.nvim_win_get_buf(window) == self.panel.buffer
    )
  then
    return
  end
  local turned = self.panel.marked ~= self.path
  for _, folder in ipairs(turned and self.path and tree.around(self.path) or {}) do
    self.panel.closed[folder] = nil
  end
  local width = vim.api.nvim_win_get_width(window)
  local here, at = row_here(self), vim.api.nvim_win_get_cursor(window)
  local top = vim.fn.line("w0", window)
  local rows = headline.rows({
    files = self.files,
    agents = self.agents,
    working = live.to_come(self.run, self.named and self.numbers or nil),
    run = state.run(self.run),
    choices = self:choices(),
    checked = checks.of(self.root),
    width = width,
  })
  local files = panel.rows({
    root = self.root_folder,
    agents = self.agents,
    current = self.path,
    closed = self.panel.closed,
    agreement = self.agreement,
    width = width,
  })
  self.panel.rows = vim.list_extend(rows, files)
  self.panel.marked = self.path
  panel.draw(self.panel.buffer, self.panel.rows)
  local wanted = turned and { path = self.path } or here
  local line = line_of(self.panel.rows, wanted, turned and 1 or at[1])
  vim.api.nvim_win_set_cursor(window, { line, turned and 0 or at[2] })
  vim.api.nvim_win_call(window, function()
    local height = vim.fn.winheight(0) - 1
    if turned and line <= height then
      -- The headline stays in sight while there is room.
      vim.fn.winrestview({ topline = 1 })
    elseif line < top or line >= top + height then
      vim.cmd("normal! zz")
    else
      vim.fn.winrestview({ topline = top })
    end
  end)
end

---@return integer? choices in all files; nil while that is not known
function M:choices()
  local total
  for _, agreement in pairs(self.agreement) do
    total = (total or 0) + agreement.choices
  end
  return total
end

--- How the versions of a file compare.
---@param places {versions: {agents: integer[]}[]}[]
---@param of integer[] the agents compared
---@return kage.Agreement
local function agreement_of(places, of)
  local found = { choices = 0, agreed = 0, whole = #places > 0 and #of > 1 }
  for _, place in ipairs(places) do
    local first = place.versions[1]
    if #place.versions > 1 then
      found.choices = found.choices + 1
    elseif first and #first.agents > 1 then
      found.agreed = found.agreed + 1
    end
    found.whole = found.whole and #place.versions == 1 and #first.agents == #of
  end
  return found
end

--- Ask in which files the agents agree, where that was not done yet; the panel says it when it is known.
function M:ask_agreement()
  if not self.is_agreement_due then
    return
  end
  self.is_agreement_due = false
  live.look(self)
  local paths = {}
  for _, file in ipairs(self.files) do
    if file.kind == "text" then
      paths[#paths + 1] = file.path
    end
  end
  if #self.agents < 2 or #paths == 0 then
    self.agreement = {}
    return
  end
  self.asked = (self.asked or 0) + 1
  local serial = self.asked
  local params = { cwd = self.cwd, run = self.run, agents = self.agents, paths = paths }
  host.request("align", params, function(err, answer)
    -- Without an answer the panel says nothing of agreement; the files themselves are shown all the same.
    if err or self.closed or serial ~= self.asked then
      return
    end
    self.agreement = {}
    for _, file in ipairs(answer.files) do
      self.agreement[file.path] = agreement_of(file.places, answer.of)
    end
    self:draw_panel()
  end)
end

--- Fold or unfold what a row stands for: a folder, or the folder that a file is in.
---@param view kage.DiffView
---@param how "open"|"close"|"toggle"
---@return boolean changed
local function fold(view, how)
  local row = row_here(view)
  local folder = row and row.folder
  if row and row.path and how ~= "open" then
    local around = tree.around(row.path)
    for index = #around, 1, -1 do
      for _, other in ipairs(view.panel.rows) do
        if other.folder == around[index] and not folder then
          folder = other.folder
        end
      end
    end
  elseif folder and how == "close" and view.panel.closed[folder] then
    local around = tree.around(folder)
    for _, other in ipairs(view.panel.rows) do
      if vim.tbl_contains(around, other.folder) and other.folder ~= folder then
        row = other
      end
    end
    folder = row.folder
  end
  if not folder then
    return false
  end
  local close = how == "close" or (how == "toggle" and not view.panel.closed[folder])
  view.panel.closed[folder] = close or nil
  view.panel.rows[vim.api.nvim_win_get_cursor(view.panel.window)[1]] = { folder = folder, spans = {} }
  view:draw_panel()
  return true
end

function M:toggle_fold()
  fold(self, "toggle")
end

function M:open_fold()
  fold(self, "open")
end

function M:close_fold()
  fold(self, "close")
end

---@param folder kage.TreeFolder
---@param closed table<string, boolean>
local function close_all(folder, closed)
  for _, inner in ipairs(folder.folders) do
    closed[inner.path] = true
    close_all(inner, closed)
  end
end

function M:open_folds()
  self.panel.closed = {}
  self:draw_panel()
end

function M:close_folds()
  close_all(self.root_folder, self.panel.closed)
  self:draw_panel()
end

--- Show the file of a row; of a folder, fold or unfold it.
function M:open_file()
  local row = row_here(self)
  if row and row.path then
    self:show(row.path)
  elseif row and row.folder then
    self:toggle_fold()
  end
end

--- The same, but a folder is only unfolded.
function M:enter_row()
  local row = row_here(self)
  if row and row.path then
    self:show(row.path)
  else
    self:open_fold()
  end
end

--- The panel's buffer, before its window.
function M:create_panel()
  local buffer = agent_buffer.create(("kage://%s/files"):format(self.run))
  self.panel = { buffer = buffer, rows = {}, closed = {} }
  maps.install(buffer, "panel", self)
  vim.api.nvim_create_autocmd("BufWipeout", {
    buffer = buffer,
    once = true,
    callback = function()
      panel.forget(buffer)
    end,
  })
  vim.api.nvim_create_autocmd("User", {
    pattern = "KageChecks",
    callback = function(event)
      if self.closed then
        return true
      elseif event.data.repository == self.root then
        self:draw_panel()
      end
    end,
  })
end

return M
