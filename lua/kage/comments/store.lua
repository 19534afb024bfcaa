--- Comments that are collected: a small file beside the prompts' history, so that they outlive the diff and Neovim.
local context = require("kage.context")

local M = {}

---@class kage.Comment
---@field id string never given again: a list that shows it may be open, in another Neovim too
---@field cwd string root of the repository
---@field run string
---@field agent integer
---@field path string relative to the repository
---@field first integer? lines `[first, past)` of the agent's own file; nil where it has none
---@field past integer?
---@field mine boolean? the lines are of the user's file: the agent has no version yet, or lacks them
---@field lacks string? whose lines they are that its version lacks
---@field whole boolean? it is about the file
---@field line integer? of yours, as it was then
---@field quote string? what it is about: a fenced block
---@field text string

---@return string
local function file_name()
  return vim.fn.stdpath("state") .. "/kage/comments.json"
end

--- All comments, oldest first. Another Neovim may have written them.
---@return kage.Comment[]
function M.all()
  local file = io.open(file_name(), "rb")
  if not file then
    return {}
  end
  local ok, found = pcall(vim.json.decode, file:read("*a"), { luanil = { object = true } })
  file:close()
  return ok and type(found) == "table" and found or {}
end

---@param comments kage.Comment[]
local function write(comments)
  local path = file_name()
  vim.fn.mkdir(vim.fs.dirname(path), "p", tonumber("700", 8))
  local draft = path .. "." .. vim.uv.os_getpid()
  local file = assert(io.open(draft, "wb"))
  file:write(vim.json.encode(comments))
  file:close()
  assert(vim.uv.fs_rename(draft, path))
end

---@param comment kage.Comment
function M.add(comment)
  local comments = M.all()
  local seconds, micros = vim.uv.gettimeofday()
  comment.id = ("%d.%06d.%d"):format(assert(seconds), micros, vim.uv.os_getpid())
  comment.cwd = context.root(comment.cwd)
  table.insert(comments, comment)
  write(comments)
end

--- Forget comments.
---@param ids table<string, true>
function M.remove(ids)
  write(vim.tbl_filter(function(comment)
    return not ids[comment.id]
  end, M.all()))
end

--- Give comments other texts; "" forgets one.
---@param texts table<string, string> by id
function M.rewrite(texts)
  local kept = {}
  for _, comment in ipairs(M.all()) do
    comment.text = texts[comment.id] or comment.text
    if comment.text ~= "" then
      kept[#kept + 1] = comment
    end
  end
  write(kept)
end

--- Those of one repository.
---@param cwd string a folder of it
---@return kage.Comment[]
function M.of(cwd)
  local root = context.root(cwd)
  return vim.tbl_filter(function(comment)
    return comment.cwd == root
  end, M.all())
end

return M
