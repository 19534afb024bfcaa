-- `:Kage history`: what was landed here, newest first, as a table in a window of its own.

local paint = require("kage.dashboard.paint")
local words = require("kage.words")

local M = {}

local NAME = "kage://history"

---@class kage.Landing
---@field id integer
---@field run string
---@field number integer
---@field numbers integer[]?
---@field created number Unix seconds
---@field files { path: string }[]
---@field added integer?
---@field removed integer?
---@field state string
---@field conflicts integer?
---@field commit string?
---@field branch string?

local GROUPS = { done = "KageAdded", undone = "Comment", abandoned = "KageRemoved" }

---@param landing kage.Landing
---@return string # what became of it
local function standing(landing)
  local commit = landing.commit or ""
  local where = commit ~= "" and (" %s on %s"):format(commit:sub(1, 7), words.clean(landing.branch)) or ""
  local state = landing.state
  if where ~= "" and (state == "done" or state == "branch") then
    state = "committed as"
  elseif where ~= "" then
    state = state .. ", commit"
  end
  local conflicts = landing.conflicts or 0
  return state
    .. where
    .. (conflicts > 0 and ", " .. (conflicts == 1 and "1 conflict" or conflicts .. " conflicts") or "")
end

--- The landings as a table, its head first; columns are as wide as what is in them.
---@param landings kage.Landing[]
---@return string[]
function M.rows(landings)
  local rows = { { "id", "when", "run", "from", "files", "+", "-", "state" } }
  for _, landing in ipairs(landings) do
    local numbers = landing.numbers or {}
    rows[#rows + 1] = {
      tostring(landing.id),
      os.date("%y-%m-%d %H:%M", math.floor(landing.created)),
      words.clean(landing.run),
      #numbers > 0 and table.concat(numbers, " ") or tostring(landing.number),
      tostring(#landing.files),
      "+" .. (landing.added or 0),
      "-" .. (landing.removed or 0),
      standing(landing),
    }
  end
  return words.columns(rows, { true, [5] = true, [6] = true, [7] = true })
end

---@return integer? # window that shows the table
local function there()
  for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    if vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(window)) == NAME then
      return window
    end
  end
end

---@return integer # its buffer, in a window that has the cursor
local function open()
  local window = there()
  if window then
    vim.api.nvim_set_current_win(window)
    return vim.api.nvim_win_get_buf(window)
  end
  vim.cmd("botright split")
  local buffer = paint.buffer(NAME)
  vim.api.nvim_win_set_buf(0, buffer)
  paint.plain_window(0)
  vim.wo[0][0].cursorline, vim.wo[0][0].wrap, vim.wo[0][0].linebreak = true, true, true
  vim.keymap.set(
    "n",
    "q",
    "<Cmd>close<CR>",
    { buffer = buffer, nowait = true, desc = "Kage: close the history" }
  )
  return buffer
end

--- Show landings; <CR> on one opens its candidates beside your files.
---@param landings kage.Landing[]
function M.show(landings)
  if #landings == 0 then
    return require("kage.notify").info("nothing was landed in this repository yet")
  end
  local rows = M.rows(landings)
  local lines = { { { rows[1], "Title" } } }
  for i, landing in ipairs(landings) do
    lines[i + 1] = { { rows[i + 1], landing.state == "done" and "" or GROUPS[landing.state] } }
  end
  local buffer = open()
  paint.set(buffer, 0, lines)
  vim.api.nvim_win_set_height(0, math.min(#lines, math.floor(vim.o.lines / 2)))
  vim.api.nvim_win_set_cursor(0, { 2, 0 })
  vim.keymap.set("n", "<CR>", function()
    local landing = landings[vim.api.nvim_win_get_cursor(0)[1] - 1]
    if landing then
      local numbers = landing.numbers and #landing.numbers > 0 and landing.numbers or { landing.number }
      local cwd = require("kage.context").cwd()
      require("kage.diff").open(numbers, { run = landing.run, cwd = cwd })
    end
  end, { buffer = buffer, nowait = true, desc = "Kage: compare what was landed" })
end

return M
