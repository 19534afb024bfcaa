--- The file panel's window: what it shows, its cursor. Methods of the view.
local agent_buffer = require("kage.diff.agent_buffer")
local checks = require("kage.checks")
local headline = require("kage.diff.panel.headline")
local layout = require("kage.diff.layout")
local live = require("kage.diff.live")
local maps = require("kage.diff.maps")
local paint = require("kage.diff.panel.paint")
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

---@return kage.PanelRow? row under the panel's cursor
function M:panel_row()
  local window = self.panel.window
  return window and self.panel.rows[vim.api.nvim_win_get_cursor(window)[1]]
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

---@param view kage.DiffView
---@param width integer columns
---@return kage.PanelRow[]
local function rows_of(view, width)
  local rows = headline.rows({
    files = view.files,
    agents = view.agents,
    working = live.to_come(view.run, view.named and view.numbers or nil),
    run = state.run(view.run),
    choices = view:choices(),
    checked = checks.of(view.root),
    width = width,
  })
  local files = panel.rows({
    root = view.root_folder,
    agents = view.agents,
    current = view.path,
    closed = view.panel.closed,
    agreement = view.agreement,
    width = width,
  })
  return vim.list_extend(rows, files)
end

---@param window integer of the panel
---@param line integer to bring in sight
---@param top integer line that was the first in sight
---@param turned boolean another file is shown than before
local function scroll(window, line, top, turned)
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

--- Draw the panel. Its cursor goes to the file that is shown when that is another one, and stays otherwise.
function M:draw_panel()
  local window, buffer = self.panel.window, self.panel.buffer
  if not (window and vim.api.nvim_win_is_valid(window) and vim.api.nvim_win_get_buf(window) == buffer) then
    return
  end
  local turned = self.panel.marked ~= self.path
  for _, folder in ipairs(turned and self.path and tree.around(self.path) or {}) do
    self.panel.closed[folder] = nil
  end
  local here, at = self:panel_row(), vim.api.nvim_win_get_cursor(window)
  local top = vim.fn.line("w0", window)
  self.panel.rows = rows_of(self, vim.api.nvim_win_get_width(window))
  self.panel.marked = self.path
  paint.draw(buffer, self.panel.rows)
  local wanted = turned and { path = self.path } or here
  local line = line_of(self.panel.rows, wanted, turned and 1 or at[1])
  vim.api.nvim_win_set_cursor(window, { line, turned and 0 or at[2] })
  scroll(window, line, top, turned)
end

--- Show the file of a row; of a folder, fold or unfold it.
function M:open_file()
  local row = self:panel_row()
  if row and row.path then
    self:show(row.path)
  elseif row and row.folder then
    self:toggle_fold()
  end
end

--- The same, but a folder is only unfolded.
function M:enter_row()
  local row = self:panel_row()
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
      paint.forget(buffer)
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
