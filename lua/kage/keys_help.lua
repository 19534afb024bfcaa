-- A small window that lists keys, until any of q, <Esc> or g? closes it.

---@param title string
---@param lines string[]
return function(title, lines)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = "wipe"
  local width = 0
  local padded = {}
  for i, line in ipairs(lines) do
    padded[i] = " " .. line
    width = math.max(width, vim.api.nvim_strwidth(padded[i]) + 1)
  end
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, padded)
  vim.bo[buffer].modifiable = false
  width = math.max(10, math.min(width, vim.o.columns - 4))
  local window = vim.api.nvim_open_win(buffer, true, {
    relative = "editor",
    row = math.max(0, math.floor((vim.o.lines - #lines) / 2) - 1),
    col = math.max(0, math.floor((vim.o.columns - width) / 2) - 1),
    width = width,
    height = math.max(1, math.min(#lines, vim.o.lines - 4)),
    style = "minimal",
    border = "rounded",
    title = (" %s "):format(title),
  })
  local options = vim.wo[window][0] -- [0]: as by :setlocal, or the user's next windows would have them too
  options.wrap, options.linebreak, options.breakindent = true, true, true
  options.breakindentopt = "shift:6"
  local function close()
    if vim.api.nvim_win_is_valid(window) then
      vim.api.nvim_win_close(window, true)
    end
  end
  for _, key in ipairs({ "q", "<Esc>", "g?" }) do
    vim.keymap.set("n", key, close, { buffer = buffer, nowait = true, desc = "Kage: close the help" })
  end
  vim.api.nvim_create_autocmd(
    "WinLeave",
    { buffer = buffer, once = true, callback = vim.schedule_wrap(close) }
  )
end
