-- The report of a review, to read and to act from: by file, the worst first; what was refuted is folded away.

local notify = require("kage.notify")
local paint = require("kage.dashboard.paint")
local words = require("kage.words")

local M = {}

local MARKS = { error = "✗", warning = "!", info = "i", hint = "·" }
local GROUPS = {
  error = "DiagnosticError",
  warning = "DiagnosticWarn",
  info = "DiagnosticInfo",
  hint = "DiagnosticHint",
}
local VERDICTS = { holds = "held", refuted = "refuted", unsure = "unsure" }

local rows = {} ---@type table<integer, table<integer, kage.Finding>> by buffer: the finding of each line

---@alias kage.ReportLine { [1]: string, [2]: string? }[]

---@param finding kage.Finding
---@return string
local function standing(finding)
  local parts = { finding.severity, table.concat(finding.agreed, ", "), VERDICTS[finding.verdict] }
  parts[#parts + 1] = finding.dismissed and "dismissed" or nil
  parts[#parts + 1] = finding.applied and "applied" or nil
  return words.clean(table.concat(parts, " · "))
end

--- Text of others, wrapped, with blanks in front.
---@param lines kage.ReportLine[]
---@param text string
---@param indent integer
---@param width integer
---@param group string?
local function add_text(lines, text, indent, width, group)
  for _, line in ipairs(vim.split(vim.trim(text), "\n", { plain = true })) do
    for _, part in ipairs(words.wrap(words.clean(line), math.max(20, width - indent))) do
      lines[#lines + 1] = { { (" "):rep(indent) }, { part, group } }
    end
  end
end

---@param lines kage.ReportLine[]
---@param finding kage.Finding
---@param width integer
local function add_finding(lines, finding, width)
  local group = GROUPS[finding.severity]
  local place = finding.first == finding.last and tostring(finding.first)
    or finding.first .. "-" .. finding.last
  local claim = words.wrap(words.clean(finding.claim), math.max(20, width - 12))
  lines[#lines + 1] = {
    { "  " .. MARKS[finding.severity] .. " ", group },
    { words.fit(place, 8), "KageKey" },
    { claim[1] },
  }
  for at = 2, #claim do
    lines[#lines + 1] = { { (" "):rep(12) .. claim[at] } }
  end
  lines[#lines + 1] = { { (" "):rep(12) .. standing(finding), "KageFaint" } }
  if finding.evidence ~= "" then
    add_text(lines, finding.evidence, 12, width, "KageFaint")
  end
  for _, text in ipairs(finding.also or {}) do
    add_text(lines, "also " .. text, 12, width, "KageFaint")
  end
  if finding.why ~= "" and finding.verdict ~= "holds" then
    add_text(lines, finding.verdict .. ": " .. finding.why, 12, width, "DiagnosticHint")
  end
  for _, part in
    ipairs(finding.patch and { { "old", "- ", "KageRemoved" }, { "lines", "+ ", "KageAdded" } } or {})
  do
    for _, line in ipairs(finding.patch[part[1]]) do
      local text = line:gsub("[%z\1-\8\11-\31\127]", "?")
      lines[#lines + 1] = { { (" "):rep(12) .. part[2] .. text, part[3] } }
    end
  end
end

---@param review kage.Review
---@return kage.ReportLine[]
local function head(review)
  local who = vim.tbl_map(function(reviewer)
    local how = reviewer.state == "failed" and ", did not end: " .. reviewer.reason or ""
    return ("%s (%s%s)"):format(reviewer.role, reviewer.player, how)
  end, review.reviewers)
  local cost = ("by %s; %s, %.0f s"):format(
    table.concat(who, ", "),
    words.money(review.cost_usd),
    review.seconds
  )
  local lines = { { { "Review of " .. words.clean(review.title), "KageTitle" } } }
  add_text(lines, cost, 0, vim.o.columns - 2, "KageFaint")
  for _, note in ipairs(review.notes) do
    add_text(lines, note, 0, vim.o.columns - 2, "DiagnosticWarn")
  end
  add_text(lines, "<CR> go there  a apply the patch  d dismiss  q close", 0, vim.o.columns - 2, "KageFaint")
  return lines
end

--- The report as lines; which finding each belongs to; where the folded part begins.
---@param review kage.Review
---@param width integer
---@return kage.ReportLine[], table<integer, kage.Finding>, integer?
function M.lines(review, width)
  local lines, of, folded = head(review), {}, nil
  ---@param findings kage.Finding[]
  local function add(findings)
    local files, by_file = {}, {}
    for _, finding in ipairs(findings) do
      if not by_file[finding.path] then
        by_file[finding.path] = {}
        files[#files + 1] = finding.path
      end
      table.insert(by_file[finding.path], finding)
    end
    for _, path in ipairs(files) do
      lines[#lines + 1] = { { "" } }
      lines[#lines + 1] = { { words.clean(path), "KageFolder" } }
      for _, finding in ipairs(by_file[path]) do
        local first = #lines + 1
        add_finding(lines, finding, width)
        for at = first, #lines do
          of[at] = finding
        end
      end
    end
  end
  local is_shown = require("kage.review").is_shown
  local open = vim.tbl_filter(is_shown, review.findings)
  add(open)
  if #open == 0 then
    local said = #review.findings == 0 and "Nothing found." or "Nothing is left to look at."
    vim.list_extend(lines, { { { "" } }, { { said } } })
  end
  if #open < #review.findings then
    lines[#lines + 1] = { { "" } }
    folded = #lines + 1
    local count = #review.findings - #open
    lines[folded] = { { ("Refuted, dismissed or applied: %d (zo opens)"):format(count), "KageTitle" } }
    add(vim.tbl_filter(function(finding)
      return not is_shown(finding)
    end, review.findings))
  end
  return lines, of, folded
end

---@param review kage.Review
---@param buffer integer
local function draw(review, buffer)
  local window = vim.fn.win_findbuf(buffer)[1]
  local lines, of, folded = M.lines(review, vim.api.nvim_win_get_width(window) - 1)
  local cursor = vim.api.nvim_win_get_cursor(window)
  paint.set(buffer, 0, lines)
  vim.api.nvim_win_call(window, function()
    vim.cmd("silent! normal! zE")
    if folded then
      vim.cmd(("%d,%dfold"):format(folded, #lines))
    end
  end)
  vim.api.nvim_win_set_cursor(window, { math.min(cursor[1], #lines), 0 })
  rows[buffer] = of
end

---@param review kage.Review
---@return string
local function name_of(review)
  return "kage://review/" .. review.id
end

--- Draw the report anew, where it is on the screen.
---@param review kage.Review
function M.redraw(review)
  local buffer = vim.fn.bufnr("^" .. name_of(review) .. "$")
  if buffer > 0 and vim.fn.win_findbuf(buffer)[1] then
    draw(review, buffer)
  end
end

--- A window where a file can be shown: not the report's own.
---@param report integer
local function leave(report)
  vim.cmd("wincmd p")
  if vim.api.nvim_get_current_win() == report or vim.bo.buftype ~= "" then
    for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
      local buffer = vim.api.nvim_win_get_buf(window)
      if vim.bo[buffer].buftype == "" and vim.api.nvim_win_get_config(window).relative == "" then
        return vim.api.nvim_set_current_win(window)
      end
    end
    vim.cmd("aboveleft split")
  end
end

---@param review kage.Review
---@param buffer integer
local function set_keys(review, buffer)
  ---@param keys string
  ---@param desc string
  ---@param act fun(finding: kage.Finding)
  local function map(keys, desc, act)
    vim.keymap.set("n", keys, function()
      local finding = rows[buffer][vim.fn.line(".")]
      if not finding then
        return notify.info("no finding is in this line")
      end
      act(finding)
    end, { buffer = buffer, nowait = true, desc = "Kage: " .. desc })
  end
  local function again()
    require("kage.review").refresh(review)
    M.redraw(review)
  end
  map("<CR>", "go to this finding", function(finding)
    leave(vim.api.nvim_get_current_win())
    require("kage.review.marks").go(review, finding)
  end)
  map("a", "apply the suggested patch", function(finding)
    local problem = require("kage.review.patch").apply(review, finding)
    if problem then
      return notify.error(problem)
    end
    again()
    notify.info(("applied to %s; u there takes it back"):format(words.clean(finding.path)))
  end)
  map("d", "dismiss this finding, or take it back", function(finding)
    local params =
      { cwd = review.repository, id = review.id, finding = finding.id, dismissed = not finding.dismissed }
    require("kage.host").request("review_dismiss", params, function(err)
      if err then
        return notify.error(err)
      end
      finding.dismissed = params.dismissed
      again()
    end)
  end)
  vim.keymap.set(
    "n",
    "q",
    "<Cmd>close<CR>",
    { buffer = buffer, nowait = true, desc = "Kage: close the review" }
  )
end

--- Show the report in a window of its own, that of an earlier one where there is one.
---@param review kage.Review
---@param enter boolean the cursor goes there
function M.open(review, enter)
  require("kage.highlight").define()
  local window
  for _, one in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    if vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(one)):find("^kage://review/[^/]*$") then
      window = one
    end
  end
  local name = name_of(review)
  local buffer = vim.fn.bufnr("^" .. name .. "$")
  buffer = buffer > 0 and buffer or paint.buffer(name)
  if window then
    vim.api.nvim_win_set_buf(window, buffer)
  else
    window = vim.api.nvim_open_win(buffer, false, { split = "below", win = -1 })
  end
  if enter then
    vim.api.nvim_set_current_win(window)
  end
  paint.plain_window(window)
  local options = vim.wo[window][0]
  options.cursorline, options.foldenable, options.foldmethod, options.foldlevel = true, true, "manual", 0
  draw(review, buffer)
  vim.api.nvim_win_set_height(
    window,
    math.min(vim.api.nvim_buf_line_count(buffer) + 1, math.floor(vim.o.lines / 2))
  )
  set_keys(review, buffer)
end

return M
