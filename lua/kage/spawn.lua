-- `:KageSpawn [N] [@player[:n][+role]]… [--OPTION …] [task]`: gather what the agents get, ask what must be asked, send.

local confirm = require("kage.confirm")
local context = require("kage.context")
local host = require("kage.host")
local notify = require("kage.notify")
local parts = require("kage.parts")
local prompt = require("kage.prompt")
local spawn_words = require("kage.spawn_words")

local M = {}

M.parse = spawn_words.parse

---@param number integer
---@return string
local function agents(number)
  return number == 1 and "1 agent" or number .. " agents"
end

---@param request table
---@param text string what was typed; it becomes the draft of the next prompt when nothing starts
local function send(request, text)
  host.request("spawn", request, function(err, result)
    local function again(ids)
      request.confirmed = vim.list_extend(request.confirmed or {}, ids)
      send(request, text)
    end
    local function give_up()
      prompt.keep_draft(request.cwd, text)
    end
    if confirm.is_held_up(err, again, "nothing was started", give_up) then
      return
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

local start

---@param words kage.SpawnWords
---@param place kage.Place
---@param text string
---@param plan string? what a planner named the run, whose parts the text holds
---@return string? # what is wrong
function start(words, place, text, plan)
  local task, variants = prompt.sections(text)
  local problem = check_variants(words, variants)
  if not problem and plan and not next(variants) then
    problem = "no parts are left: write them as sections `## 1`, `## 2`"
  end
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
  local order = { text = task, selection = place.selection, files = { place.path } }
  local course = spawn_words.course(words)
  if words.parts and not next(variants) then
    return parts.propose({ cwd = place.cwd, task = order, count = words.count }, text, function(edited, named)
      return start(words, place, edited, named)
    end)
  elseif words.parts then
    course = vim.tbl_extend("force", course or {}, { parts = variants })
  else
    order.variants = next(variants) and variants or nil
  end
  send({
    cwd = place.cwd,
    task = order,
    plan = plan,
    count = not plan and words.count or nil,
    players = words.players,
    on = words.on,
    record = words.record,
    course = course,
    layout = { place = require("kage.config").get().panes },
  }, text)
end

---@param words kage.SpawnWords
---@param place kage.Place
---@return string
local function title(words, place)
  local said = { "KageSpawn" }
  said[#said + 1] = words.count and tostring(words.count)
  for _, player in ipairs(words.players) do
    said[#said + 1] = "@" .. player
  end
  for _, name in ipairs(spawn_words.names()) do
    local value = words[spawn_words.OPTIONS[name:sub(3)].key]
    if value and name ~= "--record" then
      said[#said + 1] = value == true and name or name .. " " .. value
    end
  end
  local selection = place.selection
  if selection then
    said[#said + 1] = ("· %s:%d-%d"):format(selection.path, selection.first, selection.last)
  elseif place.path then
    said[#said + 1] = "· " .. place.path
  end
  return table.concat(said, " ")
end

--- The command.
---@param args kage.Words
function M.command(args)
  local words, problem = M.parse(args.args)
  if not words then
    return notify.error({
      message = problem,
      fix = "Write :KageSpawn "
        .. require("kage.verbs").spawn.usage
        .. "; :help :KageSpawn names the options",
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
    hints = function(show)
      require("kage.spending").forecast(words, place, show)
    end,
  })
end

return M
