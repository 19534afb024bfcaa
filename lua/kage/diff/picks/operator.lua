--- What the keys on lines have in common: which lines a key means, and that `.` does the same again.
---
--- Neovim repeats operators only. So each key first runs `g@` over its lines with an operator function that
--- does nothing: from then on `.` runs that function again, at the cursor, and there it is asked for good.
local notify = require("kage.notify")

local M = {}

---@class kage.LineRange lines of the current window's buffer
---@field first integer
---@field last integer
---@field visual boolean selected, by Visual mode or a motion: only these lines are meant, not the hunk at `first`
---@field count integer the number typed before the key, an agent's; 0 = none

local FUNCTION = "v:lua.require'kage.diff.picks.operator'.run"

---@type {view: kage.DiffView, method: string, count: integer, visual: boolean}?
local last
-- While `.` is being prepared: where the lines go that `g@` was run over.
---@type {first: integer?, last: integer?}?
local preparing
-- The user's function, to be put back when the diff closes.
---@type string?
local before

local function mark(name)
  return vim.api.nvim_buf_get_mark(0, name)[1]
end

--- The operator function.
function M.run()
  local first, past = mark("["), mark("]")
  if preparing then
    preparing.first, preparing.last = first, past
  elseif not last or last.view.closed or last.view.tab ~= vim.api.nvim_get_current_tabpage() then
    notify.info("what . would repeat was a key of a diff that is not here")
  else
    local range = { first = first, last = math.max(first, past), visual = last.visual, count = last.count }
    last.view[last.method](last.view, range)
  end
end

---@param view kage.DiffView
---@param method string
---@param visual boolean
---@param count integer
local function remember(view, method, visual, count)
  last = { view = view, method = method, count = count, visual = visual }
  if vim.o.operatorfunc ~= FUNCTION then
    before = vim.o.operatorfunc
    vim.o.operatorfunc = FUNCTION
  end
end

--- Run `g@` for nothing but to be repeated. The cursor stays.
---@param keys string
---@return {first: integer?, last: integer?} lines that it was run over
local function prepare(keys)
  local view = vim.fn.winsaveview()
  preparing = {}
  pcall(vim.cmd.normal, { keys, bang = true })
  local found = preparing
  preparing = nil
  vim.fn.winrestview(view)
  return found
end

--- Do what a key on lines means, now and at each `.` from now on.
---@param view kage.DiffView
---@param mode string that the key was typed in; Visual mode ends
---@param method string of the view; it gets a kage.LineRange
function M.act(view, mode, method)
  local count, cursor = vim.v.count, vim.fn.line(".")
  local range = { first = cursor, last = cursor, visual = mode == "x", count = count }
  if mode == "x" then
    remember(view, method, true, count)
    local lines = prepare("g@")
    range.first, range.last = lines.first or cursor, lines.last or cursor
  elseif vim.api.nvim_get_mode().mode == "n" then
    -- Amid typing, `.` goes on to mean the typing.
    remember(view, method, false, count)
    prepare("g@l")
  end
  view[method](view, range)
end

--- Wait for a motion, whose lines are then meant.
---@param view kage.DiffView
---@param method string
function M.wait(view, method)
  remember(view, method, true, vim.v.count)
  vim.api.nvim_feedkeys("g@", "ni", false)
end

--- The diff closes: 'operatorfunc' is the user's again.
---@param view kage.DiffView
function M.forget(view)
  if last and last.view == view then
    last = nil
    if vim.o.operatorfunc == FUNCTION then
      vim.o.operatorfunc = before or ""
    end
  end
end

return M
