-- What the user sees, for agents to start from: which repository, which lines are selected, and the exact
-- bytes of every buffer as `:write` would write them.

local M = {}

---@param path string
---@return string # links resolved; of a file that is not there yet, those of its folder
local function real(path)
  local found = vim.uv.fs_realpath(path)
  if found then
    return found
  end
  local folder = vim.uv.fs_realpath(vim.fs.dirname(path))
  return folder and vim.fs.joinpath(folder, vim.fs.basename(path)) or path
end

---@param path string
---@param folder string
---@return string? # relative, when the path lies under the folder
local function under(path, folder)
  folder = folder:gsub("/+$", "") .. "/"
  return vim.startswith(path, folder) and path:sub(#folder + 1) or nil
end

---@param buffer integer
---@return boolean # a loaded buffer of a file
local function is_file(buffer)
  return vim.api.nvim_buf_is_loaded(buffer)
    and vim.bo[buffer].buftype == ""
    and vim.api.nvim_buf_get_name(buffer):sub(1, 1) == "/"
end

---@param path string
---@return string? # the root of the repository that holds it
local function root_of(path)
  local root = vim.fs.root(path, ".git")
  return root and real(root)
end

--- The root of the repository that holds a folder; the folder itself where there is none.
---@param folder string
---@return string
function M.root(folder)
  return root_of(real(folder)) or folder
end

--- The folder that names the repository a command is about: that of the current file, else of the working
--- directory; in Kage's own buffers the one that is watched.
---@return string
function M.cwd()
  local buffer = vim.api.nvim_get_current_buf()
  if vim.api.nvim_buf_get_name(buffer):find("^kage://") then
    return require("kage.state").repository() or vim.fn.getcwd()
  end
  if is_file(buffer) then
    local root = root_of(real(vim.api.nvim_buf_get_name(buffer)))
    if root then
      return root
    end
  end
  return vim.fn.getcwd()
end

---@class kage.Place where a task comes from
---@field cwd string
---@field path string? the current file, relative to the repository
---@field selection kage.Selection?
---@field note string? what was left out

--- The place of the current buffer, with the lines that were selected.
---@param first integer? 1-based; nil = nothing is selected
---@param last integer?
---@return kage.Place
function M.place(first, last)
  local buffer = vim.api.nvim_get_current_buf()
  local place = { cwd = M.cwd() } ---@type kage.Place
  if is_file(buffer) then
    local full = real(vim.api.nvim_buf_get_name(buffer))
    local root = root_of(full)
    place.path = root and under(full, root)
  end
  if first and last then
    if place.path then
      local lines = vim.api.nvim_buf_get_lines(buffer, first - 1, last, false)
      place.selection = { path = place.path, first = first, last = last, text = table.concat(lines, "\n") }
    else
      place.note = "the selection is left out: this buffer is no file of a repository"
    end
  end
  return place
end

--- Write a buffer's bytes to a file without anybody noticing: no autocommand, no mark, alternate file, undo
--- step or 'modified' is touched.
---@param buffer integer
---@param target string
local function write_bytes(buffer, target)
  local global = { cpoptions = vim.o.cpoptions, patchmode = vim.o.patchmode, fsync = vim.o.fsync }
  local fixeol = vim.bo[buffer].fixendofline
  local ignored = vim.o.eventignore
  vim.o.eventignore = "all"
  vim.o.cpoptions = global.cpoptions:gsub("[AFPW+]", "")
  vim.o.patchmode, vim.o.fsync = "", false
  vim.bo[buffer].fixendofline = false
  local ok, problem = pcall(vim.api.nvim_buf_call, buffer, function()
    vim.cmd.write({
      args = { target },
      magic = { file = false, bar = false },
      mods = { noautocmd = true, keepalt = true, keepjumps = true, lockmarks = true, silent = true },
    })
  end)
  vim.bo[buffer].fixendofline = fixeol
  vim.o.cpoptions, vim.o.patchmode, vim.o.fsync = global.cpoptions, global.patchmode, global.fsync
  vim.o.eventignore = ignored
  if not ok then
    error(problem, 0)
  end
end

--- `:write` puts question marks where an encoding cannot hold a character, with a message alone. Agents must
--- not start from such a file.
---@param buffer integer
local function check_encoding(buffer)
  local encoding = vim.bo[buffer].fileencoding
  if encoding == "" or encoding:find("^utf") or encoding:find("^ucs") then
    return
  end
  local text = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n")
  local there = vim.iconv(text, "utf-8", encoding)
  if not there or vim.iconv(there, encoding, "utf-8") ~= text then
    local name = vim.api.nvim_buf_get_name(buffer)
    error(("%s cannot be written as %s: it holds other characters"):format(name, encoding), 0)
  end
end

--- The exact bytes that `:write` would write ('fixendofline' aside: what is there now).
---@param buffer integer
---@return string
function M.bytes(buffer)
  check_encoding(buffer)
  local target = vim.fn.tempname()
  local ok, problem = pcall(write_bytes, buffer, target)
  local file = ok and io.open(target, "rb")
  local bytes = file and file:read("*a")
  if file then
    file:close()
  end
  os.remove(target)
  if not bytes then
    local name = vim.api.nvim_buf_get_name(buffer)
    error(("%s cannot be written: %s"):format(name, problem), 0)
  end
  return bytes
end

--- Every file buffer under a repository; modified ones with their bytes.
---@param repository string
---@return table[]
function M.buffers(repository)
  local found = {}
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if is_file(buffer) and vim.bo[buffer].buflisted then
      local path = real(vim.api.nvim_buf_get_name(buffer))
      if under(path, repository) then
        local modified = vim.bo[buffer].modified
        found[#found + 1] = {
          path = path,
          changedtick = vim.api.nvim_buf_get_changedtick(buffer),
          modified = modified,
          b64 = modified and vim.base64.encode(M.bytes(buffer)) or nil,
          exists = vim.uv.fs_stat(path) ~= nil,
        }
      end
    end
  end
  return found
end

--- Files under the folder that changed on disk since their buffers were read. Buffers that may reload by
--- themselves ('autoread') do so; for the others nothing changes.
---@param folder string
---@return string[] # paths relative to the folder
function M.changed_on_disk(folder)
  local changed = {}
  local watcher = vim.api.nvim_create_autocmd("FileChangedShell", {
    callback = function(event)
      if vim.v.fcs_reason ~= "mode" and vim.v.fcs_reason ~= "time" then
        local path = real(vim.api.nvim_buf_get_name(event.buf))
        changed[#changed + 1] = under(path, real(folder)) or path
      end
      vim.v.fcs_choice = ""
    end,
  })
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if is_file(buffer) and under(real(vim.api.nvim_buf_get_name(buffer)), real(folder)) then
      vim.cmd("silent! checktime " .. buffer)
    end
  end
  vim.api.nvim_del_autocmd(watcher)
  return changed
end

require("kage.host").handle("editor.buffers", function(params, reply)
  local ok, found = pcall(M.buffers, real(params.repository))
  if ok then
    reply(nil, { buffers = found })
  else
    local fix = "Set 'fileencoding' to one that can hold the text (utf-8), or undo the characters."
    reply({ code = "buffer", message = found, fix = fix })
  end
end)

return M
