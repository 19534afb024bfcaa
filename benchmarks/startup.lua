-- What Kage costs an editor that starts, and a statusline that is drawn:
--   nvim --clean -l benchmarks/startup.lua

local checkout = vim.fs.dirname(vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(arg[0], ":p"))))
vim.opt.rtp:prepend(checkout)

---@param times integer
---@param work fun()
---@return number # median, in microseconds
local function median(times, work)
  local found = {}
  for i = 1, times do
    local began = vim.uv.hrtime()
    work()
    found[i] = (vim.uv.hrtime() - began) / 1000
  end
  table.sort(found)
  return found[math.ceil(times / 2)]
end

local source = median(101, function()
  vim.g.loaded_kage = nil
  vim.cmd.source(checkout .. "/plugin/kage.lua")
end)
print(("sourcing plugin/kage.lua  %8.1f µs  (limit 2000)"):format(source))

local statusline = require("kage.statusline")
local get = median(101, function()
  for _ = 1, 1000 do
    statusline.get()
  end
end) / 1000
print(("statusline.get()          %8.3f µs  (limit 5)"):format(get))

local agents = {}
for i = 1, 50 do
  agents[i] =
    { number = i, state = "working", reason = "", activity = "edit a long name " .. i, cost_usd = 0.01 }
end
local rebuild = median(101, function()
  statusline.rebuild({ { id = "r", agents = agents } })
end)
print(("rebuild for 50 agents     %8.1f µs"):format(rebuild))

if source > 2000 or get > 5 then
  os.exit(1)
end
