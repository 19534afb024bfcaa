-- What a pick costs: from the key to the redrawn screen, in a diff of three agents with two of them shown.
--
--     nvim --clean -l benchmarks/picks.lua [PICKS]
--
-- A second Neovim with a screen does it, because one that runs a script draws nothing. Beside each figure stands
-- what the same edits cost where nothing is Kage's: three buffers in diff mode with the same colours, each edited,
-- compared and drawn, in a Neovim of its own. CPU time is given too: it is what a busy machine does not change.

local root = vim.fs.dirname(vim.fs.dirname(vim.uv.fs_realpath(debug.getinfo(1, "S").source:sub(2))))
local picks = tonumber((_G.arg or {})[1]) or 50
local LIMIT_MS, KEY_LIMIT_MS = 16, 300

---@class Case
---@field name string
---@field ext string of the file, which decides on its colours
---@field lines integer
---@field hunks integer of each agent
---@field keys string[]? that are timed once each, in the middle of the file
local CASES = {
  { name = "plain text", ext = "txt", lines = 2000, hunks = 60 },
  { name = "python, syntax", ext = "py", lines = 2000, hunks = 60 },
  { name = "python, syntax", ext = "py", lines = 2000, hunks = 250 },
  { name = "lua, treesitter", ext = "lua", lines = 2000, hunks = 60 },
  { name = "lua, treesitter", ext = "lua", lines = 2000, hunks = 250 },
  {
    name = "plain text",
    ext = "txt",
    lines = 50000,
    hunks = 170,
    keys = { "]k", "1do", "dO", "]k", "dR", "2dO" },
  },
}

