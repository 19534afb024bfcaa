--- What the keys do: methods of the view. Each gets the mode that its key was typed in.
local apply = require("kage.diff.apply")
local maps = require("kage.diff.maps")
local merge = require("kage.diff.merge")
local notify = require("kage.notify")
local picks = require("kage.diff.picks")
local whole = require("kage.diff.whole")

local M = {}

---@param mode string
---@return integer first, integer last lines that are meant; visual mode ends
local function lines_of(mode)
  local cursor = vim.fn.line(".")
  if mode ~= "x" then
    return cursor, cursor
  end
  local other = vim.fn.line("v")
  vim.cmd.normal({ vim.keycode("<Esc>"), bang = true })
  return math.min(cursor, other), math.max(cursor, other)
end

--- The column of the current window.
---@param view kage.DiffView
---@return kage.Column?
local function column_here(view)
  local window = vim.api.nvim_get_current_win()
  for _, column in ipairs(view.columns) do
    if column.window == window then
      return column
    end
  end
end

--- Can line by line picks of this agent be taken into yours? Says why not.
---@param view kage.DiffView
---@param agent integer
---@return boolean
local function can_pick(view, agent)
  local buffer = view.content and view.content.buffer
  local name = vim.fn.strtrans(view.path or "")
  if not buffer or not view.content.versions[agent] then
    notify.error({
      message = ("agent %d does not change %s"):format(agent, name),
      fix = "]f shows the next file, g? the keys.",
    })
    return false
  elseif not vim.api.nvim_buf_is_loaded(buffer) then
    notify.error({ message = name .. " is not open any more", fix = "<CR> in the panel shows it again." })
    return false
  end
  local why, fix = apply.refusal(buffer)
  if why then
    notify.error({ message = ("nothing is taken into %s: %s"):format(name, why), fix = fix })
  end
  return not why
end

--- Is there nothing that could be taken line by line, but something that can be taken whole?
---@param view kage.DiffView
---@param agent integer
---@param yours string[]
---@param merged kage.Merge
---@return boolean
local function is_whole(view, agent, yours, merged)
  local file = assert(view:file(view.path))
  if not whole.pending(view.root, file, agent, view.content.versions[agent]) then
    return false
  end
  local renamed = file.agents[tostring(agent)].old_path ~= nil
  local is_absent = #yours == 0 and not vim.uv.fs_lstat(vim.fs.joinpath(view.root, view.path))
  return #merged.picks == 0 or (renamed and is_absent)
end

--- Put part of an agent's version into yours, as it is at this instant.
---@param view kage.DiffView
---@param agent integer
---@param side kage.Side whose lines are meant
---@param first integer
---@param last integer
---@param visual boolean
local function pick(view, agent, side, first, last, visual)
  if not can_pick(view, agent) then
    return
  elseif not view.content.versions[agent].bytes then
    return whole.take(view, agent, view.path)
  end
  local yours = view.content:yours()
  local merged = view.content:merges(yours, { agent })[agent]
  if is_whole(view, agent, yours, merged) then
    return whole.take(view, agent, view.path)
  end
  local taken = visual and picks.within(merged, yours, side, first, last) or { picks.at(merged, side, first) }
  if #taken == 0 then
    return notify.info(("no change of agent %d here; ]c goes to the next"):format(agent))
  end
  local buffer = view.content.buffer
  local format = apply.format_of_new(buffer, yours, view.content.versions[agent].format)
  apply.set_document(buffer, merge.take(yours, taken), format)
  view:refresh()
end

--- `do` in yours and in the panel.
---@param mode string
function M:take(mode)
  local count = vim.v.count
  local agent = count > 0 and count or self.focus or (self.columns[1] and self.columns[1].agent)
  local file = self:file(self.path)
  if vim.api.nvim_get_current_win() == self.panel.window then
    file = self:file((self.panel.rows[vim.fn.line(".")] or {}).path or "")
    if file then
      whole.take(self, agent, file.path)
    end
  elseif column_here(self) then
    notify.info("an agent's version cannot be changed; dp puts its change into yours")
  elseif file and file.kind ~= "text" then
    whole.take(self, agent, file.path)
  else
    local first, last = lines_of(mode)
    pick(self, agent, "yours", first, last, mode == "x")
  end
