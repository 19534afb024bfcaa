-- How runs are spent: turns to mend failures, what players were worth, what a run will take.

local steer = require("kage.steer")
local words_of = require("kage.words")

local M = {}

local order = {} ---@type string[] players as they did in the repository asked about last, the best first

--- `:Kage repair`: send agents the failures of their candidates.
---@param words kage.Words
function M.repair(words)
  local which = steer.agent_of(words, "repair", true)
  if not which then
    return
  end
  local function ask(confirmed)
    local asked =
      { cwd = require("kage.context").cwd(), run = words.run, agent = which, confirmed = confirmed }
    require("kage.host").request("repair", asked, function(err, result)
      local function again(ids)
        ask(vim.list_extend(confirmed, ids))
      end
      if not require("kage.confirm").is_held_up(err, again, "nothing was sent") then
        require("kage.notify").info("sent its failures to " .. table.concat(result.agents, ", "))
      end
    end)
  end
  ask({})
end

---@class kage.StatsRow
---@field player string
---@field role string
---@field language string
---@field runs integer
---@field checked integer
---@field green integer
---@field green_rate number? of those checked
---@field wins integer
---@field accepted integer
---@field usd number?
---@field usd_per_accepted number?
---@field seconds number the middle

---@param text string
---@return string
local function named(text)
  return text ~= "" and words_of.clean(text) or "-"
end

-- The columns of the table: the head, and what stands in a row. `brief` is what there is room for otherwise.
local COLUMNS = {
  player = function(row)
    return words_of.clean(row.player)
  end,
  role = function(row)
    return named(row.role)
  end,
  language = function(row)
    return named(row.language)
  end,
  runs = function(row)
    return tostring(row.runs)
  end,
  green = function(row, brief)
    if row.checked == 0 then
      return "-"
    end
    local rate = brief and "" or (" (%.0f%%)"):format(row.green_rate * 100)
    return ("%d/%d%s"):format(row.green, row.checked, rate)
  end,
  wins = function(row)
    return tostring(row.wins)
  end,
  accepted = function(row)
    return tostring(row.accepted)
  end,
  ["per accepted"] = function(row)
    return row.usd_per_accepted and words_of.money(row.usd_per_accepted) or row.usd and "-" or "unpriced"
  end,
  time = function(row)
    return ("%.0f s"):format(row.seconds)
  end,
}
local ORDER = { "player", "role", "language", "runs", "green", "wins", "accepted", "per accepted", "time" }
-- What is left out first where there is little room.
local DISPENSABLE = { "time", "role", "wins", "language" }

---@param rows kage.StatsRow[]
---@param without table<string, boolean>
---@param brief boolean
---@return string[] lines
---@return integer columns
local function laid_out(rows, without, brief)
  local heads = vim.tbl_filter(function(head)
    return not without[head]
  end, ORDER)
  local cells = { vim.deepcopy(heads) }
  for index, head in ipairs(heads) do
    cells[1][index] = brief and head == "per accepted" and "each" or head
  end
  for _, row in ipairs(rows) do
    cells[#cells + 1] = vim.tbl_map(function(head)
      return COLUMNS[head](row, brief)
    end, heads)
  end
  local lines = words_of.columns(cells)
  local widest = 0
  for _, line in ipairs(lines) do
    widest = math.max(widest, vim.api.nvim_strwidth(line))
  end
  return lines, widest
end

--- The table of `:Kage stats`.
---@param rows kage.StatsRow[]
---@param width? integer columns that there are; what is worth least is left out
---@return string[]
function M.table(rows, width)
  local lines, widest = laid_out(rows, {}, false)
  local without = {}
  for index, head in ipairs(DISPENSABLE) do
    if not width or widest <= width then
      break
    end
    without[head] = true
    lines, widest = laid_out(rows, without, index > 1)
  end
  return lines
end

--- `:Kage stats [all]`.
---@param words kage.Words
function M.stats(words)
  steer.ask(words, "stats", { all = words.fargs[1] == "all" }, function(result)
    if #result.rows == 0 then
      return require("kage.notify").info(
        "no agent has ended yet in this repository; :Kage stats all is of all"
      )
    end
    local notify = require("kage.notify")
    notify.info(table.concat(M.table(result.rows, notify.width()), "\n"))
  end)
end

--- Ask what a run will take and who did well here; the answer comes later, or never.
---@param words kage.SpawnWords
---@param place kage.Place
---@param done fun(lines: string[]) the estimate and the suggestion, as far as something is known
function M.forecast(words, place, done)
  local asked = {
    cwd = place.cwd,
    players = words.players,
    count = words.count,
    path = place.path or "",
    strategy = words.strategy or "",
    ["until"] = words["until"] or "",
  }
  require("kage.host").request("estimate", asked, function(err, result)
    if err then
      return
    end
    order = result.order
    local function known(line)
      return line ~= ""
    end
    done(vim.tbl_filter(known, { words_of.clean(result.line), words_of.clean(result.suggestion) }))
  end)
end

--- Players' names with those first that did best.
---@param names string[] sorted, each with its @
---@return string[]
function M.best_first(names)
  local first = vim.tbl_filter(
    function(name)
      return vim.tbl_contains(names, name)
    end,
    vim.tbl_map(function(name)
      return "@" .. name
    end, order)
  )
  return vim.list_extend(
    first,
    vim.tbl_filter(function(name)
      return not vim.tbl_contains(first, name)
    end, names)
  )
end

return M
