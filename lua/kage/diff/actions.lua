--- What the keys on lines do: methods of the view. Keys get the mode that they were typed in; the methods behind
--- them, which `.` calls again, get a kage.LineRange.
local apply = require("kage.diff.picks.apply")
local notify = require("kage.notify")
local operator = require("kage.diff.picks.operator")
local picks = require("kage.diff.picks")
local shape = require("kage.diff.text.shape")
local take = require("kage.diff.places.take")
local whole = require("kage.diff.picks.whole")

local M = {}

for _, methods in ipairs({
  require("kage.diff.moves"),
  require("kage.diff.picks.reset"),
  require("kage.diff.picks.textobject"),
  require("kage.diff.places.walk"),
}) do
  for name, method in pairs(methods) do
    M[name] = method
  end
end

--- The column of the current window.
---@return kage.Column?
function M:column_here()
  local window = vim.api.nvim_get_current_win()
  for _, column in ipairs(self.columns) do
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
  local why, fix = apply.refusal(buffer, vim.fs.joinpath(view.root, view.path))
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
---@param choose fun(merged: kage.Merge, yours: string[]): kage.Pick[] which part
---@param all? boolean it is all of it
local function pick(view, agent, choose, all)
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
  local taken = choose(merged, yours)
  local change = (all or #merged.picks == 0) and shape.pending(view.content, agent) or nil
  if #taken == 0 and not change then
    return notify.info(("no change of agent %d is left to take here; ]c goes to the next"):format(agent))
  end
  local buffer = view.content.buffer
  local format = apply.format_of_new(buffer, yours, view.content.versions[agent].format)
  local why, fix = shape.refusal(buffer, yours, taken, change and change.options or format)
  if why then
    return notify.error({ message = ("nothing of agent %d is taken: %s"):format(agent, why), fix = fix })
  end
  view.content:take(yours, taken, format, change)
  view:refresh()
  require("kage.checks").picked(view.cwd)
end

--- Do the columns show what the agents make of yours as it is now?
---@return boolean
function M:is_current()
  local buffer = self.content and self.content.buffer
  return buffer ~= nil
    and vim.api.nvim_buf_is_loaded(buffer)
    and vim.api.nvim_buf_get_changedtick(buffer) == self.tick
end

--- The agent that a key without a number means.
---@return integer
function M:agent_meant()
  return self.focus or (self.columns[1] and self.columns[1].agent)
end

--- Put an agent's changes at lines of the current window into yours; without a selection, its version of the place
--- there.
---@param range kage.LineRange
function M:take_lines(range)
  local column = self:column_here()
  local agent = range.count > 0 and range.count or (column and column.agent) or self:agent_meant()
  if assert(self:file(self.path)).kind ~= "text" then
    return whole.take(self, agent, self.path)
  end
  local side, first, last = "yours", range.first, range.last
  if column and not self:is_current() then
    -- The lines under the cursor are those of a merge with an older text.
    self:refresh()
  end
  local spot = not range.visual and take.spot(self, column, first, range.count) or nil
  if spot then
    agent = take.agent(self, spot, range.count, column)
    if agent then
      pick(self, agent, function(merged, yours)
        return take.picks(self.content, spot, agent, merged, yours)
      end)
    end
    return
  end
  if column and column.agent == agent then
    side = "merged"
  elseif column then
    first, last = picks.to_yours(column.merge, first), picks.to_yours(column.merge, last)
  end
  pick(self, agent, function(merged, yours)
    if range.visual then
      return picks.within(merged, yours, side, first, last)
    end
    return { picks.at(merged, side, first) }
  end)
end

--- Put all that an agent made of the file into yours.
---@param range kage.LineRange
function M:take_all(range)
  local column = self:column_here()
  local agent = range.count > 0 and range.count or (column and column.agent) or self:agent_meant()
  if assert(self:file(self.path)).kind ~= "text" then
    return whole.take(self, agent, self.path)
  end
  pick(self, agent, function(merged)
    return merged.picks
  end, true)
end

--- In the panel: the whole file under the cursor.
---@param view kage.DiffView
---@return boolean here
local function take_in_panel(view)
  if vim.api.nvim_get_current_win() ~= view.panel.window then
    return false
  end
  local count, row = vim.v.count, view.panel.rows[vim.fn.line(".")] or {}
  local file = view:file(row.path or "")
  if file then
    whole.take(view, count > 0 and count or view:agent_meant(), file.path)
  end
  return true
end

--- `do` in yours and in the panel.
---@param mode string
function M:take(mode)
  if take_in_panel(self) then
    return
  elseif self:column_here() then
    return notify.info("an agent's version cannot be changed; dp puts its change into yours")
  end
  operator.act(self, mode, "take_lines")
end

--- `dp` in an agent's window.
---@param mode string
function M:give(mode)
  if not self:column_here() then
    return notify.info("an agent's version cannot be changed; do takes its change into yours")
  end
  operator.act(self, mode, "take_lines")
end

--- `go{motion}`, and `go` in Visual mode.
---@param mode string
function M:take_operator(mode)
  if mode == "x" then
    return operator.act(self, mode, "take_lines")
  end
  operator.wait(self, "take_lines")
end

--- `dO`.
---@param mode string
function M:take_file(mode)
  if not take_in_panel(self) then
    operator.act(self, mode, "take_all")
  end
end

---@param view kage.DiffView
---@param command "undo"|"redo"
local function walk_undo(view, command)
  local buffer = view.content and view.content.buffer
  if not buffer then
    return notify.info("what was taken whole is taken back by :KageUndo")
  elseif vim.api.nvim_buf_is_loaded(buffer) then
    local count = vim.v.count1
    vim.api.nvim_buf_call(buffer, function()
      for _ = 1, count do
        vim.cmd(command)
      end
      -- Neovim says this of the current buffer only; the options that go with the text wait for it.
      vim.api.nvim_exec_autocmds("TextChanged", { buffer = buffer, modeline = false })
    end)
    view:refresh()
  end
end

function M:undo()
  walk_undo(self, "undo")
end

function M:redo()
  walk_undo(self, "redo")
end

return M
