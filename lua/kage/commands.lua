-- From a command line to a verb: which one it names, which run, which repository.

local M = {}

M.verbs = require("kage.verbs")

--- The verbs' names, sorted.
---@return string[]
function M.names()
  local names = vim.tbl_keys(M.verbs)
  table.sort(names)
  return names
end

--- Take `--run ID` out of the words. Where a text follows the agent, only before that text: it may say --run.
---@param text string
---@param has_text boolean?
---@return string rest, string? run
local function take_run(text, has_text)
  local before, run, after = (" " .. text):match("^(.-)%s%-%-run[ =](%S+)(.*)$")
  if not run or (has_text and before:find("%S%s+%S")) then
    return text, nil
  end
  return vim.trim(vim.trim(before) .. " " .. vim.trim(after)), run
end

--- Do what a command says.
---@param verb string? nil for :Kage, whose first word is the verb
---@param args table as Neovim gives it to a user command
function M.run(verb, args)
  require("kage.notify").dismiss()
  local text = args.args
  if not verb then
    verb, text = text:match("^%s*(%S*)%s*(.*)$")
    if verb == "" then
      require("kage.watch").ensure(require("kage.context").cwd())
      return require("kage.dashboard").open()
    end
  end
  local entry = M.verbs[verb]
  if not entry then
    return require("kage.notify").error({
      message = "no verb `" .. verb .. "`; the nearest is `" .. require("kage.words").nearest(
        verb,
        M.names()
      ) .. "`",
      fix = "Write :Kage " .. table.concat(M.names(), "|"),
    })
  end
  require("kage.watch").ensure(require("kage.context").cwd())
  local rest, run = text, nil
  if verb ~= "spawn" then
    rest, run = take_run(text, entry.text)
    if not entry.text and (" " .. rest):find("%s%-%-run=?%s*$") then
      return require("kage.notify").error({ message = verb .. ": --run names no run", fix = "Write --run ID" })
    end
  end
  entry.run({
    args = rest,
    fargs = require("kage.words").arguments(rest),
    run = run,
    bang = args.bang or false,
    range = args.range or 0,
    line1 = args.line1 or 0,
    line2 = args.line2 or 0,
  })
end

---@param verb string?
---@param lead string
---@param line string
---@param position integer
---@return string[]
function M.complete(verb, lead, line, position)
  return require("kage.complete")(M, verb, lead, line:sub(1, position))
end

return M
