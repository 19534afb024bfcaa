-- `:Kage compose` and `:Kage synth`: one candidate out of several. How far a search is shows in the message line.

local context = require("kage.context")
local host = require("kage.host")
local notify = require("kage.notify")
local clean = require("kage.words").clean

local M = {}

local asking = false -- this editor waits for a composition

--- What kaged tells while it searches: the best so far.
---@param params {state: string, hunks: integer, passed: integer, failing: integer, green: boolean, seconds: number}
function M.push(params)
  if not asking or params.state ~= "searching" or params.hunks == 0 then
    return
  end
  local count = params.green and "all pass" or ("%d pass, %d fail"):format(params.passed, params.failing)
  local text = ("Kage: composing, best so far: %s, %d hunks, %.0f s"):format(
    count,
    params.hunks,
    params.seconds
  )
  if vim.api.nvim_get_mode().mode == "n" then
    vim.api.nvim_echo({ { text:sub(1, vim.o.columns - 12) } }, false, {})
  end
end

---@param answer {number: integer?, line: string, note: string, said: string, tries: integer, seconds: number}
local function report(answer)
  local tries = ("%d trees tried in %.1f s"):format(answer.tries, answer.seconds)
  if not answer.number then
    return notify.info(clean(("no new candidate: %s (%s)"):format(answer.said, tries)))
  end
  notify.info(table.concat({
    clean(("candidate %d: %s; %s (%s)"):format(answer.number, answer.line, answer.note, tries)),
    (":KageDiff %d shows it, :KageAccept %d lands it"):format(answer.number, answer.number),
  }, "\n"))
end

---@param verb "compose"|"synth"
---@param params table
---@param done fun(answer: table)
local function ask(verb, params, done)
  asking = verb == "compose"
  host.request(verb, params, function(err, answer)
    asking = false
    local function again(ids)
      local yes = vim.list_extend(vim.list_slice(params.confirmed), ids)
      ask(verb, vim.tbl_extend("force", params, { confirmed = yes }), done)
    end
    if not require("kage.confirm").is_held_up(err, again, "nothing was run") then
      done(answer)
    end
  end)
end

--- `:Kage compose [N]…`.
---@param words kage.Words
function M.compose(words)
  local agents = {}
  for _, word in ipairs(words.fargs) do
    local number = require("kage.words").number(word)
    if not number then
      return notify.error({
        message = "compose: expected numbers of candidates, found `" .. word .. "`",
        fix = "Write :Kage compose for all, or :Kage compose 1 3",
      })
    end
    agents[#agents + 1] = number
  end
  ask("compose", { cwd = context.cwd(), run = words.run, agents = agents, confirmed = {} }, report)
end

---@param numbers integer[] one at least
---@return string
local function listed(numbers)
  local last = numbers[#numbers]
  return #numbers == 1 and tostring(last)
    or ("%s and %d"):format(table.concat(numbers, ", ", 1, #numbers - 1), last)
end

---@param answer {number: integer, winner: integer, others: integer[], notes: string[]}
local function begun(answer)
  local lines = vim.tbl_map(clean, answer.notes)
  table.insert(
    lines,
    1,
    ("agent %d improves candidate %d by %s; what comes of it is told"):format(
      answer.number,
      answer.winner,
      listed(answer.others)
    )
  )
  notify.info(table.concat(lines, "\n"))
end

--- `:Kage synth [N] [@player]`.
---@param words kage.Words
function M.synth(words)
  local number, player ---@type integer?, string?
  for _, word in ipairs(words.fargs) do
    local named = word:match("^@(.+)$")
    local counted = require("kage.words").number(word)
    if named and not player then
      player = named
    elseif counted and not number then
      number = counted
    else
      return notify.error({
        message = "synth: expected a candidate's number and a player, found `" .. clean(word) .. "`",
        fix = "Write :Kage synth, :Kage synth 2, or :Kage synth 2 @player",
      })
    end
  end
  ask("synth", {
    cwd = context.cwd(),
    run = words.run,
    number = number,
    player = player or "",
    layout = { place = require("kage.config").get().panes },
    confirmed = {},
  }, begun)
end

--- What came of an agent that was to improve a winner.
---@param params {run: string, number: integer, winner: integer, kept: boolean, said: string}
function M.upheld(params)
  local number, said = params.number, clean(params.said)
  if params.kept then
    notify.info(
      ("candidate %d: %s\n:KageDiff %d shows it, :KageAccept %d lands it"):format(
        number,
        said,
        number,
        number
      )
    )
  else
    notify.info(("candidate %d stands, agent %d: %s"):format(params.winner, number, said))
  end
end

return M
