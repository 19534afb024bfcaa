--- `:KageDiff 1 3`: two agents against each other and the base, as their trees are, not merged onto yours.
---
---     ┌ panel ┬ 1 fast ┬ base ┬ 3 mini ┐     at 80 columns the base waits for `gb`
---
--- Yours is not shown; `dp` puts an agent's change into it all the same.
local Content = require("kage.diff.content")
local View = require("kage.diff.view")
local agent_buffer = require("kage.diff.agent_buffer")
local hunks = require("kage.diff.text.hunks")
local keys = require("kage.diff.between.keys")
local layout = require("kage.diff.layout")
local maps = require("kage.diff.maps")

-- On narrower screens the base is hidden at first.
local ROOM_FOR_BASE = 120

---@class kage.Between: kage.DiffView
---@field yours integer the window of the first agent
---@field columns kage.Column[] the base's when it is shown (agent 0), the second agent's
---@field with_base boolean
---@field answer table of `diff_file`
---@field shown table<integer, string[]> documents by buffer
---@field goal table<string, integer>? line to begin at, by agent
---@field given integer? the buffer that something was put into last
local Between = setmetatable({}, { __index = View })
Between.__index = Between

for _, module in ipairs({ "put", "titles", "words" }) do
  for name, method in pairs(require("kage.diff.between." .. module)) do
    Between[name] = method
  end
end

---@param path string
---@param agent integer 0 for the base
---@return integer buffer
function Between:side_buffer(path, agent)
  local name = agent == 0 and "base" or tostring(agent)
  local buffer = agent_buffer.create(("kage://%s/%s/%s"):format(self.run, name, path))
  vim.bo[buffer].bufhidden = "wipe"
  maps.install(buffer, keys.side, self)
  return buffer
end

function Between:open_panel()
  if self.with_base == nil then
    self.with_base, self.shown = vim.o.columns >= ROOM_FOR_BASE, {}
  end
  View.open_panel(self)
  maps.install(self.panel.buffer, keys.side, self)
  maps.install(self.panel.buffer, keys.panel, self)
end

--- The windows, left to right.
---@return {window: integer, agent: integer}[]
function Between:sides()
  local found = { { window = self.yours, agent = self.agents[1] } }
  return vim.list_extend(found, self.columns)
end

--- As many windows as there are sides to show.
function Between:arrange()
  local wanted = self.with_base and { 0, self.agents[2] } or { self.agents[2] }
  for index = #self.columns, 1, -1 do
    if not vim.tbl_contains(wanted, self.columns[index].agent) then
      self:drop(index)
    end
  end
  local beside = self.yours
  for index, agent in ipairs(wanted) do
    if not self.columns[index] or self.columns[index].agent ~= agent then
      local buffer = self:side_buffer(self.path or "", agent)
      local window = layout.split(buffer, beside, "right")
      table.insert(self.columns, index, { window = window, agent = agent, buffer = buffer })
    end
    beside = self.columns[index].window
  end
  layout.share(
    self.panel.window,
    vim.tbl_map(function(side)
      return side.window
    end, self:sides())
  )
end

--- Put a file into the windows.
---@param file kage.ChangedFile
---@param answer table of `diff_file`
---@param keep? boolean the cursor stays where it is
function Between:place(file, answer, keep)
  if not self:prune() then
    return
  end
  local same = self.path == file.path
  self.path, self.answer, self.content, self.away = file.path, answer, Content.new(answer, nil), nil
  self:arrange()
  self:fill_columns(keep or same)
  self:draw_panel()
end

--- What a side holds of the file shown.
---@param agent integer 0 for the base
---@return string[] document
function Between:document(agent)
  local version = agent ~= 0 and self.content.versions[agent]
  return version and version.doc or self.content.base
end

--- An agent whose files are as at the base again, or that is gone, is shown as it was.
---@param answer kage.DiffAnswer
function Between:take_files(answer)
  local before = self.agents
  View.take_files(self, answer)
  self.agents = #answer.agents < 2 and before or answer.agents
end

--- Give each window its side.
---@param keep? boolean
function Between:fill_columns(keep)
  local file = self.path and self:file(self.path)
  if not (file and self.content) then
    return
  end
  local is_text = file.kind == "text"
  for _, side in ipairs(self:sides()) do
    local buffer, before = self:side_buffer(file.path, side.agent), vim.api.nvim_win_get_buf(side.window)
    local doc = is_text and self:document(side.agent) or self:note(file, side.agent)
    agent_buffer.fill(buffer, keep and before == buffer and self.shown[buffer] or nil, doc)
    self.shown[buffer] = doc
    self:show_buffer(side, buffer, before)
    if is_text then
      if not vim.bo[buffer].syntax:find("%S") then
        agent_buffer.colour(buffer, file.path)
      end
      layout.diff_on(side.window)
    end
    layout.set(side.window, "winbar", self:title(file, side.agent))
  end
  if is_text then
    self:mark_words(file.path)
    if not keep then
      self:go_to_first_change()
    end
  end
end

---@param side {window: integer, agent: integer, buffer: integer?}
---@param buffer integer
---@param before integer what the window shows
function Between:show_buffer(side, buffer, before)
  if side.window ~= self.yours then
    side.buffer = buffer
  end
  if before == buffer then
    return
  end
  layout.diff_off(side.window)
  self.entering = true
  vim.api.nvim_win_set_buf(side.window, buffer)
  self.entering = false
  self.shown[before] = nil
end

--- To the first line in which the agents differ from each other, or from the base where they do not.
function Between:go_to_first_change()
  local one, other = self:document(self.agents[1]), self:document(self.agents[2])
  local found = hunks.diff(one, other)[1] or hunks.diff(one, self.content.base)[1]
  local goal, window, line = self.goal or {}, self.yours, found and found.a0 or 1
  self.goal = nil
  for _, side in ipairs(self:sides()) do
    local wanted = goal[tostring(side.agent)]
    if wanted then
      window, line = side.window, wanted
      break
    end
  end
  local last = vim.api.nvim_buf_line_count(vim.api.nvim_win_get_buf(window))
  vim.api.nvim_win_set_cursor(window, { math.min(line, last), 0 })
  if next(goal) then
    vim.api.nvim_set_current_win(window)
  end
  vim.api.nvim_win_call(window, function()
    vim.cmd("normal! zz")
    vim.cmd("silent! syncbind")
  end)
  if vim.fn.line("w0", self.yours) == 1 then
    self:show_top()
  end
end

function Between:toggle_base()
  self.with_base = not self.with_base
  self:resize()
end

--- Nothing here depends on yours.
function Between.refresh() end

--- What was taken whole may have changed a note.
function Between:retitle()
  local file = self.path and self:file(self.path)
  if file and self.content and file.kind ~= "text" and self:prune() then
    self:fill_columns(true)
  end
end

Between.keys_in_help = vim.list_extend(vim.list_slice(keys.side), keys.panel)

--- No keys of ours are in a buffer of the user's.
function Between.enter() end

local M = {}

--- Open the tab, and ask for the first file.
---@param answer kage.DiffAnswer of two agents
---@param shown kage.DiffShown
---@return kage.DiffSession
function M.open(answer, shown)
  vim.api.nvim_set_hl(0, "KageApart", { bold = true, underline = true, default = true })
  local self = View.open(answer, shown, Between)
  self.goal = shown.lines
  return self
end

return M
