--- The one place that edits the user's buffers: hunk by hunk from the bottom up, so that marks, extmarks, folds,
--- cursors and views stay where their lines are; one undo step.
local bytes = require("kage.diff.text.bytes")
local disk = require("kage.diff.text.disk")
local formats = require("kage.diff.text.formats")
local hunks = require("kage.diff.text.hunks")
local undo_options = require("kage.diff.text.undo_options")

local M = {}

--- Why a buffer must not be edited, and what the user can do about it.
---@param buffer integer
---@param path? string absolute: of the file that agents changed, which the buffer is to write
---@return string? why, string? fix
function M.refusal(buffer, path)
  local options = vim.bo[buffer]
  local obstacle = path and disk.obstacle(path)
  if obstacle then
    return "it is " .. obstacle .. ", no file of its own", "put the file back in its place"
  elseif options.buftype ~= "" then
    return "it is a special buffer (buftype " .. options.buftype .. ")", "open the file itself"
  elseif not options.modifiable then
    return "its buffer is not modifiable", ":set modifiable in it"
  elseif options.readonly then
    return "its buffer is read-only", ":set noreadonly in it"
  end
end

--- End the undo step that is being made, even amid typing in insert mode.
---@param buffer integer
local function undo_break(buffer)
  vim.api.nvim_buf_call(buffer, function()
    vim.cmd("let &l:undolevels = &l:undolevels")
  end)
end

