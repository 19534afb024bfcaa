--- The agents' windows of the diff: how many there are, which agent each shows, what its buffer holds.
--- Methods of the view.
local agent_buffer = require("kage.diff.agent_buffer")
local choices = require("kage.diff.places.choices")
local closing = require("kage.diff.closing")
local comments = require("kage.comments")
local layout = require("kage.diff.layout")
local linematch = require("kage.diff.linematch")
local maps = require("kage.diff.maps")
local marks = require("kage.diff.places.marks")
local picks = require("kage.diff.picks")
local titles = require("kage.diff.titles")

local M = {}

--- Forget the windows that closed unseen, or that the user gave to another buffer.
---@return boolean go_on false when the diff is closed, now or already
function M:prune()
  if self.closed or not vim.api.nvim_win_is_valid(self.yours) then
    closing.close(self)
    return false
  end
  for index = #self.columns, 1, -1 do
    local column = self.columns[index]
    local is_open = vim.api.nvim_win_is_valid(column.window)
    if not is_open or vim.api.nvim_win_get_buf(column.window) ~= column.buffer then
      table.remove(self.columns, index)
      closing.wipe(column.buffer)
      if is_open then
        layout.diff_off(column.window)
        layout.set(column.window, "winbar", "")
      end
    end
  end
  local panel = self.panel.window
  if panel and not vim.api.nvim_win_is_valid(panel) then
    self.panel.window, self.panel.hidden = nil, "user"
  end
  return true
end

