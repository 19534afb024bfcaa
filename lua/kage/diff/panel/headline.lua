--- The top of the file panel: how many files, and for each agent how it is doing, how much it changed and what the
--- checks said. Rendering only.
local flow = require("kage.diff.panel.flow")
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
---@field checked kage.Checked? what the checks say of yours
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

---@param checks table<string, string>? name → "pass", "running", "fail", "error", "timeout"
---@return kage.Span? ✓3/3, ✗2/3, ◐1/3; nil when there are none
function M.checks(checks)
  local passed, total, group, icon = 0, 0, "KageDone", "done"
  for _, result in pairs(checks or {}) do
    total = total + 1
    if result == "pass" then
      passed = passed + 1
    elseif result ~= "running" then
      group, icon = "KageFailed", "failed"
    elseif icon ~= "failed" then
      group, icon = "KageChecking", "checking"
    end
  end
  local icons = require("kage.config").get().icons
  return total > 0 and { ("%s%d/%d"):format(icons[icon], passed, total), group } or nil
end

--- What the checks say of a candidate: ✓14/14, ✗12/14 1 new.
---@param candidate kage.Candidate?
---@return kage.Span[]
local function said_of(candidate)
  local text, group = words.checked(candidate)
  local icon, count, more = text:match("^(%S+) (%d+/%d+),?%s*(.*)$")
  if not icon then
    return {}
  end
  more = more:gsub(" new failures?", " new"):gsub("tests weakened", "weakened")
  local spans = { { " " .. icon .. count, group } }
  spans[2] = more ~= "" and { " " .. more, group } or nil
  return spans
end

--- What the checks say of the user's own files, each that did not pass by its name; faint once the files changed.
---@param checked kage.Checked?
---@param width integer
---@param rows kage.PanelRow[] is added to
local function add_yours(checked, width, rows)
  local states, unhappy = {}, {}
  for _, result in ipairs(checked and checked.results or {}) do
    states[result.name] = result.state
    if result.state ~= "pass" then
      local count = (result.total or 0) > 0 and (" %d/%d"):format(result.passed, result.total) or ""
      local more = result.state == "timeout" and " timeout" or count
      local group = result.state == "running" and "KageChecking" or "KageFailed"
      unhappy[#unhappy + 1] = { { words.clean(result.name), group }, { more, group } }
    end
  end
  local total = M.checks(states)
  if not total then
    return
  end
  local parcels = { { { "yours", "KageTitle" }, { " " .. total[1], total[2] } } }
  if checked and checked.stale then
    table.insert(parcels[1], { " before edits" })
  end
  vim.list_extend(parcels, unhappy)
  for _, spans in ipairs(checked and checked.stale and parcels or {}) do
    for _, span in ipairs(spans) do
      span[2] = "KageFaint"
    end
  end
  local row = { spans = { { " " } } }
  rows[#rows + 1] = row
  flow.flow(row, parcels, 1, width, rows)
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
  local is_winner = head.run and head.run.winner == number
  local spans = { { (is_winner and "★" or "") .. number, "KageKey" } }
  if state then
    spans[2] = { (alone and " " or "") .. state[1], state[2] }
  end
  local tail ---@type kage.Span[]
  if candidate or not agent or vim.tbl_contains(head.agents, number) then
    local added, removed = totals(head, number)
    tail = { { " +" .. added, "KageAdded" }, { " -" .. removed, "KageRemoved", joined = true } }
    vim.list_extend(tail, said_of(candidate))
  else
    tail = { { " nothing yet", "KageFaint" } }
  end
  if alone then
    local name = agent and words.clean(agent.player) or candidate and candidate.kind or ""
    local room = head.width - 1 - flow.columns(spans) - flow.columns(tail)
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
  flow.flow(rows[1], more, 1, head.width, rows)
  local numbers = vim.list_slice(head.agents)
  for _, agent in ipairs(head.working) do
    numbers[#numbers + 1] = agent.number
  end
  table.sort(numbers)
  local alone = #numbers <= FEW
  local parcels = vim.tbl_map(function(number)
    return agent_spans(head, number, alone)
  end, numbers)
  for _, together in ipairs(alone and parcels or { parcels }) do
    local row = { spans = { { " " } } }
    rows[#rows + 1] = row
    flow.flow(row, alone and { together } or together, 1, head.width, rows)
  end
  add_yours(head.checked, head.width, rows)
  rows[#rows + 1] = { spans = { { "" } } }
  return rows
end

return M
