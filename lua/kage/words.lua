-- Plain functions over text that comes from elsewhere: made safe to show, cut to a width, compared.

local M = {}

-- A larger number is no agent's, and one of twenty digits is no integer for kaged.
local MOST_AGENTS = 1e6

--- The number of an agent as it is typed.
---@param word string?
---@return integer? # nil: the word is none
function M.number(word)
  local number = word and word:find("^%d+$") and tonumber(word)
  return number and number <= MOST_AGENTS and number or nil
end

--- Text from an agent, made safe for one line of a screen: no control characters (ESC would reach the
--- terminal through a title), no line breaks, valid UTF-8.
---@param text string?
---@return string
function M.clean(text)
  text = (text or ""):gsub("[%z\1-\31\127]+", " ")
  if text:find("[\128-\255]") then
    -- C1 controls are two bytes in UTF-8; bytes that are no UTF-8 become question marks.
    text = text:gsub("\194[\128-\159]", " ")
    text = vim.iconv(text, "utf-8", "utf-8") or text
  end
  return vim.trim(text)
end

--- What an agent does now; of one that waits, what for.
---@param agent kage.Agent
---@return string # one line, safe to show
function M.doing(agent)
  local first, second = agent.activity, agent.reason
  if agent.state == "waiting" then
    first, second = second, first
  end
  return M.clean(first ~= "" and first or second)
end

--- Cut to a number of columns, with `…` where something is missing.
---@param text string
---@param width integer
---@return string
function M.cut(text, width)
  if vim.api.nvim_strwidth(text) <= width then
    return text
  end
  if width < 1 then
    return ""
  end
  local low, high = 0, vim.fn.strchars(text)
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if vim.api.nvim_strwidth(vim.fn.strcharpart(text, 0, middle)) <= width - 1 then
      low = middle
    else
      high = middle - 1
    end
  end
  return vim.fn.strcharpart(text, 0, low) .. "…"
end

--- Exactly that many columns: cut or padded.
---@param text string
---@param width integer
---@param right boolean? pad on the left instead
---@return string
function M.fit(text, width, right)
  text = M.cut(text, width)
  local gap = (" "):rep(width - vim.api.nvim_strwidth(text))
  return right and gap .. text or text .. gap
end

--- Rows of cells as lines: columns as wide as what is in them, two blanks between, none behind the last.
---@param rows string[][] safe to show
---@param right table<integer, true>? columns that stand at the right: numbers
---@return string[]
function M.columns(rows, right)
  local widths = {}
  for _, row in ipairs(rows) do
    for column, cell in ipairs(row) do
      widths[column] = math.max(widths[column] or 0, vim.api.nvim_strwidth(cell))
    end
  end
  return vim.tbl_map(function(row)
    local cells = {}
    for column, cell in ipairs(row) do
      cells[column] = M.fit(cell, widths[column], right and right[column])
    end
    return (table.concat(cells, "  "):gsub("%s+$", ""))
  end, rows)
end

