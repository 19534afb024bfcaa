-- What checks said, as lines to read. Pure.

local clean = require("kage.words").clean

local M = {}

-- Names of tests that are listed after a word; the rest is counted.
local NAMED = 5

---@param names string[]?
---@return string
local function some(names)
  names = names or {}
  local text = clean(table.concat(names, ", ", 1, math.min(NAMED, #names)))
  return #names > NAMED and ("%s and %d more"):format(text, #names - NAMED) or text
end

---@param metric table see Metric in evaluate/results.py
---@return string
local function measured(metric)
  local text = ("%s %.4g ± %.2g %s"):format(
    clean(metric.name),
    metric.value,
    metric.spread,
    clean(metric.unit)
  )
  if type(metric.base) == "number" then
    text = ("%s, %s%s"):format(
      text,
      type(metric.change) == "number" and ("×%.2f of the base"):format(metric.change)
        or ("the base %.4g"):format(metric.base),
      metric.verdict ~= "" and ": " .. metric.verdict or ""
    )
  end
  return text
end

--- One check.
---@param result kage.CheckResult
---@return string[]
function M.result(result)
  local mark = result.state == "pass" and "✓" or result.state == "running" and "…" or "✗"
  local count = type(result.total) == "number"
      and result.total > 0
      and (" %d/%d"):format(result.passed, result.total)
    or ""
  local summary = result.state ~= "pass" and result.summary ~= "" and "  " .. clean(result.summary) or ""
  local lines = { mark .. " " .. clean(result.name) .. count .. summary }
  for _, said in ipairs({
    { "new failures: ", result.regressed },
    { "fails at the base, too: ", result.failing_at_base },
    { "fixed: ", result.fixed },
    { "flaky, does not count: ", result.flaky },
  }) do
    lines[#lines + 1] = #(said[2] or {}) > 0 and "    " .. said[1] .. some(said[2]) or nil
  end
  for _, metric in ipairs(result.metrics or {}) do
    lines[#lines + 1] = "    " .. measured(metric)
  end
  return lines
end

--- All of them, with what was done to tests.
---@param answer table of kaged's `check`
---@param agent integer?
---@return string[]
function M.lines(answer, agent)
  local lines = { agent and ("checks of candidate %d"):format(agent) or "checks of what you have now" }
  if agent and (answer.line or "") ~= "" then
    lines[1] = lines[1] .. ": " .. clean(answer.line)
  end
  for _, result in ipairs(answer.results) do
    vim.list_extend(lines, M.result(result))
  end
  for _, weakening in ipairs(answer.weakened or {}) do
    local line = weakening.line > 0 and ":" .. weakening.line or ""
    lines[#lines + 1] = clean(("! %s%s: %s"):format(weakening.path, line, weakening.text))
  end
  if #(answer.overlaid or {}) > 0 then
    lines[#lines + 1] = "the base's versions were run of " .. some(answer.overlaid)
  end
  if #(answer.missing or {}) > 0 then
    lines[#lines + 1] = "not on PATH, so what they would check is not: " .. some(answer.missing)
  end
  return lines
end

return M
