-- What the statusline shows: one string, made anew when a push changes something, so that drawing it is one
-- table access. It never takes more than `statusline.width` columns:
--
--   1● edit calc.py  2✓  3✗ $0.12     what each does, while it fits
--   1● 2✓ 3✗ 4● $0.12                 then only how it is
--   1✓ ★2✓ 3✓ $0.12                   the verdict's winner is marked
--   ●12 ✓3 ✗1 $0.12                   then how many are how

local words = require("kage.words")

local M = {}

local rich, plain = "", ""

local ORDER =
  { "working", "starting", "waiting", "checking", "unknown", "done", "failed", "stopped", "interrupted" }
local WINNER = "★"
local BUSY = { working = true, starting = true, waiting = true, checking = true, unknown = true }

---@class kage.Piece
---@field text string not escaped
---@field group string? highlight

---@param pieces kage.Piece[]
---@return integer
local function width(pieces)
  local sum = math.max(0, #pieces - 1)
  for _, piece in ipairs(pieces) do
    sum = sum + vim.api.nvim_strwidth(piece.text)
  end
  return sum
end

---@param run kage.Run
---@return string # the sum of what is priced; a `+` says that something is not
local function cost(run)
  local sum, priced, unpriced, unmetered = 0, false, false, 0
  for _, agent in ipairs(run.agents) do
    if agent.unmetered then
      unmetered, unpriced = unmetered + 1, true
    elseif agent.cost_usd == nil then
      unpriced = true
    else
      priced = true
      sum = sum + agent.cost_usd
    end
  end
  if unmetered == #run.agents then
    return "unmetered"
  end
  if not priced or (unpriced and sum == 0) then
    return words.money(nil)
  end
  return words.money(sum) .. (unpriced and "+" or "")
end

---@param run kage.Run
---@return kage.Piece # the cost, marked where a budget is nearly spent or something else should be known
local function spent(run)
  for _, agent in ipairs(run.agents) do
    if (agent.warning or "") ~= "" then
      return { text = cost(run) .. "!", group = "KageWaiting" }
    end
  end
  return { text = cost(run) }
end

---@param run kage.Run
---@param room integer columns for each busy agent's activity
---@return kage.Piece[]
local function by_agent(run, room)
  local icons = require("kage.config").get().icons
  local group = require("kage.highlight").of
  local pieces = {}
  for _, agent in ipairs(run.agents) do
    local mark = agent.number == run.winner and WINNER or ""
    local text = mark .. agent.number .. (icons[agent.state] or "?")
    local doing = words.doing(agent)
    if BUSY[agent.state] and room > 0 and doing ~= "" then
      text = text .. " " .. words.cut(doing, room)
    end
    pieces[#pieces + 1] = { text = text, group = group(agent.state) }
  end
  return pieces
end

---@param run kage.Run
---@return kage.Piece[]
local function by_state(run)
  local icons = require("kage.config").get().icons
  local counts = {}
  for _, agent in ipairs(run.agents) do
    counts[agent.state] = (counts[agent.state] or 0) + 1
  end
  local pieces = {}
  for _, state in ipairs(ORDER) do
    if counts[state] then
      pieces[#pieces + 1] =
        { text = icons[state] .. counts[state], group = require("kage.highlight").of(state) }
    end
  end
  return pieces
end

--- The winner, where no agent's number stands for it.
---@param run kage.Run
---@param pieces kage.Piece[] is added to
---@param always boolean agents are not shown by number
---@return kage.Piece[] pieces
local function with_winner(run, pieces, always)
  local is_agent = vim.iter(run.agents):any(function(agent)
    return agent.number == run.winner
  end)
  if run.winner and (always or not is_agent) then
    pieces[#pieces + 1] = { text = WINNER .. run.winner, group = "KageDone" }
  end
  return pieces
end

---@param run kage.Run
---@param tail kage.Piece[] what follows the agents
---@param limit integer columns
---@return kage.Piece[]
local function fitting(run, tail, limit)
  local busy = 0
  for _, agent in ipairs(run.agents) do
    busy = busy + (BUSY[agent.state] and 1 or 0)
  end
  local short = vim.list_extend(with_winner(run, by_agent(run, 0), false), tail)
  local room = busy > 0 and math.floor((limit - width(short)) / busy) - 1 or 0
  if room >= 4 then
    return vim.list_extend(with_winner(run, by_agent(run, room), false), tail)
  elseif width(short) <= limit then
    return short
  end
  local counts = with_winner(run, by_state(run), true)
  local full = vim.list_extend(vim.list_slice(counts), tail)
  return width(full) <= limit and full or counts
end

---@param runs kage.Run[]
---@return kage.Piece[]
function M.pieces(runs)
  local run = runs[1]
  if not run or #run.agents == 0 then
    return {}
  end
  local limit = require("kage.config").get().statusline.width
  local pieces = fitting(run, { spent(run) }, limit)
  while width(pieces) > limit and #pieces > 1 do
    pieces[#pieces] = nil
  end
  return pieces
end

--- Make the strings from what is known; called by pushes, never by drawing.
---@param runs kage.Run[]
function M.rebuild(runs)
  local coloured, bare = {}, {}
  for _, piece in ipairs(M.pieces(runs)) do
    local escaped = piece.text:gsub("%%", "%%%%")
    coloured[#coloured + 1] = piece.group and ("%%#%s#%s%%*"):format(piece.group, escaped) or escaped
    bare[#bare + 1] = piece.text
  end
  rich, plain = table.concat(coloured, " "), table.concat(bare, " ")
  -- A user may put the variable where a statusline is evaluated, and `%` in an agent's words would execute.
  vim.g.kage_status = plain:gsub("%%", "")
  vim.cmd("redrawstatus!")
end

--- The component, coloured and escaped: `%{%v:lua.require'kage.statusline'.get()%}`.
---@return string
function M.get()
  return rich
end

--- The same without colours: escaped, for frameworks that colour by themselves.
---@return string
function M.plain()
  return (plain:gsub("%%", "%%%%"))
end

--- Keep the strings up to date with a state.
---@param state { subscribe: fun(listener: fun()), runs: fun(): kage.Run[] }
function M.follow(state)
  state.subscribe(function()
    M.rebuild(state.runs())
  end)
end

return M
