--- `]k` and `[k`: from choice to choice, in this file and then in the next one with an open choice. Like `]c` they
--- do not begin again at the other end. Methods of the view.
local choices = require("kage.diff.places.choices")
local layout = require("kage.diff.layout")
local notify = require("kage.notify")
local survey = require("kage.diff.places.survey")
local title = require("kage.diff.places.title")
local windows = require("kage.diff.places.windows")

local M = {}

---@param view kage.DiffView
---@param spot kage.Spot
local function go_to(view, spot)
  local column = view:column_here()
  local window, line = view.yours, spot.y0
  if column and column.merge then
    window, line = column.window, (windows.range(spot, column.merge))
  end
  local last = vim.api.nvim_buf_line_count(vim.api.nvim_win_get_buf(window))
  vim.api.nvim_win_call(window, function()
    vim.cmd("normal! m'")
    vim.api.nvim_win_set_cursor(window, { math.max(1, math.min(line, last)), 0 })
  end)
  layout.unfold(window)
  title.draw(view)
end

--- The choices of the file in front of the cursor's line or behind it, the nearest first.
---@param view kage.DiffView
---@param step 1|-1
---@return kage.Spot[]
local function ahead(view, step)
  local here, line = windows.here(view)
  local found = {}
  for index = step > 0 and 1 or #view.spots, step > 0 and #view.spots or 1, step do
    local spot = view.spots[index]
    local order
    if here then
      order = spot == here and 0
        or (spot.place.first - here.place.first) * 2 + (spot.place.past > here.place.past and 1 or -1)
    else
      order = spot.y0 > line and 1 or -1
    end
    if spot.kind == "choice" and order * step > 0 then
      found[#found + 1] = spot
    end
  end
  return found
end

--- The files behind the one shown, or in front of it, the nearest first.
---@param view kage.DiffView
---@param step 1|-1
---@return table<string, integer> rank by path
local function others(view, step)
  local found, current = {}, 0
  for index, file in ipairs(view.files) do
    current = file.path == view.path and index or current
  end
  for index, file in ipairs(view.files) do
    if (index - current) * step > 0 then
      found[file.path] = (index - current) * step
    end
  end
  return found
end

--- Once the file is shown, go to its first open choice, or its last.
---@param view kage.DiffView
---@param path string
---@param step 1|-1
local function arrive(view, path, step)
  view.arrived = function()
    if view.closed or view.path ~= path or not view.spots then
      return
    end
    local open = choices.open(view.spots)
    if #open > 0 then
      go_to(view, step > 0 and open[1] or open[#open])
    end
  end
  view:show(path)
end

---@param view kage.DiffView
---@param step 1|-1
local function other_file(view, step)
  local from = view.path
  local rank = others(view, step)
  local order = { cwd = view.cwd, run = view.run, agents = view.agents }
  function order.keep(file, places)
    local is_choice = vim.iter(places):any(function(place)
      return choices.kind(place) == "choice"
    end)
    return is_choice and file.path ~= from
  end
  survey.run(order, function(err, found)
    if view.closed or view.path ~= from then
      return
    elseif err then
      return notify.error(err)
    end
    local best, left = nil, 0
    for _, text in ipairs(found.texts) do
      local open = #choices.open(text.spots)
      local near = rank[text.path]
      left = left + (near and 0 or open)
      if open > 0 and near and (not best or near < rank[best]) then
        best = text.path
      end
    end
    local where = step > 0 and "below" or "above"
    if best then
      notify.info(("no more choices %s here; on to %s"):format(where, vim.fn.strtrans(best)))
      return arrive(view, best, step)
    end
    local back = step > 0 and "[k" or "]k"
    local rest = left > 0 and ("; %d open in other files, %s goes there"):format(left, back) or ""
    notify.info(("no more choices %s%s"):format(where, rest))
  end)
end

---@param view kage.DiffView
---@param step 1|-1
local function walk(view, step)
  if view.content and view.content.buffer and not view:is_current() then
    view:refresh()
  end
  local found = view.spots and view.content and view.content.places and ahead(view, step) or {}
  local count = math.min(vim.v.count1, #found)
  if count > 0 then
    return go_to(view, found[count])
  end
  other_file(view, step)
end

function M:next_choice()
  walk(self, 1)
end

function M:previous_choice()
  walk(self, -1)
end

return M
