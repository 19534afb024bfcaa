-- `:Kage review`: what reviewers find in a change, as diagnostics beside your lines, in a quickfix list, and as a
-- report to read, from which a suggested patch is applied like a hunk.

local context = require("kage.context")
local host = require("kage.host")
local notify = require("kage.notify")
local words = require("kage.words")

local M = {}

local USAGE =
  "Write :Kage review [BASE|A..B|N|last|stop] [--head REV] [--role R]… [--player P]…; :help :Kage-review"

---@class kage.Patch lines `first` to `last` are `old` and become `lines`
---@field first integer 1-based; 0 in an empty file
---@field last integer
---@field old string[]
---@field lines string[]

---@class kage.Finding see Finding in evaluate/reviewing/findings.py
---@field id string
---@field path string
---@field first integer 1-based, as it was reviewed
---@field last integer
---@field severity "error"|"warning"|"info"|"hint"
---@field role string
---@field agreed string[]
---@field also string[]? what the others who agreed said
---@field claim string
---@field evidence string
---@field code string? what stands in those lines
---@field patch kage.Patch?
---@field verdict ""|"holds"|"refuted"|"unsure"
---@field why string
---@field dismissed boolean
---@field yours integer[]? where it stands in your files
---@field applied boolean? its patch was applied here; false: and taken back by undo

---@class kage.Review see Review in orchestrator/reviewing/kept.py
---@field id string
---@field repository string
---@field title string
---@field kind "yours"|"candidate"|"revision"
---@field findings kage.Finding[]
---@field reviewers { role: string, player: string, state: string, reason: string, found: integer }[]
---@field notes string[]
---@field cost_usd number?
---@field seconds number

local shown = {} ---@type table<string, kage.Review> the last review by the repository's root
local waiting = 0 -- reviews that this editor asked for and waits for

--- Is a finding shown outside the report's folds?
---@param finding kage.Finding
---@return boolean
function M.is_shown(finding)
  return finding.verdict ~= "refuted" and not finding.dismissed and not finding.applied
end

--- The last review of a repository that this Neovim has shown.
---@param root string?
---@return kage.Review?
function M.of(root)
  return shown[root or context.root(context.cwd())]
end

--- The last review of each repository.
---@return table<string, kage.Review>
function M.all()
  return shown
end

--- Diagnostics and quickfix list as the review is now.
---@param review kage.Review
---@param is_new boolean? it was not shown before
function M.refresh(review, is_new)
  local marks = require("kage.review.marks")
  marks.diagnostics()
  marks.quickfix(review, is_new or false)
  vim.api.nvim_exec_autocmds("User", {
    pattern = "KageReview",
    modeline = false,
    data = {
      repository = review.repository,
      id = review.id,
      findings = #vim.tbl_filter(M.is_shown, review.findings),
    },
  })
end

--- Where the user is, and what they have changed there: the same again means that they wait.
---@return string
local function standing()
  local cursor, buffer = vim.api.nvim_win_get_cursor(0), vim.api.nvim_get_current_buf()
  local mode, tick = vim.api.nvim_get_mode().mode, vim.api.nvim_buf_get_changedtick(buffer)
  return table.concat({ mode, vim.api.nvim_get_current_win(), buffer, tick, cursor[1], cursor[2] }, " ")
end

--- The review as it is kept, with what was applied here where it has been shown before.
---@param answer kage.Review
---@return kage.Review
local function known(answer)
  local old = shown[answer.repository]
  if not old or old.id ~= answer.id then
    return answer
  end
  local now = {}
  for _, finding in ipairs(answer.findings) do
    now[finding.id] = finding
  end
  for _, finding in ipairs(old.findings) do
    local new = now[finding.id] or finding
    finding.yours, finding.dismissed = new.yours, new.dismissed
  end
  return old
end

--- Show what came of a review.
---@param review kage.Review
---@param enter boolean the cursor goes to the report, where the next keys that are typed would be commands
local function show(review, enter)
  review = known(review)
  shown[review.repository] = review
  M.refresh(review, true)
  require("kage.review.report").open(review, enter)
  local found = vim.tbl_filter(M.is_shown, review.findings)
  local failed = vim.tbl_filter(function(reviewer)
    return reviewer.state == "failed"
  end, review.reviewers)
  local none = #review.findings == 0 and "nothing found" or "nothing is left to look at"
  local said = #found == 1 and "1 finding" or #found == 0 and none or #found .. " findings"
  if #failed > 0 then
    said = said .. (", %d of %d reviewers did not end"):format(#failed, #review.reviewers)
  end
  notify.info("review: " .. said)
end

---@param method string
---@param params table
local function ask(method, params)
  waiting = waiting + 1
  local before
  vim.schedule(function() -- the command line that asked is left by then
    before = standing()
  end)
  host.request(method, params, function(err, answer)
    waiting = waiting - 1
    local function again(ids)
      local given = vim.list_extend(vim.list_slice(params.confirmed or {}), ids)
      ask(method, vim.tbl_extend("force", params, { confirmed = given }))
    end
    if not require("kage.confirm").is_held_up(err, again, "nothing was reviewed") then
      show(answer, before == standing() and vim.api.nvim_get_mode().mode == "n")
    end
  end)
end

--- How far a review is that this editor waits for.
---@param params { title: string, phase: "reading"|"refuting", done: integer, of: integer, found: integer }
function M.push(params)
  if waiting == 0 or vim.api.nvim_get_mode().mode:find("^[cr]") then
    return
  end
  local what = params.phase == "reading" and "%d of %d reviewers are through, %d found so far"
    or "%d of %d findings were put to the second pass"
  local text = "Kage: review: " .. what:format(params.done, params.of, params.found)
  vim.api.nvim_echo({ { words.cut(text, math.max(10, vim.o.columns - 12)) } }, false, {})
end

--- What is asked for, as the words say it.
---@param fargs string[]
---@return { base: string, head: string, roles: string[], players: string[] }?, string? problem
function M.parse(fargs)
  local asked = { base = "", head = "", roles = {}, players = {} }
  local at = 1
  while at <= #fargs do
    local word = fargs[at]
    local option, value = word:match("^%-%-(%a+)=(.*)$")
    option = option or word:match("^%-%-(%a+)$")
    if option == "head" or option == "role" or option == "player" then
      if not value then
        at = at + 1
        value = fargs[at]
      end
      if not value or value == "" then
        return nil, ("--%s names nothing"):format(option)
      elseif option == "head" then
        asked.head = value
      else
        table.insert(asked[option .. "s"], value)
      end
    elseif word:sub(1, 1) == "-" or asked.base ~= "" then
      return nil, "`" .. word .. "` is one word too many"
    else
      asked.base = word
    end
    at = at + 1
  end
  return asked
end

--- `:Kage review`.
---@param given kage.Words
function M.command(given)
  local asked, problem = M.parse(given.fargs)
  if not asked then
    return notify.error({ message = "review: " .. problem, fix = USAGE })
  end
  local cwd = context.cwd()
  if asked.base == "stop" then
    return host.request("review_stop", { cwd = cwd }, function(err, answer)
      if err then
        return notify.error(err)
      end
      notify.info(answer.stopped == 0 and "no review is under way" or "the review is stopped")
    end)
  elseif asked.base == "last" then
    return ask("review_again", { cwd = cwd, id = "" })
  end
  notify.info("review: the reviewers begin")
  ask("review", vim.tbl_extend("force", asked, { cwd = cwd, run = given.run, confirmed = {} }))
end

return M
