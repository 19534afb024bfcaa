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

local VERBS = "accept attach clean cost diff doctor explain focus hide history interrupt log "
  .. "restart resume send spawn status stop undo"

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

-- Runs that go on from an earlier session show by themselves. Where no kaged lives, this costs one stat.
---@param event table?
local function look(event)
  local folder = vim.env.XDG_STATE_HOME
  folder = folder and folder ~= "" and folder or (vim.env.HOME or "") .. "/.local/state"
  if vim.uv.fs_stat(folder .. "/kage/kaged.json") then
    require("kage.watch").look(folder .. "/kage", event ~= nil and event.event == "DirChanged")
  end
end
vim.api.nvim_create_autocmd({ "VimEnter", "DirChanged", "FocusGained" }, {
  group = vim.api.nvim_create_augroup("kage", {}),
  callback = vim.schedule_wrap(look),
})
if vim.v.vim_did_enter == 1 then
  vim.schedule(look)
end
