-- `:Kage check`: the project's own commands on what you have merged so far, or on a candidate. What they complain
-- of stands as diagnostics beside the lines of your files, and in a quickfix list; a candidate's in the list only,
-- with its own lines.

local context = require("kage.context")
local host = require("kage.host")
local notify = require("kage.notify")
local clean = require("kage.words").clean

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("kage.checks")
local TITLE = "Kage: checks"
-- Picks that follow each other closer than this are checked together, in milliseconds.
local REST = 600

---@class kage.CheckResult see Result in evaluate/results.py
---@field name string
---@field state "running"|"pass"|"fail"|"timeout"|"error"
---@field summary string
---@field passed integer?
---@field total integer?
---@field failures {path: string, line: integer, text: string}[]
---@field regressed string[]? names of tests
---@field failing_at_base string[]?
---@field fixed string[]?
---@field flaky string[]?
---@field metrics table[]?

---@class kage.Checked the last checks of your files
---@field results kage.CheckResult[]
---@field stale boolean the results are those of an older text
---@field edited boolean something was edited since checks were last asked for
---@field asked integer how many answers this editor waits for
---@field commit string? what the results are of

local checked = {} ---@type table<string, kage.Checked> by the repository's root
local timer ---@type uv.uv_timer_t?
local is_watching = false

---@param root string
local function fire(root)
  vim.api.nvim_exec_autocmds(
    "User",
    { pattern = "KageChecks", modeline = false, data = { repository = root } }
  )
end

--- The last checks of your files in a repository, as far as they are.
---@param root string
---@return kage.Checked?
function M.of(root)
  return checked[root]
end

--- Your files are others than those that were checked.
---@param path string that changed, or the repository's root
function M.changed(path)
  path = vim.uv.fs_realpath(path) or path
  for root, one in pairs(checked) do
    if not (one.stale and one.edited) and vim.startswith(path .. "/", root .. "/") then
      one.stale, one.edited = true, true
      fire(root)
    end
  end
end

--- Any edit makes the results those of an older text.
local function watch_edits()
  if is_watching then
    return
  end
  is_watching = true
  vim.api.nvim_create_autocmd({ "TextChanged", "TextChangedI", "TextChangedP", "FileChangedShellPost" }, {
    group = vim.api.nvim_create_augroup("kage.checks", {}),
    callback = function(event)
      local name = vim.api.nvim_buf_get_name(event.buf)
      if vim.bo[event.buf].buftype == "" and name ~= "" then
        M.changed(name)
      end
    end,
  })
end

---@param root string
---@return kage.Checked
local function entry(root)
  checked[root] = checked[root] or { results = {}, stale = false, edited = false, asked = 0 }
  watch_edits()
  return checked[root]
end

---@param results kage.CheckResult[]
---@param where fun(path: string): table the file as for setqflist()
---@return table[] # as for setqflist()
local function complaints(results, where)
  local items = {}
  for _, result in ipairs(results) do
    for _, failure in ipairs(result.failures) do
      local text = failure.text ~= "" and failure.text or result.summary
      items[#items + 1] = vim.tbl_extend("error", where(failure.path), {
        lnum = failure.line,
        text = clean(result.name .. ": " .. text),
        type = "E",
      })
    end
  end
  return items
end

---@param root string
---@return fun(path: string): table
local function of_yours(root)
  return function(path)
    return { filename = vim.fs.joinpath(root, path) }
  end
end

--- Diagnostics: signs, `]d` and all else that the user has for them.
---@param root string
---@param results kage.CheckResult[]
local function show_signs(root, results)
  vim.diagnostic.reset(NAMESPACE)
  local by_buffer = {}
  for _, item in ipairs(complaints(results, of_yours(root))) do
    if vim.uv.fs_stat(item.filename) then
      local buffer = vim.fn.bufadd(item.filename)
      by_buffer[buffer] = by_buffer[buffer] or {}
      table.insert(by_buffer[buffer], {
        lnum = item.lnum - 1,
        col = 0,
        message = item.text,
        severity = vim.diagnostic.severity.ERROR,
        source = "kage check",
      })
    end
  end
  for buffer, found in pairs(by_buffer) do
    vim.diagnostic.set(NAMESPACE, buffer, found)
  end
