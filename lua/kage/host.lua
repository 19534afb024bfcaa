-- The way to kaged: requests out, answers, pushes and questions in, over a remote plugin host of Kage's own.
-- The host starts with the first request. When it dies, whoever waited is told and the next request starts
-- another under a new name: Neovim can register a name only once and believes that a dead one runs.

local environment = require("kage.environment")

local M = {}

---@alias kage.Callback fun(err: kage.Error?, result: any)

local channel ---@type integer?
local generation = 0
local next_id = 0
local pending = {} ---@type table<integer, kage.Callback>
local errors = {} ---@type string[] what the host last said on stderr
local handlers = {} ---@type table<string, fun(params: table, reply: kage.Callback)>
local link = "none" ---@type "none"|"up"|"down"

-- Modules that register handlers are loaded when kaged first asks.
local HOMES = {
  ["editor.buffers"] = "kage.context",
  ["land.prepare"] = "kage.diff.land",
  ["land.apply"] = "kage.diff.land",
}

---@param callback function
---@param ... any
local function guarded(callback, ...)
  local ok, problem = xpcall(callback, debug.traceback, ...)
  if not ok then
    require("kage.notify").error({ message = problem, fix = "This is a bug of Kage's; please report it." })
  end
end

--- Everybody who waits is told, and those who hold a connection open hear of it.
---@param code integer
local function died(code)
  channel = nil
  link = "none"
  local waiting = pending
  pending = {}
  local said = vim.trim(table.concat(errors, "\n"))
  local last = vim.split(said, "\n")
  local message = ("Kage's Python host ended (exit code %d)%s"):format(
    code,
    said ~= "" and ": " .. last[#last] or ""
  )
  for _, callback in pairs(waiting) do
    guarded(callback, { code = "host", message = message, fix = "Try again; :checkhealth kage says more." })
  end
  require("kage.watch").lost()
end

---@param python string
---@return integer # channel
local function start_job(python)
  errors = {}
  return vim.fn.jobstart(environment.host_command(python), {
    rpc = true,
    on_stderr = function(_, data)
      vim.list_extend(errors, data)
      errors = vim.list_slice(errors, math.max(1, #errors - 50))
    end,
    on_exit = function(job, code)
      if job == channel and vim.v.exiting == vim.NIL then
        died(code)
      end
    end,
  })
end

---@return integer?, kage.Error?
local function open()
  if channel then
    return channel
  end
  local python, problem = environment.python()
  if not python then
    return nil, problem
  end
  generation = generation + 1
  local name = "kage-" .. generation
  vim.fn["remote#host#Register"](name, "*", function()
    return start_job(python.path)
  end)
  channel = vim.fn["remote#host#Require"](name)
  if channel <= 0 then
    channel = nil
    local message = "Kage's Python host does not start: " .. python.path
    return nil, { code = "host", message = message, fix = ":checkhealth kage says more." }
  end
  return channel
end

--- Call a function of the remote plugin without waiting.
---@param name string
---@param arguments any[]
---@return kage.Error?
local function call(name, arguments)
  local open_channel, problem = open()
  if not open_channel then
    return problem
  end
  local method = environment.package_folder() .. "/kage_nvim:function:" .. name
  if not pcall(vim.rpcnotify, open_channel, method, arguments) then
    return { code = "host", message = "Kage's Python host is gone", fix = "Try again." }
  end
end

--- Ask kaged. The callback runs on the main loop, exactly once, with an error or a result.
---@param method string
---@param params table
---@param callback kage.Callback?
function M.request(method, params, callback)
  if vim.in_fast_event() then
    return vim.schedule(function()
      M.request(method, params, callback)
    end)
  end
  next_id = next_id + 1
  local id = next_id
  pending[id] = callback or function() end
  local problem = call("KageSend", { id, method, next(params) and params or vim.empty_dict() })
  if problem then
    pending[id] = nil
    vim.schedule(function()
      guarded(callback or function() end, problem)
    end)
  end
end

--- Answer what kaged asks of editors. The function must call `reply(err, result)` once.
---@param method string
---@param handler fun(params: table, reply: kage.Callback)
function M.handle(method, handler)
  handlers[method] = handler
end

---@param value any
---@return any # without vim.NIL: what is null is absent in Lua
local function without_nil(value)
  if value == vim.NIL then
    return nil
  elseif type(value) == "table" then
    for key, inner in pairs(value) do
      value[key] = without_nil(inner)
    end
  end
  return value
end

---@param message table
local function answer(message)
  local replied = false
  local function reply(err, result)
    if not replied then
      replied = true
      call("KageReply", { message.call, result == nil and vim.NIL or result, err or vim.NIL })
    end
  end
  local home = HOMES[message.method]
  local ok, problem = pcall(function()
    if not handlers[message.method] and home then
      require(home)
    end
    local handler = handlers[message.method]
    if handler then
      handler(message.params or {}, reply)
    else
      reply({ code = "unknown_method", message = "this editor does not answer " .. message.method })
    end
  end)
  if not ok then
    reply({ code = "editor", message = message.method .. " failed in Neovim: " .. tostring(problem) })
  end
end

---@param message table
local function take(message)
  if message.link then
    local was = link
    link = message.link
    if link == "up" and was == "down" then
      require("kage.watch").renew()
    end
  elseif message.push == "update" then
    require("kage.state").push(message.params)
  elseif message.push == "checks" then
    require("kage.checks").push(message.params)
  elseif message.push == "compose" then
    require("kage.combine").push(message.params)
  elseif message.push == "synth" then
    require("kage.combine").upheld(message.params)
  elseif message.push == "review" then
    require("kage.review").push(message.params)
  elseif message.push == "verdict" then
    require("kage.verdict").push(message.params)
  elseif message.call then
    answer(message)
  elseif message.id then
    local callback = pending[message.id]
    pending[message.id] = nil
    if callback then
      callback(message.error, message.result)
    end
  end
end

--- What arrived from kaged, in order; called by the remote plugin.
---@param messages table[]
function M.on_messages(messages)
  for _, message in ipairs(messages) do
    guarded(take, without_nil(message))
  end
end

--- For :checkhealth and tests.
---@return { channel: integer?, link: "none"|"up"|"down", pending: integer }
function M.status()
  return { channel = channel, link = link, pending = vim.tbl_count(pending) }
end

return M
