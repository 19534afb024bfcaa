-- Events of an agent's log as lines to read: { text, highlight group or nil } each. Pure functions.

local words = require("kage.words")

local M = {}

---@alias kage.Line { [1]: string, [2]: string? }

---@param text string?
---@param first string what the first line begins with
---@param rest string what the others begin with
---@param group string?
---@return kage.Line[]
local function block(text, first, rest, group)
  local lines = {}
  for _, line in ipairs(vim.split(vim.trim(text or ""), "\n", { plain = true })) do
    -- Leading blanks are kept: much of what agents say is code.
    local indent = line:match("^ *")
    lines[#lines + 1] = { (#lines == 0 and first or rest) .. indent .. words.clean(line), group }
  end
  return lines
end

---@param args any what a tool was called with: a table of named values, or their text
---@return string
local function arguments(args)
  if type(args) == "string" then
    local ok, decoded = pcall(vim.json.decode, args)
    args = ok and decoded or args
  end
  if type(args) ~= "table" then
    return tostring(args or "")
  end
  local main = args.command or args.path or args.pattern or args.query
  return main and tostring(main) or vim.json.encode(args)
end

---@type table<string, fun(event: table): kage.Line[]>
local KINDS = {
  task = function(event)
    return block(event.text, "# ", "  ", "KageTitle")
  end,
  text = function(event)
    return block(event.text, "", "")
  end,
  tool = function(event)
    local line = vim.split(arguments(event.args), "\n", { plain = true })[1]
    return { { "▸ " .. words.clean(event.name) .. " " .. words.clean(line), "KageKey" } }
  end,
  result = function(event)
    local size = event.lines and (event.lines .. (event.lines == 1 and " line" or " lines")) or ""
    local time = event.seconds and event.seconds >= 0.05 and (", %.1f s"):format(event.seconds) or ""
    if event.ok ~= false then
      return { { "  ✓ " .. size .. time, "KageFaint" } }
    end
    local said = vim.split(vim.trim(event.text or ""), "\n", { plain = true })
    return { { "  ✗ " .. words.clean(said[#said]) .. time, "KageFailed" } }
  end,
  steer = function(event)
    return block(event.text, "» ", "  ", "KageWaiting")
  end,
  error = function(event)
    return block(event.text, "✗ ", "  ", "KageFailed")
  end,
  summary = function(event)
    return block(event.text, "= ", "  ", "KageDone")
  end,
  candidate = function(event)
    local files = #(event.files or {}) > 0 and table.concat(event.files, ", ") or "nothing changed"
    return {
      { words.clean(("candidate %s: %s"):format((event.commit or ""):sub(1, 12), files)), "KageFaint" },
    }
  end,
  state = function(event)
    -- What it does now repeats what the tools say; only changes with a reason are news.
    if (event.reason or "") == "" then
      return {}
    end
    local group = require("kage.highlight").of(event.state or "unknown")
    return { { ("· %s: %s"):format(event.state, words.clean(event.reason)), group } }
  end,
}

---@param events table[]
---@return kage.Line[]
function M.lines(events)
  local lines, last_state = {}, nil
  for _, event in ipairs(events) do
    local kind = KINDS[event.kind]
    for _, line in ipairs(kind and kind(event) or {}) do
      if not (event.kind == "state" and line[1] == last_state) then
        lines[#lines + 1] = line
      end
      last_state = event.kind == "state" and line[1] or last_state
    end
  end
  return lines
end

return M