--- Break at blanks into lines of at most that many columns; longer words are cut hard. A line that fits stays
--- as it is, with its blanks.
---@param text string
---@param width integer
---@return string[]
function M.wrap(text, width)
  local lines = {}
  for _, paragraph in ipairs(vim.split(text, "\n", { plain = true })) do
    local fits = vim.api.nvim_strwidth(paragraph) <= width
    local line = fits and paragraph or ""
    for word in (fits and "" or paragraph):gmatch("%S+") do
      while vim.api.nvim_strwidth(word) > width do
        if line ~= "" then
          lines[#lines + 1], line = line, ""
        end
        lines[#lines + 1] = vim.fn.strcharpart(word, 0, width)
        word = vim.fn.strcharpart(word, width)
      end
      local longer = line == "" and word or line .. " " .. word
      if vim.api.nvim_strwidth(longer) > width then
        lines[#lines + 1], line = line, word
      else
        line = longer
      end
    end
    lines[#lines + 1] = line
  end
  return lines
end

--- Split a command's arguments at blanks, but for those behind a backslash, as `fnameescape()` writes names.
---@param text string
---@return string[] # without those backslashes; one before a letter or digit is a part of the name
function M.arguments(text)
  local found = {}
  local rest = text:gsub("^%s+", "")
  while rest ~= "" do
    local stop = 1
    while stop <= #rest and not rest:find("^%s", stop) do
      stop = stop + (rest:sub(stop, stop) == "\\" and 2 or 1)
    end
    found[#found + 1] = rest:sub(1, stop - 1):gsub("\\([^%w])", "%1")
    rest = rest:sub(stop):gsub("^%s+", "")
  end
  return found
end

---@param a string
---@param b string
---@return integer # how many letters must change (Levenshtein)
local function distance(a, b)
  local row = {}
  for j = 0, #b do
    row[j] = j
  end
  for i = 1, #a do
    local corner = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      corner, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, corner + cost)
    end
  end
  return row[#b]
end

--- The candidate most like the word that was typed.
---@param word string
---@param candidates string[]
---@return string
function M.nearest(word, candidates)
  local best, least
  table.sort(candidates)
  for _, candidate in ipairs(candidates) do
    local found = distance(word, candidate)
    if not least or found < least then
      best, least = candidate, found
    end
  end
  return best
end

--- Money as it is shown; nil is unpriced, which is not $0.
---@param usd number?
---@return string
function M.money(usd)
  if usd == nil then
    return "$?"
  end
  return usd > 0 and usd < 0.01 and "<$0.01" or ("$%.2f"):format(usd)
end

--- What an agent costs: one that signs in by itself is not seen at all.
---@param agent kage.Agent
---@return string
function M.cost(agent)
  return agent.unmetered and "unmetered" or M.money(agent.cost_usd)
end

--- What plays an agent, in which role.
---@param agent kage.Agent
---@return string
function M.player(agent)
  return M.clean(agent.player .. (agent.role and "+" .. agent.role or ""))
end

--- What an agent does now, after what should be known of its budget.
---@param agent kage.Agent
---@return string # one line, safe to show
function M.news(agent)
  local warning, doing = M.clean(agent.warning), M.doing(agent)
  return warning == "" and doing or "! " .. warning .. (doing == "" and "" or " · " .. doing)
end

--- What the checks say of a candidate as a whole, and how that is coloured.
---@param candidate kage.Candidate?
---@return "done"|"failed"|"checking"|nil # nil: nothing is known
function M.outcome(candidate)
  local outcome
  for _, result in pairs(candidate and candidate.checks or {}) do
    if result == "running" then
      outcome = outcome or "checking"
    elseif result ~= "pass" then
      outcome = "failed"
    end
  end
  if not candidate or (not outcome and vim.tbl_isempty(candidate.checks or {})) then
    return nil
  elseif candidate.green ~= nil then
    return candidate.green and "done" or "failed"
  end
  return outcome or "done"
end

--- What is known of a candidate's checks: `◐ 3/14`, then `✗ 12/14, 1 new failure`.
---@param candidate kage.Candidate?
---@return string text, string? group empty, when nothing is known
function M.checked(candidate)
  local outcome = M.outcome(candidate)
  if not candidate or not outcome then
    return "", nil
  end
  local counted = M.clean(candidate.checked):gsub(" ✓", "", 1)
  if counted == "" then
    local passed = vim.tbl_filter(function(state)
      return state == "pass"
    end, candidate.checks)
    counted = ("%d/%d"):format(vim.tbl_count(passed), vim.tbl_count(candidate.checks))
  end
  local icons = require("kage.config").get().icons
  return icons[outcome] .. " " .. counted, require("kage.highlight").of(outcome)
end

--- The candidate of that number.
---@param run kage.Run?
---@param number integer
---@return kage.Candidate?
function M.candidate(run, number)
  for _, candidate in ipairs(run and run.candidates or {}) do
    if candidate.number == number then
      return candidate
    end
  end
end

--- A count in at most five columns: 950, 12k, 3.4M.
---@param count number
---@return string
function M.count(count)
  if count < 1000 then
    return ("%d"):format(count)
  elseif count < 999500 then
    return ("%.0fk"):format(count / 1000)
  end
  return ("%.1fM"):format(count / 1e6)
end

--- Seconds as 0:07, 12:30, 3:05:00.
---@param seconds number
---@return string
function M.duration(seconds)
  seconds = math.max(0, math.floor(seconds))
  local hours, minutes = math.floor(seconds / 3600), math.floor(seconds / 60) % 60
  if hours > 0 then
    return ("%d:%02d:%02d"):format(hours, minutes, seconds % 60)
  end
  return ("%d:%02d"):format(minutes, seconds % 60)
end

return M
