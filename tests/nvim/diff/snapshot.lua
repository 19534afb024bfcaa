--- Everything of the user's that opening and closing the diff must leave alone.
local OPTIONS = {
  "diff",
  "wrap",
  "scrollbind",
  "cursorbind",
  "foldmethod",
  "foldcolumn",
  "foldenable",
  "foldlevel",
  "winbar",
  "number",
  "winfixwidth",
}

local function window(id)
  return vim.api.nvim_win_call(id, function()
    local options = {}
    for _, name in ipairs(OPTIONS) do
      options[name] = vim.wo[name]
    end
    return {
      id = id,
      options = options,
      jumps = vim.fn.getjumplist(),
      view = vim.fn.winsaveview(),
      alternate = vim.fn.bufname("#"),
      folds = { vim.fn.foldclosed(11), vim.fn.foldclosed(21) },
    }
  end)
end

local function map(entry)
  return entry.lhs .. " " .. (entry.rhs or tostring(entry.callback ~= nil))
end

local buffers = vim.tbl_map(function(buffer)
  return vim.api.nvim_buf_get_name(buffer) .. " " .. tostring(vim.bo[buffer].buflisted)
end, vim.api.nvim_list_bufs())
local maps = vim.tbl_map(map, vim.api.nvim_buf_get_keymap(vim.fn.bufnr("src/calc.py"), "n"))
table.sort(maps)

return {
  buffers = buffers,
  windows = vim.tbl_map(window, vim.api.nvim_list_wins()),
  maps = maps,
  tab = vim.api.nvim_tabpage_get_number(0),
  current = vim.api.nvim_get_current_win(),
  options = { vim.o.scrollopt, vim.o.diffopt, vim.o.eventignore },
  registers = { vim.fn.getreg("/"), vim.fn.getreg('"') },
  autocommands = #vim.api.nvim_get_autocmds({
    event = { "WinClosed", "TabLeave", "VimResized", "TextChanged" },
  }),
}