-- Runs inside, as functions of one table.
local inside = [[
  local o = ...
  local step = math.floor(o.lines / o.hunks)
  local function changed(n, agent)
    local first = "changed_by_" .. agent
    return o.ext == "lua" and ("    local %s = %d"):format(first, n)
      or o.ext == "py" and ("    %s = %d"):format(first, n)
      or ("  %s(%d, value_%d)"):format(first, n, n * 7)
  end
  local source = {}
  for _, path in ipairs(o.sources) do
    for line in io.lines(path) do
      source[#source + 1] = line
    end
  end
  local function text(agent)
    local lines = {}
    for n = 1, o.lines do
      local at = n % step
      -- Where the first two agents differ, there is a choice: at every tenth of their places.
      local both = math.floor(n / step) % 10 == 3 and at == 2 and agent
      lines[n] = agent and (at == agent * 2 or both) and changed(n, agent)
        or source[(n - 1) % #source + 1]
        or ("  call(%d, value_%d)"):format(n, n * 7)
    end
    return table.concat(lines, "\n") .. "\n"
  end
  local path = o.folder .. "/file." .. o.ext
  local file = assert(io.open(path, "wb"))
  file:write(text())
  file:close()
  vim.cmd("syntax on | filetype plugin indent on")
  vim.cmd.edit(path)

  local function median(times)
    table.sort(times)
    return { median = times[math.ceil(#times / 2)], worst = times[#times] }
  end
  local function timed(work)
    local wall, cpu = vim.uv.hrtime(), os.clock()
    work()
    return (vim.uv.hrtime() - wall) / 1e6, (os.clock() - cpu) * 1e3
  end
  --- Picks from top to bottom, of the first two agents in turn.
  local function all(work)
    local walls, cpus = {}, {}
    for n = 1, o.picks do
      local agent = (n - 1) % 2 + 1
      local line = math.floor((n - 1) / 2) * step + agent * 2
      vim.api.nvim_win_set_cursor(0, { line, 0 })
      vim.cmd("redraw")
      walls[n], cpus[n] = timed(function()
        work(agent, line)
        vim.cmd("redraw")
      end)
      vim.wait(120)
    end
    return { wall = median(walls), cpu = median(cpus) }
  end

  if o.alone then
    local filetype = vim.bo.filetype
    local windows, buffers = { vim.api.nvim_get_current_win() }, { vim.api.nvim_get_current_buf() }
    for agent = 1, 2 do
      local buffer = vim.api.nvim_create_buf(false, true)
      vim.api.nvim_buf_set_lines(buffer, 0, -1, true, vim.split(vim.trim(text(agent)), "\n"))
      windows[agent + 1] = vim.api.nvim_open_win(buffer, false, { split = "right", win = windows[agent] })
      buffers[agent + 1] = buffer
      if filetype == "lua" then
        vim.treesitter.start(buffer, "lua")
      else
        vim.bo[buffer].syntax = filetype
      end
    end
    for _, window in ipairs(windows) do
      vim.api.nvim_win_call(window, function() vim.cmd("diffthis") end)
    end
    vim.cmd("redraw!")
    return all(function(agent, line)
      local wanted = vim.api.nvim_buf_get_lines(buffers[agent + 1], line - 1, line, true)
      for _, buffer in ipairs(buffers) do
        vim.api.nvim_buf_set_lines(buffer, line - 1, line, true, wanted)
      end
      vim.cmd("diffupdate")
    end)
  end

  local agents, name = {}, vim.fs.basename(path)
  for agent = 1, 3 do
    agents[tostring(agent)] = { text = text(agent) }
  end
  assert(loadfile(o.root .. "/tests/nvim/diff/stub.lua"))(o.folder, { [name] = { base = text(), agents = agents } })
  require("kage.diff").open({})
  assert(vim.wait(60000, function()
    return #vim.fn.tabpagebuflist() == 4 and vim.wo[vim.fn.win_getid(4)].winbar:find("+", 1, true)
  end, 5), "no diff")
  vim.wait(1000)
  vim.cmd("redraw!")
  local result = all(function(agent, line)
    vim.api.nvim_feedkeys(agent .. "do", "xt", false)
    assert(vim.fn.getline(line):find("changed_by_" .. agent, 1, true), "not taken")
  end)
  result.keys = {}
  for index, keys in ipairs(o.keys or {}) do
    vim.cmd(tostring(math.floor(o.lines / 2)))
    vim.cmd("redraw")
    local wall, cpu = timed(function()
      vim.api.nvim_feedkeys(keys, "xt", false)
      vim.cmd("redraw")
    end)
    result.keys[index] = { keys = keys, wall = wall, cpu = cpu }
    vim.wait(500)
  end
  return result
]]

--- The lines that are shown: this project's own.
---@param ext string
---@return string[]
local function sources(ext)
  local folder = ({ py = "/rplugin/python3/kage_nvim", lua = "/lua/kage/diff" })[ext]
  local found = folder and vim.fn.glob(root .. folder .. "/*." .. ext, true, true) or {}
  table.sort(found)
  return found
end

--- Run it in a Neovim of its own.
---@param case Case
---@param alone boolean
---@return table
local function run(case, alone)
  local folder = vim.fn.tempname()
  vim.fn.mkdir(folder, "p")
  local socket = folder .. "/socket"
  local command = { vim.v.progpath, "--clean", "-n", "--listen", socket }
  vim.list_extend(command, { "--cmd", "set shadafile=NONE rtp^=" .. vim.fn.fnameescape(root) })
  local job =
    vim.fn.jobstart(command, { pty = true, width = 160, height = 40, env = { TERM = "xterm-256color" } })
  local channel
  -- It listens before it has read its options.
  assert(
    vim.wait(10000, function()
      if not channel and vim.uv.fs_stat(socket) then
        local connected, got = pcall(vim.fn.sockconnect, "pipe", socket, { rpc = true })
        channel = connected and got or nil
      end
      return channel ~= nil and vim.rpcrequest(channel, "nvim_get_vvar", "vim_did_enter") == 1
    end, 5),
    "no Neovim"
  )
  local order = vim.tbl_extend("force", case, {
    root = root,
    picks = math.min(picks, case.hunks),
    folder = folder,
    alone = alone,
    sources = sources(case.ext),
  })
  local done, found = pcall(vim.rpcrequest, channel, "nvim_exec_lua", inside, { order })
  vim.fn.chanclose(channel)
  vim.fn.jobstop(job)
  vim.fn.jobwait({ job }, 5000)
  vim.fn.delete(folder, "rf")
  return done and found or error(found, 0)
end

local failed = false
for _, case in ipairs(CASES) do
  local kage, alone = run(case, false), run(case, true)
  local function shown(times)
    return ("%6.1f ms (worst %6.1f, cpu %5.1f)"):format(times.wall.median, times.wall.worst, times.cpu.median)
  end
  local row = "%-15s %6d lines, %3d hunks: a pick %s; Neovim alone %s"
  print(row:format(case.name, case.lines, case.hunks, shown(kage), shown(alone)))
  -- Where colours alone take Neovim longer than the limit, Kage may add little to it.
  local limit = math.max(LIMIT_MS, 1.5 * alone.wall.median)
  failed = failed or (case.lines == 2000 and kage.wall.median > limit)
  for _, key in ipairs(kage.keys) do
    print(("                %-3s %7.1f ms (cpu %7.1f)"):format(key.keys, key.wall, key.cpu))
    failed = failed or key.wall > KEY_LIMIT_MS
  end
end
print(
  ("limits: a pick in 2,000 lines %d ms or 1.5 times Neovim alone, each key in 50,000 lines %d ms"):format(
    LIMIT_MS,
    KEY_LIMIT_MS
  )
)
os.exit(failed and 1 or 0)