end

--- What kaged tells while checks run.
---@param params {repository: string, agent: integer?, commit: string, results: kage.CheckResult[]}
function M.push(params)
  if params.agent then
    return -- a candidate's are part of its run
  end
  local one = entry(params.repository)
  if params.commit ~= one.commit and one.asked == 0 then
    one.edited = false -- somebody else asked, in a shell, just now
  end
  one.results, one.commit, one.stale = params.results, params.commit, one.edited
  show_signs(params.repository, params.results)
  fire(params.repository)
end

--- A quickfix list of its own, in the place of the one before.
---@param items table[]
local function list(items)
  local own = vim.fn.getqflist({ title = 0, id = 0 })
  local replace = own.title == TITLE
  if #items > 0 or replace then
    vim.fn.setqflist({}, replace and "r" or " ", { title = TITLE, items = items })
  end
end

--- What a candidate's checks complain of, with its own lines: the buffers hold what was checked.
---@param cwd string
---@param answer table
---@return table[] # as for setqflist()
local function of_candidate(cwd, answer)
  local longest, buffers = {}, {}
  for _, result in ipairs(answer.results) do
    for _, failure in ipairs(result.failures) do
      longest[failure.path] = math.max(longest[failure.path] or 1, failure.line)
    end
  end
  local function where(path)
    buffers[path] = buffers[path]
      or require("kage.checked_file").buffer({
        cwd = cwd,
        run = answer.run,
        agent = answer.agent,
        tree = answer.tree,
        path = path,
        lines = longest[path],
      })
    return { bufnr = buffers[path] }
  end
  local items = complaints(answer.results, where)
  for _, item in ipairs(items) do
    item.text = ("candidate %d: %s"):format(answer.agent, item.text)
  end
  return items
end

---@param options {cwd: string, agent: integer?}
---@param answer table
local function report(options, answer)
  local items = options.agent and of_candidate(options.cwd, answer)
    or complaints(answer.results, of_yours(context.root(options.cwd)))
  list(items)
  local lines = require("kage.check_words").lines(answer, options.agent)
  if #items > 0 then
    lines[#lines + 1] = ("%d places are in the quickfix list (:copen)"):format(#items)
  end
  notify.info(table.concat(lines, "\n"))
end

--- Run the checks.
---@param options {cwd: string, run: string?, agent: integer?, quiet: boolean?, confirmed: string[]?}
function M.run(options)
  local root = context.root(options.cwd)
  local one = not options.agent and entry(root) or nil
  if one then
    one.edited, one.asked = false, one.asked + 1
  end
  local params =
    { cwd = options.cwd, run = options.run, agent = options.agent, confirmed = options.confirmed or {} }
  host.request("check", params, function(err, answer)
    if one then
      one.asked = one.asked - 1
    end
    if err and err.code == "superseded" then
      return -- the newer one tells
    end
    local function again(ids)
      M.run(vim.tbl_extend("force", options, { confirmed = ids }))
    end
    if require("kage.confirm").is_held_up(err, again, "nothing was run") then
      return
    end
    if not options.agent then
      M.push({ repository = root, commit = answer.commit, results = answer.results })
    end
    if not options.quiet then
      report(options, answer)
    end
  end)
end

--- `:Kage check [N]`.
---@param words kage.Words
function M.command(words)
  local word = words.fargs[1]
  local number = require("kage.words").number(word)
  if word and not number then
    return notify.error({
      message = "check: expected the number of a candidate or nothing, found `" .. word .. "`",
      fix = "Write :Kage check for what you have now, :Kage check 2 for candidate 2",
    })
  end
  M.run({ cwd = context.cwd(), run = words.run, agent = number })
end

--- With `check_on_pick`: check what a pick made of your files, once the picking rests.
---@param cwd string
function M.picked(cwd)
  M.changed(cwd)
  if not require("kage.config").get().check_on_pick then
    return
  end
  timer = timer or assert(vim.uv.new_timer())
  timer:start(
    REST,
    0,
    vim.schedule_wrap(function()
      M.run({ cwd = cwd, quiet = true })
    end)
  )
end

return M
