--- What stands above each window of the diff, and in place of a file that is no text.
local panel = require("kage.diff.panel")
local picks = require("kage.diff.picks")
local whole = require("kage.diff.whole")

local M = {}

--- Text of others in a winbar: `%` would be executed.
---@param text string
---@return string
local function safe(text)
  return (vim.fn.strtrans(text):gsub("%%", "%%%%"))
end

---@param group string
---@param text string
---@return string
local function coloured(group, text)
  return ("%%#%s#%s%%*"):format(group, text)
end

---@param number integer
---@param run string
---@return string who stands behind a number
local function player(number, run)
  local found = require("kage.state").run(run)
  for _, agent in ipairs(found and found.agents or {}) do
    if agent.number == number then
      return agent.role and agent.player .. "+" .. agent.role or agent.player
    end
  end
  for _, candidate in ipairs(found and found.candidates or {}) do
    if candidate.number == number then
      return candidate.kind
    end
  end
  return "agent"
end

M.safe, M.coloured, M.player = safe, coloured, player

---@param view kage.DiffView
---@return string
function M.panel(view)
  return coloured("KageFaint", " " .. safe(view.run))
end

--- Above the window of yours, before any agent has something to show.
---@return string
function M.to_come()
  return coloured("KageTitle", " yours ")
    .. coloured("KageFaint", "no changes yet; they appear here by themselves")
end

---@param file kage.ChangedFile
---@param said? kage.Span[] what there is to say of its places
---@return string
function M.yours(file, said)
  local parts = { coloured("KageTitle", " yours ") .. safe(vim.fs.basename(file.path)) .. " %m%r" }
  for index, span in ipairs(said or {}) do
    -- In a narrow window the place under the cursor gives way first.
    parts[#parts + 1] = (index == 2 and " %<" or " ") .. coloured(assert(span[2]), safe(span[1]))
  end
  return table.concat(parts)
end

--- What there is left of a change that is taken whole.
---@param pending string
---@param change kage.FileChange
---@return string
local function not_taken(pending, change)
  if pending == "rename" then
    pending = "renamed from " .. vim.fn.strtrans(change.old_path)
  end
  return pending .. ", not taken: do takes it"
end

--- How many lines there are left to take.
---@param add fun(group: string, text: string)
---@param merge kage.Merge
---@param pending string? what else there is left
local function add_counts(add, merge, pending)
  local added, removed, conflicts = picks.count(merge)
  if #merge.picks > 0 then
    add("KageAdded", "+" .. added)
    add("KageRemoved", "-" .. removed)
  elseif not pending then
    add("KageFaint", "all taken")
  end
  if conflicts > 0 then
    add("KageConflict", conflicts == 1 and "1 conflict" or conflicts .. " conflicts")
  end
end

--- Whether what is shown of an agent may still change.
---@param number integer
---@param run string
---@return string
local function at_work(number, run)
  for _, candidate in ipairs((require("kage.state").run(run) or {}).candidates or {}) do
    local agent = candidate.number == number and candidate.live and require("kage.state").agent(number, run)
    if agent then
      local icon = require("kage.config").get().icons[agent.state] or "?"
      return " " .. coloured(require("kage.highlight").of(agent.state), safe(icon .. " " .. agent.state))
    end
  end
  return ""
end

--- Number, player and what is left to take.
---@param view kage.DiffView
---@param column kage.Column
---@return string
function M.agent(view, column)
  local parts = { coloured("KageKey", " " .. column.agent .. " "), safe(player(column.agent, view.run)), " " }
  parts[#parts + 1] = at_work(column.agent, view.run)
  local function add(group, text)
    parts[#parts + 1] = " " .. coloured(group, text)
  end
  local file = assert(view:file(view.path))
  local change = file.agents[tostring(column.agent)]
  if not change then
    add("KageFaint", "does not change it")
    return table.concat(parts)
  end
  local pending = whole.pending(view.root, file, column.agent, view.content.versions[column.agent])
  if change.status == "D" then
    add("KageRemoved", "deletes it")
    add("KageFaint", pending and "· do takes that" or "· taken, :KageUndo takes it back")
  elseif file.kind == "text" and column.merge then
    add_counts(add, column.merge, pending)
    local remarks = pending and not_taken(pending, change)
      or panel.remarks(file, change, change.status ~= "R")
    if remarks ~= "" then
      -- In a narrow window the remarks give way first.
      add("KageFaint", "%<" .. safe(remarks))
    end
  elseif file.kind ~= "submodule" then
    add("KageFaint", safe(pending and not_taken(pending, change) or "taken, :KageUndo takes it back"))
  end
  return table.concat(parts)
end

---@param bytes string?
---@return string
local function size(bytes)
  return bytes and (#bytes == 1 and "1 byte" or #bytes .. " bytes") or "not there"
end

--- What to show of a file whose content is no text.
---@param file kage.ChangedFile
---@param agent integer? nil = yours
---@param version kage.Version?
---@param root string?
---@return string[]
function M.note(file, agent, version, root)
  local name = vim.fn.strtrans(file.path)
  if not agent then
    local how = ", not compared line by line"
    return {
      "",
      " " .. name,
      "",
      " " .. file.kind .. how,
      "",
      " :KageUndo takes back what was taken whole; u does not",
    }
  end
  local change = file.agents[tostring(agent)]
  if not change or not version then
    return { "", " not changed by " .. agent }
  end
  local is_link = version.mode == "120000" and version.bytes
  local state = (" do takes the whole file, as :KageAccept %d does;"):format(agent)
  local back = " :KageUndo takes it back, u does not"
  if file.kind ~= "submodule" and not whole.pending(assert(root), file, agent, version) then
    state = " taken;"
  end
  return {
    "",
    " " .. panel.remarks(file, change),
    " " .. (is_link and "to " .. vim.fn.strtrans(version.bytes) or size(version.bytes)),
    "",
    state,
    back,
  }
end

return M
