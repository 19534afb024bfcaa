-- Where findings stand: diagnostics in a namespace of their own, a quickfix list, and marks that follow the lines
-- when you edit. What stands in no file of yours leads to the text that was reviewed.

local clean = require("kage.words").clean

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("kage.review")
local FOLLOWED = vim.api.nvim_create_namespace("kage.review.lines")
local TITLE = "Kage: review"
local SEVERITY = {
  error = vim.diagnostic.severity.ERROR,
  warning = vim.diagnostic.severity.WARN,
  info = vim.diagnostic.severity.INFO,
  hint = vim.diagnostic.severity.HINT,
}
local TYPES = { error = "E", warning = "W", info = "I", hint = "N" }

local list ---@type integer? the quickfix list
local marks = {} ---@type table<string, { buffer: integer, mark: integer }> by review and finding

---@param review kage.Review
---@param finding kage.Finding
---@return string
local function key(review, finding)
  return review.id .. " " .. finding.id
end

---@param review kage.Review
---@param finding kage.Finding
---@return string # absolute
function M.file(review, finding)
  return vim.fs.joinpath(review.repository, finding.path)
end

--- Where a finding's mark in a buffer is now.
---@param name string
---@return vim.api.keyset.get_extmark_item_by_id? # nil: it has none, or its buffer was loaded anew
local function placed(name)
  local mark = marks[name]
  if mark and vim.api.nvim_buf_is_loaded(mark.buffer) then
    local found = vim.api.nvim_buf_get_extmark_by_id(mark.buffer, FOLLOWED, mark.mark, { details = true })
    return found[1] and found or nil
  end
end

--- A buffer's lines follow edits from when they were shown.
---@param review kage.Review
---@param finding kage.Finding
---@param buffer integer
local function follow(review, finding, buffer)
  local name = key(review, finding)
  if placed(name) or not vim.api.nvim_buf_is_loaded(buffer) then
    return
  end
  local first, last = finding.yours[1], finding.yours[2]
  if (finding.code or "") ~= "" then -- the file may have been written since
    local code = vim.split(finding.code, "\n", { plain = true })
    local lines = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
    local at = require("kage.review.patch").place(lines, { old = code }, first) or first
    first, last = at, at + last - first
  end
  local count = vim.api.nvim_buf_line_count(buffer)
  local row, past = math.min(first, count) - 1, math.min(last, count)
  local mark = vim.api.nvim_buf_set_extmark(buffer, FOLLOWED, row, 0, { end_row = past, strict = false })
  marks[name] = { buffer = buffer, mark = mark }
end

--- The lines of a finding in your file as they are now.
---@param review kage.Review
---@param finding kage.Finding
---@return integer? first 1-based, integer? last
function M.lines(review, finding)
  local found = placed(key(review, finding))
  if found then
    return found[1] + 1, math.max(found[3].end_row, found[1] + 1)
  end
  if finding.yours then
    return finding.yours[1], finding.yours[2]
  end
end

--- A sentence for a list: the claim, and who agrees.
---@param finding kage.Finding
---@return string
local function told(finding)
  local doubt = finding.verdict == "unsure" and ", unsure" or ""
  return clean(("%s (%s%s)"):format(finding.claim, table.concat(finding.agreed, ", "), doubt))
end

--- From now on the lines of a file's findings follow what is edited in its buffer.
---@param review kage.Review
---@param buffer integer
function M.follow(review, buffer)
  local path = vim.api.nvim_buf_get_name(buffer)
  for _, finding in ipairs(review.findings) do
    if finding.yours and vim.fs.normalize(path) == vim.fs.normalize(M.file(review, finding)) then
      follow(review, finding, buffer)
    end
  end
end

--- A review's diagnostics by buffer.
---@param review kage.Review
---@return table<integer, vim.Diagnostic.Set[]>
local function diagnosed(review)
  local by_buffer = {}
  for _, finding in ipairs(review.findings) do
    local path = M.file(review, finding)
    if require("kage.review").is_shown(finding) and finding.yours and vim.uv.fs_stat(path) then
      local buffer = vim.fn.bufadd(path)
      follow(review, finding, buffer)
      local first, last = M.lines(review, finding)
      by_buffer[buffer] = by_buffer[buffer] or {}
      table.insert(by_buffer[buffer], {
        lnum = first - 1,
        end_lnum = last - 1,
        col = 0,
        message = told(finding),
        severity = SEVERITY[finding.severity],
        source = "kage review",
        code = finding.role,
        user_data = { kage = { review = review.id, finding = finding.id } },
      })
    end
  end
  return by_buffer
