-- Tasks in parts: a planner's proposal to look through before anything starts, and `:Kage parts`: what came of
-- the parts, with a quickfix list of the places where they clash.

local clean = require("kage.words").clean
local notify = require("kage.notify")

local M = {}

local TITLE = "Kage: parts"

--- A task and its parts as they are written in the prompt.
---@param task string
---@param parts table<string, string> by number
---@return string
function M.text(task, parts)
  local lines = { task, "" }
  for number = 1, vim.tbl_count(parts) do
    vim.list_extend(lines, { "## " .. number, parts[tostring(number)] or "", "" })
  end
  return vim.trim(table.concat(lines, "\n"))
end

--- Have a planner divide a task, and open the prompt with what it proposes.
---@param order {cwd: string, task: table, count: integer?}
---@param written string what was typed; it becomes the draft of the next prompt when nothing is proposed
---@param send fun(text: string, plan: string): string?
function M.propose(order, written, send)
  local prompt = require("kage.prompt")
  notify.info("a planner divides the task; nothing starts before you have seen the parts")
  require("kage.host").request("plan", order, function(err, answer)
    if err then
      prompt.keep_draft(order.cwd, written)
      return notify.error(err)
    end
    local text = M.text(order.task.text, answer.parts)
    prompt.remember(text)
    prompt.open({
      key = order.cwd .. " " .. answer.plan,
      title = ("%d parts, proposed by @%s: edit, then send"):format(
        vim.tbl_count(answer.parts),
        clean(answer.player)
      ),
      text = text,
      send = function(edited)
        return send(edited, answer.plan)
      end,
    })
  end)
end

---@param answer table of kaged's `parts`
---@return string[]
function M.lines(answer)
  local icons = require("kage.config").get().icons
  local lines = {}
  for _, part in ipairs(answer.parts) do
    local files = part.files == 1 and "1 file" or part.files .. " files"
    local checked = part.checked ~= "" and "  " .. clean(part.checked) or ""
    local line = ("%d %s %s  %s%s"):format(
      part.number,
      icons[part.state] or "",
      clean(part.title),
      files,
      checked
    )
    lines[#lines + 1] = line
  end
  local union = answer.union
  if not union then
    lines[#lines + 1] = clean(answer.without)
    return lines
  end
  lines[#lines + 1] = clean(answer.verdict)
    .. (union.checked ~= "" and "  (" .. clean(union.checked) .. ")" or "")
  for _, clash in ipairs(union.clashes) do
    local mark = clash.kind == "contradiction" and "!" or "="
    local line = clash.line > 0 and ":" .. clash.line or ""
    lines[#lines + 1] = ("  %s %s: %s"):format(mark, clean(clash.path) .. line, clean(clash.text))
  end
  local lands = union.files > 0 and ":KageAccept " .. union.number .. " lands the union"
    or "the union changes nothing"
  lines[#lines + 1] = lands .. (#union.clashes > 0 and "; :KageDiff chooses where they clash" or "")
  return lines
end

---@param root string
---@param clashes table[]
local function list(root, clashes)
  local items = vim.tbl_map(function(clash)
    return {
      filename = vim.fs.joinpath(root, clash.path),
      lnum = math.max(1, clash.line),
      text = clean(clash.kind .. ": " .. clash.text),
      type = clash.kind == "contradiction" and "W" or "I",
    }
  end, clashes)
  local replace = vim.fn.getqflist({ title = 0 }).title == TITLE
  if #items > 0 or replace then
    vim.fn.setqflist({}, replace and "r" or " ", { title = TITLE, items = items })
  end
end

--- `:Kage parts`.
---@param words kage.Words
function M.command(words)
  local context = require("kage.context")
  local root = context.root(context.cwd())
  require("kage.steer").ask(words, "parts", {}, function(answer)
    list(root, answer.union and answer.union.clashes or {})
    notify.info(table.concat(M.lines(answer), "\n"))
  end)
end

return M
