--- Stands for kaged in the tests of the diff: answers `diff` and `diff_file` from a table of texts.
local root, changes = ...

---@class Change
---@field base string?
---@field kind string?
---@field agents table<string, {text: string?, old_path: string?, mode: string?}>

local M = { requests = {}, handlers = {}, changes = changes }

local function counts(old, new)
  local added, removed = 0, 0
  for _, hunk in ipairs(vim.diff(old or "", new or "", { result_type = "indices" })) do
    removed, added = removed + hunk[2], added + hunk[4]
  end
  return added, removed
end

local function status(change, version)
  if version.old_path then
    return "R"
  elseif change.base == nil then
    return "A"
  end
  return version.text == nil and "D" or "M"
end

local function listed(wanted)
  local files, agents = {}, {}
  for path, change in pairs(M.changes) do
    local file = { path = path, kind = change.kind or "text", agents = {} }
    for number, version in pairs(change.agents) do
      agents[tonumber(number)] = true
      local added, removed = counts(change.base, version.text)
      file.agents[number] = {
        status = status(change, version),
        old_path = version.old_path,
        added = added,
        removed = removed,
        old_mode = change.base and "100644" or nil,
        new_mode = version.mode or (version.text and "100644" or nil),
      }
        new_sha = version.text and vim.fn.sha256(version.text) or nil,
    end
    files[#files + 1] = file
  end
  table.sort(files, function(a, b)
    return a.path < b.path
  end)
  local numbers = #wanted > 0 and wanted or vim.tbl_keys(agents)
  table.sort(numbers)
  return { run = "k7", repository = root, base = "b", agents = numbers, files = files }
end

--- Put one file where it belongs: through its buffer where it is open, as kaged does.
local function land(path, text, mode)
  local buffer = vim.iter(vim.api.nvim_list_bufs()):find(function(one)
    return vim.api.nvim_buf_is_loaded(one) and vim.api.nvim_buf_get_name(one) == path
  end)
  if buffer then
    local now = require("kage.diff.disk").read(path)
    local order = {
      path = path,
      tick = vim.api.nvim_buf_get_changedtick(buffer),
      disk_sha256 = now and vim.fn.sha256(now) or nil,
      new_b64 = text and vim.base64.encode(text) or nil,
      mode = mode,
      write = not vim.bo[buffer].modified,
    }
    local problem = require("kage.diff.land").apply({ order })
    assert(not problem, problem and problem.message)
  elseif text then
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    assert(vim.uv.fs_chmod(path, mode == "100755" and 493 or 420))
  else
    assert(vim.uv.fs_unlink(path))
  end
end

--- Land files of an agent's.
local function accept(params)
  local files = {}
  for _, path in ipairs(params.paths) do
    local version = M.changes[path:sub(#root + 2)].agents[tostring(params.agent)]
    if version.old_path then
      land(root .. "/" .. version.old_path)
    end
    land(path, version.text, version.mode or "100644")
    files[#files + 1] = { path = path, action = "write", where = "disk" }
  end
  return { files = files, landing = 1 }
end

local function versions(path)
  local change = M.changes[path]
  local found = vim.empty_dict()
  for number, version in pairs(change.agents) do
    found[number] = {
      b64 = version.text and vim.base64.encode(version.text) or nil,
      mode = version.mode or "100644",
      old_path = version.old_path,
    }
  end
  return {
    path = path,
    base_b64 = change.base and vim.base64.encode(change.base) or nil,
    base_mode = "100644",
    versions = found,
  }
end

function M.request(method, params, callback)
  table.insert(M.requests, { method = method, params = params })
  vim.schedule(function()
    if method == "diff" then
      callback(nil, listed(params.agents))
    elseif method == "diff_file" then
      callback(nil, versions(params.path))
    else
      callback(nil, accept(params))
    end
  end)
end

function M.handle(method, handler)
  M.handlers[method] = handler
end

--- A push of kaged.
function M.update(seq, candidates)
  local agents = {}
  for number, player in ipairs({ "fast", "mini", "100%slow" }) do
    agents[number] = { number = number, player = player, state = "done" }
  end
  local run = { id = "k7", task = "t", repository = root, store = "", base = "b", created = 1 }
  run.agents, run.candidates = agents, candidates
  require("kage.state").push({ epoch = 1, seq = seq, repository = root, runs = { run } })
end

package.loaded["kage.host"] = M
M.update(1, {})
_G.kaged = M
