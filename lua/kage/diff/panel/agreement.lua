--- In which files the agents agree: asked for once the first file is there, for the panel to say. Methods of the view.
local choices = require("kage.diff.places.choices")
local host = require("kage.host")
local live = require("kage.diff.live")

local M = {}

---@return integer? choices in all files; nil while that is not known
function M:choices()
  local total
  for _, agreement in pairs(self.agreement) do
    total = (total or 0) + agreement.choices
  end
  return total
end

--- How the versions of a file compare.
---@param places {versions: {agents: integer[]}[]}[]
---@param of integer[] the agents that count
---@return kage.Agreement
local function agreement_of(places, of)
  local found = { choices = 0, agreed = 0, whole = #places > 0 and #of > 1 }
  for _, place in ipairs(places) do
    local first = place.versions[1]
    if #place.versions > 1 then
      found.choices = found.choices + 1
    elseif first and choices.count(first, of) > 1 then
      found.agreed = found.agreed + 1
    end
    found.whole = found.whole and #place.versions == 1 and choices.count(first, of) == #of
  end
  return found
end

--- Ask in which files the agents agree, where that was not done yet; the panel says it when it is known.
function M:ask_agreement()
  if not self.is_agreement_due then
    return
  end
  self.is_agreement_due = false
  live.look(self)
  local paths = {}
  for _, file in ipairs(self.files) do
    if file.kind == "text" then
      paths[#paths + 1] = file.path
    end
  end
  if #self.agents < 2 or #paths == 0 then
    self.agreement = {}
    return
  end
  self.asked = (self.asked or 0) + 1
  local serial = self.asked
  local params = { cwd = self.cwd, run = self.run, agents = self.agents, paths = paths }
  host.request("align", params, function(err, answer)
    -- Without an answer the panel says nothing of agreement; the files themselves are shown all the same.
    if err or self.closed or serial ~= self.asked then
      return
    end
    self.agreement = {}
    for _, file in ipairs(answer.files) do
      self.agreement[file.path] = agreement_of(file.places, answer.voices or answer.of)
    end
    self:draw_panel()
  end)
end

return M
