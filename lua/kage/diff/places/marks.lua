--- What the windows of the diff say of places: who agrees with whom, and which words differ between versions.
local choices = require("kage.diff.places.choices")
local hunks = require("kage.diff.text.hunks")
local names = require("kage.diff.places.names")
local wordwise = require("kage.diff.places.wordwise")

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("kage.diff.places")
local WORDS = vim.api.nvim_create_namespace("kage.diff.words")

-- Milliseconds that names and words may take at once; what is left follows after a pause of as many more.
local AT_ONCE, PAUSE = 4, 15

-- Columns of diff mode's fold column.
local FOLDS = 2

--- How much the picks in front of each one grow the text; they are known as long as the merge is.
---@type table<kage.Merge, integer[]>
local growths = setmetatable({}, { __mode = "k" })

---@param merged kage.Merge
---@return integer[] sums in front of each pick, and behind the last
local function growths_of(merged)
  local sums = growths[merged]
  if not sums then
    sums = { 0 }
    for index, pick in ipairs(merged.picks) do
      sums[index + 1] = sums[index] + #pick.lines - (pick.y1 - pick.y0)
    end
    growths[merged] = sums
  end
  return sums
end

--- Lines `[m0, m1)` of an agent's window that stand for a place.
---@param spot kage.Spot
---@param merged kage.Merge
---@return integer m0, integer m1
function M.range(spot, merged)
  local sums, all = growths_of(merged), merged.picks
  local index = hunks.first(all, "y1", spot.y0)
  local before, inside = sums[index], 0
  while all[index] and all[index].y0 <= spot.y1 do
    local pick = all[index]
    if choices.overlap(pick.c0, pick.c1, spot.place.first, spot.place.past) then
      inside = inside + sums[index + 1] - sums[index]
    elseif pick.y1 <= spot.y0 then
      before = before + sums[index + 1] - sums[index]
    end
    index = index + 1
  end
  local m0 = spot.y0 + before
  return m0, math.max(m0, spot.y1 + before + inside)
end

--- A change in the stead of another agent's version that was picked takes nothing of the user's.
---@param spots kage.Spot[]
---@param merged kage.Merge
local function settle(spots, merged)
  for _, pick in ipairs(merged.picks) do
    local spot = pick.conflict and choices.of_pick(spots, pick)
    if spot and spot.state == "taken" then
      pick.conflict = false
    end
  end
end

--- Look at what became of each place in yours. What the user decided for the base stays so for as long as the tab
--- is open, though the file be asked for again.
---@param view kage.DiffView
---@param yours string[]
---@param merges table<integer, kage.Merge>
function M.read(view, yours, merges)
  local content = view.content
  view.decided = view.decided or {}
  view.decided[content.path] = view.decided[content.path] or content.resets
  content.resets = view.decided[content.path]
  view.spots = content:spots(yours)
  for _, merged in pairs(view.spots and merges or {}) do
    settle(view.spots, merged)
  end
end

---@param told string[]
---@param room integer columns
---@return string? the fullest that fits
local function fitting(told, room)
  for _, name in ipairs(told) do
    if vim.api.nvim_strwidth(name) <= room then
      return name
    end
  end
end

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
    return fitting(told, width - used - 1)
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
  local m0, m1 = M.range(spot, column.merge)
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
      told = told or names.told(spot, #view.agents, all)
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
      local m0, m1 = M.range(spot, column.merge)
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

--- The place under the cursor of the current window.
---@param view kage.DiffView
---@return kage.Spot?
---@return integer line of yours
function M.here(view)
  local window = vim.api.nvim_get_current_win()
  local column = view:column_here()
  if column and column.merge then
    return choices.at_merged(view.spots, column.merge, vim.api.nvim_win_get_cursor(window)[1])
  end
  local line = vim.api.nvim_win_get_cursor(window == view.yours and window or view.yours)[1]
  return choices.at(view.spots, line), line
end

--- What the window of yours says above it, of the place under the cursor and of the file.
---@param view kage.DiffView
---@return kage.Span[]
local function said(view)
  local open, all = 0, 0
  for _, spot in ipairs(view.spots) do
    if spot.kind == "choice" then
      all = all + 1
      open = open + (spot.state == "open" and 1 or 0)
    end
  end
  local found = {}
  if open > 0 then
    found[1] = { open == 1 and "1 choice open" or open .. " choices open", "KageChoice" }
  elseif all > 0 then
    found[1] = { "no choice open", "KageFaint" }
  end
  local spot = M.here(view)
  local told = spot and names.told(spot, #view.agents, all)
  local changed = vim.bo[vim.api.nvim_win_get_buf(view.yours)].modified
  local head = vim.api.nvim_strwidth(" yours " .. vim.fs.basename(view.path) .. (changed and " [+] " or "  "))
  local room = vim.api.nvim_win_get_width(view.yours) - head
  if found[1] then
    if room < vim.api.nvim_strwidth(found[1][1]) + (told and vim.api.nvim_strwidth(told[1]) + 2 or 0) then
      found[1][1] = open .. " open"
    end
    room = room - vim.api.nvim_strwidth(found[1][1])
  end
  local name = told and fitting(told, room - (found[1] and 1 or 0))
  if name then
    found[#found + 1] = { name, "KageFaint" }
  end
  return found
end

--- The cursor moved: name the place that it is at. Costs nothing where that is the same.
---@param view kage.DiffView
function M.title(view)
  local file = view.path and view:file(view.path)
  if not (file and view.spots) or view.away or not vim.api.nvim_win_is_valid(view.yours) then
    return
  end
  local titles = require("kage.diff.titles")
  local title = titles.yours(file, #view.agents > 1 and said(view) or {})
  if vim.wo[view.yours].winbar ~= title then
    require("kage.diff.layout").set(view.yours, "winbar", title)
  end
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
  M.title(view)
  if view.arrived then
    vim.schedule(view.arrived)
    view.arrived = nil
  end
end

return M
