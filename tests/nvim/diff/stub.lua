--- Stands for kaged in the tests of the diff: answers `diff` and `diff_file` from a table of texts.
local root, changes = ...
local places_of = loadfile(vim.fs.dirname(debug.getinfo(1, "S").source:sub(2)) .. "/places.lua")()

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
        new_sha = version.text and require("kage.diff.text.sha256")(version.text) or nil,
      }
    end
    files[#files + 1] = file
  end
  table.sort(files, function(a, b)
    return a.path < b.path
  end)
  local state = require("kage.state")
  local numbers = #wanted > 0 and wanted or vim.tbl_keys(agents)
  numbers = vim.tbl_filter(function(number)
    local agent = state.agent(number, "k7")
    return agents[number] or not agent or state.ended(agent)
  end, numbers)
  table.sort(numbers)
  return { run = "k7", repository = root, base = "b", agents = numbers, files = files }
end

--- Put one file where it belongs: through its buffer where it is open, as kaged does.
local function land(path, text, mode)
  local buffer = vim.iter(vim.api.nvim_list_bufs()):find(function(one)
    return vim.api.nvim_buf_is_loaded(one) and vim.api.nvim_buf_get_name(one) == path
  end)
  if buffer then
    local now = require("kage.diff.text.disk").read(path)
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

--- A text as kaged splits it.
local function split(text)
  local lines = {}
  for line in (text or ""):gmatch("[^\n]*\n?") do
    lines[#lines + 1] = line ~= "" and (line:sub(-1) == "\n" and line:sub(1, -2) or line .. "\n") or nil
  end
  return lines
end

--- Where agents agree on a text; given by hand where the test says so.
local function aligned(change)
  local docs = {}
  for number, version in pairs(change.agents) do
    docs[tonumber(number)] = version.text and split(version.text) or nil
  end
  if change.kind then
    return nil, {}
  end
  return places_of(split(change.base), docs)
end

local function align(params)
  local files = {}
  for _, file in ipairs(listed(params.agents).files) do
    local places = aligned(M.changes[file.path])
    if places and (#params.paths == 0 or vim.tbl_contains(params.paths, file.path)) then
      files[#files + 1] = { path = file.path, places = places }
    end
  end
  return { of = listed(params.agents).agents, files = files }
end

local function versions(path)
  local change = M.changes[path]
  local found = vim.empty_dict()
  local places, hunks = aligned(change)
  for number, version in pairs(change.agents) do
    local own = vim.tbl_map(function(hunk)
      return { hunk.a0, hunk.a1, hunk.b0, hunk.b1 }
    end, hunks[tonumber(number)] or {})
    found[number] = {
      hunks = own,
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
    places = places,
  }
end

function M.request(method, params, callback)
  table.insert(M.requests, { method = method, params = params })
  vim.schedule(function()
    local given = (M.answers or {})[method]
    if given and callback then
      callback(nil, given)
    elseif method == "diff" then
      callback(nil, listed(params.agents))
    elseif method == "diff_file" then
      callback(nil, versions(params.path))
    elseif method == "align" then
      callback(nil, align(params))
    elseif method == "accept" then
      callback(nil, accept(params))
    elseif callback then
      callback(nil, { files = {}, of = {} })
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
