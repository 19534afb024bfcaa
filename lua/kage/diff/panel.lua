--- The list of changed files: what each agent did to which, as rows. Pure.
local flow = require("kage.diff.panel.flow")
local groups = require("kage.diff.panel.groups")
local tree = require("kage.diff.panel.tree")
local whole = require("kage.diff.picks.whole")
local words = require("kage.words")

local M = {}

-- Below this width of the panel a folder moves what is in it by one column, not by two.
local ROOMY = 28
-- What is deep in folders leaves so much of the width to names.
local FOR_NAMES = 2 / 3

---@class kage.FileChange
---@field status "A"|"M"|"D"|"R"|"T"
---@field old_path string?
---@field added integer
---@field removed integer
---@field old_mode string?
---@field new_mode string?
---@field new_sha string?

---@class kage.ChangedFile
---@field path string
---@field kind "text"|"binary"|"symlink"|"submodule"
---@field agents table<string, kage.FileChange> by agent number

---@class kage.PanelRow
---@field spans kage.Span[]
---@field path string? of the file the row belongs to
---@field folder string? path of the folder the row belongs to, with "/" at its end
---@field files kage.ChangedFile[]? what is below that folder

---@class kage.Agreement how the agents' versions of one file compare
---@field choices integer places where they differ
---@field agreed integer places where those who changed them agree, two at least
---@field whole boolean at every place all agents agree

---@class kage.PanelContent what the panel shows
---@field root kage.TreeFolder
---@field agents integer[]
---@field current string? path of the file shown
---@field closed table<string, boolean> folders, by path
---@field agreement table<string, kage.Agreement> by path; what is not known yet is absent
---@field width integer columns

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

---@param agreement kage.Agreement?
---@return kage.Span[]? what there is to say of it
local function agreed(agreement)
  if not agreement then
    return nil
  elseif agreement.choices > 0 then
    local count = agreement.choices
    return { { count == 1 and "1 choice" or count .. " choices", "KageConflict" } }
  elseif agreement.whole then
    return { { "all agree", "KageFaint" } }
  elseif agreement.agreed > 0 then
    return { { agreement.agreed .. " agreed", "KageFaint" } }
  end
end

--- What the agents did: those with equal files behind one `=`, a remark not repeated from one to the next.
---@param file kage.ChangedFile
---@param content kage.PanelContent
---@param brief boolean
---@return kage.Span[][]
local function summaries(file, content, brief)
  local found, said, same, all_same = {}, "", false, false
  for _, group in ipairs(groups.of(file, content.agents)) do
    same = same or group.same
    all_same = group.same and #group.agents == #content.agents
    local numbers = all_same and #group.agents > 3 and "all" or groups.numbers(group.agents)
    local spans, change = { { (group.same and "= " or "") .. numbers, "KageKey" } }, group.change
    local remarks = M.remarks(file, change, brief)
    if file.kind == "text" and (remarks == "" or change.added + change.removed > 0) then
      spans[2] = { " +" .. change.added, "KageAdded" }
      spans[3] = { " -" .. change.removed, "KageRemoved", joined = true }
    end
    if remarks ~= "" and remarks ~= said then
      local what, name = remarks:match("^(.- from)( .*)$")
      spans[#spans + 1] = { " " .. (what or remarks), "KageFaint" }
      spans[#spans + 1] = name and { name, "KageFaint" }
    end
    found[#found + 1], said = spans, remarks
  end
  local agreement = content.agreement[file.path]
  local is_said = agreement
    and agreement.choices == 0
    and (agreement.whole and all_same or not agreement.whole and same)
  found[#found + 1] = not is_said and agreed(agreement) or nil
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

---@param depth integer in folders
---@param width integer of the panel
---@return integer columns before what stands there
local function indent_of(depth, width)
  local step = width < ROOMY and 1 or 2
  return 1 + math.min(depth * step, math.floor(width * (1 - FOR_NAMES)))
end

---@param file kage.ChangedFile
---@param depth integer
---@param content kage.PanelContent
---@param rows kage.PanelRow[] is added to
local function add_file(file, depth, content, rows)
  local width, agents = content.width, content.agents
  local mark, chosen = letter(file, agents), file.path == content.current
  local indent = indent_of(depth, width)
  local start = {
    { chosen and "▌" or " ", "KageKey" },
    { (" "):rep(indent - 1) },
    { mark .. " ", GROUPS[mark] or "KageChanged" },
  }
  local name = {
    words.cut(vim.fn.strtrans(vim.fs.basename(file.path)), width - indent - 2),
    chosen and "KageCurrentFile" or nil,
  }
  local row = { spans = start, path = file.path }
  rows[#rows + 1] = row
  local old, differ = old_name(file, agents)
  if old and mark == "R" then
    local fits = flow.columns(start) + vim.api.nvim_strwidth(old .. name[1]) + 3 <= width
    table.insert(start, { words.cut(old, width - indent - 4) .. (fits and " → " or " →"), "KageFaint" })
    if not fits then
      row = { spans = { { (" "):rep(indent + 2) } }, path = file.path }
      rows[#rows + 1] = row
    end
  end
  table.insert(row.spans, name)
  flow.flow(row, summaries(file, content, mark ~= "*" and not differ), indent + 2, width, rows)
end

---@param entry kage.TreeEntry
---@param content kage.PanelContent
---@param rows kage.PanelRow[] is added to
local function add_folder(entry, content, rows)
  local folder = assert(entry.folder)
  local indent = indent_of(entry.depth, content.width)
  local inside = tree.files(folder)
  local label = words.cut(vim.fn.strtrans(folder.label), content.width - indent - 2)
  local row = {
    folder = folder.path,
    files = inside,
    spans = {
      { (" "):rep(indent) },
      { entry.closed and "▸ " or "▾ ", "KageFaint" },
      { label, "KageFolder" },
    },
  }
  rows[#rows + 1] = row
  if entry.closed then
    local choices = 0
    for _, file in ipairs(inside) do
      local known = content.agreement[file.path]
      choices = choices + (known and known.choices or 0)
    end
    local parcels = { { { #inside == 1 and "1 file" or #inside .. " files", "KageFaint" } } }
    parcels[2] = choices > 0 and agreed({ choices = choices, agreed = 0, whole = false }) or nil
    flow.flow(row, parcels, indent + 2, content.width, rows)
  end
end

--- The rows of the files.
---@param content kage.PanelContent
---@return kage.PanelRow[]
function M.rows(content)
  local rows = {}
  for _, entry in ipairs(tree.entries(content.root, content.closed)) do
    if entry.file then
      add_file(entry.file, entry.depth, content, rows)
    else
      add_folder(entry, content, rows)
    end
  end
  return rows
end

return M
