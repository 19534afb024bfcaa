--- The diff while agents work: kaged is told who looks, and what changes is brought in without moving anything.
local host = require("kage.host")
local notify = require("kage.notify")
local state = require("kage.state")

local M = {}

---@class kage.Looker a tab or a window that shows a run
---@field run string
---@field cwd string

---@type table<string, kage.Looker> by run
local looks = {}

---@param looker kage.Looker
---@param on boolean
local function tell(looker, on)
  -- A run that is gone, or a lost connection: the diff itself says so when it asks for something.
  host.request("look", { cwd = looker.cwd, run = looker.run, on = on })
end

--- From now on kaged shows what agents of the run have while they work.
---@param looker kage.Looker
function M.look(looker)
  local before = looks[looker.run]
  looks[looker.run] = looker
  if not before then
    tell(looker, true)
  end
end

---@param looker kage.Looker
function M.look_away(looker)
  if looks[looker.run] == looker then
    looks[looker.run] = nil
    tell(looker, false)
  end
end

--- The connection is another one: kaged has to be told again.
function M.renew()
  for _, looker in pairs(looks) do
    tell(looker, true)
  end
end

---@param id string of the run
---@param named integer[]? only these
---@return kage.Agent[] agents at work without a candidate to show
function M.to_come(id, named)
  local run, has = state.run(id), {}
  for _, candidate in ipairs(run and run.candidates or {}) do
    has[candidate.number] = true
  end
  return vim.tbl_filter(function(agent)
    local is_meant = not named or vim.tbl_contains(named, agent.number)
    return is_meant and not has[agent.number] and not state.ended(agent)
  end, run and run.agents or {})
end

--- What of a run decides what the diff shows: candidates, and how agents are doing.
---@param id string
---@return table<integer, string>? commits nil while Kage looks at another repository
---@return string doing
local function seen(id)
  local run = state.run(id)
  if not run then
    return nil, ""
  end
  local commits, doing = {}, {}
  for _, candidate in ipairs(run.candidates or {}) do
    commits[candidate.number] = candidate.commit
    doing[#doing + 1] = vim.inspect(candidate.checks)
  end
  for _, agent in ipairs(run.agents) do
    doing[#doing + 1] = agent.number .. agent.state
  end
  return commits, table.concat(doing, " ")
end

--- Remember what is on the screen.
---@param view kage.DiffView
function M.note(view)
  view.commits, view.doing = seen(view.run)
end

--- Something of the run changed.
---@param view kage.DiffView
function M.updated(view)
  local commits, doing = seen(view.run)
  if commits and not vim.deep_equal(commits, view.commits) then
    view.commits, view.doing = commits, doing
    M.reload(view)
  elseif commits and doing ~= view.doing then
    view.doing = doing
    view:draw_panel()
  end
  view:retitle()
end

--- Is the user typing into the window that would get another file?
---@param view kage.DiffView
---@return boolean
local function is_typing(view)
  return vim.api.nvim_get_current_win() == view.yours and vim.api.nvim_get_mode().mode:sub(1, 1) ~= "n"
end

--- Bring a new list of files in; the file that is shown is asked for again when an agent changed it since.
---@param view kage.DiffView
---@param answer kage.DiffAnswer
local function take_in(view, answer)
  local before = view.path and view:file(view.path)
  local agents = view.agents
  view:take_files(answer)
  if view.away then
    return view:draw_panel()
  end
  local now = view.path and view:file(view.path)
  local first = not now and view:first_file()
  if first and is_typing(view) then
    vim.api.nvim_create_autocmd("ModeChanged", {
      group = view.group,
      pattern = "*:n*",
      once = true,
      callback = function()
        M.reload(view)
      end,
    })
  elseif first then
    view:arrange()
    view:show(first)
  elseif now and not (vim.deep_equal(agents, view.agents) and vim.deep_equal(before, now)) then
    view:arrange()
    view:show(now.path, true)
  end
  view:draw_panel()
end

--- An agent has a new candidate: ask again, and keep what is on the screen.
---@param view kage.DiffView
function M.reload(view)
  local params = { cwd = view.cwd, run = view.run, agents = view.numbers, early = true }
  host.request("diff", params, function(err, answer)
    if not view:prune() then
      return
    elseif err then
      return notify.error(err)
    end
    local serial = view.serial
    take_in(view, answer)
    if serial == view.serial then
      view:ask_agreement()
    end
  end)
end

return M
