-- `:Kage log N`: an agent's log in a buffer that follows it, until it is closed.

local events = require("kage.dashboard.events")
local paint = require("kage.dashboard.paint")
local state = require("kage.state")

local M = {}

local FIRST = 2000 -- events shown of a log that is longer

---@class kage.LogView
---@field buffer integer? once there is something to show
---@field cwd string
---@field run string
---@field agent integer
---@field next integer byte offset from which to go on; -1 = the end of the log
---@field empty boolean
---@field asking boolean
---@field again boolean something changed while an answer was awaited

---@param view kage.LogView
---@param found table[]
local function append(view, found)
  local lines = vim.tbl_map(function(line)
    return { line }
  end, events.lines(found))
  if #lines == 0 then
    return
  end
  local count = vim.api.nvim_buf_line_count(view.buffer)
  local following = {}
  for _, window in ipairs(vim.fn.win_findbuf(view.buffer)) do
    following[window] = vim.api.nvim_win_get_cursor(window)[1] >= count
  end
  paint.set(view.buffer, view.empty and 0 or count, lines)
  view.empty = false
  for window, at_end in pairs(following) do
    if at_end then
      vim.api.nvim_win_set_cursor(window, { vim.api.nvim_buf_line_count(view.buffer), 0 })
    end
  end
end

local read ---@type fun(view: kage.LogView)

---@param view kage.LogView
---@param result { events: table[], next: integer }
local function take(view, result)
  local more = result.next > view.next and view.next >= 0
  view.next = result.next
  append(view, result.events)
  if view.again or more then
    read(view)
  end
end

---@param view kage.LogView
---@return table
local function question(view)
  return { cwd = view.cwd, run = view.run, agent = view.agent, after = view.next, limit = FIRST }
end

--- Read on from where the last answer ended; one question at a time.
---@param view kage.LogView
function read(view)
  if view.asking then
    view.again = true
    return
  end
  view.asking, view.again = true, false
  require("kage.host").request("log", question(view), function(err, result)
    view.asking = false
    if not vim.api.nvim_buf_is_valid(view.buffer) then
      return
    elseif err then
      return require("kage.notify").error(err)
    end
    take(view, result)
  end)
end

---@param name string
---@return integer? # window that shows that buffer
local function window_of(name)
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(window)) == name then
      return window
    end
  end
end

--- Show the first answer in a split, and follow.
---@param view kage.LogView
---@param name string
---@param result { events: table[], next: integer }
local function show(view, name, result)
  vim.cmd("botright split")
  local buffer = paint.buffer(name)
  vim.api.nvim_win_set_buf(0, buffer)
  paint.plain_window(0)
  vim.wo[0][0].wrap, vim.wo[0][0].linebreak = true, true
  vim.keymap.set("n", "q", "<Cmd>close<CR>", { buffer = buffer, nowait = true, desc = "Kage: close the log" })
  view.buffer = buffer
  local unsubscribe = state.subscribe(function()
    read(view)
  end)
  vim.api.nvim_create_autocmd("BufWipeout", { buffer = buffer, callback = unsubscribe })
  take(view, result)
end

--- Open the log of an agent, or go to it. The window comes with the first answer: none is left behind when
--- there is no such agent.
---@param agent integer
---@param run_id string?
function M.open(agent, run_id)
  local run = state.run(run_id)
  local name = ("kage://%s/log/%d"):format(run and run.id or run_id or "newest", agent)
  ---@type kage.LogView
  local view = {
    cwd = require("kage.context").cwd(),
    run = run and run.id or run_id,
    agent = agent,
    next = -1,
    empty = true,
    asking = false,
    again = false,
  }
  local there = window_of(name)
  if there then
    return vim.api.nvim_set_current_win(there)
  end
  require("kage.host").request("log", question(view), function(err, result)
    there = window_of(name)
    if err then
      require("kage.notify").error(err)
    elseif there then
      vim.api.nvim_set_current_win(there)
    else
      show(view, name, result)
    end
  end)
end

return M
