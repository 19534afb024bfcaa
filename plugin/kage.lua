-- The commands and <Plug> maps. Nothing is required here: each command loads its module when it is used.

if vim.g.loaded_kage then
  return
end
vim.g.loaded_kage = true
vim.g.kage_status = ""

if vim.fn.has("nvim-0.10") == 0 then
  vim.api.nvim_create_user_command("Kage", function()
    vim.api.nvim_err_writeln("Kage needs Neovim 0.10 or newer; see :help kage-install")
  end, { nargs = "*", bang = true, range = true })
  return
end

local VERBS = "accept attach check choices clean comment comments compose contrast cost diff doctor "
  .. "explain focus hide history interrupt judge log parts repair restart resume review role send spawn stats status stop "
  .. "summary synth take task undo"

---@param name string
---@param verb string? nil for :Kage, which takes the verb as its first word
local function command(name, verb)
  vim.api.nvim_create_user_command(name, function(args)
    require("kage.commands").run(verb, args)
  end, {
    nargs = "*",
    bang = true,
    range = true,
    desc = verb and ("Kage: " .. verb) or "Kage: open the dashboard, or do what the verb says",
    complete = function(lead, line, position)
      return require("kage.commands").complete(verb, lead, line, position)
    end,
  })
end

command("Kage")
for verb in VERBS:gmatch("%S+") do
  command("Kage" .. verb:sub(1, 1):upper() .. verb:sub(2), verb)
end

---@param modes string[]
---@param name string
---@param keys string
local function plug(modes, name, keys)
  vim.keymap.set(modes, "<Plug>(" .. name .. ")", keys, { silent = true, desc = keys:match("Kage%w*") })
end

plug({ "n" }, "KageSpawn", "<Cmd>KageSpawn<CR>")
plug({ "x" }, "KageSpawn", ":KageSpawn<CR>")
plug({ "n" }, "KageDashboard", "<Cmd>Kage<CR>")
plug({ "n" }, "KageDiff", "<Cmd>KageDiff<CR>")
plug({ "n" }, "KageUndo", "<Cmd>KageUndo<CR>")
plug({ "n" }, "KageHide", "<Cmd>KageHide<CR>")
plug({ "n" }, "KageAttach", "<Cmd>KageAttach<CR>")

local look ---@type fun(event: table?)
local waiting = false

--- Before the first run on this machine there is nothing to look at: wait for the folder of runs, started
--- perhaps by a shell.
---@param folder string where programs keep their state
local function await_the_first(folder)
  local eye = not waiting and vim.uv.new_fs_event()
  if not eye then
    return
  end
  local inside = vim.uv.fs_stat(folder .. "/kage") and folder .. "/kage" or folder
  waiting = eye:start(inside, {}, function()
    eye:close()
    waiting = false
    vim.schedule(function()
      look({ event = "appeared" })
    end)
  end) == 0
  if not waiting then
    eye:close()
  end
end

-- Runs that go on from an earlier session show by themselves. Where there never were any, this costs one stat.
function look(event)
  local folder = vim.env.XDG_STATE_HOME
  folder = folder and folder ~= "" and folder or (vim.env.HOME or "") .. "/.local/state"
  if package.loaded["kage.watch"] or vim.uv.fs_stat(folder .. "/kage/runs") then
    local name = event and event.event
    require("kage.watch").look(folder .. "/kage", name == "DirChanged")
    if name == "appeared" then
      require("kage.watch").appeared(folder .. "/kage")
    end
  else
    await_the_first(folder)
  end
end
vim.api.nvim_create_autocmd({ "VimEnter", "DirChanged", "FocusGained" }, {
  group = vim.api.nvim_create_augroup("kage", {}),
  callback = vim.schedule_wrap(look),
})
if vim.v.vim_did_enter == 1 then
  vim.schedule(look)
end