end

--- `dp` in an agent's window.
---@param mode string
function M:give(mode)
  local column = column_here(self)
  if not column then
    return notify.info("an agent's version cannot be changed; do takes its change into yours")
  end
  if assert(self:file(self.path)).kind ~= "text" then
    return whole.take(self, column.agent, self.path)
  end
  local first, last = lines_of(mode)
  if vim.api.nvim_buf_get_changedtick(self.content.buffer) ~= self.tick then
    -- The lines under the cursor are those of a merge with an older text.
    self:refresh()
  end
  pick(self, column.agent, "merged", first, last, mode == "x")
end

function M:undo()
  local buffer = self.content and self.content.buffer
  if not buffer then
    return notify.info("what was taken whole is taken back by :KageUndo")
  elseif vim.api.nvim_buf_is_loaded(buffer) then
    vim.api.nvim_buf_call(buffer, function()
      vim.cmd("undo")
      -- Neovim says this of the current buffer only; the options that go with the text wait for it.
      vim.api.nvim_exec_autocmds("TextChanged", { buffer = buffer, modeline = false })
    end)
    self:refresh()
  end
end

---@param view kage.DiffView
---@param step integer
local function turn_file(view, step)
  for index, file in ipairs(view.files) do
    if file.path == view.wanted then
      local next_file = view.files[(index - 1 + step * vim.v.count1) % #view.files + 1]
      if next_file.path ~= view.wanted then
        view:show(next_file.path)
      end
      return
    end
  end
end

function M:next_file()
  turn_file(self, 1)
end

function M:previous_file()
  turn_file(self, -1)
end

--- Show other agents, as many as there are columns.
---@param first integer
function M:turn_to(first)
  first = math.max(1, math.min(first, #self.agents - #self.columns + 1))
  if first == self.first then
    return notify.info("no more agents; " .. #self.agents .. " have a candidate")
  end
  self.first, self.page, self.focus = first, first, nil
  if self.content then
    self:fill_columns()
  end
end

function M:next_agent()
  local wanted = vim.v.count
  if wanted > 0 then
    for index, agent in ipairs(self.agents) do
      if agent == wanted then
        self:turn_to(index)
        self.focus = wanted
        return
      end
    end
    return notify.info("agent " .. wanted .. " has no candidate")
  end
  self:turn_to(self.first + #self.columns)
end

function M:previous_agent()
  self:turn_to(self.first - #self.columns)
end

function M:open_file()
  local row = self.panel.rows[vim.fn.line(".")]
  if row and row.path then
    self:show(row.path)
  end
end

--- The screen's size changed.
function M:resize()
  if not self:prune() then
    return
  end
  self:arrange()
  if self.content then
    self:fill_columns()
    self:draw_panel()
  end
end

function M.help()
  local lines = maps.help()
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = "wipe"
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  local width = 0
  for _, line in ipairs(lines) do
    width = math.max(width, vim.api.nvim_strwidth(line) + 1)
  end
  width = math.min(width, vim.o.columns - 4)
  local window = vim.api.nvim_open_win(buffer, true, {
    relative = "editor",
    row = math.max(0, math.floor((vim.o.lines - #lines) / 2) - 1),
    col = math.max(0, math.floor((vim.o.columns - width) / 2) - 1),
    width = width,
    height = math.min(#lines, vim.o.lines - 4),
    style = "minimal",
    border = "rounded",
    title = " Kage diff ",
  })
  for _, key in ipairs({ "q", "<Esc>", "g?" }) do
    vim.keymap.set("n", key, function()
      if vim.api.nvim_win_is_valid(window) then
        vim.api.nvim_win_close(window, true)
      end
    end, { buffer = buffer, nowait = true })
  end
end

return M
