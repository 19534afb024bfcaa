--- `:Kage judge`: the verdict on a run as a document to read, with lines that lead into the diff.
local host = require("kage.host")
local notify = require("kage.notify")

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("kage.verdict")

local GROUPS = {
  title = "KageTitle",
  heading = "KageFolder",
  head = "KageFaint",
  winner = "KageAdded",
  good = "KageAdded",
  bad = "KageConflict",
  faint = "KageFaint",
}

---@class kage.VerdictLine a line of the document, see evaluate/judging/document.py
---@field text string
---@field kind string
---@field link {number: integer, path: string, line: integer}?

---@class kage.VerdictShown what a buffer of a verdict shows
---@field run string
---@field cwd string
---@field lines kage.VerdictLine[]
---@field filled boolean a verdict is there, and not only the word that one is made

local shown = {} ---@type table<integer, kage.VerdictShown> by buffer

---@param run string
---@return string
local function name_of(run)
  return ("kage://verdict/%s"):format(run)
end

---@param run string
---@return integer? buffer
local function buffer_of(run)
  for buffer, one in pairs(shown) do
    if one.run == run and vim.api.nvim_buf_is_valid(buffer) then
      return buffer
    end
  end
end

--- Each heading begins a fold.
---@return string
function M.fold()
  return vim.fn.getline(vim.v.lnum):find("^## ") and ">1" or "="
end

--- Go where the line at the cursor leads: into the diff of its candidate, at its file and line.
local function jump()
  local one = shown[vim.api.nvim_get_current_buf()]
  local line = one and one.lines[vim.fn.line(".")]
  local link = line and line.link
  if not link then
    return notify.info("nothing to go to here; <CR> on a candidate, a strength or a weakness")
  end
  local has_path = link.path ~= ""
  require("kage.diff").open({ link.number }, {
    run = one.run,
    cwd = one.cwd,
    path = has_path and link.path or nil,
    lines = has_path and link.line > 0 and { [tostring(link.number)] = link.line } or nil,
  })
end

---@param buffer integer
local function map(buffer)
  local function set(lhs, run, desc)
    vim.keymap.set("n", lhs, run, { buffer = buffer, nowait = true, desc = desc })
  end
  set("<CR>", jump, "Kage: go to this place in the diff")
  set("gf", jump, "Kage: go to this place in the diff")
  set("q", function()
    pcall(vim.api.nvim_win_close, 0, true)
  end, "Kage: close the verdict")
end

--- Write the lines; the cursor of each window stays where it is.
---@param buffer integer
---@param lines kage.VerdictLine[]
local function fill(buffer, lines)
  shown[buffer].lines = lines
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_set_lines(
    buffer,
    0,
    -1,
    false,
    vim.tbl_map(function(line)
      return (line.text:gsub("[%z\1-\31\127]", " "))
    end, lines)
  )
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].modified = false
  vim.api.nvim_buf_clear_namespace(buffer, NAMESPACE, 0, -1)
  for at, line in ipairs(lines) do
    if GROUPS[line.kind] and line.text ~= "" then
      vim.api.nvim_buf_set_extmark(buffer, NAMESPACE, at - 1, 0, {
        end_col = #line.text,
        hl_group = GROUPS[line.kind],
      })
    end
  end
end

---@param window integer
local function plain(window)
  require("kage.dashboard.paint").plain_window(window)
  local options = vim.wo[window][0]
  options.cursorline, options.foldenable, options.foldlevel = true, true, 99
  options.foldmethod, options.foldexpr = "expr", "v:lua.require'kage.verdict'.fold()"
end

---@param run string
---@param cwd string
---@return integer buffer in a window
local function open(run, cwd)
  require("kage.highlight").define()
  local buffer = buffer_of(run)
  local window = buffer and vim.fn.win_findbuf(buffer)[1]
  if buffer and window then
    vim.api.nvim_set_current_win(window)
    return buffer
  end
  buffer = require("kage.dashboard.paint").buffer(name_of(run))
  shown[buffer] = { run = run, cwd = cwd, lines = {}, filled = false }
  vim.api.nvim_create_autocmd("BufWipeout", {
    buffer = buffer,
    once = true,
    callback = function()
      shown[buffer] = nil
    end,
  })
  vim.cmd("botright split")
  vim.api.nvim_win_set_buf(0, buffer)
  vim.api.nvim_win_set_height(0, math.max(10, math.floor(vim.o.lines / 2)))
  plain(0)
  map(buffer)
  return buffer
end

--- Take the document into its buffer, if that is still there.
---@param run string
---@param document kage.VerdictLine[]
local function take(run, document)
  local buffer = buffer_of(run)
  if buffer then
    shown[buffer].filled = true
    fill(buffer, document)
  end
end

--- No verdict came: a buffer that still waits for its first one goes.
---@param run string
local function give_up(run)
  local buffer = buffer_of(run)
  if buffer and not shown[buffer].filled then
    vim.api.nvim_buf_delete(buffer, { force = true })
  end
end

--- Judge a run, and show the verdict.
---@param run string
---@param cwd string
---@param confirmed string[]?
local function judge(run, cwd, confirmed)
  host.request("judge", { cwd = cwd, run = run, confirmed = confirmed or {} }, function(err, answer)
    local function again(ids)
      judge(run, cwd, ids)
    end
    local function nothing_came()
      give_up(run)
    end
    if not require("kage.confirm").is_held_up(err, again, "nothing was judged", nothing_came) then
      take(run, answer.document)
    end
  end)
end

--- `:Kage judge`: shows what verdict there is at once, and the new one when it is made.
---@param words kage.Words
function M.command(words)
  if #words.fargs > 0 then
    return require("kage.steer").misuse("judge: expected nothing more, found `" .. words.args .. "`", "judge")
  end
  local cwd = require("kage.context").cwd()
  host.request("status", { cwd = cwd, run = words.run }, function(err, status)
    local run = status and status.runs[1]
    if err or not run then
      return notify.error(err or { message = "no run here", fix = "Start one: :KageSpawn 3" })
    end
    local buffer = open(run.id, cwd)
    if not shown[buffer].filled then
      fill(buffer, { { text = "judging the candidates of run " .. run.id .. " …", kind = "faint" } })
    end
    judge(run.id, cwd)
  end)
end

--- Kaged has made a verdict: who waits for it hears of it, and a document that is open becomes the new one.
---@param params {repository: string, run: string, winner: integer?, line: string, landed: string}
function M.push(params)
  vim.api.nvim_exec_autocmds("User", {
    pattern = "KageVerdict",
    modeline = false,
    data = {
      run = params.run,
      winner = params.winner,
      line = params.line,
      landed = params.landed,
      repository = params.repository,
    },
  })
  if params.landed ~= "" then
    notify.info(("run %s: %s"):format(params.run, require("kage.words").clean(params.line)))
  end
  local buffer = buffer_of(params.run)
  if buffer then
    host.request("verdict", { cwd = shown[buffer].cwd, run = params.run }, function(err, answer)
      if not err then
        take(params.run, answer.document)
      end
    end)
  end
end

return M
