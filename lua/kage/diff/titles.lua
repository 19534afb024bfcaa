--- What stands above each window of the diff, and in place of a file that is no text.
local panel = require("kage.diff.panel")
local picks = require("kage.diff.picks")
local shape = require("kage.diff.text.shape")
local whole = require("kage.diff.picks.whole")
local words = require("kage.words")

local M = {}

-- Columns of a player's name that stay in the narrowest window.
local SHORTEST = 4

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

--- Is this what stands above the window of yours?
---@param winbar string
---@return boolean
function M.is_yours(winbar)
  return vim.startswith(winbar, coloured("KageTitle", " yours "))
end

---@param file kage.ChangedFile
---@param said? kage.Span[] what there is to say of its places
---@return string
function M.yours(file, said)
  -- In a narrow window what is said of the place under the cursor gives way first, else the name's beginning.
  local name = (said and #said > 1 and "" or "%<") .. safe(vim.fs.basename(file.path))
  local parts = { coloured("KageTitle", " yours ") .. name .. " %m%r" }
  for index, span in ipairs(said or {}) do
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

---@class kage.TitlePart what a title says
---@field [1] string text
---@field [2] string group
---@field short string? in a narrow window

--- How many lines there are left to take.
---@param parts kage.TitlePart[] is added to
---@param merge kage.Merge
---@param pending string? what else there is left
local function add_counts(parts, merge, pending)
  local added, removed, conflicts = picks.count(merge)
  if #merge.picks > 0 then
    parts[#parts + 1] = { "+" .. added, "KageAdded" }
    parts[#parts + 1] = { "-" .. removed, "KageRemoved" }
  elseif not pending then
    parts[#parts + 1] = { "all taken", "KageFaint" }
  end
  if conflicts > 0 then
    parts[#parts + 1] = { conflicts == 1 and "1 conflict" or conflicts .. " conflicts", "KageConflict" }
  end
end

--- Whether what is shown of an agent may still change.
---@param parts kage.TitlePart[] is added to
---@param number integer
---@param run string
local function add_work(parts, number, run)
  for _, candidate in ipairs((require("kage.state").run(run) or {}).candidates or {}) do
    local agent = candidate.number == number and candidate.live and require("kage.state").agent(number, run)
    if agent then
      local icon = require("kage.config").get().icons[agent.state] or "?"
      local group = require("kage.highlight").of(agent.state)
      parts[#parts + 1] = { icon .. " " .. agent.state, group, short = icon }
    end
  end
end

--- What there is left to take of an agent's version, and what is special about it.
---@param view kage.DiffView
---@param column kage.Column
---@return kage.TitlePart[]
local function parts_of(view, column)
  local parts = {}
  add_work(parts, column.agent, view.run)
  local file = assert(view:file(view.path))
  local change = file.agents[tostring(column.agent)]
  if not change then
    parts[#parts + 1] = { "does not change it", "KageFaint", short = "no change" }
    return parts
  end
  local pending = whole.pending(view.root, file, column.agent, view.content.versions[column.agent])
  if change.status == "D" then
    parts[#parts + 1] = { "deletes it", "KageRemoved" }
    parts[#parts + 1] = pending and { "· do takes that", "KageFaint", short = "· do" }
      or { "· taken, :KageUndo takes it back", "KageFaint", short = "· taken" }
  elseif file.kind == "text" and column.merge then
    local held = shape.pending(view.content, column.agent)
    add_counts(parts, column.merge, pending or (held and held.text))
    if held then
      parts[#parts + 1] =
        { held.text .. ", not taken: dO takes it", "KageFaint", short = held.text .. ": dO" }
    end
    local remarks = pending and not_taken(pending, change)
      or panel.remarks(file, change, change.status ~= "R")
    if remarks ~= "" then
      parts[#parts + 1] = { remarks, "KageFaint", short = pending and pending .. ": do" or nil }
    end
  elseif file.kind ~= "submodule" then
    local text = pending and not_taken(pending, change) or "taken, :KageUndo takes it back"
    parts[#parts + 1] = { text, "KageFaint", short = pending and pending .. ": do" or "taken" }
  end
  return parts
end

--- Which key shows the agents that there is no window for.
---@param view kage.DiffView
---@return string
local function others(view)
  local before, behind = view.first > 1, view.first + #view.columns <= #view.agents
  local keys = (before and " [a" or "") .. (behind and " ]a" or "")
  return ("%d more:%s "):format(#view.agents - #view.columns, keys)
end

--- Number, player and what is left to take. In a narrow window the words get shorter, then the player's name; the
--- number always stays.
---@param view kage.DiffView
---@param column kage.Column
---@return string
function M.agent(view, column)
  local parts = parts_of(view, column)
  local name = vim.fn.strtrans(player(column.agent, view.run))
  local room = vim.api.nvim_win_get_width(column.window) - #(" " .. column.agent .. " ")
  local function needed()
    local columns = 0
    for _, part in ipairs(parts) do
      columns = columns + 1 + vim.api.nvim_strwidth(vim.fn.strtrans(part[1]))
    end
    return columns
  end
  for index = #parts, 1, -1 do
    if vim.api.nvim_strwidth(name) + 1 + needed() > room then
      parts[index][1] = parts[index].short or parts[index][1]
    end
  end
  name = words.cut(name, math.max(SHORTEST, room - 1 - needed()))
  local texts = { coloured("KageKey", " " .. column.agent .. " "), safe(name), " " }
  for index, part in ipairs(parts) do
    texts[#texts + 1] = (index == #parts and " %<" or " ") .. coloured(part[2], safe(part[1]))
  end
  local more = others(view)
  local left = room - vim.api.nvim_strwidth(name) - 1 - needed()
  if column == view.columns[#view.columns] and #view.agents > #view.columns and left > #more then
    texts[#texts + 1] = "%=" .. coloured("KageFaint", more)
  end
  return table.concat(texts)
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
