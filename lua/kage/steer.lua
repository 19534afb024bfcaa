-- The verbs that speak to agents, and how commands name agents.

---@param message string
---@param verb string
local function misuse(message, verb)
  local usage = require("kage.verbs")[verb].usage
  require("kage.notify").error({
    message = message,
    fix = "Write :Kage " .. verb .. (usage ~= "" and " " .. usage or ""),
  })
end

---@param words kage.Words
---@param method string
---@param params table
---@param done fun(result: any)?
local function ask(words, method, params, done)
  params.cwd = require("kage.context").cwd()
  params.run = words.run
  require("kage.host").request(method, params, function(err, result)
    if err then
      require("kage.notify").error(err)
    elseif done then
      done(result)
    end
  end)
end

--- The agent that the first word names. Without one: the run's only agent.
---@param words kage.Words
---@param verb string
---@param all boolean? `all` is understood
---@return integer|"all"|nil # nil: the user was told what is wrong
local function agent_of(words, verb, all)
  local word = words.fargs[1]
  local number = require("kage.words").number(word)
  if number then
    return number
  elseif word == "all" and all then
    return "all"
  end
  local run = require("kage.state").run(words.run)
  if not word and run and #run.agents == 1 then
    return run.agents[1].number
  end
  local expected = all and "an agent's number or `all`" or "an agent's number"
  misuse(("%s: expected %s, found %s"):format(verb, expected, word and "`" .. word .. "`" or "nothing"), verb)
end

--- The agents that the first words name: `2`, `2,3`, `2 3` or `all`; and the text after them. Without any: the
--- run's only agent.
---@param words kage.Words
---@param verb string
---@return integer|integer[]|"all"|nil, string # nil: the user was told what is wrong
local function agents_of(words, verb)
  local numbers, rest = {}, vim.trim(words.args)
  while true do
    local list, after = rest:match("^(%d[%d,]*)%f[%s%z](.*)$")
    if not list then
      break
    end
    for typed in list:gmatch("%d+") do
      local number = require("kage.words").number(typed)
      if not number then
        return misuse(("%s: no agent has the number %s"):format(verb, typed), verb), rest
      elseif not vim.tbl_contains(numbers, number) then
        numbers[#numbers + 1] = number
      end
    end
    rest = vim.trim(after)
  end
  rest = rest:gsub("^%-%-%f[%s%z]%s*", "")
  if #numbers > 0 then
    return #numbers == 1 and numbers[1] or numbers, rest
  end
  return agent_of(words, verb, true), vim.trim(words.args:match("^%S+%s+(.*)$") or "")
end

--- A verb that tells agents something and says which ones heard it.
---@param verb string
---@param past string
---@return fun(words: kage.Words)
local function control(verb, past)
  return function(words)
    local agents, text = agents_of(words, verb)
    if agents and text ~= "" and verb ~= "restart" then
      return misuse(("%s: expected agents' numbers or `all`, found `%s`"):format(verb, text), verb)
    elseif agents then
      ask(words, verb, { agent = agents, text = text ~= "" and text or nil }, function(result)
        local numbers = table.concat(result.agents, ", ")
        require("kage.notify").info(numbers == "" and "no agent to " .. verb or past .. " " .. numbers)
      end)
    end
  end
end

--- The lines that a range names, to stand below what is said.
---@param words kage.Words
---@return string
local function selected(words)
  if words.range == 0 then
    return ""
  end
  local place = require("kage.context").place(words.line1, words.line2)
  local selection = place.selection
  if not selection then
    local lines = vim.api.nvim_buf_get_lines(0, words.line1 - 1, words.line2, false)
    return "\n\n```\n" .. table.concat(lines, "\n") .. "\n```"
  end
  local where = ("%s, lines %d to %d"):format(selection.path, selection.first, selection.last)
  return "\n\n" .. where .. ":\n```\n" .. selection.text .. "\n```"
end

---@param words kage.Words
local function send(words)
  local agents, text = agents_of(words, "send")
  if not agents then
    return
  end
  local lines = selected(words)
  local function say(input)
    if input and vim.trim(input) ~= "" then
      ask(words, "send", { agent = agents, text = input .. lines }, function(result)
        require("kage.notify").info(require("kage.report").sent(result))
      end)
    end
  end
  if text ~= "" then
    return say(text)
  end
  local whom = type(agents) == "table" and "agents " .. table.concat(agents, ", ") or "agent " .. agents
  vim.ui.input({ prompt = "Say to " .. (agents == "all" and "all agents" or whom) .. ": " }, say)
end

--- The task of the run: changed for all its agents, or shown in the prompt to be changed.
---@param words kage.Words
local function task(words)
  local function change(text)
    ask(words, "task", { text = text }, function(result)
      require("kage.notify").info(require("kage.report").task(result))
    end)
  end
  if vim.trim(words.args) ~= "" then
    return change(vim.trim(words.args))
  end
  ask(words, "task", {}, function(result)
    local key = "task of " .. (words.run or require("kage.context").cwd())
    require("kage.prompt").open({
      key = key,
      title = "Kage task: what all agents are to do",
      text = result.task,
      send = change,
    })
  end)
end

---@param words kage.Words
local function summary(words)
  local agents, text = "all", "" ---@type any, string
  if words.args ~= "" then
    agents, text = agents_of(words, "summary")
  end
  if text ~= "" then
    return misuse("summary: expected agents' numbers, found `" .. text .. "`", "summary")
  elseif agents then
    ask(words, "summary", { agent = agents }, function(result)
      require("kage.notify").info(require("kage.report").summary(result))
    end)
  end
end

return {
  misuse = misuse,
  ask = ask,
  agent_of = agent_of,
  control = control,
  send = send,
  task = task,
  summary = summary,
}
