-- The small buffer in which a task is written. Sections `## 1`, `## 2` add text for single agents. What is
-- not sent stays as a draft; what was sent can be recalled.

local M = {}

local drafts = {} ---@type table<string, string[]> by key
local refused = {} ---@type table<string, string[]> by key: what did not start
local open ---@type { buffer: integer, window: integer }?

---@return string
local function history_file()
  return vim.fn.stdpath("state") .. "/kage/prompts.json"
end

---@return string[] # oldest first
function M.history()
  local file = io.open(history_file(), "rb")
  if not file then
    return {}
  end
  local ok, texts = pcall(vim.json.decode, file:read("*a"))
  file:close()
  return ok and type(texts) == "table" and texts or {}
end

--- Put a text at the end of the history.
---@param text string
function M.remember(text)
  local texts = vim.tbl_filter(function(old)
    return old ~= text
  end, M.history())
  texts[#texts + 1] = text
  local keep = require("kage.config").get().prompt.history
  texts = vim.list_slice(texts, math.max(1, #texts - keep + 1))
  local path = history_file()
  vim.fn.mkdir(vim.fs.dirname(path), "p", tonumber("700", 8))
  local draft = path .. "." .. vim.uv.os_getpid()
  local file = io.open(draft, "wb")
  if file then
    file:write(vim.json.encode(texts))
    file:close()
    vim.uv.fs_rename(draft, path)
  end
end

--- Keep a text that did not start for the next time the prompt with that key opens.
---@param key string
---@param text string
function M.keep_draft(key, text)
  refused[key] = vim.split(text, "\n", { plain = true })
  drafts[key] = refused[key]
  M.remember(text)
end

--- Something started: what had been refused before is no longer what the next prompt begins with (<C-p> has
--- it). Text of the user's own stays.
---@param key string
function M.started(key)
  if refused[key] and vim.deep_equal(drafts[key], refused[key]) then
    drafts[key] = nil
  end
  refused[key] = nil
end

--- Split a text into the task and its variants.
---@param text string
---@return string task, table<string, string> variants
function M.sections(text)
  local parts, order, at = { [""] = {} }, { "" }, ""
  for _, line in ipairs(vim.split(text, "\n", { plain = true })) do
    local number = line:match("^##%s+(%d+)%s*$")
    if number then
      at = tostring(tonumber(number))
      parts[at] = parts[at] or {}
      order[#order + 1] = at
    else
      table.insert(parts[at], line)
    end
  end
  local variants = {}
  for i = 2, #order do
    local variant = vim.trim(table.concat(parts[order[i]], "\n"))
    variants[order[i]] = variant ~= "" and variant or nil
  end
  return vim.trim(table.concat(parts[""], "\n")), variants
end

---@param buffer integer
---@return string
local function text_of(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n")
end

---@param buffer integer
---@param text string
local function set_text(buffer, text)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(text, "\n", { plain = true }))
  local last = vim.api.nvim_buf_line_count(buffer)
  pcall(vim.api.nvim_win_set_cursor, 0, { last, 0 })
  vim.cmd.normal({ args = { "$" }, bang = true })
end

---@param title string
---@return integer buffer, integer window
local function open_window(title)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].buftype = "acwrite"
  vim.bo[buffer].bufhidden = "wipe"
  vim.api.nvim_buf_set_name(buffer, "kage://prompt")
  local width = math.max(20, math.min(80, vim.o.columns - 4))
  local height = math.max(3, math.min(10, vim.o.lines - 6))
  local window = vim.api.nvim_open_win(buffer, true, {
    relative = "editor",
    row = math.max(0, math.floor((vim.o.lines - height) / 2) - 2),
    col = math.max(0, math.floor((vim.o.columns - width) / 2) - 1),
    width = width,
    height = height,
    style = "minimal",
    border = "rounded",
    title = " " .. require("kage.words").cut(title, width - 4) .. " ",
    footer = " <C-s> or :w send · q cancel · <C-p> earlier ",
  })
  vim.wo[window][0].wrap, vim.wo[window][0].linebreak = true, true
  -- Never 'filetype': a language server that attaches to everything would attach to this.
  vim.bo[buffer].syntax = "markdown"
  return buffer, window
end

--- <C-p> and <C-n> walk through what was sent before; the text being written is the newest entry.
---@param buffer integer
local function map_history(buffer)
  local texts = M.history()
  local at = #texts + 1
  local function go(step)
    return function()
      if at + step < 1 or at + step > #texts then
        return
      end
      texts[at] = text_of(buffer)
      at = at + step
      set_text(buffer, texts[at])
    end
  end
  texts[at] = text_of(buffer)
  for _, modes in ipairs({ "n", "i" }) do
    vim.keymap.set(modes, "<C-p>", go(-1), { buffer = buffer, desc = "Kage: earlier prompt" })
    vim.keymap.set(modes, "<C-n>", go(1), { buffer = buffer, desc = "Kage: later prompt" })
  end
end

--- Show lines below the prompt for as long as it is open.
---@param window integer
---@param lines string[]
local function show_hints(window, lines)
  if #lines == 0 or not vim.api.nvim_win_is_valid(window) then
    return
  end
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = "wipe"
  local width = vim.api.nvim_win_get_width(window)
  local cut = vim.tbl_map(function(line)
    return require("kage.words").cut(line, width)
  end, lines)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, cut)
  local hints = vim.api.nvim_open_win(buffer, false, {
    relative = "win",
    win = window,
    row = vim.api.nvim_win_get_height(window) + 1,
    col = 0,
    width = width,
    height = #cut,
    focusable = false,
    style = "minimal",
    border = "none",
    noautocmd = true,
  })
  vim.wo[hints].winhighlight = "NormalFloat:Comment"
  vim.api.nvim_create_autocmd("WinClosed", {
    pattern = tostring(window),
    once = true,
    callback = function()
      if vim.api.nvim_win_is_valid(hints) then
        vim.api.nvim_win_close(hints, true)
      end
    end,
  })
end

---@class kage.PromptOptions
---@field key string what the draft is kept under
---@field title string
---@field text string? what it begins with when there is no draft
---@field empty string? what to say when nothing is written
---@field send fun(text: string): string? an error leaves the prompt open
---@field hints fun(show: fun(lines: string[]))? what is worth knowing; it may be shown later, or never

local function close()
  vim.cmd.stopinsert()
  if open and vim.api.nvim_win_is_valid(open.window) then
    vim.api.nvim_win_close(open.window, true)
  end
end

--- Send what is written; the prompt stays when that cannot be.
---@param options kage.PromptOptions
---@param buffer integer
---@return boolean
local function send(options, buffer)
  local text = vim.trim(text_of(buffer))
  local empty = options.empty or "the task is empty: write what the agents should do"
  local problem = text == "" and empty or options.send(text)
  if problem then
    require("kage.notify").error(problem)
    return false
  end
  M.remember(text)
  drafts[options.key] = nil
  vim.b[buffer].kage_sent = true
  return true
end

--- Open the prompt, or go to the one that is open.
---@param options kage.PromptOptions
function M.open(options)
  if open and vim.api.nvim_win_is_valid(open.window) then
    vim.api.nvim_win_close(open.window, true)
  end
  local buffer, window = open_window(options.title)
  open = { buffer = buffer, window = window }
  set_text(buffer, drafts[options.key] and table.concat(drafts[options.key], "\n") or options.text or "")
  vim.bo[buffer].modified = false
  map_history(buffer)
  local function send_and_close()
    if send(options, buffer) then
      close()
    end
  end
  vim.keymap.set({ "n", "i" }, "<C-s>", send_and_close, { buffer = buffer, desc = "Kage: send" })
  vim.keymap.set("n", "<CR>", send_and_close, { buffer = buffer, desc = "Kage: send" })
  vim.keymap.set("n", "q", close, { buffer = buffer, desc = "Kage: cancel, keep the draft" })
  vim.keymap.set("n", "<Esc>", close, { buffer = buffer, desc = "Kage: cancel, keep the draft" })
  vim.api.nvim_create_autocmd("BufWriteCmd", {
    buffer = buffer,
    callback = function()
      if send(options, buffer) then
        vim.bo[buffer].modified = false
        vim.schedule(close) -- a window cannot close inside its own write
      end
    end,
  })
  vim.api.nvim_create_autocmd("BufUnload", {
    buffer = buffer,
    callback = function()
      if not vim.b[buffer].kage_sent then
        drafts[options.key] = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
      end
      if open and open.buffer == buffer then
        open = nil
      end
    end,
  })
  vim.cmd.startinsert({ bang = true })
  if options.hints then
    options.hints(function(lines)
      show_hints(window, lines)
    end)
  end
end

return M
