--- The list of changed files: what each agent did to which, as lines of a buffer. Rendering only.
local whole = require("kage.diff.whole")

local M = {}

-- Where the numbers of a file go on when its own row is full.
local INDENT = 6

local NAMESPACE = vim.api.nvim_create_namespace("kage.diff.panel")

---@class kage.FileChange
---@field status "A"|"M"|"D"|"R"|"T"
---@field old_path string?
---@field added integer
---@field removed integer
---@field old_mode string?
---@field new_mode string?

---@class kage.ChangedFile
---@field path string
---@field kind "text"|"binary"|"symlink"|"submodule"
---@field agents table<string, kage.FileChange> by agent number

---@class kage.Span
---@field [1] string text
---@field [2] string? highlight group

local WORDS = { A = "new", D = "deleted", R = "renamed", T = "type changed" }
local GROUPS = { A = "KageAdded", M = "KageChanged", D = "KageRemoved", R = "KageChanged", T = "KageChanged" }

--- What the numbers of lines do not tell of a change.
---@param file kage.ChangedFile
---@param change kage.FileChange
---@param brief? boolean the status is shown as a letter already, an old name beside the new one
---@return string
function M.remarks(file, change, brief)
  local remarks = {}
  if file.kind ~= "text" then
    remarks[1] = file.kind
  end
  if WORDS[change.status] and not brief then
    local from = change.old_path and " from " .. vim.fn.strtrans(change.old_path) or ""
    remarks[#remarks + 1] = WORDS[change.status] .. from
  end
  local mode = whole.mode_change(change)
  remarks[#remarks + 1] = mode and "mode " .. mode
  return table.concat(remarks, ", ")
end

---@param file kage.ChangedFile
---@param agents integer[]
---@param brief boolean
---@return kage.Span[][] what each agent did; a remark is not repeated from one to the next
local function summaries(file, agents, brief)
  local found, said = {}, ""
  for _, agent in ipairs(agents) do
    local change = file.agents[tostring(agent)]
    if change then
      local spans = { { tostring(agent), "KageKey" } }
      if file.kind == "text" then
        spans[2] = { " +" .. change.added, "KageAdded" }
        spans[3] = { " -" .. change.removed, "KageRemoved" }
      end
      local remarks = M.remarks(file, change, brief)
      if remarks ~= "" and remarks ~= said then
        spans[#spans + 1] = { " " .. remarks, "KageFaint" }
      end
      found[#found + 1], said = spans, remarks
    end
  end
  return found
end

---@param file kage.ChangedFile
---@param agents integer[]
---@return string one letter: what was done, `*` when the agents did different things
local function letter(file, agents)
  local found
  for _, agent in ipairs(agents) do
    local change = file.agents[tostring(agent)]
    if change then
      if found and found ~= change.status then
        return "*"
      end
      found = change.status
    end
  end
  return found or " "
end

--- The old path that all agents who changed the file renamed it from; in its own folder, the name alone.
---@param file kage.ChangedFile
---@param agents integer[]
---@return string? old
---@return boolean differ they renamed different files
local function old_name(file, agents)
  local found
  for _, agent in ipairs(agents) do
    local change = file.agents[tostring(agent)]
    if change and change.old_path then
      if found and found ~= change.old_path then
        return nil, true
      end
      found = change.old_path
    end
  end
  if found and vim.fs.dirname(found) == vim.fs.dirname(file.path) then
    found = vim.fs.basename(found)
  end
  return found and vim.fn.strtrans(found), false
end

---@param spans kage.Span[]
---@return string
local function plain(spans)
  local texts = {}
  for index, span in ipairs(spans) do
    texts[index] = span[1]
  end
  return table.concat(texts)
end

---@class kage.PanelRow
---@field spans kage.Span[]
---@field path string? of the file the row belongs to

---@param file kage.ChangedFile
---@param agents integer[]
---@param current string?
---@param width integer
---@param rows kage.PanelRow[] is added to
local function add_file(file, agents, current, width, rows)
  local mark = letter(file, agents)
  local chosen = file.path == current
  local spans = {
    { chosen and "▸ " or "  ", "KageKey" },
    { mark .. " ", GROUPS[mark] or "KageChanged" },
    { vim.fn.strtrans(vim.fs.basename(file.path)), chosen and "KageCurrentFile" or nil },
  }
  local row = { spans = spans, path = file.path }
  rows[#rows + 1] = row
  local old, differ = old_name(file, agents)
  if old and mark == "R" then
    local name = spans[3]
    if vim.fn.strdisplaywidth(plain(spans) .. old) + 3 <= width then
      spans[3] = { old .. " → ", "KageFaint" }
      spans[4] = name
    else
      spans[3] = { old .. " →", "KageFaint" }
      row = { spans = { { (" "):rep(INDENT - 2) }, name }, path = file.path }
      rows[#rows + 1] = row
    end
  end
  local used = vim.fn.strdisplaywidth(plain(row.spans))
  for _, counts in ipairs(summaries(file, agents, mark ~= "*" and not differ)) do
    local needed = vim.fn.strdisplaywidth(plain(counts)) + 2
    if used + needed > width and used > INDENT then
      row = { spans = { { (" "):rep(INDENT - 2) } }, path = file.path }
      rows[#rows + 1] = row
      used = INDENT - 2
    end
    vim.list_extend(row.spans, { { "  " } })
    vim.list_extend(row.spans, counts)
    used = used + needed
  end
end

--- The rows of the panel.
---@param files kage.ChangedFile[] sorted by path
---@param agents integer[]
---@param current string? path of the file shown
---@param width integer columns
---@return kage.PanelRow[]
function M.rows(files, agents, current, width)
  local count = #files == 1 and "1 file" or #files .. " files"
  local rows = {
    { spans = { { " " .. count, "KageTitle" }, { "  g? keys", "KageFaint" } } },
    { spans = { { "" } } },
  }
  local folder
  for _, file in ipairs(files) do
    local inside = vim.fs.dirname(file.path)
    if inside ~= folder and inside ~= "." then
      rows[#rows + 1] = { spans = { { vim.fn.strtrans(inside) .. "/", "KageFolder" } } }
    end
    folder = inside
    add_file(file, agents, current, width, rows)
  end
  return rows
end

--- Write the rows into the panel's buffer.
---@param buffer integer
---@param rows kage.PanelRow[]
function M.draw(buffer, rows)
  local lines = {}
  for index, row in ipairs(rows) do
    lines[index] = plain(row.spans)
  end
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.bo[buffer].modifiable = false
  vim.api.nvim_buf_clear_namespace(buffer, NAMESPACE, 0, -1)
  for index, row in ipairs(rows) do
    local column = 0
    for _, span in ipairs(row.spans) do
      if span[2] then
        vim.api.nvim_buf_set_extmark(buffer, NAMESPACE, index - 1, column, {
          end_col = column + #span[1],
          hl_group = span[2],
        })
      end
      column = column + #span[1]
    end
  end
end

return M
