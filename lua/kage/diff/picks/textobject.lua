--- The text objects of the diff: the lines of the change at the cursor.
local notify = require("kage.notify")
local picks = require("kage.diff.picks")

local M = {}

local NOTHING = "no change here; ]c goes to the next"

--- The lines of the current window that changes at a line take up; an empty one counts as the line below it.
---@param view kage.DiffView
---@param all boolean every agent's change there
---@param line integer
---@return integer? first, integer? last
local function lines_at(view, all, line)
  local column, content = view:column_here(), view.content
  if not (content and content.buffer and vim.api.nvim_buf_is_loaded(content.buffer)) then
    return nil
  end
  local side = column and "merged" or "yours"
  local yours = content:yours()
  local merges = content:merges(yours, column and { column.agent } or view.agents)
  local agents = column and { column.agent } or { view:agent_meant(), unpack(view.agents) }
  local first, past
  for _, agent in ipairs(agents) do
    local pick = merges[agent] and picks.at(merges[agent], side, line)
    if pick and (all or not first) then
      local from, to = picks.range(pick, side)
      first, past = math.min(first or from, from), math.max(past or to, to, from + 1)
    end
  end
  if not first then
    for _, hunk in ipairs(content:own((content:texts(yours)), yours)) do
      local at = column and picks.to_yours(column.merge, line) or line
      if hunk.b0 <= at and at < math.max(hunk.b1, hunk.b0 + 1) then
        first, past = hunk.b0 + line - at, math.max(hunk.b1, hunk.b0 + 1) + line - at
      end
    end
  end
  return first, past and past - 1
end

--- Say why nothing is selected; for an operator as an error, which alone keeps it from its work at the cursor.
---@param text string
---@param mode string
local function fail(text, mode)
  if mode ~= "o" then
    notify.info(text)
  elseif vim.fn.has("nvim-0.11") == 1 then
    vim.api.nvim_echo({ { "Kage: " .. text } }, true, { err = true })
  else
    vim.api.nvim_err_writeln("Kage: " .. text)
  end
end

--- Select lines, for the operator that waits or for Visual mode.
---@param view kage.DiffView
---@param all boolean
---@param mode string
local function select(view, all, mode)
  local first, last = lines_at(view, all, vim.fn.line("."))
  if not first or not last then
    return fail(NOTHING, mode)
  end
  local count = vim.api.nvim_buf_line_count(0)
  if mode == "x" then
    vim.cmd.normal({ vim.keycode("<Esc>"), bang = true })
  end
  vim.api.nvim_win_set_cursor(0, { math.min(first, count), 0 })
  vim.cmd.normal({ "V", bang = true })
  vim.api.nvim_win_set_cursor(0, { math.min(last, count), 0 })
end

--- `ih`: the change of the agent that a key without a number means, else another's, else what yours changed.
---@param mode string
function M:select_hunk(mode)
  select(self, false, mode)
end

--- `ah`: the changes of all agents there.
---@param mode string
function M:select_place(mode)
  select(self, true, mode)
end

return M
