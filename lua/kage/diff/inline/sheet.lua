--- Draws a file's stops into one window: agents' lines as virtual lines below the lines of yours that they replace.
--- Other windows of the same buffer show nothing of it.
local choices = require("kage.diff.places.choices")
local hunks = require("kage.diff.text.hunks")
local paint = require("kage.diff.inline.paint")
local words = require("kage.words")

local M = {}

-- Below treesitter's own priority, so that deleted lines keep their colours.
local LINES, WORDS = 90, 110

--- A namespace that shows in one window only.
---@param window integer
---@return integer
function M.namespace(window)
  local namespace = vim.api.nvim_create_namespace("kage.inline." .. window)
  if vim.api.nvim__ns_set then
    vim.api.nvim__ns_set(namespace, { wins = { window } })
  elseif vim.api.nvim__win_add_ns then
    vim.api.nvim__win_add_ns(window, namespace)
  end
  return namespace
end

--- Columns of a window in which text stands.
---@param window integer
---@return integer
local function text_width(window)
  return math.max(1, vim.api.nvim_win_get_width(window) - vim.fn.getwininfo(window)[1].textoff)
end

---@param window integer
---@param buffer integer
---@return kage.Paper
function M.paper(window, buffer)
  local active = vim.treesitter.highlighter.active[buffer]
  return {
    width = text_width(window),
    wrap = vim.wo[window].wrap,
    tabstop = vim.bo[buffer].tabstop,
    language = active and active.tree:lang() or nil,
    cap = math.max(8, math.floor(vim.api.nvim_win_get_height(window) * 2 / 3)),
  }
end

