--- Kage's own Python environment: made under the data folder by tools/environment.py, never touched again,
--- and put in place by moving one link. `build.lua` (lazy.nvim) calls this.

local M = {}

local OLDEST, NEWEST = { 3, 10 }, { 3, 14 }
local NAMES = { "python3.13", "python3.12", "python3.11", "python3.10", "python3.14", "python3" }
local PROBE = "import sys; print('%d %d' % sys.version_info[:2])"

---@class kage.install.Opts
---@field python? string an interpreter; the newest fitting one on PATH by default
---@field folder? string where environments are kept; stdpath("data")/kage/env by default
---@field on_line? fun(line: string) progress
---@field on_done fun(err: string?, folder: string?) once, on the main loop

--- The root of this checkout.
---@return string
function M.root()
  return vim.fs.dirname(
    vim.fs.dirname(vim.fs.dirname(vim.uv.fs_realpath(debug.getinfo(1, "S").source:sub(2))))
  )
end

--- Where the environments are.
---@return string
function M.folder()
  return vim.fs.joinpath(vim.fn.stdpath("data"), "kage", "env")
end

--- The interpreter of the environment in use, by its own name rather than through the link: what was
--- started keeps its version when another is installed.
---@param folder? string
---@return string?
function M.python(folder)
  local place = vim.uv.fs_realpath(vim.fs.joinpath(folder or M.folder(), "current"))
  local python = place and vim.fs.joinpath(place, "bin", "python")
  return python and vim.uv.fs_stat(python) and python or nil
end

---@param version string "3 11"
local function fits(version)
  local major, minor = version:match("^(%d+) (%d+)")
  local found = { tonumber(major), tonumber(minor) }
  return found[1] == OLDEST[1] and found[2] >= OLDEST[2] and found[2] <= NEWEST[2]
end

---@param argv string[]
---@return string? stdout when it ran and ended with 0
local function output(argv)
  local ok, process = pcall(vim.system, argv, { text = true, stdin = false })
  local done = ok and process:wait(5000)
  return done and done.code == 0 and done.stdout or nil
end

--- A Python to make the environment with.
---@param configured? string
---@return string? python, string? err
function M.find(configured)
  for _, name in ipairs(configured and { vim.fn.expand(configured) } or NAMES) do
    local version = vim.fn.exepath(name) ~= "" and output({ name, "-c", PROBE })
    if version and fits(version) then
      return vim.fn.exepath(name)
    end
    if configured then
      local found = version and "is Python " .. vim.trim(version):gsub(" ", ".") or "does not run"
      return nil,
        ("%s %s; Kage needs Python 3.10 to 3.14.\nName another one: :lua require('kage.install').run('/path/to/python3')"):format(
          configured,
          found
        )
    end
  end
  return nil,
    "no Python 3.10 to 3.14 was found on PATH.\n"
      .. "Install one (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python), "
      .. "or name it: :lua require('kage.install').run('/path/to/python3')"
end

--- Feed whole lines of a stream to `on_line`; returns what to give `vim.system` and all that came.
---@param on_line fun(line: string)
local function lines(on_line)
  local rest, all = "", {}
  return function(_, chunk)
    rest = rest .. (chunk or "")
    for line in rest:gmatch("([^\n]*)\n") do
      all[#all + 1] = line
      on_line(line)
    end
    rest = rest:match("[^\n]*$")
  end,
    all
end

--- Make the environment of this checkout's version, in the background.
---@param opts kage.install.Opts
function M.start(opts)
  local python, missing = M.find(opts.python)
  if not python then
    return opts.on_done(missing)
  end
  local root, folder = M.root(), opts.folder or M.folder()
  local on_line = vim.schedule_wrap(opts.on_line or function() end)
  local out = lines(on_line)
  local err, said = lines(function() end)
  local argv = { python, "-I", vim.fs.joinpath(root, "tools", "environment.py"), folder }
  vim.list_extend(argv, { "--lock", vim.fs.joinpath(root, "requirements.lock"), "--release", root })
  local env = { PYTHONPATH = "", PYTHONHOME = "", PYTHONUNBUFFERED = "1" }
  vim.system(argv, { text = true, stdin = false, stdout = out, stderr = err, env = env }, function(done)
    vim.schedule(function()
      if done.code == 0 then
        opts.on_done(nil, vim.uv.fs_realpath(vim.fs.joinpath(folder, "current")))
      else
        local reason = table.concat(said, "\n")
        opts.on_done(reason ~= "" and reason or ("%s ended with %d"):format(argv[3], done.code))
      end
    end)
  end)
end

--- `build.lua`: show progress and wait, without blocking when the plugin manager runs us in a coroutine.
---@param opts? { python?: string, folder?: string }
---@return string folder of the environment
function M.build(opts)
  local queue, finished, failed, place = {}, false, nil, nil
  M.start({
    python = opts and opts.python,
    folder = opts and opts.folder,
    on_line = function(line)
      queue[#queue + 1] = line
    end,
    on_done = function(err, folder)
      finished, failed, place = true, err, folder
    end,
  })
  local thread, main = coroutine.running()
  if thread and not main then
    M.relay(queue, function()
      return finished
    end)
  else
    while not finished do
      vim.wait(200, function()
        return finished or #queue > 0
      end, 20)
      while #queue > 0 do
        print(table.remove(queue, 1))
      end
    end
  end
  if failed then
    error("Kage's Python environment could not be made; the one before is untouched.\n" .. failed, 0)
  end
  return place --[[@as string]]
end

--- Yield each line to the plugin manager, which logs what is yielded; sleep between when it can.
---@param queue string[]
---@param finished fun(): boolean
function M.relay(queue, finished)
  local ok, async = pcall(require, "lazy.async")
  while not (finished() and #queue == 0) do
    if #queue > 0 then
      coroutine.yield(table.remove(queue, 1))
    elseif ok and async.running() then
      async.sleep(50)
    else
      coroutine.yield()
    end
  end
end

--- The same from inside the editor, with notifications: `:lua require("kage.install").run()`.
---@param python? string
function M.run(python)
  M.start({
    python = python,
    on_line = function(line)
      vim.notify(line, vim.log.levels.INFO)
    end,
    on_done = function(err, folder)
      if err then
        vim.notify("Kage: " .. err, vim.log.levels.ERROR)
      else
        vim.notify(("Kage: installed in %s; restart Neovim to use it"):format(folder))
      end
    end,
  })
end

return M
