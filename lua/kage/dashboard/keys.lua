-- What the keys of the dashboard do; the help (`g?`) comes out of the same table.

local M = {}

--- Run a verb on the agent under the cursor, as if it had been typed.
---@param verb string
---@param suffix string?
---@return fun()
local function on_agent(verb, suffix)
  return function()
    local agent, run = require("kage.dashboard").target()
    if agent then
      local args = ("%d %s --run %s"):format(agent, suffix or "", run)
      require("kage.commands").run(verb, { args = args })
    end
  end
end

---@param verb string
---@return fun()
local function on_all(verb)
  return function()
    local _, run = require("kage.dashboard").target()
    if run then
      require("kage.commands").run(verb, { args = "all --run " .. run })
    end
  end
end

local function resume_or_restart()
  local number, run = require("kage.dashboard").target()
  local agent = number and require("kage.state").agent(number, run)
  if agent then
    on_agent(agent.state == "failed" and "restart" or "resume")()
  end
end

local function confirm_accept()
  local agent, run = require("kage.dashboard").target()
  if agent and vim.fn.confirm("Land candidate " .. agent .. "?", "&Yes\n&No", 2) == 1 then
    require("kage.commands").run("accept", { args = agent .. " --run " .. run })
  end
end

local function help()
  local lines = {}
  for _, key in ipairs(M.keys) do
    lines[#lines + 1] = ("%-4s %s"):format(key[1], key[2])
  end
  require("kage.keys_help")("Kage dashboard", lines)
end

---@type { [1]: string, [2]: string, [3]: fun() }[]
M.keys = {
  { "<CR>", "go to its pane", on_agent("focus") },
  { "l", "open its log", on_agent("log") },
  { "d", "compare it with your files", on_agent("diff") },
  { "a", "accept it (asks)", confirm_accept },
  {
    "u",
    "undo the last landing",
    function()
      require("kage.commands").run("undo", { args = "" })
    end,
  },
  { "s", "say something to it", on_agent("send") },
  { "S", "say something to all", on_all("send") },
  { "i", "interrupt it", on_agent("interrupt") },
  { "x", "stop it", on_agent("stop") },
  { "r", "resume it; a failed one starts again", resume_or_restart },
  { "e", "explain its state", on_agent("explain") },
  {
    "]r",
    "an older run",
    function()
      require("kage.dashboard").turn(1)
    end,
  },
  {
    "[r",
    "a newer run",
    function()
      require("kage.dashboard").turn(-1)
    end,
  },
  { "g?", "this help", help },
  {
    "q",
    "close",
    function()
      vim.cmd.close()
    end,
  },
}

---@param buffer integer
function M.map(buffer)
  for _, key in ipairs(M.keys) do
    vim.keymap.set("n", key[1], key[3], { buffer = buffer, nowait = true, desc = "Kage: " .. key[2] })
  end
end

return M