---@param chunks kage.Chunk[]
---@param width integer
---@return kage.Chunk[]
local function cut(chunks, width)
  local kept = {}
  for _, chunk in ipairs(chunks) do
    local text = words.cut(chunk[1], width)
    kept[#kept + 1], width = { text, chunk[2] }, width - vim.api.nvim_strwidth(text)
    if width <= 0 then
      break
    end
  end
  return kept
end

--- What agreement there is, "3 of 4 agree (1 2 4)".
---@param version kage.StopVersion
---@param voices integer[] the agents that count
---@return string?
local function agreement(version, voices)
  local count = choices.count(version, voices)
  if count < 2 then
    return nil
  end
  local how = version.how == "space" and " up to blanks" or version.how == "syntax" and " up to syntax" or ""
  local who = table.concat(version.agents, " ")
  return ("%d of %d agree%s (%s)"):format(count, #voices, how, who)
end

---@class kage.Shown a stop as it is drawn
---@field stop kage.Stop
---@field version kage.StopVersion
---@field index integer of the version

---@param shown kage.Shown
---@param session kage.InlineSession
---@param width integer
---@return kage.Chunk[]
local function label(shown, session, width)
  local version, agent = shown.version, shown.version.agents[1]
  local parts = {}
  if #shown.stop.versions > 1 then
    parts[#parts + 1] = ("%d of %d"):format(shown.index, #shown.stop.versions)
  end
  parts[#parts + 1] = agreement(version, session.voices)
  local brings, conflict = 0, false
  for _, pick in ipairs(version.picks) do
    brings, conflict = brings + #pick.lines, conflict or pick.conflict
  end
  if brings == 0 then
    parts[#parts + 1] = "removes these lines"
  end
  local chunks = { { "▎" .. agent .. " ", "KageKey" }, { session:player(agent), "KageTitle" } }
  if #parts > 0 then
    chunks[#chunks + 1] = { " · " .. table.concat(parts, " · "), "KageFaint" }
  end
  if conflict then
    chunks[#chunks + 1] = { " · conflict: taking replaces yours", "KageConflict" }
  end
  return cut(chunks, width)
end

--- Mark the lines of yours that a pick replaces.
---@param at {buffer: integer, namespace: integer}
---@param pick kage.Pick
---@param spans table<integer, kage.Span[]>
local function mark_replaced(at, pick, spans)
  for line = pick.y0, pick.y1 - 1 do
    vim.api.nvim_buf_set_extmark(at.buffer, at.namespace, line - 1, 0, {
      end_row = line,
      hl_group = "KageInlineDelete",
      hl_eol = true,
      priority = LINES,
      strict = false,
    })
    for _, span in ipairs(spans[line - pick.y0 + 1] or {}) do
      vim.api.nvim_buf_set_extmark(at.buffer, at.namespace, line - 1, span[1] - 1, {
        end_col = span[2] - 1,
        hl_group = "KageInlineWord",
        priority = WORDS,
        strict = false,
      })
    end
  end
end

---@class kage.Canvas
---@field window integer
---@field buffer integer
---@field namespace integer
---@field painted table<string, table>? what was painted last, by its text
---@field above integer how many virtual lines stand above the first line

--- Put virtual lines between lines of yours.
---@param canvas kage.Canvas
---@param past integer in front of this line
---@param lines kage.Chunk[][]
local function put(canvas, past, lines)
  local is_empty = vim.api.nvim_buf_line_count(canvas.buffer) == 1
    and vim.api.nvim_buf_get_lines(canvas.buffer, 0, 1, true)[1] == ""
  local above = past == 1 and not is_empty
  canvas.above = canvas.above + (above and #lines or 0)
  local options = { virt_lines = lines, virt_lines_above = above }
  if vim.fn.has("nvim-0.11") == 1 then
    options.virt_lines_overflow = "scroll"
  end
  local last = vim.api.nvim_buf_line_count(canvas.buffer)
  vim.api.nvim_buf_set_extmark(
    canvas.buffer,
    canvas.namespace,
    math.min(math.max(0, past - 2), last - 1),
    0,
    options
  )
end

---@class kage.Paintings
---@field of fun(lines: string[], old: string[], paper: kage.Paper): {rows: kage.Chunk[][], in_old: table}
---@field kept table<string, table> those that were asked for

--- Painting takes longer than drawing: what was on the screen before is not painted again.
---@param canvas kage.Canvas
---@return kage.Paintings
local function paintings_of(canvas)
  local before, kept = canvas.painted or {}, {}
  local function of(lines, old, paper)
    local on = ("%d %s %d %s %d"):format(
      paper.width,
      paper.wrap,
      paper.tabstop,
      paper.language or "",
      paper.cap
    )
    local key = table.concat({ on, table.concat(lines, "\n"), table.concat(old, "\n") }, "\n\n")
    local painted = kept[key] or before[key]
    if not painted then
      local in_old, in_new = paint.changed_words(old, lines)
      painted = { rows = paint.lines(lines, in_new, paper), in_old = in_old }
    end
    kept[key] = painted
    return painted
  end
  return { of = of, kept = kept }
end

---@param canvas kage.Canvas
---@param shown kage.Shown
---@param session kage.InlineSession
---@param yours string[]
---@param paper kage.Paper
---@param paintings kage.Paintings
local function draw_stop(canvas, shown, session, yours, paper, paintings)
  for index, pick in ipairs(shown.version.picks) do
    local lines, old = hunks.bare(pick.lines), hunks.bare(hunks.slice(yours, pick.y0, pick.y1))
    local painted = paintings.of(lines, old, paper)
    mark_replaced(canvas, pick, painted.in_old)
    local rows = vim.list_slice(painted.rows)
    if hunks.ends(pick.lines) ~= hunks.ends(hunks.slice(yours, pick.y0, pick.y1)) then
      local what = hunks.ends(pick.lines) and "newline added at end" or "no newline at end"
      rows[#rows + 1] = { { what, "KageFaint" } }
    end
    if index == 1 then
      table.insert(rows, 1, label(shown, session, paper.width))
    end
    if #rows > 0 then
      put(canvas, pick.y1, rows)
    end
  end
end

--- Draw everything anew.
---@param canvas kage.Canvas
---@param session kage.InlineSession
---@param yours string[]
function M.draw(canvas, session, yours)
  local view = vim.api.nvim_win_call(canvas.window, vim.fn.winsaveview)
  local was_above = canvas.above
  M.clear(canvas)
  local paper = M.paper(canvas.window, canvas.buffer)
  local paintings = paintings_of(canvas)
  -- Of two marks on one line the newer one's lines come first.
  for index = #session.stops, 1, -1 do
    draw_stop(canvas, session:shown(session.stops[index]), session, yours, paper, paintings)
  end
  canvas.painted = paintings.kept
  local notes = vim.tbl_map(function(note)
    return cut({ { "▎" .. note[1] .. " ", "KageKey" }, { note[2], "KageFaint" } }, paper.width)
  end, session:notes())
  if #notes > 0 then
    put(canvas, 1, notes)
  end
  if view.topline == 1 and view.topfill == was_above then
    M.show_top(canvas)
  end
end

--- Lines above the first one stay out of sight unless they are scrolled to.
---@param canvas kage.Canvas
function M.show_top(canvas)
  vim.api.nvim_win_call(canvas.window, function()
    if canvas.above > 0 and vim.fn.line("w0") == 1 then
      vim.fn.winrestview({ topline = 1, topfill = canvas.above })
    end
  end)
end

---@param canvas kage.Canvas
function M.clear(canvas)
  canvas.above = 0
  if vim.api.nvim_buf_is_valid(canvas.buffer) then
    vim.api.nvim_buf_clear_namespace(canvas.buffer, canvas.namespace, 0, -1)
  end
end

return M
