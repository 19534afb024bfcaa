--- What is said above the first line: changes of a file that no line shows. Methods of the session.
local shape = require("kage.diff.text.shape")
local whole = require("kage.diff.picks.whole")

local M = {}

--- What of the file is left that can only be taken whole.
---@return table[] {agent, text, change: kage.ShapeChange?, path: string?}
function M:notes()
  return vim.list_extend(self:own_notes(), self:notes_beside())
end

--- What agents made of the file shown under another name, or of one that is no text.
---@return table[] {agent, text, path: string}
function M:notes_beside()
  local here, notes = self.path or self.beside, {}
  local is_there = here and here ~= "" and vim.uv.fs_lstat(vim.fs.joinpath(self.root, here)) ~= nil
  for _, file in ipairs(is_there and self.all or {}) do
    for _, agent in ipairs(self:changers(file)) do
      local change, text = file.agents[tostring(agent)], nil
      if change.status == "R" and change.old_path == here then
        text = "renames it to " .. vim.fn.strtrans(file.path)
      elseif file.path == here and file.kind ~= "text" then
        text = change.status == "D" and "deletes the file" or ("changes it as a whole (%s)"):format(file.kind)
      end
      if text then
        notes[#notes + 1] = { agent, ("%s: :KageAccept %d takes that"):format(text, agent), path = file.path }
      end
    end
  end
  return notes
end

---@return table[] {agent, text, change: kage.ShapeChange?}
function M:own_notes()
  local file, notes = self:file(self.path), {}
  for _, agent in ipairs(file and self:changers(file) or {}) do
    local pending = whole.pending(self.root, file, agent, self.content.versions[agent])
    if pending == "deletion" then
      notes[#notes + 1] = { agent, ("deletes the file: %ddo takes that"):format(agent) }
    elseif pending == "rename" then
      local old = vim.fn.strtrans(file.agents[tostring(agent)].old_path)
      notes[#notes + 1] = { agent, ("renames it from %s: :KageAccept %d takes that"):format(old, agent) }
    elseif pending then
      notes[#notes + 1] = { agent, ("%s: :KageAccept %d takes that"):format(pending, agent) }
    end
    local change = not pending and shape.pending(self.content, agent)
    if change then
      notes[#notes + 1] = { agent, ("%s: %ddO takes that"):format(change.text, agent), change = change }
    end
  end
  return notes
end

return M
