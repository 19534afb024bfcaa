--- The changed files as a tree: folders before files, a folder that holds nothing but one folder joined with it.
--- Plain functions over tables.
local M = {}

---@class kage.TreeFolder
---@field path string "" for the root, else with "/" at its end
---@field label string what its row says, joined folders included
---@field folders kage.TreeFolder[] sorted
---@field files kage.ChangedFile[] sorted

---@class kage.TreeEntry one row of the tree as it is shown
---@field depth integer 0 at the root
---@field folder kage.TreeFolder?
---@field file kage.ChangedFile?
---@field closed boolean? of a folder

---@param folder kage.TreeFolder
---@param known table<string, kage.TreeFolder> by path
---@param path string of a file
---@return kage.TreeFolder parent of the file
local function parent_of(folder, known, path)
  for name, next_at in path:gmatch("([^/]*/)()") do
    local here = path:sub(1, next_at - 1)
    if not known[here] then
      known[here] = { path = here, label = name, folders = {}, files = {} }
      table.insert(folder.folders, known[here])
    end
    folder = known[here]
  end
  return folder
end

---@param folder kage.TreeFolder
local function tidy(folder)
  table.sort(folder.folders, function(a, b)
    return a.path < b.path
  end)
  table.sort(folder.files, function(a, b)
    return a.path < b.path
  end)
  for index, inner in ipairs(folder.folders) do
    while #inner.files == 0 and #inner.folders == 1 do
      local only = inner.folders[1]
      only.label = inner.label .. only.label
      inner = only
    end
    folder.folders[index] = inner
    tidy(inner)
  end
end

---@param files kage.ChangedFile[]
---@return kage.TreeFolder root
function M.build(files)
  local root = { path = "", label = "", folders = {}, files = {} }
  local known = {}
  for _, file in ipairs(files) do
    table.insert(parent_of(root, known, file.path).files, file)
  end
  tidy(root)
  return root
end

---@param folder kage.TreeFolder
---@param closed table<string, boolean>
---@param depth integer
---@param entries kage.TreeEntry[] is added to
local function list(folder, closed, depth, entries)
  for _, inner in ipairs(folder.folders) do
    local is_closed = closed[inner.path] or false
    entries[#entries + 1] = { depth = depth, folder = inner, closed = is_closed }
    if not is_closed then
      list(inner, closed, depth + 1, entries)
    end
  end
  for _, file in ipairs(folder.files) do
    entries[#entries + 1] = { depth = depth, file = file }
  end
end

--- The rows to show, from the top.
---@param root kage.TreeFolder
---@param closed table<string, boolean> folders, by path
---@return kage.TreeEntry[]
function M.entries(root, closed)
  local entries = {}
  list(root, closed, 0, entries)
  return entries
end

--- All files below a folder, in the order of the tree.
---@param folder kage.TreeFolder
---@return kage.ChangedFile[]
function M.files(folder)
  local found = {}
  for _, inner in ipairs(folder.folders) do
    vim.list_extend(found, M.files(inner))
  end
  return vim.list_extend(found, folder.files)
end

--- The folders that lie around a path, outermost first.
---@param path string of a file, or of a folder with "/" at its end
---@return string[]
function M.around(path)
  local found = {}
  for next_at in path:gmatch("/()") do
    if next_at <= #path then
      found[#found + 1] = path:sub(1, next_at - 1)
    end
  end
  return found
end

return M
