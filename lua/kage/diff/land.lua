--- Landing in open buffers: kaged asks whether it may (`land.prepare`) and then to do it (`land.apply`).
--- Everything is verified before the first change; when a step fails nevertheless, what was done is taken back.
local apply = require("kage.diff.picks.apply")
local bytes = require("kage.diff.text.bytes")
local digest = require("kage.diff.text.sha256")
local disk = require("kage.diff.text.disk")
local formats = require("kage.diff.text.formats")
local host = require("kage.host")
local notify = require("kage.notify")
local positions = require("kage.diff.picks.positions")

local M = {}

---@class kage.LandFile
---@field path string absolute
---@field tick integer? changedtick that the plan was made for
---@field disk_sha256 string? of the bytes expected on disk; nil = no file
---@field yours_b64 string? exact bytes of the buffer then
---@field new_b64 string? nil = the file is deleted
---@field mode string? "100644" or "100755"
---@field conflicts integer[][]? lines of the new text, 1-based, both ends included
---@field write boolean the buffer was unmodified: write it

---@class kage.Refusal
---@field path string
---@field why string

---@param path string
---@return integer? buffer
local function find(path)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    local name = vim.api.nvim_buf_get_name(buffer)
    if vim.api.nvim_buf_is_loaded(buffer) and name ~= "" and vim.bo[buffer].buftype == "" then
      if name == path or vim.uv.fs_realpath(name) == path then
        return buffer
      end
    end
  end
end

---@param buffer integer
---@return string
local function content(buffer)
  local doc = bytes.document(buffer)
  return bytes.encode(doc, bytes.format(buffer, doc))
end

--- Why the buffer is not the one that the plan was made for.
---@param file kage.LandFile
---@param buffer integer
---@return string?
local function buffer_problem(file, buffer)
  if vim.api.nvim_buf_get_changedtick(buffer) ~= file.tick then
    return "it was changed in the editor meanwhile"
  end
  local why, fix = apply.refusal(buffer)
  if why then
    return ("%s; %s first"):format(why, fix)
  elseif vim.bo[buffer].modified == file.write then
    return file.write and "it was modified in the editor meanwhile"
      or "it was written in the editor meanwhile"
  elseif not file.write and not file.new_b64 then
    return "it has changes that are not written, and the candidate deletes it; write or revert it first"
  elseif not file.write and file.yours_b64 and content(buffer) ~= vim.base64.decode(file.yours_b64) then
    return "its bytes are not those that were merged: 'fileformat' or 'fileencoding' changed meanwhile"
  end
end

--- Why the file on disk is not the one that the plan was made for.
---@param file kage.LandFile
---@return string?
local function disk_problem(file)
  local now, problem = disk.read(file.path)
  if problem then
    return "it cannot be read: " .. problem
  elseif (now and digest(now)) ~= file.disk_sha256 then
    return "it was changed on disk meanwhile"
  elseif now and file.write and not vim.uv.fs_access(file.path, "W") then
    return "it is write-protected; chmod u+w it first"
  end
end

