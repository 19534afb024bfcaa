--- The top of the file panel: how many files, and for each agent how it is doing, how much it changed and what the
--- checks said. Rendering only.
local panel = require("kage.diff.panel")
local words = require("kage.words")

local M = {}

-- More agents than this share rows, without their players' names.
local FEW = 5

---@class kage.Headline what it is made of
---@field files kage.ChangedFile[]
---@field agents integer[] that have a candidate
---@field working kage.Agent[] that have none yet
---@field run kage.Run?
---@field choices integer? open ones, when they are known
---@field width integer columns

---@param run kage.Run?
---@param number integer
---@return kage.Agent? agent, kage.Candidate? candidate
local function of_number(run, number)
  local agent, candidate
  for _, one in ipairs(run and run.agents or {}) do
    agent = one.number == number and one or agent
  end
  for _, one in ipairs(run and run.candidates or {}) do
    candidate = one.number == number and one or candidate
  end
  return agent, candidate
end

---@param checks table<string, string>? name → "pass", "fail", "error", "running", …
---@return kage.Span? ✓3/3, ✗2/3, ◐1/3; nil when there are none
function M.checks(checks)
  local passed, total, group, icon = 0, 0, "KageDone", "done"
  for _, result in pairs(checks or {}) do
    total = total + 1
    if result == "pass" then
      passed = passed + 1
    elseif result == "fail" or result == "error" then
      group, icon = "KageFailed", "failed"
    elseif icon ~= "failed" then
      group, icon = "KageChecking", "checking"
    end
  end
  local icons = require("kage.config").get().icons
  return total > 0 and { ("%s%d/%d"):format(icons[icon], passed, total), group } or nil
end

---@param agent kage.Agent?
---@return kage.Span? its state, when that is more than done
local function state_of(agent)
  if agent and agent.state ~= "done" then
    local icons = require("kage.config").get().icons
    return { icons[agent.state] or "?", require("kage.highlight").of(agent.state) }
  end
end

---@param head kage.Headline
---@param number integer
---@return integer added, integer removed
local function totals(head, number)
  local added, removed = 0, 0
  for _, file in ipairs(head.files) do
    local change = file.agents[tostring(number)]
    added = added + (change and change.added or 0)
    removed = removed + (change and change.removed or 0)
  end
  return added, removed
end

--- One agent, as a row of its own or as one of several in a row.
---@param head kage.Headline
---@param number integer
---@param alone boolean
---@return kage.Span[] spans
local function agent_spans(head, number, alone)
  local agent, candidate = of_number(head.run, number)
  local state = state_of(agent)
  local spans = { { tostring(number), "KageKey" } }
  if state then
    spans[2] = { (alone and " " or "") .. state[1], state[2] }
  end
  local tail ---@type kage.Span[]
  if candidate or not agent or vim.tbl_contains(head.agents, number) then
    local added, removed = totals(head, number)
    tail = { { " +" .. added, "KageAdded" }, { " -" .. removed, "KageRemoved" } }
    local checks = M.checks(candidate and candidate.checks)
    tail[3] = checks and { " " .. checks[1], checks[2] }
  else
    tail = { { " nothing yet", "KageFaint" } }
  end
  if alone then
    local name = agent and words.clean(agent.player) or candidate and candidate.kind or ""
    local room = head.width - 1 - panel.columns(spans) - panel.columns(tail)
    name = room > 3 and words.cut(name, room - 1) or ""
    spans[#spans + 1] = { name ~= "" and " " .. name or "" }
  end
  return vim.list_extend(spans, tail)
end

---@param head kage.Headline
---@return kage.PanelRow[]
function M.rows(head)
  local files = #head.files == 1 and "1 file" or #head.files .. " files"
  local rows = { { spans = { { " " .. files, "KageTitle" } } } }
  local more = { { { "g? keys", "KageFaint" } } }
  if head.choices and head.choices > 0 then
    local text = head.choices == 1 and "1 choice" or head.choices .. " choices"
    table.insert(more, 1, { { text, "KageConflict" } })
  end
  panel.flow(rows[1], more, 1, head.width, rows)
  local numbers = vim.list_slice(head.agents)
  for _, agent in ipairs(head.working) do
    numbers[#numbers + 1] = agent.number
  end
  table.sort(numbers)
  local alone, parcels = #numbers <= FEW, {}
  for _, number in ipairs(numbers) do
    local spans = agent_spans(head, number, alone)
    if alone then
      rows[#rows + 1] = { spans = vim.list_extend({ { " " } }, spans) }
    else
      parcels[#parcels + 1] = spans
    end
  end
  if not alone then
    rows[#rows + 1] = { spans = { { " " } } }
    panel.flow(rows[#rows], parcels, 1, head.width, rows)
  end
  rows[#rows + 1] = { spans = { { "" } } }
  return rows
end

return M
