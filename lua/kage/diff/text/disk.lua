--- Files as they are on disk, without asking Neovim: no autocommand, no prompt, no buffer.
local M = {}

---@param path string
---@return string? bytes nil when there is no file
---@return string? problem when there is one that cannot be read
function M.read(path)
  local file, problem, code = vim.uv.fs_open(path, "r", 0)
  if not file then
    return nil, code ~= "ENOENT" and code ~= "ENOTDIR" and problem or nil
  end
  local parts, offset = {}, 0
  repeat
    local chunk, failure = vim.uv.fs_read(file, 1024 * 1024, offset)
    if not chunk then
      vim.uv.fs_close(file)
      return nil, failure
    end
    parts[#parts + 1], offset = chunk, offset + #chunk
  until chunk == ""
  vim.uv.fs_close(file)
  return table.concat(parts)
end

--- What stands where a regular file is meant: a buffer of it would write somewhere else, or nowhere.
---@param path string absolute, the repository's own folder without links
---@return string? what "a symbolic link now", or "a folder now"
function M.obstacle(path)
  local stat = vim.uv.fs_lstat(path)
  if stat and stat.type == "directory" then
    return "a folder now"
  elseif stat and stat.type == "link" then
    return "a symbolic link now"
  end
  for folder in vim.fs.parents(path) do
    stat = vim.uv.fs_lstat(folder)
    if stat and stat.type == "link" then
      return "behind a symbolic link now"
    end
  end
end

--- Give a file the executable bits that git's mode asks for, for those who may read it.
---@param path string
---@param mode string "100644" or "100755"
---@return boolean changed
function M.set_mode(path, mode)
  local stat = vim.uv.fs_stat(path)
  if not stat or (mode ~= "100644" and mode ~= "100755") then
    return false
  end
  local now = stat.mode % 512
  local is_executable = math.floor(now / 64) % 2 == 1
  if is_executable == (mode == "100755") then
    return false
  end
  local wanted = 0
  for _, unit in ipairs({ 64, 8, 1 }) do
    local bits = math.floor(now / unit) % 8
    bits = bits - bits % 2
    local may_read = bits >= 4
    wanted = wanted + unit * (bits + ((mode == "100755" and may_read) and 1 or 0))
  end
  assert(vim.uv.fs_chmod(path, wanted))
  return true
end

return M
