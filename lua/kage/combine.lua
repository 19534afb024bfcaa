-- `:Kage compose`: the candidates' hunks put together. How far the search is shows in the message line.

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

---@param params table
local function ask(params)
  asking = true
  host.request("compose", params, function(err, answer)
    asking = false
    if err and err.code == "confirm" then
      return require("kage.confirm")(err.data.questions, function(ids)
        ask(vim.tbl_extend("force", params, { confirmed = ids }))
      end, function()
        notify.info("nothing was run")
      end)
    elseif err then
      return notify.error(err)
    end
    report(answer)
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
  ask({ cwd = context.cwd(), run = words.run, agents = agents, confirmed = {} })
end

return M
