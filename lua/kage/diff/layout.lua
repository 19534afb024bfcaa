--- The windows of the diff's tab: the panel, yours, one column for each agent shown.
---
---     ┌ panel ┬ yours ┬ 1 fast ┬ 2 mini ┐
local M = {}

-- No window gets narrower than this.
local NARROWEST = 20
-- Where the user did not name the agents, text gets at least this much.
local READABLE = 30
-- With less than this for each of two texts, the panel hides.
local NARROW_TEXT = 26
-- Screens from this many columns on show 2, 3 or 4 agents.
local FROM = { [2] = 120, [3] = 200, [4] = 260 }
local MOST = 7

--- The panel gives way to text, down to this.
local NARROWEST_PANEL = 16

---@param columns integer of the screen
---@param windows integer how many show text
---@return integer width of the panel
local function panel_width(columns, windows)
  local left = columns - windows * (NARROWEST + 1)
  return math.max(NARROWEST_PANEL, math.min(36, math.max(NARROWEST, math.floor(columns / 5)), left))
end

--- Is there no room for the panel beside two readable windows?
---@param columns integer of the screen
---@return boolean
function M.is_narrow(columns)
  return columns < NARROWEST_PANEL + 1 + 2 * NARROW_TEXT + 1
end

--- How many agents a screen shows when the user did not say how many.
---@param columns integer of the screen
---@return integer
local function by_width(columns)
  for agents, least in pairs(FROM) do
    if columns >= least and (not FROM[agents + 1] or columns < FROM[agents + 1]) then
      return agents
    end
  end
  return 1
end

--- How many agents are shown at once.
---@param columns integer of the screen
---@param agents integer how many there are
---@param wanted integer 0: as the screen's width suggests
---@param named boolean the user asked for these agents by number
---@param has_panel boolean
---@return integer
function M.count(columns, agents, wanted, named, has_panel)
  local narrowest = named and NARROWEST or READABLE
  local room = has_panel and columns - NARROWEST_PANEL or columns
  local fitting = math.floor(room / (narrowest + 1)) - 1
  if not named and columns < FROM[2] then
    fitting = 1
  end
  wanted = wanted == 0 and by_width(columns) or wanted
  return math.min(agents, math.max(1, math.min(wanted, fitting, MOST)))
end

---@param window integer
---@param name string
---@param value any
local function set(window, name, value)
  vim.api.nvim_set_option_value(name, value, { win = window, scope = "local" })
end

M.set = set

--- A list, not a text: nothing of the user's settings for text applies.
---@param window integer
function M.plain(window)
  local options = {
    number = false,
    relativenumber = false,
    signcolumn = "no",
    foldcolumn = "0",
    statuscolumn = "",
    wrap = false,
    spell = false,
    list = false,
    cursorline = true,
    colorcolumn = "",
    winfixwidth = true,
    foldenable = false,
    scrollbind = false,
    cursorbind = false,
    winhighlight = "",
  }
  for name, value in pairs(options) do
    set(window, name, value)
  end
end

--- Open a window beside another.
---@param buffer integer
---@param beside integer
---@param side "left"|"right"
---@return integer window
function M.split(buffer, beside, side)
  return vim.api.nvim_open_win(buffer, false, { split = side, win = beside })
end

--- Share the width between yours and the columns.
---@param panel integer?
---@param windows integer[] yours first
function M.share(panel, windows)
  local room = vim.o.columns
  if panel and vim.api.nvim_win_is_valid(panel) then
    local width = panel_width(vim.o.columns, #windows)
    vim.api.nvim_win_set_width(panel, width)
    room = room - width - 1
  end
  local each = math.floor((room - #windows + 1) / #windows)
  for index = 1, #windows - 1 do
    vim.api.nvim_win_set_width(windows[index], each)
  end
end

--- Show a window's text as part of the comparison.
---@param window integer
function M.diff_on(window)
  if not vim.wo[window].diff then
    vim.api.nvim_win_call(window, function()
      vim.cmd("diffthis")
    end)
  end
end

--- Open the folds at a window's cursor, in all windows of the comparison: `zv` does it in one of them, and the lines
--- of the others would no longer stand beside each other.
---@param window integer
function M.unfold(window)
  vim.api.nvim_win_call(window, function()
    if vim.fn.foldclosed(".") > 0 then
      vim.cmd("normal! zO")
    end
  end)
end

--- Open the folds that are open in one window in all windows of the comparison.
---@param window integer
---@param lines integer[] in its folds
function M.repeat_open_folds(window, lines)
  vim.api.nvim_win_call(window, function()
    for _, line in ipairs(lines) do
      if vim.fn.foldlevel(line) > 0 and vim.fn.foldclosed(line) < 0 then
        vim.cmd(("silent! %dfoldopen"):format(line))
      end
    end
  end)
end

--- Is the line of a window's cursor in sight, and not in a closed fold?
---@param window integer
---@return boolean
function M.is_unfolded(window)
  return vim.api.nvim_win_call(window, function()
    return vim.fn.foldclosed(".") < 0
  end)
end

---@param window integer
function M.diff_off(window)
  vim.api.nvim_win_call(window, function()
    vim.cmd("diffoff")
  end)
end

return M
