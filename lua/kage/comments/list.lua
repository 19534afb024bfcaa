--- `:Kage comments`: what is collected, as a text to edit. Writing it keeps what it says.
local context = require("kage.context")
local message = require("kage.comments.message")
local notify = require("kage.notify")
local store = require("kage.comments.store")

local M = {}

local NAME = "kage://comments"
local HELP = ":w keeps this, without its heading one is dropped; q closes"

---@param comments kage.Comment[]
---@return string[]
local function written(comments)
  local lines = {}
  for _, comment in ipairs(comments) do
    local where = vim.fn.strtrans(message.place(comment))
    lines[#lines + 1] = ("## %d. to agent %d of %s, %s"):format(comment.id, comment.agent, comment.run, where)
    vim.list_extend(lines, vim.split(comment.text, "\n", { plain = true }))
    lines[#lines + 1] = ""
  end
  lines[#lines] = nil
  return lines
end

--- The texts by their headings' numbers.
---@param lines string[]
---@return table<integer, string>
local function read(lines)
  local texts, at = {}, nil
  for _, line in ipairs(lines) do
    local id = line:match("^## (%d+)%. to agent ")
    if id then
      at = tonumber(id)
      texts[at] = {}
    elseif at then
      table.insert(texts[at], line)
    end
  end
  return vim.tbl_map(function(part)
    return vim.trim(table.concat(part, "\n"))
  end, texts)
end

---@param buffer integer
---@param cwd string
local function save(buffer, cwd)
  local texts = read(vim.api.nvim_buf_get_lines(buffer, 0, -1, true))
  local gone = 0
  for _, comment in ipairs(store.of(cwd)) do
    if vim.b[buffer].kage_shown[tostring(comment.id)] and (texts[comment.id] or "") == "" then
      texts[comment.id], gone = "", gone + 1
    end
  end
  store.rewrite(texts)
  vim.bo[buffer].modified = false
  notify.info(gone == 0 and "comments kept" or ("comments kept, %d dropped"):format(gone))
end

--- Go to what a comment is about, in the window that was left.
---@param cwd string
local function visit(cwd)
  local id
  for line = vim.fn.line("."), 1, -1 do
    id = id or tonumber(vim.fn.getline(line):match("^## (%d+)%. to agent "))
  end
  for _, comment in ipairs(store.of(cwd)) do
    if comment.id == id then
      vim.cmd.wincmd("p")
      vim.cmd.edit(vim.fn.fnameescape(vim.fs.joinpath(cwd, comment.path)))
      local last = vim.api.nvim_buf_line_count(0)
      vim.api.nvim_win_set_cursor(0, { math.min(comment.line or comment.first or 1, last), 0 })
    end
  end
end

--- Open the list.
function M.open()
  local cwd = context.cwd()
  local comments = store.of(cwd)
  if #comments == 0 then
    return notify.info("no comments are collected; :Kage! comment collects one")
  end
  local old = vim.fn.bufnr("^" .. NAME .. "$")
  if old ~= -1 then
    vim.api.nvim_buf_delete(old, { force = true })
  end
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buffer, NAME)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, true, written(comments))
  vim.bo[buffer].buftype, vim.bo[buffer].bufhidden, vim.bo[buffer].modified = "acwrite", "wipe", false
  local shown = vim.empty_dict()
  for _, comment in ipairs(comments) do
    shown[tostring(comment.id)] = true
  end
  vim.b[buffer].kage_shown = shown
  vim.api.nvim_open_win(buffer, true, { split = "below", height = math.min(15, math.floor(vim.o.lines / 2)) })
  -- Never 'filetype': a language server that attaches to everything would attach to this.
  vim.bo[buffer].syntax = "markdown"
  vim.api.nvim_create_autocmd("BufWriteCmd", {
    buffer = buffer,
    callback = function()
      save(buffer, cwd)
    end,
  })
  vim.keymap.set("n", "<CR>", function()
    visit(cwd)
  end, { buffer = buffer, desc = "Kage: go to what the comment is about" })
  vim.keymap.set("n", "q", "<Cmd>close<CR>", { buffer = buffer, desc = "Kage: close the list" })
  notify.info(HELP)
end

return M
