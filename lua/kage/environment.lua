-- Which Python runs Kage's own processes, and how the remote plugin host is started with it.

local M = {}

---@return string # the folder that holds plugin/, lua/ and rplugin/
function M.checkout()
  return vim.fs.dirname(vim.fs.dirname(vim.fs.dirname(vim.fs.normalize(debug.getinfo(1, "S").source:sub(2)))))
end

---@return string # the folder to import kage_nvim from
function M.package_folder()
  return M.checkout() .. "/rplugin/python3"
end

---@class kage.Python
---@field path string
---@field source string where it was found, for :checkhealth

--- The user's own python3 host, when `:UpdateRemotePlugins` registered Kage there.
---@return string?
local function registered()
  local path = vim.g.python3_host_prog
  if path and vim.fn.exists("*remote#host#PluginsForHost") == 1 then
    for _, plugin in ipairs(vim.fn["remote#host#PluginsForHost"]("python3")) do
      if vim.endswith(plugin.path, "/kage_nvim") then
        return vim.fn.expand(path)
      end
    end
  end
end

--- In the order in which they count.
---@return kage.Python[]
function M.candidates()
  local found = {}
  local function add(path, source)
    if path and path ~= "" then
      found[#found + 1] = { path = vim.fs.normalize(path), source = source }
    end
  end
  add(vim.g.kage_python, "vim.g.kage_python")
  add(require("kage.config").get().python, "`python` given to setup()")
  add(M.checkout() .. "/.venv/bin/python", "the checkout's own environment (make install)")
  -- The folder behind `current`, so that what runs keeps its environment when a newer one is installed.
  local current = vim.uv.fs_realpath(vim.fn.stdpath("data") .. "/kage/env/current")
  add(current and current .. "/bin/python", "the environment that build.lua made")
  add(registered(), "vim.g.python3_host_prog, where :UpdateRemotePlugins registered Kage")
  return found
end

--- The first one that there is. One that the user named must exist.
---@return kage.Python?, kage.Error?
function M.python()
  local fix = "Run `make install` in " .. M.checkout() .. ", or :Lazy build kage; see :help kage-install."
  for _, python in ipairs(M.candidates()) do
    if vim.fn.executable(python.path) == 1 then
      return python
    elseif python.source:find("kage_python") or python.source:find("setup") then
      local message = ("no Python at %s, which %s names"):format(python.path, python.source)
      return nil, { code = "python", message = message, fix = fix }
    end
  end
  return nil, { code = "python", message = "Kage's Python environment is not installed", fix = fix }
end

--- The command of the remote plugin host. `-I` keeps the working directory (a repository that somebody else
--- wrote), PYTHONPATH and the user's site out; the checkout comes first, so that no other copy shadows it.
---@param python string
---@return string[]
function M.host_command(python)
  local start = "import sys; sys.path.insert(0, sys.argv[1]); from kage_nvim.__main__ import main; main()"
  return { python, "-I", "-c", start, M.package_folder() }
end

return M