---@param files kage.LandFile[]
---@return table<string, integer> buffers by path, kage.Refusal[]
local function verify(files)
  local buffers, refused = {}, {}
  for _, file in ipairs(files) do
    local buffer = find(file.path)
    local why = not buffer and "it is not open in this editor any more"
      or buffer_problem(file, buffer)
      or disk_problem(file)
    if why then
      refused[#refused + 1] = { path = file.path, why = why }
    end
    buffers[file.path] = buffer
  end
  return buffers, refused
end

--- Neovim shall know the file as it is now, and not ask about it later.
---@param buffer integer
local function acknowledge(buffer)
  local quiet = vim.api.nvim_create_autocmd("FileChangedShell", {
    buffer = buffer,
    callback = function()
      vim.v.fcs_choice = ""
    end,
  })
  vim.cmd("silent! checktime " .. buffer)
  vim.api.nvim_del_autocmd(quiet)
end

--- Write a buffer: its bytes as they are, no autocommand, no question.
---@param buffer integer
---@param path string
---@param expected string
local function write(buffer, path, expected)
  vim.fn.mkdir(vim.fs.dirname(path), "p")
  local fixeol = vim.bo[buffer].fixendofline
  vim.bo[buffer].fixendofline = false
  local ok, problem = pcall(vim.api.nvim_buf_call, buffer, function()
    vim.cmd("silent noautocmd keepalt lockmarks write!")
  end)
  vim.bo[buffer].fixendofline = fixeol
  if not ok then
    error(problem, 0)
  elseif disk.read(path) ~= expected then
    error(path .. " was written, but what is on disk differs", 0)
  end
end

---@class kage.Landed what it takes to go back
---@field file kage.LandFile
---@field buffer integer
---@field doc string[]
---@field options table<string, any>
---@field disk string?
---@field mode string

---@param file kage.LandFile
---@param buffer integer
---@return kage.Landed
local function snapshot(file, buffer)
  local stat = vim.uv.fs_stat(file.path)
  local is_executable = stat and math.floor(stat.mode / 64) % 2 == 1
  return {
    file = file,
    buffer = buffer,
    doc = bytes.document(buffer),
    options = formats.options(buffer),
    disk = disk.read(file.path),
    mode = is_executable and "100755" or "100644",
  }
end

--- Bring a buffer, and its file where it was unmodified, to new bytes.
---@param buffer integer
---@param file kage.LandFile
---@param new string
local function bring(buffer, file, new)
  local doc = bytes.document(buffer)
  local format = bytes.format(buffer, doc)
  local old = bytes.encode(doc, format)
  formats.remember(buffer, old, format)
  local before, restore = positions.of(buffer), positions.recall(buffer, new)
  local new_doc, new_format = bytes.decode(new, formats.recall(buffer, new) or format)
  apply.set_document(buffer, new_doc, new_format)
  restore()
  positions.remember(buffer, old, before)
  local changed_mode = file.mode and disk.set_mode(file.path, file.mode)
  if file.write then
    write(buffer, file.path, new)
    changed_mode = file.mode and disk.set_mode(file.path, file.mode)
  end
  if changed_mode then
    acknowledge(buffer)
  end
  vim.b[buffer].kage_deleted = nil
end

--- The file goes, its text stays in the buffer until the user closes that.
---@param buffer integer
---@param path string
local function delete(buffer, path)
  if vim.uv.fs_stat(path) then
    assert(vim.uv.fs_unlink(path))
  end
  acknowledge(buffer)
  vim.b[buffer].kage_deleted = true
  notify.info(vim.fn.fnamemodify(path, ":~:.") .. " was deleted; its text is still in its buffer")
end

---@param landed kage.Landed[]
local function take_back(landed)
  for index = #landed, 1, -1 do
    local before = landed[index]
    local file = before.file
    pcall(function()
      apply.set_document(before.buffer, before.doc, before.options)
      if file.write and before.disk then
        write(before.buffer, file.path, before.disk)
      elseif file.write then
        vim.uv.fs_unlink(file.path)
        vim.bo[before.buffer].modified = false
      end
      disk.set_mode(file.path, before.mode)
      acknowledge(before.buffer)
    end)
  end
end

--- A quickfix list of its own, on top of the user's.
---@param files kage.LandFile[]
---@param buffers table<string, integer>
local function list_conflicts(files, buffers)
  local items = {}
  for _, file in ipairs(files) do
    for _, lines in ipairs(file.conflicts or {}) do
      items[#items + 1] =
        { bufnr = buffers[file.path], lnum = lines[1], end_lnum = lines[2], text = "conflict", type = "W" }
    end
  end
  if #items > 0 then
    vim.fn.setqflist({}, " ", { title = "Kage conflicts", items = items })
  end
end

---@param refused kage.Refusal[]
---@return kage.Error
local function changed(refused)
  local reasons = {}
  for index, one in ipairs(refused) do
    reasons[index] = vim.fn.fnamemodify(one.path, ":~:.") .. ": " .. one.why
  end
  return {
    code = "changed",
    message = "nothing was landed: " .. table.concat(reasons, "; "),
    fix = "Do what is said there, or simply try again.",
    exit = 4,
    data = { refused = refused },
  }
end

--- May these files be landed here? Changes nothing.
---@param files kage.LandFile[]
---@return kage.Error? problem
function M.prepare(files)
  local _, refused = verify(files)
  return #refused > 0 and changed(refused) or nil
end

--- Land them, all or none.
---@param files kage.LandFile[]
---@return kage.Error? problem, {files: {path: string, where: string}[]}? result
function M.apply(files)
  local buffers, refused = verify(files)
  if #refused > 0 then
    return changed(refused)
  end
  local landed, result = {}, {}
  for index, file in ipairs(files) do
    local buffer = buffers[file.path]
    landed[index] = snapshot(file, buffer)
    local ok, problem = pcall(function()
      if file.new_b64 then
        bring(buffer, file, vim.base64.decode(file.new_b64))
      else
        delete(buffer, file.path)
      end
    end)
    if not ok then
      take_back(landed)
      local message = ("landing in %s failed, everything was taken back: %s"):format(file.path, problem)
      return { code = "land_failed", message = message, exit = 1 }
    end
    result[index] = { path = file.path, where = file.write and "buffer" or "buffer-modified" }
  end
  list_conflicts(files, buffers)
  return nil, { files = result }
end

host.handle("land.prepare", function(params, reply)
  reply(M.prepare(params.files), vim.empty_dict())
end)

host.handle("land.apply", function(params, reply)
  reply(M.apply(params.files))
end)

return M