end

--- Diagnostics of what is shown now, of all repositories.
function M.diagnostics()
  vim.diagnostic.reset(NAMESPACE)
  for _, review in pairs(require("kage.review").all()) do
    for buffer, found in pairs(diagnosed(review)) do
      vim.diagnostic.set(NAMESPACE, buffer, found)
    end
  end
end

--- The name of the buffer with a file as it was reviewed.
---@param review kage.Review
---@param finding kage.Finding
---@return string
local function reviewed(review, finding)
  return ("kage://review/%s/%s"):format(review.id, finding.path)
end

--- The list of this title is replaced, wherever it is in the stack of lists; a new review without one gets one.
---@param review kage.Review
---@param is_new boolean
function M.quickfix(review, is_new)
  local items = {}
  for _, finding in ipairs(vim.tbl_filter(require("kage.review").is_shown, review.findings)) do
    local first, last = M.lines(review, finding)
    items[#items + 1] = {
      filename = first and M.file(review, finding) or reviewed(review, finding),
      lnum = first or finding.first,
      end_lnum = last or finding.last,
      text = told(finding),
      type = TYPES[finding.severity],
      user_data = finding.id,
    }
  end
  local own = vim.fn.getqflist({ id = list or 0, title = 0 })
  if own.title == TITLE and (not is_new or vim.fn.getqflist({ id = 0 }).id == list) then
    vim.fn.setqflist({}, "r", { id = list, title = TITLE, items = items })
  elseif is_new and #items > 0 then
    vim.fn.setqflist({}, " ", { title = TITLE, items = items })
    list = vim.fn.getqflist({ id = 0 }).id
  end
end

--- Fill a buffer with a file as it was reviewed, and go to the line that led there.
---@param buffer integer
local function fill(buffer)
  local id, path = vim.api.nvim_buf_get_name(buffer):match("^kage://review/([^/]+)/(.+)$")
  if not id then
    return
  end
  vim.bo[buffer].buftype, vim.bo[buffer].modeline, vim.bo[buffer].swapfile = "nofile", false, false
  vim.bo[buffer].bufhidden, vim.bo[buffer].modifiable = "wipe", false
  local cwd = require("kage.context").cwd()
  local at = vim.fn.getqflist({ idx = 0, items = 0 })
  local item = at.items[at.idx]
  local line = vim.b[buffer].kage_line or (item and item.bufnr == buffer and item.lnum) or 1
  require("kage.host").request("review_file", { cwd = cwd, id = id, path = path }, function(err, answer)
    if err then
      return require("kage.notify").error(err)
    elseif not vim.api.nvim_buf_is_loaded(buffer) then
      return
    end
    vim.bo[buffer].modifiable = true
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, answer.lines)
    vim.bo[buffer].modifiable, vim.bo[buffer].modified = false, false
    require("kage.diff.agent_buffer").colour(buffer, path)
    for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
      vim.api.nvim_win_set_cursor(window, { math.min(line, #answer.lines), 0 })
    end
  end)
end

--- As it is, changed or not, and whatever is in the window; <C-o> leads back.
---@param buffer integer
local function show(buffer)
  vim.cmd("normal! m'")
  vim.cmd({ cmd = "buffer", args = { tostring(buffer) }, mods = { hide = true } })
end

--- Go to a finding: in your file where it stands there, else in the text that was reviewed.
---@param review kage.Review
---@param finding kage.Finding
function M.go(review, finding)
  local first = M.lines(review, finding)
  if first and vim.uv.fs_stat(M.file(review, finding)) then
    local buffer = vim.fn.bufadd(M.file(review, finding))
    vim.bo[buffer].buflisted = true
    show(buffer)
    vim.api.nvim_win_set_cursor(0, { math.min(first, vim.api.nvim_buf_line_count(0)), 0 })
    vim.cmd("normal! zv")
    return
  end
  local buffer = vim.fn.bufadd(reviewed(review, finding))
  vim.b[buffer].kage_line = finding.first
  show(buffer)
end

local group = vim.api.nvim_create_augroup("kage.review", {})
vim.api.nvim_create_autocmd("BufReadPost", {
  group = group,
  callback = function(event)
    for _, review in pairs(require("kage.review").all()) do
      M.follow(review, event.buf)
    end
  end,
})
vim.api.nvim_create_autocmd("BufReadCmd", {
  group = group,
  pattern = "kage://review/*/*",
  callback = function(event)
    fill(event.buf)
  end,
})

return M