--- How many bytes two lines share at their start and, behind that, at their end.
---@param old string
---@param new string
---@return integer first, integer last
local function shared(old, new)
  local shorter = math.min(#old, #new)
  local first, last = 0, 0
  while first < shorter and old:byte(first + 1) == new:byte(first + 1) do
    first = first + 1
  end
  while last < shorter - first and old:byte(-1 - last) == new:byte(-1 - last) do
    last = last + 1
  end
  return first, last
end

--- Change one line.
---
--- `nvim_buf_set_text` drops the line's marks and takes the line out of a fold that begins there; `setbufline`
--- does neither, but pushes the line's extmarks to its end, so those are put back.
---@param buffer integer
---@param row integer 0-based
---@param old string
---@param new string
local function set_line(buffer, row, old, new)
  local first, last = shared(old, new)
  local function moved(column)
    if column <= first then
      return column
    end
    return column >= #old - last and column + #new - #old or math.min(column, #new - last)
  end
  local marks = vim.api.nvim_buf_get_extmarks(buffer, -1, { row, 0 }, { row, -1 }, { details = true })
  vim.fn.setbufline(buffer, row + 1, (new:gsub("%z", "\n")))
  for _, mark in ipairs(marks) do
    local details = mark[4]
    local namespace = details.ns_id
    details.ns_id, details.invalid, details.id = nil, nil, mark[1]
    if details.end_row == row then
      details.end_col = moved(details.end_col)
    end
    -- A decoration of a newer Neovim that cannot be set from what was read stays where it was pushed.
    pcall(vim.api.nvim_buf_set_extmark, buffer, namespace, row, moved(mark[3]), details)
  end
end

---@param buffer integer
---@param old string[]
---@param new string[]
---@param hunk kage.Hunk
local function set_hunk(buffer, old, new, hunk)
  local same = math.min(hunk.a1 - hunk.a0, hunk.b1 - hunk.b0)
  local a, b = hunk.a0 + same, hunk.b0 + same
  if hunk.a1 > a or hunk.b1 > b then
    vim.api.nvim_buf_set_lines(buffer, a - 1, hunk.a1 - 1, true, hunks.slice(new, b, hunk.b1))
  end
  for offset = same - 1, 0, -1 do
    local before, after = old[hunk.a0 + offset], new[hunk.b0 + offset]
    if before ~= after then
      set_line(buffer, hunk.a0 + offset - 1, before, after)
    end
  end
end

--- How many lines two texts share at their start and, behind those, at their end.
---@param from string[]
---@param to string[]
---@return integer top, integer bottom
local function alike(from, to)
  local shorter = math.min(#from, #to)
  local top, bottom = 0, 0
  while top < shorter and from[top + 1] == to[top + 1] do
    top = top + 1
  end
  while bottom < shorter - top and from[#from - bottom] == to[#to - bottom] do
    bottom = bottom + 1
  end
  return top, bottom
end

-- Texts that differ over more lines than this are compared piece by piece: a diff of the whole takes too long.
local LARGE = 5000
-- So many equal lines end a piece, and so far is looked for them.
local SURE, REACH = 6, 80

--- The end of a piece that begins at these lines: where both texts go on alike.
---@param from string[]
---@param i integer
---@param to string[]
---@param j integer
---@return integer i, integer j
local function resume(from, i, to, j)
  local function alike_from(a, b)
    for offset = 0, SURE - 1 do
      if from[a + offset] ~= to[b + offset] then
        return false
      end
    end
    return true
  end
  for reach = 1, REACH do
    for more = 0, reach do
      local a, b = i + more, j + reach - more
      if a <= #from + 1 and b <= #to + 1 and alike_from(a, b) then
        return a, b
      end
    end
  end
  return #from + 1, #to + 1
end

--- The stretches in which two texts differ, from top to bottom.
---@param from string[]
---@param to string[]
---@return kage.Hunk[]
local function stretches(from, to)
  local top, bottom = alike(from, to)
  local found, i, j = {}, top + 1, top + 1
  local last_i, last_j = #from - bottom + 1, #to - bottom + 1
  if math.max(last_i - i, last_j - j) <= LARGE then
    return { { a0 = i, a1 = last_i, b0 = j, b1 = last_j } }
  end
  while i < last_i or j < last_j do
    local a, b = resume(from, i, to, j)
    found[#found + 1] = { a0 = i, a1 = a, b0 = j, b1 = b }
    while a <= #from and b <= #to and from[a] == to[b] do
      a, b = a + 1, b + 1
    end
    i, j = a, b
  end
  return found
end

--- Give a buffer the lines of a document, changing only what differs.
---@param buffer integer
---@param old string[] its document now
---@param new string[]
function M.set_lines(buffer, old, new)
  local from, to = hunks.bare(old), hunks.bare(new)
  if #to == 0 then
    vim.api.nvim_buf_set_lines(buffer, 0, -1, true, {})
  elseif #from == 0 then
    vim.api.nvim_buf_set_lines(buffer, 0, -1, true, to)
  else
    local parts = stretches(from, to)
    for number = #parts, 1, -1 do
      local part = parts[number]
      local a, b = part.a0 - 1, part.b0 - 1
      local found = hunks.diff(hunks.slice(from, part.a0, part.a1), hunks.slice(to, part.b0, part.b1), true)
      for index = #found, 1, -1 do
        local h = found[index]
        set_hunk(buffer, from, to, { a0 = h.a0 + a, a1 = h.a1 + a, b0 = h.b0 + b, b1 = h.b1 + b })
      end
    end
  end
end

--- A new file gets its folder when it is first written, and its format from the agent.
---@param buffer integer
---@param yours string[] its document
---@param format kage.Format the agent's
---@return kage.Format? for `set_document`; nil for a file that is there
function M.format_of_new(buffer, yours, format)
  local path = vim.api.nvim_buf_get_name(buffer)
  if #yours > 0 or vim.uv.fs_stat(path) then
    return nil
  end
  vim.api.nvim_create_autocmd("BufWritePre", {
    buffer = buffer,
    once = true,
    callback = function()
      vim.fn.mkdir(vim.fs.dirname(path), "p")
    end,
  })
  return format
end

--- Give one of the user's buffers the content of a document, in an undo step of its own.
---@param buffer integer
---@param new string[]
---@param format? kage.Format to set with it; without one only the missing newline at the end is
---@param old? string[] its document now, where at hand
function M.set_document(buffer, new, format, old)
  undo_break(buffer)
  old = old or bytes.document(buffer)
  local before, step = formats.options(buffer), undo_options.step(buffer)
  local from, to = hunks.bare(old), hunks.bare(new)
  local is_edit = not hunks.equal(from, to)
  if is_edit then
    M.set_lines(buffer, old, new)
  end
  local wanted =
    vim.tbl_extend("force", format or {}, { endofline = #new == 0 and before.endofline or hunks.ends(new) })
  if formats.set(buffer, wanted) then
    if not is_edit and #to > 0 then
      -- Options alone make no undo step, and the newline at the end does not set 'modified'.
      set_line(buffer, #to - 1, to[#to], to[#to])
    end
    formats.follow_undo(buffer, step, before)
  end
  undo_break(buffer)
end

--- Let '[ and '] say what was changed, as they do after a put.
---@param buffer integer
---@param picks kage.Pick[] that were taken, from top to bottom
function M.set_marks(buffer, picks)
  local count = vim.api.nvim_buf_line_count(buffer)
  local function set(name, line)
    vim.api.nvim_buf_set_mark(buffer, name, math.max(1, math.min(line, count)), 0, {})
  end
  local last = picks[#picks]
  set("[", picks[1].m0)
  set("]", math.max(last.m1 - 1, last.m0))
end

return M
