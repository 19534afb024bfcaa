-- What Kage tells the user. Neovim's own messages of several lines stop everything at a "Press ENTER" prompt,
-- so those appear in a corner for some seconds and stay in :messages. A vim.notify of the user's is preferred.

local words = require("kage.words")

local M = {}

local window ---@type integer?

local GROUPS = { [vim.log.levels.ERROR] = "DiagnosticError", [vim.log.levels.WARN] = "DiagnosticWarn" }

--- Close the corner, if it is open.
function M.dismiss()
  if window and vim.api.nvim_win_is_valid(window) then
    vim.api.nvim_win_close(window, true)
  end
  window = nil
end

--- Put lines into :messages. Each is redrawn away before the next, or Neovim would ask for ENTER.
---@param lines string[]
local function record(lines)
  for i, line in ipairs(lines) do
    vim.api.nvim_echo({ { (i == 1 and "Kage: " or "") .. line } }, true, {})
    vim.cmd.redraw()
  end
  vim.api.nvim_echo({ { "" } }, false, {})
end

--- The columns of a line that is not wrapped: what fits beside the border, and into the last line beside
--- 'showcmd', where more would ask for ENTER.
---@return integer
function M.width()
  return math.max(20, math.min(76, vim.o.columns - 20))
end

---@param lines string[]
---@return string[] # with what fits into the corner, one line each
local function wrap(lines)
  local columns = M.width()
  local wrapped = {}
  for _, line in ipairs(lines) do
    local indent = line:match("^ *")
    for _, part in ipairs(words.wrap(line:sub(#indent + 1), columns - #indent)) do
      wrapped[#wrapped + 1] = indent .. part
    end
  end
  return wrapped
end

---@param wrapped string[]
---@param level integer
local function corner(wrapped, level)
  M.dismiss()
  wrapped = vim.list_slice(wrapped, 1, math.max(1, vim.o.lines - 6))
  local width = 1
  for _, line in ipairs(wrapped) do
    width = math.max(width, vim.api.nvim_strwidth(line))
  end
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = "wipe"
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, wrapped)
  local opened = vim.api.nvim_open_win(buffer, false, {
    relative = "editor",
    anchor = "NE",
    row = 1,
    col = vim.o.columns,
    width = width,
    height = #wrapped,
    style = "minimal",
    border = "rounded",
    title = " Kage ",
    focusable = false,
    noautocmd = true,
    zindex = 200,
  })
  vim.wo[opened][0].winhighlight = "NormalFloat:" .. (GROUPS[level] or "NormalFloat")
  window = opened
  vim.defer_fn(function()
    if window == opened then
      M.dismiss()
    end
  end, require("kage.config").get().notify.seconds * 1000)
end

---@return boolean # vim.notify is Neovim's own
local function is_stock()
  local source = debug.getinfo(vim.notify, "S").source
  return source:find("vim/_", 1, true) ~= nil
end

---@return boolean # `-- INSERT --` or, with 'cmdheight' 0, the statusline would take the place of a message at once
local function covered()
  local typing = vim.o.showmode and vim.api.nvim_get_mode().mode:find("^[iR]") ~= nil
  return typing or vim.o.cmdheight == 0
end

---@param text string
---@param level integer
local function show(text, level)
  local lines = {}
  for _, line in ipairs(vim.split(vim.trim(text), "\n", { plain = true })) do
    lines[#lines + 1] = line:match("^ *") .. words.clean(line)
  end
  if not is_stock() then
    return vim.notify(table.concat(lines, "\n"), level, { title = "Kage" })
  end
  local one = "Kage: " .. lines[1]
  if vim.api.nvim_get_mode().mode:find("^c") then
    -- A message would write over the command line that is being typed; it follows in :messages.
    corner(wrap(lines), level)
    vim.cmd.redraw()
    vim.api.nvim_create_autocmd("CmdlineLeave", {
      once = true,
      callback = vim.schedule_wrap(function()
        record(wrap(lines))
      end),
    })
  elseif #lines == 1 and vim.api.nvim_strwidth(one) < vim.o.columns - 12 and not covered() then
    vim.api.nvim_echo({ { one, GROUPS[level] } }, true, {})
  else
    local wrapped = wrap(lines)
    record(wrapped)
    corner(wrapped, level)
  end
end

local soon ---@type fun(text: string, level: integer)

--- While a question is on the screen a message would wipe it out: it waits for the answer.
---@param text string
---@param level integer
function soon(text, level)
  if vim.in_fast_event() then
    vim.schedule(function()
      soon(text, level)
    end)
  elseif vim.api.nvim_get_mode().mode:find("^r%?") then
    vim.defer_fn(function()
      soon(text, level)
    end, 100)
  else
    show(text, level)
  end
end

--- Show a failure with what to do about it.
---@param err kage.Error|string
function M.error(err)
  if type(err) == "string" then
    err = { message = err }
  end
  local fix = err.fix and err.fix ~= "" and "\n" .. err.fix or ""
  soon((err.message or "something failed") .. fix, vim.log.levels.ERROR)
end

---@param text string
function M.warn(text)
  soon(text, vim.log.levels.WARN)
end

---@param text string
function M.info(text)
  soon(text, vim.log.levels.INFO)
end

return M
