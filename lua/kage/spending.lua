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

--- The table of `:Kage stats`.
---@param rows kage.StatsRow[]
---@return string[]
function M.table(rows)
  local cells =
    { { "player", "role", "language", "runs", "green", "wins", "accepted", "per accepted", "time" } }
  for _, row in ipairs(rows) do
    local cost = row.usd_per_accepted and words_of.money(row.usd_per_accepted)
      or row.usd and "-"
      or "unpriced"
    cells[#cells + 1] = {
      words_of.clean(row.player),
      row.role ~= "" and words_of.clean(row.role) or "-",
      row.language ~= "" and words_of.clean(row.language) or "-",
      tostring(row.runs),
      row.checked > 0 and ("%d/%d (%.0f%%)"):format(row.green, row.checked, row.green_rate * 100) or "-",
      tostring(row.wins),
      tostring(row.accepted),
      cost,
      ("%.0f s"):format(row.seconds),
    }
  end
  return words_of.columns(cells)
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
    require("kage.notify").info(table.concat(M.table(result.rows), "\n"))
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
