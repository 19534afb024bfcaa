-- Which repository this Neovim watches. A subscription is made by the first command, or by itself when there
-- are runs of the repository; it follows the working directory, and comes back when kaged or the host died.

local M = {}

local watched ---@type string? a folder in the repository that is watched
local scheduled = false
local eye ---@type uv.uv_fs_event_t? sees runs appear
local LATER = { 100, 500, 2000 } -- milliseconds after a run's folder appeared

---@param path string
---@return table? # the JSON object in that file
local function read_json(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local text = file:read("*a")
  file:close()
  local ok, value = pcall(vim.json.decode, text, { luanil = { object = true, array = true } })
  return ok and type(value) == "table" and value or nil
end

---@param folder string
---@return string[]
local function entries(folder)
  local names = {}
  for name in vim.fs.dir(folder) do
    names[#names + 1] = name
  end
  return names
end

---@param state_folder string
---@return boolean # some run of Kage's belongs to the repository of the working directory
local function has_runs_here(state_folder)
  local cwd = vim.uv.fs_realpath(vim.fn.getcwd()) or vim.fn.getcwd()
  for _, run in ipairs(entries(state_folder .. "/runs")) do
    local agents = state_folder .. "/runs/" .. run .. "/agents"
    local number = entries(agents)[1]
    local spec = number and read_json(agents .. "/" .. number .. "/spec.json")
    local repository = spec and spec.repository
    if repository and (cwd == repository or vim.startswith(cwd, repository .. "/")) then
      return true
    end
  end
  return false
end

--- A run's folder appeared, started perhaps by a shell. What is in it is written a moment later.
---@param state_folder string
function M.appeared(state_folder)
  for _, wait in ipairs(watched and {} or LATER) do
    vim.defer_fn(function()
      M.look(state_folder, false)
    end, wait)
  end
end

---@param state_folder string
local function await_runs(state_folder)
  if eye then
    return
  end
  eye = vim.uv.new_fs_event()
  local appeared = vim.schedule_wrap(function()
    M.appeared(state_folder)
  end)
  if eye and not eye:start(state_folder .. "/runs", {}, appeared) then
    eye:close()
    eye = nil
  end
end

--- Subscribe without a command when there are runs here, alive or not. A few small files are read, no process
--- is started otherwise. A subscription follows when the working directory moved to another repository.
---@param state_folder string
---@param moved boolean
function M.look(state_folder, moved)
  if watched then
    if moved and vim.fs.root(vim.fn.getcwd(), ".git") then
      M.ensure(vim.fn.getcwd())
    end
    return
  end
  await_runs(state_folder)
  if has_runs_here(state_folder) then
    M.ensure(vim.fn.getcwd())
  end
end

---@param folder string
local function subscribe(folder)
  require("kage.host").request("subscribe", { cwd = folder }, function(err, update)
    if watched ~= folder or (err and err.code == "link") then
      return -- a lost connection is made again, and renews the subscription
    elseif err then
      -- The next command tries again and shows why, if it still fails.
      watched = nil
      require("kage.state").reset()
    else
      require("kage.state").push(update)
    end
  end)
end

--- Watch the repository that the folder is in, from now on.
---@param folder string
function M.ensure(folder)
  if watched == folder then
    return
  end
  local root = vim.fs.root(folder, ".git")
  if root and watched and vim.fs.root(watched, ".git") == root then
    return
  end
  if watched then
    require("kage.state").reset()
  end
  watched = folder
  subscribe(folder)
end

--- The connection is back: kaged, perhaps another one, has to be told again.
function M.renew()
  local live = package.loaded["kage.diff.live"]
  if live then
    live.renew()
  end
  if watched then
    subscribe(watched)
  end
end

--- The host died. Come back soon if agents are at work, else with the next command.
function M.lost()
  local folder = watched
  watched = nil
  local busy = false
  for _, run in ipairs(require("kage.state").runs()) do
    for _, agent in ipairs(run.agents) do
      busy = busy or not require("kage.state").ended(agent)
    end
  end
  if folder and busy and not scheduled then
    scheduled = true
    vim.defer_fn(function()
      scheduled = false
      if not watched then
        M.ensure(folder)
      end
    end, 1000)
  end
end

---@return string?
function M.watched()
  return watched
end

return M
