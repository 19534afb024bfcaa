-- What a pick costs: from the key to the redrawn screen, in a diff of three agents with two of them shown.
--
--     nvim --clean -l benchmarks/picks.lua [PICKS]
--
-- A second Neovim with a screen does it, because one that runs a script draws nothing. Beside each figure stands
-- what the same edits cost where nothing is Kage's: three buffers in diff mode, one of them edited and drawn.

local root = vim.fs.dirname(vim.fs.dirname(vim.uv.fs_realpath(debug.getinfo(1, "S").source:sub(2))))
local picks = tonumber((_G.arg or {})[1]) or 50
local LIMIT_MS = { [2000] = 16 }

-- Runs inside: a file of `count` lines, each agent changing a line in 20 of its own, picks taken top to bottom.
local inside = [[
  local root, count, picks, folder = ...
  local function text(agent)
    local lines = {}
    for n = 1, count do
      local mine = agent and n % math.floor(count / 60) == agent * 5
      lines[n] = ("  %s(%d, value_%d)"):format(mine and "changed_by_" .. agent or "call", n, n * 7)
    end
    return table.concat(lines, "\n") .. "\n"
  end
  local path = folder .. "/file.txt"
  local file = assert(io.open(path, "wb"))
  file:write(text())
  file:close()
  vim.cmd.edit(path)
  local agents = {}
  for agent = 1, 3 do
    agents[tostring(agent)] = { text = text(agent) }
  end
  local function spent(before)
    return (vim.uv.hrtime() - before) / 1e6
  end
  local function median(times)
    table.sort(times)
    return { median = times[math.ceil(#times / 2)], worst = times[#times] }
  end

  assert(loadfile(root .. "/tests/nvim/diff/stub.lua"))(folder, { ["file.txt"] = { base = text(), agents = agents } })
  require("kage.diff").open({})
  vim.wait(10000, function()
    return #vim.fn.tabpagebuflist() == 4 and vim.wo[vim.fn.win_getid(4)].winbar:find("+", 1, true)
  end, 5)
  vim.cmd("redraw!")
  local kage, shown = {}, {}
  for n = 1, picks do
    local agent = (n - 1) % 2 + 1
    local line = (math.floor((n - 1) / 2)) * math.floor(count / 60) + agent * 5
    vim.api.nvim_win_set_cursor(0, { line, 0 })
    vim.cmd("redraw")
    local before = vim.uv.hrtime()
    vim.api.nvim_feedkeys(agent .. "do", "xt", false)
    local taken = spent(before)
    vim.cmd("redraw")
    kage[n], shown[n] = spent(before), taken
    assert(vim.fn.getline(line):find("changed_by_" .. agent, 1, true), "not taken")
    vim.wait(120)
  end
  local result = { all = median(kage), ours = median(shown) }
  vim.cmd("tabclose")

  local buffers = {}
  for n = 0, 2 do
    vim.cmd(n == 0 and "tabnew" or "vnew")
    vim.bo.buftype = "nofile"
    vim.api.nvim_buf_set_lines(0, 0, -1, true, vim.split(text(n > 0 and n or nil), "\n"))
    buffers[n] = vim.api.nvim_get_current_buf()
    vim.cmd("diffthis")
  end
  vim.cmd("redraw!")
  local plain = {}
  for n = 1, picks do
    local agent = (n - 1) % 2 + 1
    local line = (math.floor((n - 1) / 2)) * math.floor(count / 60) + agent * 5
    vim.api.nvim_win_set_cursor(0, { line, 0 })
    vim.cmd("redraw")
    local wanted = vim.api.nvim_buf_get_lines(buffers[agent], line - 1, line, true)
    local before = vim.uv.hrtime()
    for index = 0, 2 do
      vim.api.nvim_buf_set_lines(buffers[index], line - 1, line, true, wanted)
    end
    vim.cmd("redraw")
    plain[n] = spent(before)
  end
  result.neovim = median(plain)
  return result
]]

local failed = false
for _, count in ipairs({ 2000, 50000 }) do
  local folder = vim.fn.tempname()
  vim.fn.mkdir(folder, "p")
  local socket = folder .. "/socket"
  local command = { vim.v.progpath, "--clean", "-n", "--listen", socket }
  vim.list_extend(command, { "--cmd", "set shadafile=NONE rtp^=" .. vim.fn.fnameescape(root) })
  local job =
    vim.fn.jobstart(command, { pty = true, width = 160, height = 40, env = { TERM = "xterm-256color" } })
  assert(vim.wait(5000, function()
    return vim.uv.fs_stat(socket) ~= nil
  end, 5))
  local channel = vim.fn.sockconnect("pipe", socket, { rpc = true })
  local found = vim.rpcrequest(channel, "nvim_exec_lua", inside, { root, count, picks, folder })
  vim.fn.chanclose(channel)
  vim.fn.jobstop(job)
  vim.fn.jobwait({ job }, 5000)
  vim.fn.delete(folder, "rf")
  local limit = LIMIT_MS[count]
  local function shown(times)
    return ("%6.1f ms, worst %6.1f ms"):format(times.median, times.worst)
  end
  print(
    ("%6d lines, %d picks: %s%s"):format(
      count,
      picks,
      shown(found.all),
      limit and (" (limit %d ms)"):format(limit) or ""
    )
  )
  print(
    ("              until the key returns %s; Neovim's diff mode alone %s"):format(
      shown(found.ours),
      shown(found.neovim)
    )
  )
  failed = failed or (limit ~= nil and found.all.median > limit)
end
os.exit(failed and 1 or 0)
