-- The words after `:KageSpawn`: how many, who plays, options, and the task, which is all the rest.

local M = {}

M.MAX_AGENTS = 50
M.MAX_RETRY = 20
M.STRATEGIES = { "all", "race", "cascade", "converge", "tournament" }

---@class kage.SpawnWords
---@field count integer?
---@field players string[]
---@field on string? the candidate to go on from: 2, or RUN:2
---@field record string? the file that the models' answers are written to
---@field strategy string? one of M.STRATEGIES
---@field until string? green
---@field budget number? US dollars that the run may cost
---@field retry integer? turns in which an agent may mend what checks complain of
---@field accept string? green: land the winner when every required check is
---@field parts boolean? each agent has a subtask of its own
---@field proposals boolean? each agent writes a document instead of code
---@field document string? the document's path in the repository
---@field task string

---@param words string[]
---@return fun(word: string): string?, string? # the word; or nil and what was expected
local function one_of(words)
  return function(word)
    if vim.tbl_contains(words, word) then
      return word
    end
    return nil, "one of " .. table.concat(words, ", ")
  end
end

---@class kage.SpawnOption
---@field key string where its value goes in kage.SpawnWords
---@field read (fun(word: string): any, string?)? the value of its word; absent: it has none
---@field complete string|string[]|nil what its word is: a kind of kage.complete, or all that it may be

---@type table<string, kage.SpawnOption>
M.OPTIONS = {
  on = {
    key = "on",
    complete = "candidate",
    read = function(word)
      if word:match("^%d+$") or word:match("^[^:]+:%d+$") then
        return word
      end
      return nil, "a candidate (2, or RUN:2)"
    end,
  },
  record = {
    key = "record",
    complete = "path",
    read = function(word)
      if word ~= "" then
        return vim.fn.fnamemodify(word, ":p")
      end
      return nil, "a file"
    end,
  },
  strategy = { key = "strategy", complete = M.STRATEGIES, read = one_of(M.STRATEGIES) },
  ["until"] = { key = "until", complete = { "green" }, read = one_of({ "green" }) },
  ["auto-accept"] = { key = "accept", complete = { "green" }, read = one_of({ "green" }) },
  budget = {
    key = "budget",
    complete = {},
    read = function(word)
      local usd = word:match("^%$?(%d*%.?%d+)$")
      if usd and tonumber(usd) > 0 then
        return tonumber(usd)
      end
      return nil, "US dollars above 0"
    end,
  },
  retry = {
    key = "retry",
    complete = { "0", "1", "2", "3" },
    read = function(word)
      local turns = word:match("^%d+$") and tonumber(word)
      if turns and turns <= M.MAX_RETRY then
        return turns
      end
      return nil, ("0 to %d turns"):format(M.MAX_RETRY)
    end,
  },
  parts = { key = "parts" },
  proposals = { key = "proposals" },
  document = {
    key = "document",
    complete = {},
    read = function(word)
      if word:lower():find("%.md$") or word:lower():find("%.markdown$") then
        return word
      end
      return nil, "a Markdown file of the repository"
    end,
  },
}

--- The options as they are written.
---@return string[]
function M.names()
  local names = vim.tbl_map(function(name)
    return "--" .. name
  end, vim.tbl_keys(M.OPTIONS))
  table.sort(names)
  return names
end

--- Take one option from the front of a text, if one stands there.
---@param text string
---@return kage.SpawnOption? option, any value nil when it cannot be read, string rest, string? problem
local function take(text)
  local name, after = text:match("^%-%-([%l-]+)(.*)$")
  local option = name and M.OPTIONS[name]
  if not option or not after:match("^[%s=]") and after ~= "" then
    return nil, nil, text
  elseif not option.read then
    return option, true, vim.trim(after)
  end
  local word, rest = after:match("^[%s=]*(%S*)%s*(.*)$")
  local value, expected = option.read(word)
  if value == nil then
    local found = word == "" and "nothing" or "`" .. word .. "`"
    return option, nil, rest, ("--%s: expected %s, found %s"):format(name, expected, found)
  end
  return option, value, rest
end

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
    if words.count < 1 or words.count > M.MAX_AGENTS then
      return nil, ("the number of agents: expected 1 to %d, found %s"):format(M.MAX_AGENTS, number)
    end
  end
  while true do
    local player, others = rest:match("^@(%S*)%s*(.*)$")
    local option, value, beyond, problem = take(rest)
    if problem then
      return nil, problem
    elseif option then
      words[option.key], rest = value, beyond
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

--- What follows in the run by itself, as kaged is asked for it; nil when nothing is said of it.
---@param words kage.SpawnWords
---@return table?
function M.course(words)
  local course = {
    strategy = words.strategy,
    ["until"] = words["until"],
    retry = words.retry,
    auto_accept = words.accept,
    usd = words.budget,
    proposals = words.document or words.proposals and "PROPOSAL.md" or nil,
  }
  return next(course) and course or nil
end

return M
