--- Everything of the user's that opening and closing the diff must leave alone.

---@param scope "win"|"buf"|"global"
---@return string[]
local function options_of(scope)
  local names = {}
  for name, info in pairs(vim.api.nvim_get_all_options_info()) do
    if info.scope == scope then
      names[#names + 1] = name
    end
  end
  return names
end

---@param names string[]
---@param where table
local function values(names, where)
  local found = {}
  for _, name in ipairs(names) do
    found[name] = vim.api.nvim_get_option_value(name, where)
  end
  return found
end

local WINDOW, BUFFER, GLOBAL = options_of("win"), options_of("buf"), options_of("global")

local function window(id)
  return vim.api.nvim_win_call(id, function()
    return {
      id = id,
      buffer = vim.api.nvim_win_get_buf(id),
      size = { vim.api.nvim_win_get_width(id), vim.api.nvim_win_get_height(id) },
      options = values(WINDOW, { win = id }),
      jumps = vim.fn.getjumplist(),
      changes = vim.fn.getchangelist(),
      view = vim.fn.winsaveview(),
      alternate = vim.fn.bufname("#"),
      folds = { vim.fn.foldclosed(11), vim.fn.foldclosed(21) },
      tags = vim.fn.gettagstack(),
      locations = vim.fn.getloclist(0),
    }
  end)
end

local function map(entry)
  return entry.lhs .. " " .. (entry.rhs or tostring(entry.callback ~= nil))
end

local function buffer(id)
  local marks = vim.tbl_filter(function(mark)
    -- Where a window was left is its own, and goes along with it.
    return not mark.mark:find("['\"%[%]]")
  end, vim.fn.getmarklist(id))
  return {
    id = id,
    name = vim.api.nvim_buf_get_name(id),
    options = values(BUFFER, { buf = id }),
    loaded = vim.api.nvim_buf_is_loaded(id),
    tick = vim.api.nvim_buf_get_changedtick(id),
    marks = marks,
    extmarks = #vim.api.nvim_buf_get_extmarks(id, -1, 0, -1, {}),
  }
end

local maps = vim.tbl_map(map, vim.api.nvim_buf_get_keymap(vim.fn.bufnr("src/calc.py"), "n"))
table.sort(maps)

return {
  buffers = vim.tbl_map(buffer, vim.api.nvim_list_bufs()),
  windows = vim.tbl_map(window, vim.api.nvim_list_wins()),
  tabs = vim.tbl_map(function(tab)
    local number = vim.api.nvim_tabpage_get_number(tab)
    return { tab, vim.fn.winlayout(number), vim.fn.tabpagewinnr(number), vim.fn.tabpagewinnr(number, "#") }
  end, vim.api.nvim_list_tabpages()),
  before = vim.fn.tabpagenr("#"),
  maps = maps,
  tab = vim.api.nvim_tabpage_get_number(0),
  current = vim.api.nvim_get_current_win(),
  options = values(GLOBAL, {}),
  registers = { vim.fn.getreg("/"), vim.fn.getreg('"'), vim.fn.getreg("#") },
  quickfix = { vim.fn.getqflist(), vim.fn.getqflist({ nr = "$" }).nr },
  marks = vim.fn.getmarklist(),
  autocommands = #vim.api.nvim_get_autocmds({
    event = { "WinClosed", "TabLeave", "VimResized", "TextChanged", "ModeChanged" },
  }),
}
