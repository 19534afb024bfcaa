-- Every option of the editor's side, in one table: validation, defaults and the help come out of it. What
-- belongs to players, checks and budgets is not here but in kage/config.toml, which the shell reads too.

local M = {}

---@class kage.Option
---@field key string dotted path in the table given to setup()
---@field type "string"|"integer"|"boolean"|"function" what Lua's value must be
---@field one_of string[]? the only values, where there are few
---@field min integer? smallest integer
---@field default any nil = nothing is set
---@field desc string

---@type kage.Option[]
M.options = {
  {
    key = "python",
    type = "string",
    desc = "Python of Kage's own environment. By default the checkout's `.venv`, then what `build.lua` made.",
  },
  {
    key = "panes",
    type = "string",
    one_of = { "beside", "window", "hidden" },
    default = "beside",
    desc = "Where agents' panes appear: in a column beside the editor, in a tmux window of their own, or in "
      .. "a session that only `:Kage attach` shows.",
  },
  {
    key = "dashboard.position",
    type = "string",
    one_of = { "bottom", "float" },
    default = "bottom",
    desc = "Where `:Kage` opens the dashboard.",
  },
  {
    key = "dashboard.log_lines",
    type = "integer",
    min = 0,
    default = 6,
    desc = "Log lines under the agents.",
  },
  {
    key = "check_on_pick",
    type = "boolean",
    default = false,
    desc = "Run the checks (|kage-checks|) on what you have after each pick in the diff; the next pick takes "
      .. "their place.",
  },
  {
    key = "diff.columns",
    type = "integer",
    min = 0,
    default = 0,
    desc = "Agents shown beside your file at once, where there is room; `]a` and `[a` page through the rest. "
      .. "0: two, from 200 columns on three, from 260 on four; one on screens of less than 120.",
  },
  {
    key = "diff.provider",
    type = "function",
    desc = "Called by `:KageDiff` instead of Kage's own view, with one table, |kage-diff-provider|. `:KageDiff!` "
      .. "shows Kage's all the same.",
  },
  { key = "prompt.history", type = "integer", min = 0, default = 50, desc = "Prompts that are remembered." },
  { key = "statusline.width", type = "integer", min = 10, default = 40, desc = "Most columns it may take." },
  {
    key = "notify.seconds",
    type = "integer",
    min = 1,
    default = 8,
    desc = "How long a message of several lines stays in its corner.",
  },
  {
    key = "notify.waiting",
    type = "boolean",
    default = true,
    desc = "Say so when an agent needs you; |KageAgentWaiting| fires in any case.",
  },
  { key = "icons.starting", type = "string", default = "◌", desc = "An agent that is being started." },
  { key = "icons.working", type = "string", default = "●", desc = "One that works." },
  { key = "icons.waiting", type = "string", default = "◔", desc = "One that waits for somebody." },
  { key = "icons.checking", type = "string", default = "◐", desc = "One whose result is being checked." },
  { key = "icons.done", type = "string", default = "✓", desc = "One that is done." },
  { key = "icons.failed", type = "string", default = "✗", desc = "One that failed." },
  { key = "icons.stopped", type = "string", default = "■", desc = "One that was stopped." },
  { key = "icons.interrupted", type = "string", default = "‖", desc = "One that was interrupted." },
  { key = "icons.unknown", type = "string", default = "?", desc = "One whose state is not known." },
}

---@return table<string, kage.Option>
local function by_key()
  local found = {}
  for _, option in ipairs(M.options) do
    found[option.key] = option
  end
  return found
end

---@param key string
---@param expected string
---@param found any
local function refuse(key, expected, found)
  local shown = type(found) == "string" and ('"' .. found .. '"') or vim.inspect(found)
  error(("kage.setup: `%s`: expected %s, found %s"):format(key, expected, shown), 0)
end

---@param option kage.Option
---@param value any
local function check(option, value)
  if option.one_of then
    if not vim.tbl_contains(option.one_of, value) then
      refuse(option.key, '"' .. table.concat(option.one_of, '" or "') .. '"', value)
    end
  elseif option.type == "integer" then
    local low = option.min or 0
    if type(value) ~= "number" or value % 1 ~= 0 or value < low then
      refuse(option.key, "an integer from " .. low, value)
    end
  elseif type(value) ~= option.type then
    refuse(option.key, "a " .. option.type, value)
  end
end

---@param key string
---@param known table<string, kage.Option>
---@return boolean # true when options live under that key
local function is_table_of_options(key, known)
  for name in pairs(known) do
    if vim.startswith(name, key .. ".") then
      return true
    end
  end
  return false
end

---@param values table what the user gave
---@param prefix string
---@param known table<string, kage.Option>
---@param into table<string, any> dotted key → value
local function flatten(values, prefix, known, into)
  for name, value in pairs(values) do
    local key = prefix .. tostring(name)
    if known[key] then
      check(known[key], value)
      into[key] = value
    elseif not is_table_of_options(key, known) then
      local keys = vim.tbl_keys(known)
      local near = require("kage.words").nearest(key, keys)
      refuse(key, "a known option (nearest: `" .. near .. "`; :help kage-setup lists all)", value)
    elseif type(value) ~= "table" then
      refuse(key, "a table", value)
    else
      flatten(value, key .. ".", known, into)
    end
  end
end

---@param given table<string, any>
---@return table
local function build(given)
  local config = {}
  for _, option in ipairs(M.options) do
    local value = given[option.key]
    if value == nil then
      value = option.default
    end
    local at = config
    local path = vim.split(option.key, ".", { plain = true })
    for i = 1, #path - 1 do
      at[path[i]] = at[path[i]] or {}
      at = at[path[i]]
    end
    at[path[#path]] = value
  end
  return config
end

local current ---@type table?

--- The options in force: the defaults until setup() was called.
---@return table
function M.get()
  current = current or build({})
  return current
end

--- Take the user's options. An unknown key or a wrong type is an error that names the key, what was expected
--- and what was found; nothing changes then.
---@param values table?
function M.setup(values)
  if values ~= nil and type(values) ~= "table" then
    refuse("setup", "a table", values)
  end
  local given = {}
  flatten(values or {}, "", by_key(), given)
  current = build(given)
end

--- The help's list of options, as lines of a Vim help file; a test compares the help with it.
---@return string[]
function M.help()
  local lines = {}
  for _, option in ipairs(M.options) do
    local tag = "*kage-option-" .. option.key .. "*"
    local kind = option.one_of and ('"' .. table.concat(option.one_of, '", "') .. '"') or option.type
    local default = option.default == nil and "none" or vim.inspect(option.default)
    lines[#lines + 1] = option.key .. (" "):rep(math.max(1, 78 - #option.key - #tag)) .. tag
    lines[#lines + 1] = ("    %s, default %s"):format(kind, default)
    for _, line in ipairs(require("kage.words").wrap(option.desc, 72)) do
      lines[#lines + 1] = "    " .. line
    end
    lines[#lines + 1] = ""
  end
  return lines
end

return M
