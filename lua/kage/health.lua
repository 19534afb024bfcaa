-- `:checkhealth kage`: what is there, what is missing, and what to do about it.

local environment = require("kage.environment")

local M = {}

local VERSIONS = [[
import sys
from importlib import metadata
print("python " + ".".join(map(str, sys.version_info[:3])))
for name in ("pynvim", "libtmux", "GitPython", "litellm", "platformdirs", "msgspec", "aiohttp"):
    try:
        print(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        print(name, "missing")
]]

---@param argv string[]
---@return string? # what it prints, nil when it cannot run
local function output(argv)
  local ok, process = pcall(vim.system, argv, { text = true, timeout = 10000 })
  local done = ok and process:wait()
  return done and done.code == 0 and done.stdout or nil
end

---@param found string?
---@param least integer[]
---@return boolean
local function at_least(found, least)
  local major, minor = (found or ""):match("(%d+)%.(%d+)")
  major, minor = tonumber(major), tonumber(minor)
  return major ~= nil and (major > least[1] or (major == least[1] and minor >= least[2]))
end

---@param name string
---@param argv string[]
---@param least integer[]
local function program(name, argv, least)
  local found = output(argv)
  local wanted = table.concat(least, ".")
  if not found then
    vim.health.error(name .. " is not there", { "Install " .. name .. " " .. wanted .. " or newer." })
  elseif at_least(found, least) then
    vim.health.ok(vim.trim(found))
  else
    local advice = { "Kage needs " .. name .. " " .. wanted .. " or newer." }
    vim.health.error(vim.trim(found) .. " is too old", advice)
  end
end

---@return boolean # the environment can run Kage
local function python()
  vim.health.start("Kage: Python environment")
  local found, problem = environment.python()
  if not found then
    ---@cast problem kage.Error
    vim.health.error(problem.message, { problem.fix })
    return false
  end
  vim.health.ok(found.path .. " (" .. found.source .. ")")
  local text = output({ found.path, "-I", "-c", VERSIONS })
  if not text then
    vim.health.error("that Python does not run", { "Run `make install` again; see :help kage-install." })
    return false
  end
  if not at_least(text, { 3, 10 }) then
    vim.health.error(
      "Python is too old: " .. vim.split(text, "\n")[1],
      { "Kage needs Python 3.10 or newer." }
    )
  end
  local missing = {}
  for name in text:gmatch("(%S+) missing") do
    missing[#missing + 1] = name
  end
  if #missing > 0 then
    local advice = "Run `make install` in " .. environment.checkout() .. ", or :Lazy build kage."
    vim.health.error("packages are missing: " .. table.concat(missing, ", "), { advice })
    return false
  end
  vim.health.ok((vim.trim(text):gsub("\n", ", ")))
  return true
end

--- What kaged says about itself, the sandbox and the players.
local function kaged()
  vim.health.start("Kage: kaged, sandbox, players")
  local err, result
  require("kage.host").request("doctor", { cwd = vim.fn.getcwd() }, function(problem, answer)
    err, result = problem, answer
  end)
  local done = vim.wait(15000, function()
    return err ~= nil or result ~= nil
  end, 20)
  if not done then
    return vim.health.error("kaged did not answer within 15 s", { "Its last words are in kage/kaged.log." })
  elseif err then
    return vim.health.error(err.message, { err.fix })
  end
  for _, check in ipairs(result.checks) do
    local said = check.name .. ": " .. check.found
    if check.ok then
      vim.health.ok(said)
    else
      vim.health.error(said, { check.fix })
    end
  end
end

function M.check()
  vim.health.start("Kage: Neovim and programs")
  if vim.fn.has("nvim-0.10") == 1 then
    local version = vim.version()
    vim.health.ok(("Neovim %d.%d.%d"):format(version.major, version.minor, version.patch))
  else
    vim.health.error("Neovim is too old", { "Kage needs Neovim 0.10 or newer." })
  end
  program("git", { "git", "--version" }, { 2, 38 })
  program("tmux", { "tmux", "-V" }, { 3, 2 })
  if (vim.env.TMUX or "") == "" then
    vim.health.info("Neovim runs outside tmux: agents get a session of their own, :Kage attach shows it")
  end
  if python() then
    kaged()
  end
end

return M
