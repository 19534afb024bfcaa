-- `:KageSpawn [N] [@player[:n][+role]]… [--on CANDIDATE] [--record FILE] [task]`: gather what the agents get, ask what must be asked, send.

local context = require("kage.context")
local host = require("kage.host")
local notify = require("kage.notify")
local prompt = require("kage.prompt")

local M = {}

local MAX_AGENTS = 50

---@class kage.SpawnWords
---@field count integer?
---@field players string[]
---@field on string? the candidate to go on from: 2, or RUN:2
---@field record string? the file that the models' answers are written to
---@field task string

--- Read the words after the command. `--` ends the options, for a task that begins like one.
---@param text string
---@return kage.SpawnWords?, string? # the second says what is wrong
function M.parse(text)
  local words = { players = {}, task = "" } ---@type kage.SpawnWords
  local rest = vim.trim(text)
  local number, after = rest:match("^(%-?%d+)%f[%s%z](.*)$")
  if number then
    words.count = tonumber(number)
    rest = vim.trim(after)
    if words.count < 1 or words.count > MAX_AGENTS then
      return nil, ("the number of agents: expected 1 to %d, found %s"):format(MAX_AGENTS, number)
    end
  end
  while true do
    local on, beyond = rest:match("^%-%-on%f[%s=%z][%s=]*(%S*)%s*(.*)$")
    local record, after_record = rest:match("^%-%-record%f[%s=%z][%s=]*(%S*)%s*(.*)$")
    local player, others = rest:match("^@(%S*)%s*(.*)$")
    if on then
      if not on:match("^%d+$") and not on:match("^[^:]+:%d+$") then
        return nil, ("--on: expected a candidate (2, or RUN:2), found `%s`"):format(on)
      end
      words.on, rest = on, beyond
    elseif record == "" then
      return nil, "--record: expected a file, found nothing"
    elseif record then
      words.record, rest = vim.fn.fnamemodify(record, ":p"), after_record
    elseif player == "" then
      return nil, "a player: expected @name, found a lone @"
    elseif player then
      table.insert(words.players, player)
      rest = others
    else
      break
    end
  end
  words.task = rest:gsub("^%-%-%f[%s%z]%s*", "")
  return words
end

---@param number integer
---@return string
local function agents(number)
  return number == 1 and "1 agent" or number .. " agents"
end

---@param request table
---@param text string what was typed; it becomes the draft of the next prompt when nothing starts
local function send(request, text)
  host.request("spawn", request, function(err, result)
    if err and err.code == "confirm" then
      return require("kage.confirm")(err.data.questions, function(confirmed)
        request.confirmed = vim.list_extend(request.confirmed or {}, confirmed)
        send(request, text)
      end, function()
        prompt.keep_draft(request.cwd, text)
        notify.info("nothing was started")
      end)
    elseif err then
      prompt.keep_draft(request.cwd, text)
      return notify.error(err)
    end
    prompt.started(request.cwd)
    local started = agents(#result.agents)
    local lines = { started .. (#result.agents == 1 and " runs" or " run") .. " (" .. result.run .. ")" }
    vim.list_extend(lines, result.notes or {})
    notify.info(table.concat(lines, "\n"))
  end)
end

---@param words kage.SpawnWords
---@param variants table<string, string>
---@return string? # what is wrong
local function check_variants(words, variants)
  for number in pairs(variants) do
    if words.count and tonumber(number) > words.count or tonumber(number) < 1 then
      return ("`## %s` names an agent that this run of %s does not have"):format(
        number,
        agents(words.count or 0)
      )
    end
  end
end

---@param words kage.SpawnWords
---@param place kage.Place
---@param text string
---@return string? # what is wrong
local function start(words, place, text)
  local task, variants = prompt.sections(text)
  local problem = check_variants(words, variants)
  if problem then
    return problem
  end
  local changed = context.changed_on_disk(place.cwd)
  if #changed > 0 then
    local list = table.concat(changed, ", ")
    notify.warn(
      "changed on disk since you read it: " .. list .. "\nUnsaved text of yours counts, else the disk's."
    )
  end
  if place.note then
    notify.warn(place.note)
  end
  send({
    cwd = place.cwd,
    task = {
      text = task,
      selection = place.selection,
      files = { place.path },
      variants = next(variants) and variants or nil,
    },
    count = words.count,
    players = words.players,
    on = words.on,
    record = words.record,
    layout = { place = require("kage.config").get().panes },
  }, text)
end

---@param words kage.SpawnWords
---@param place kage.Place
---@return string
local function title(words, place)
  local parts = { "KageSpawn" }
  parts[#parts + 1] = words.count and tostring(words.count)
  for _, player in ipairs(words.players) do
    parts[#parts + 1] = "@" .. player
  end
  parts[#parts + 1] = words.on and "--on " .. words.on
  local selection = place.selection
  if selection then
    parts[#parts + 1] = ("· %s:%d-%d"):format(selection.path, selection.first, selection.last)
  elseif place.path then
    parts[#parts + 1] = "· " .. place.path
  end
  return table.concat(parts, " ")
end

--- The command.
---@param args kage.Words
function M.command(args)
  local words, problem = M.parse(args.args)
  if not words then
    return notify.error({
      message = problem,
      fix = "Write :KageSpawn [N] [@player[:n][+role]]… [--on CANDIDATE] [--record FILE] [task]",
    })
  end
  local place = context.place(args.range > 0 and args.line1 or nil, args.range > 0 and args.line2 or nil)
  if words.task ~= "" then
    problem = start(words, place, words.task)
    return problem and notify.error(problem)
  end
  -- The gateway's library takes seconds to load: it may, while the task is being written. Nobody waits for it.
  host.request("warm", { cwd = place.cwd })
  prompt.open({
    key = place.cwd,
    title = title(words, place),
    send = function(text)
      return start(words, place, text)
    end,
  })
end

return M