--- Open or close columns, as many as the screen has room for.
function M:arrange()
  local wanted = self.named and #self.agents or require("kage.config").get().diff.columns
  if self.panel.window and not self.panel.wanted and layout.is_narrow(vim.o.columns) then
    self:hide_panel("narrow")
  elseif self.panel.hidden == "narrow" and not layout.is_narrow(vim.o.columns) then
    self:open_panel()
  end
  local has_panel = self.panel.window ~= nil
  local count = layout.count(vim.o.columns, #self.agents, wanted, self.named, has_panel)
  count = math.min(count, self.most or count)
  while #self.columns > count do
    self:drop(#self.columns)
  end
  while #self.columns < count do
    local beside = #self.columns > 0 and self.columns[#self.columns].window or self.yours
    -- No agent has these numbers; `fill_columns` puts agents' buffers in their place.
    local number = -1 - #self.columns
    local buffer = agent_buffer.create(("kage://%s/%d"):format(self.run, number))
    local window = layout.split(buffer, beside, "right")
    self.columns[#self.columns + 1] = { window = window, agent = number, buffer = buffer }
  end
  self.first = math.max(1, math.min(self.first, #self.agents - #self.columns + 1))
  local windows = { self.yours }
  for _, column in ipairs(self.columns) do
    windows[#windows + 1] = column.window
  end
  layout.share(self.panel.window, windows)
  linematch.suit(self)
end

--- Close a column.
---@param index integer
function M:drop(index)
  local column = table.remove(self.columns, index)
  if vim.api.nvim_win_is_valid(column.window) then
    vim.api.nvim_win_close(column.window, true)
  end
  closing.wipe(column.buffer)
end

--- Give each column its agent's version.
function M:fill_columns()
  local file = self:file(self.path)
  if not file then
    return
  end
  local before, turned = {}, false
  for _, column in ipairs(self.columns) do
    before[column.buffer] = column.doc or false
  end
  for index, column in ipairs(self.columns) do
    column.agent = self.agents[self.first + index - 1]
    column.buffer = agent_buffer.create(("kage://%s/%d/%s"):format(self.run, column.agent, file.path))
    column.doc, before[column.buffer] = before[column.buffer] or nil, nil
    maps.install(column.buffer, "agent", self)
    if vim.api.nvim_win_get_buf(column.window) ~= column.buffer then
      turned = true
      layout.diff_off(column.window)
      vim.api.nvim_win_set_buf(column.window, column.buffer)
    end
  end
  for unused in pairs(before) do
    closing.wipe(unused)
  end
  if file.kind == "text" then
    self:refresh()
    self:compare()
    if turned and not self.away then
      self:fall_in()
    end
  else
    self:fill_notes(file)
  end
end

--- Bring windows that got another buffer in step with yours: cursor, folds, lines beside each other.
function M:fall_in()
  local line, level = vim.api.nvim_win_get_cursor(self.yours)[1], vim.wo[self.yours].foldlevel
  local ends = { 1, vim.api.nvim_buf_line_count(self.content.buffer) + 1 }
  for _, column in ipairs(self.columns) do
    for _, pick in ipairs(column.merge.picks) do
      vim.list_extend(ends, { pick.y0, pick.y1 })
    end
    local last = vim.api.nvim_buf_line_count(column.buffer)
    local to = math.max(1, math.min(picks.to_merged(column.merge, line), last))
    vim.api.nvim_win_set_cursor(column.window, { to, 0 })
    layout.set(column.window, "foldlevel", level)
  end
  table.sort(ends)
  local between = {}
  for index = 2, #ends do
    -- What folds lies between changes.
    between[#between + 1] = math.floor((ends[index - 1] + ends[index]) / 2)
  end
  layout.repeat_open_folds(self.yours, between)
  self:scroll_along()
end

--- Show in each column the lines that stand beside those of yours. `:syncbind` counts a closed fold as one line.
function M:scroll_along()
  local view = vim.api.nvim_win_call(self.yours, vim.fn.winsaveview)
  for _, column in ipairs(self.columns) do
    local beside = picks.to_merged(column.merge, view.topline)
    vim.api.nvim_win_call(column.window, function()
      -- What is filler in yours are lines of the agent's, above filler of its own.
      local fill = math.min(view.topfill, vim.fn.diff_filler(beside))
      local topline = math.max(1, beside - (view.topfill - fill))
      vim.fn.winrestview({ topline = topline, topfill = topline == beside and fill or 0 })
    end)
  end
end

--- What there is to say of a file without lines to compare.
---@param file kage.ChangedFile
function M:fill_notes(file)
  for _, column in ipairs(self.columns) do
    local lines = titles.note(file, column.agent, self.content.versions[column.agent], self.root)
    agent_buffer.fill(column.buffer, nil, lines)
    column.doc, column.merge = nil, nil
    layout.set(column.window, "winbar", titles.agent(self, column))
  end
end

--- Look again at what of the file was taken whole.
function M:retitle()
  local file = self.path and self:file(self.path)
  if not (file and self.content and self:prune()) then
    return
  elseif file.kind ~= "text" then
    return self:fill_notes(file)
  end
  for _, column in ipairs(self.columns) do
    if column.merge then
      layout.set(column.window, "winbar", titles.agent(self, column))
    end
  end
end

--- Diff mode for yours and the columns.
function M:compare()
  if not self.away then
    layout.diff_on(self.yours)
  end
  for _, column in ipairs(self.columns) do
    if not vim.bo[column.buffer].syntax:find("%S") then
      agent_buffer.colour(column.buffer, self.path, self.content.buffer)
    end
    layout.diff_on(column.window)
  end
end

--- A change in the stead of another agent's version that was picked takes nothing of the user's.
---@param spots kage.Spot[]
---@param merged kage.Merge
local function settle(spots, merged)
  for _, pick in ipairs(merged.picks) do
    local spot = pick.conflict and choices.of_pick(spots, pick)
    if spot and spot.state == "taken" then
      pick.conflict = false
    end
  end
end

--- Look at what became of each place in yours. What the user decided for the base stays so for as long as the tab
--- is open, though the file be asked for again.
---@param yours string[]
---@param merges table<integer, kage.Merge>
function M:read_places(yours, merges)
  local content = self.content
  self.decided = self.decided or {}
  self.decided[content.path] = self.decided[content.path] or content.resets
  content.resets = self.decided[content.path]
  self.spots = content:spots(yours)
  for _, merged in pairs(self.spots and merges or {}) do
    settle(self.spots, merged)
  end
end

--- Merge every version shown onto yours as it is now.
function M:refresh()
  local content = self.content
  if not (content and content.buffer and vim.api.nvim_buf_is_loaded(content.buffer) and self:prune()) then
    return
  end
  self.stale = false
  local yours = content:yours()
  self.tick = vim.api.nvim_buf_get_changedtick(content.buffer)
  local shown = vim.tbl_map(function(column)
    return column.agent
  end, self.columns)
  local merges = content:merges(yours, shown)
  self:read_places(yours, merges)
  for _, column in ipairs(self.columns) do
    local version = content.versions[column.agent]
    column.merge = merges[column.agent] or { picks = {}, lines = version and {} or yours }
    agent_buffer.fill(column.buffer, column.doc, column.merge.lines)
    column.doc = column.merge.lines
    agent_buffer.mark(column.buffer, column.merge, yours)
    comments.mark(self, column, yours)
    layout.set(column.window, "winbar", titles.agent(self, column))
  end
  marks.draw(self)
  local open = self:open_window()
  vim.api.nvim_win_call(self.yours, function()
    vim.cmd("diffupdate")
  end)
  -- What was taken differs no more; it stays in sight all the same.
  if open then
    layout.unfold(open)
  end
end

--- The current window, when it shows a text whose line at the cursor is not in a closed fold.
---@return integer?
function M:open_window()
  local window = vim.api.nvim_get_current_win()
  local is_text = window == self.yours or self:column_here() ~= nil
  return is_text and vim.wo[window].diff and layout.is_unfolded(window) and window or nil
end

--- Above a first line there may be others' lines, which `zz` leaves out of sight.
function M:show_top()
  local windows = { self.yours }
  for _, column in ipairs(self.columns) do
    windows[#windows + 1] = column.window
  end
  for _, window in ipairs(windows) do
    vim.api.nvim_win_call(window, function()
      vim.fn.winrestview({ topline = 1, topfill = vim.fn.diff_filler(1) })
    end)
  end
end

return M
