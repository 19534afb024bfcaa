--- What the agents' windows say of places: who agrees with whom, and which words differ between versions.
local choices = require("kage.diff.places.choices")
local hunks = require("kage.diff.text.hunks")
local names = require("kage.diff.places.names")
local title = require("kage.diff.places.title")
local windows = require("kage.diff.places.windows")
local wordwise = require("kage.diff.places.wordwise")

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("kage.diff.places")
local WORDS = vim.api.nvim_create_namespace("kage.diff.words")

-- Milliseconds that names and words may take at once; what is left follows after a pause of as many more.
local AT_ONCE, PAUSE = 4, 15

-- Columns of diff mode's fold column.
local FOLDS = 2

---@param text string
---@param buffer integer whose tabs they are
---@return integer
local function columns_of(text, buffer)
  if not text:find("\t", 1, true) then
    return vim.api.nvim_strwidth(text)
  end
  return vim.api.nvim_buf_call(buffer, function()
    return vim.fn.strdisplaywidth(text)
  end)
end

---@param buffer integer
---@param line integer
---@return integer columns that is said at its end already
local function remarks_at(buffer, line)
  local columns = 0
  local options = { details = true, type = "virt_text" }
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(buffer, -1, { line - 1, 0 }, { line - 1, -1 }, options)) do
    if mark[4].virt_text_pos == "eol" then
      columns = columns + 1
      for _, chunk in ipairs(mark[4].virt_text) do
        columns = columns + vim.api.nvim_strwidth(chunk[1])
      end
    end
  end
  return columns
end

--- The fullest name that fits behind the text of a line.
---@param column kage.Column
---@param line integer
---@param told string[]
---@param width integer columns for text
---@return string?
local function behind(column, line, told, width)
  local text = vim.api.nvim_buf_get_lines(column.buffer, line - 1, line, false)[1]
  if text then
    local used = columns_of(text, column.buffer) + remarks_at(column.buffer, line)
    return names.fitting(told, width - used - 1)
  end
end

