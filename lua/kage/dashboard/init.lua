-- `:Kage`: the conductor's desk. One window with the run's agents and the log of the one under the cursor; it
-- is drawn anew when something changes, and only while it can be seen.

local events = require("kage.dashboard.events")
local paint = require("kage.dashboard.paint")
local height = require("kage.dashboard.height")
local render = require("kage.dashboard.render")
local state = require("kage.state")

local M = {}

---@class kage.Dashboard
---@field buffer integer
---@field window integer
---@field run string? the run shown; nil = the newest
---@field agents table<integer, integer> line → agent's number
---@field candidates table<integer, integer> line → number of a candidate that no agent made
---@field rows integer? lines above the log
---@field selected integer?
---@field settled string? the run that the window was made to fit
---@field log kage.Line[]
---@field asking boolean
---@field again boolean

local shown ---@type kage.Dashboard?

---@return integer? # the agent under the cursor
local function under_cursor()
  return shown and shown.agents[vim.api.nvim_win_get_cursor(shown.window)[1]]
end

---@return kage.Run?
local function current_run()
  return shown and (state.run(shown.run) or state.run()) or nil
end

---@return string
local function place_among_runs()
  local runs, run = state.runs(), current_run()
  for i, other in ipairs(runs) do
    if run and other.id == run.id and #runs > 1 then
      return (" (%d of %d)"):format(i, #runs)
    end
  end
  return ""
end

---@return integer # lines that the dashboard wants
local function wanted_height()
  local run = current_run() or state.run()
  local rows = shown and shown.rows and shown.rows + 1 or run and #run.agents + 3 or 1
  return math.min(rows + require("kage.config").get().dashboard.log_lines, math.floor(vim.o.lines * 0.6))
end

--- A run that is shown for the first time gets the room it needs, and the cursor on its first agent; after
--- that both are the user's.
---@param run kage.Run
local function settle(run)
  if not shown or shown.settled == run.id then
    return
  end
  shown.settled = run.id
  height.set(shown.window, math.max(5, wanted_height()))
  for line, number in pairs(shown.agents) do
    if number == shown.selected then
      vim.api.nvim_win_set_cursor(shown.window, { line, 0 })
    end
  end
end

local function draw()
  if not shown or not vim.api.nvim_win_is_valid(shown.window) then
    return
  end
  local run = current_run()
  if run and #run.agents > 0 and not state.agent(shown.selected or 0, run.id) then
    shown.selected = run.agents[1].number
  end
  local screen = render.screen({
    run = run,
    place = place_among_runs(),
    selected = run and shown.selected,
    log = shown.log,
    log_lines = require("kage.config").get().dashboard.log_lines,
    width = vim.api.nvim_win_get_width(shown.window),
    now = os.time(),
  })
  shown.agents, shown.candidates, shown.rows = screen.agents, screen.candidates, screen.rows
  paint.set(shown.buffer, 0, screen.lines)
  if run then
    settle(run)
  end
end

--- The last lines of the selected agent's log; one question at a time, repeated when something changed since.
local function read_log()
  local view, run = shown, current_run()
  local lines = require("kage.config").get().dashboard.log_lines
  if not view or not run or not view.selected or lines == 0 then
    return
  elseif view.asking then
    view.again = true
    return
  end
  view.asking, view.again = true, false
  local selected = view.selected
  local params = { cwd = run.repository, run = run.id, agent = selected, after = -1, limit = lines * 4 }
  require("kage.host").request("log", params, function(err, result)
    view.asking = false
    if view ~= shown then
      return
    end
    if not err and view.selected == selected then
      view.log = events.lines(result.events)
      draw()
    end
    if view.again then
      read_log()
    end
  end)
end

local function on_cursor_moved()
  local agent = under_cursor()
  if shown and agent and agent ~= shown.selected then
    shown.selected, shown.log = agent, {}
    draw()
    read_log()
  end
end

--- Show another run of the repository.
---@param step integer 1 = an older one
function M.turn(step)
  local runs, run = state.runs(), current_run()
  for i, other in ipairs(runs) do
    if shown and run and other.id == run.id and runs[i + step] then
      shown.run = i + step > 1 and runs[i + step].id or nil
      shown.selected, shown.log = nil, {}
      draw()
      read_log()
      return
    end
  end
end

---@return integer? # the agent, or the candidate that no agent made, under the cursor
---@return string? run
function M.target()
  local run = current_run()
  local made = shown and shown.candidates[vim.api.nvim_win_get_cursor(shown.window)[1]]
  return made or under_cursor() or (shown and shown.selected), run and run.id
end

---@param buffer integer
---@return integer window
local function open_window(buffer)
  if require("kage.config").get().dashboard.position == "bottom" then
    vim.cmd("botright " .. math.max(5, wanted_height()) .. "split")
    vim.api.nvim_win_set_buf(0, buffer)
    height.keep(0)
    return vim.api.nvim_get_current_win()
  end
  local width = math.max(40, math.min(140, vim.o.columns - 6))
  local tall = math.max(5, math.min(wanted_height() + 4, vim.o.lines - 6))
  return vim.api.nvim_open_win(buffer, true, {
    relative = "editor",
    row = math.floor((vim.o.lines - tall) / 2) - 1,
    col = math.floor((vim.o.columns - width) / 2),
    width = width,
    height = tall,
    border = "rounded",
    title = " Kage ",
  })
end

---@param buffer integer
local function follow(buffer)
  local group = vim.api.nvim_create_augroup("kage.dashboard", {})
  local unsubscribe = state.subscribe(function()
    draw()
    read_log()
  end)
  vim.api.nvim_create_autocmd("CursorMoved", { group = group, buffer = buffer, callback = on_cursor_moved })
  vim.api.nvim_create_autocmd({ "VimResized", "WinResized" }, {
    group = group,
    callback = function(event)
      if shown and vim.api.nvim_win_is_valid(shown.window) then
        height.keep(shown.window)
        if event.event == "VimResized" then
          height.limit(shown.window, math.max(5, wanted_height()))
        end
        draw()
      end
    end,
  })
  vim.api.nvim_create_autocmd("BufWipeout", {
    group = group,
    buffer = buffer,
    callback = function()
      unsubscribe()
      shown = nil
      vim.api.nvim_create_augroup("kage.dashboard", {})
    end,
  })
end

--- Open the dashboard, or go to it.
function M.open()
  if shown and vim.api.nvim_win_is_valid(shown.window) then
    return vim.api.nvim_set_current_win(shown.window)
  end
  require("kage.highlight")
  local buffer = paint.buffer("kage://dashboard")
  local window = open_window(buffer)
  paint.plain_window(window)
  vim.wo[window][0].cursorline = true
  shown = { buffer = buffer, window = window, agents = {}, candidates = {}, log = {} }
  shown.asking, shown.again = false, false
  follow(buffer)
  require("kage.dashboard.keys").map(buffer)
  draw()
  read_log()
end

return M
