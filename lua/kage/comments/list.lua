--- `:Kage comments`: what is collected, as a text to edit. Writing it keeps what it says.
local context = require("kage.context")
local message = require("kage.comments.message")
local notify = require("kage.notify")
local store = require("kage.comments.store")

local M = {}

local NAME = "kage://comments"
local HELP = ":w keeps this, without its heading one is dropped; q closes"

---@class kage.CommentList the list that is open
---@field buffer integer
---@field cwd string root of the repository
---@field ids string[] of the comments shown, by the numbers of their headings

---@type kage.CommentList?
local open

---@param comments kage.Comment[]
---@return string[]
local function written(comments)
  local lines = {}
  for number, comment in ipairs(comments) do
    local where = vim.fn.strtrans(message.place(comment))
    lines[#lines + 1] = ("## %d. to agent %d of %s, %s"):format(number, comment.agent, comment.run, where)
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

--- Write what there is into the list. What `u` would bring back has headings of other comments, so it cannot.
---@param list kage.CommentList
---@param comments kage.Comment[]
local function show(list, comments)
  list.ids = vim.tbl_map(function(comment)
    return comment.id
  end, comments)
  local options = vim.bo[list.buffer]
  local levels = options.undolevels
  options.undolevels = -1
  vim.api.nvim_buf_set_lines(list.buffer, 0, -1, true, written(comments))
  options.undolevels, options.modified = levels, false
end

--- Comments came or went: a list without edits shows it. One with edits stays until it is written.
function M.follow()
  if not (open and vim.api.nvim_buf_is_valid(open.buffer)) or vim.bo[open.buffer].modified then
    return
  end
  local comments = store.of(open.cwd)
  for index = 1, math.max(#comments, #open.ids) do
    if not comments[index] or comments[index].id ~= open.ids[index] then
      return show(open, comments)
    end
  end
end

--- Keep the texts of the comments that the list shows and that are still there.
---@param list kage.CommentList
local function save(list)
  local written_now, there, texts = read(vim.api.nvim_buf_get_lines(list.buffer, 0, -1, true)), {}, {}
  for _, comment in ipairs(store.of(list.cwd)) do
    there[comment.id] = true
  end
  local dropped, late = 0, 0
  for number, id in ipairs(list.ids) do
    local text = written_now[number] or ""
    if there[id] then
      texts[id] = text
      dropped = dropped + (text == "" and 1 or 0)
      there[id] = nil
    elseif text ~= "" then
      late = late + 1
    end
  end
  store.rewrite(texts)
  vim.bo[list.buffer].modified = false
  if late > 0 then
    return notify.warn(("%d of them had been sent or dropped: what is written here is not kept"):format(late))
  elseif next(there) then
    M.follow()
  end
  notify.info(dropped == 0 and "comments kept" or ("comments kept, %d dropped"):format(dropped))
end

---@param window integer
---@return boolean # a file may be shown in it
local function is_free(window)
  local buffer = vim.api.nvim_win_get_buf(window)
  return vim.api.nvim_win_get_config(window).relative == ""
    and vim.bo[buffer].buftype == ""
    and not vim.api.nvim_buf_get_name(buffer):find("^kage://")
    and not vim.wo[window].winfixbuf
    and not vim.wo[window].previewwindow
    and (vim.o.hidden or not vim.bo[buffer].modified)
end

--- Is it a tab of Kage's own, where each window has its part?
---@param tab integer
---@return boolean
local function is_kages(tab)
  local view = require("kage.diff").here(tab)
  return view ~= nil and view.columns ~= nil
end

--- Go to a window where a file may be opened: the one that was left, another one of the tab, or one of another tab;
--- else a new one.
local function leave()
  local before = vim.fn.win_getid(vim.fn.winnr("#"))
  local tabs = vim.api.nvim_list_tabpages()
  table.insert(tabs, 1, vim.api.nvim_get_current_tabpage())
  for _, tab in ipairs(tabs) do
    local windows = is_kages(tab) and {} or vim.api.nvim_tabpage_list_wins(tab)
    table.sort(windows, function(a, b)
      return a == before and b ~= before
    end)
    for _, window in ipairs(windows) do
      if is_free(window) then
        return vim.api.nvim_set_current_win(window)
      end
    end
  end
  vim.cmd(is_kages(tabs[1]) and "tabnew" or "aboveleft new")
end

--- Go to what a comment is about.
---@param list kage.CommentList
local function visit(list)
  local number
  for line = vim.fn.line("."), 1, -1 do
    number = number or tonumber(vim.fn.getline(line):match("^## (%d+)%. to agent "))
  end
  for _, comment in ipairs(store.of(list.cwd)) do
    if comment.id == list.ids[number] then
      leave()
      vim.cmd.edit(vim.fn.fnameescape(vim.fs.joinpath(list.cwd, comment.path)))
      local last = vim.api.nvim_buf_line_count(0)
      vim.api.nvim_win_set_cursor(0, { math.min(comment.line or comment.first or 1, last), 0 })
      return
    end
  end
end

--- Open the list.
function M.open()
  local cwd = context.root(context.cwd())
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
  vim.bo[buffer].buftype, vim.bo[buffer].bufhidden = "acwrite", "wipe"
  local list = { buffer = buffer, cwd = cwd, ids = {} }
  open = list
  show(list, comments)
  vim.api.nvim_open_win(buffer, true, { split = "below", height = math.min(15, math.floor(vim.o.lines / 2)) })
  -- Never 'filetype': a language server that attaches to everything would attach to this.
  vim.bo[buffer].syntax = "markdown"
  vim.api.nvim_create_autocmd("BufWriteCmd", {
    buffer = buffer,
    callback = function()
      save(list)
    end,
  })
  vim.keymap.set("n", "<CR>", function()
    visit(list)
  end, { buffer = buffer, desc = "Kage: go to what the comment is about" })
  vim.keymap.set("n", "q", "<Cmd>close<CR>", { buffer = buffer, desc = "Kage: close the list" })
  notify.info(HELP)
end

return M