--- Say it at the end of a line of the place that leaves room for it, or of the line above or below it. Code is never
--- covered: without room there, the line above yours names the place under the cursor all the same.
---@param view kage.DiffView
---@param column kage.Column
---@param spot kage.Spot
---@param told string[]
---@param width integer columns for text
local function draw(view, column, spot, told, width)
  local m0, m1 = windows.range(spot, column.merge)
  local last = vim.api.nvim_buf_line_count(column.buffer)
  local best, row
  for line = math.min(m0, last), math.min(math.max(m0, m1 - 1), last, m0 + 9) do
    local name = behind(column, line, told, width)
    if name and (not best or #name > #best) then
      best, row = name, line
    end
  end
  for _, beside in ipairs(best and {} or { { m0 - 1, "↓ " }, { math.max(m1, m0 + 1), "↑ " } }) do
    local line, arrow = beside[1], beside[2]
    if not best and line > 0 and not choices.at_merged(view.spots, column.merge, line) then
      local name = behind(column, line, told, width - vim.api.nvim_strwidth(arrow))
      best, row = name and arrow .. name, line
    end
  end
  if best then
    local is_choice = spot.kind == "choice" and spot.state == "open"
    vim.api.nvim_buf_set_extmark(column.buffer, NAMESPACE, row - 1, 0, {
      virt_text = { { best, is_choice and "KageChoice" or "KageFaint" } },
      virt_text_pos = "eol",
      priority = 190,
    })
  end
end

---@param column kage.Column
---@return integer columns for text
local function room_in(column)
  -- Diff mode, which may only come, brings a fold column.
  local textoff = math.max(FOLDS, vim.fn.getwininfo(column.window)[1].textoff)
  return vim.api.nvim_win_get_width(column.window) - textoff
end

--- Name a place in the agents' windows.
---@param view kage.DiffView
---@param spot kage.Spot
---@param all integer how many choices the file has
---@param widths table<kage.Column, integer>
local function name_spot(view, spot, all, widths)
  local told
  for _, column in ipairs(view.columns) do
    local is_said = spot.kind == "choice"
      or (spot.state == "open" and choices.version_of(spot.place, column.agent) ~= nil)
    if is_said and column.merge and widths[column] then
      told = told or names.told(spot, view.voices, all)
      draw(view, column, spot, told, widths[column])
    end
  end
end

---@param column kage.Column
---@param m0 integer
---@param ranges kage.WordRange[]
local function highlight(column, m0, ranges)
  for _, range in ipairs(ranges) do
    vim.api.nvim_buf_set_extmark(column.buffer, WORDS, m0 + range.line - 2, range.c0, {
      end_col = range.c1,
      hl_group = "KageWord",
      priority = 180,
      strict = false,
    })
  end
end

--- Compare the versions of one choice that are on the screen, each with each.
---@param columns kage.Column[]
---@param spot kage.Spot
local function compare(columns, spot)
  local sides = {}
  for _, column in ipairs(columns) do
    local version = column.merge and choices.version_of(spot.place, column.agent)
    if version then
      local m0, m1 = windows.range(spot, column.merge)
      local lines = hunks.slice(column.merge.lines, m0, m1)
      sides[#sides + 1] = { column = column, version = version, m0 = m0, lines = lines }
    end
  end
  for i = 1, #sides do
    for j = i + 1, #sides do
      if sides[i].version ~= sides[j].version then
        local one, other = wordwise.differ(sides[i].lines, sides[j].lines)
        highlight(sides[i].column, sides[i].m0, one)
        highlight(sides[j].column, sides[j].m0, other)
      end
    end
  end
end

---@param view kage.DiffView
---@param left kage.Spot[] is emptied from its end
---@param all integer how many choices the file has
---@param widths table<kage.Column, integer>
---@param is_due? fun(spot: kage.Spot): boolean what is done in this slice; the rest waits for the next one
local function go_on(view, left, all, widths, is_due)
  if view.closed or view.spots_left ~= left or not view:prune() then
    return
  end
  local past = vim.uv.hrtime() + AT_ONCE * 1e6
  while #left > 0 and vim.uv.hrtime() < past and (not is_due or is_due(left[#left])) do
    local spot = table.remove(left)
    name_spot(view, spot, all, widths)
    if spot.kind == "choice" then
      compare(view.columns, spot)
    end
  end
  if #left > 0 then
    vim.defer_fn(function()
      go_on(view, left, all, widths)
    end, PAUSE)
  end
end

--- Name the places and highlight the words that differ: what is on the screen at once, the rest when there is time.
---@param view kage.DiffView
---@param spots kage.Spot[]
local function draw_spots(view, spots)
  local line = vim.api.nvim_win_get_cursor(view.yours)[1]
  local left, widths, all = vim.list_slice(spots), {}, 0
  for _, spot in ipairs(spots) do
    all = math.max(all, spot.number or 0)
  end
  table.sort(left, function(a, b)
    return math.abs(a.y0 - line) > math.abs(b.y0 - line)
  end)
  for _, column in ipairs(view.columns) do
    widths[column] = room_in(column)
  end
  view.spots_left = left
  local top, bottom = vim.fn.line("w0", view.yours), vim.fn.line("w$", view.yours)
  go_on(view, left, all, widths, function(spot)
    return top <= spot.y1 and spot.y0 <= bottom
  end)
end

--- Draw it all anew.
---@param view kage.DiffView
function M.draw(view)
  local spots = view.spots or {}
  view.spots_left = nil
  for _, column in ipairs(view.columns) do
    vim.api.nvim_buf_clear_namespace(column.buffer, NAMESPACE, 0, -1)
    vim.api.nvim_buf_clear_namespace(column.buffer, WORDS, 0, -1)
  end
  if #view.agents > 1 then
    draw_spots(view, spots)
  end
  title.draw(view)
  if view.arrived then
    vim.schedule(view.arrived)
    view.arrived = nil
  end
end

return M
