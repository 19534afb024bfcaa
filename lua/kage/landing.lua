-- `:KageAccept` and `:KageUndo` as the user sees them; the edits themselves are made by kage.diff.land when
-- kaged asks for them.

local context = require("kage.context")
local host = require("kage.host")
local notify = require("kage.notify")
local report = require("kage.report")

local M = {}

local TITLE = "Kage: conflicts of "
local lists = {} ---@type table<integer, integer> a landing's id → that of its quickfix list

---@param path string
---@return string # links in its folder resolved, not one that it is itself: that may be what lands
local function real(path)
  local stat = vim.uv.fs_lstat(path)
  if stat and stat.type ~= "link" then
    return vim.uv.fs_realpath(path) or path
  end
  local folder = vim.fs.dirname(path)
  return folder == path and path or vim.fs.joinpath(real(folder), vim.fs.basename(path))
end

--- A path as the user wrote it (a file, a folder, a pattern, `%`, `#2`, `~/x`, `$DIR/x`), absolute. Patterns stay:
--- they mean the candidate's files, of which the user may not have all.
---@param word string
---@return string
local function absolute(word)
  local variable = word:match("^%$([%w_]+)")
  if word:find("^[%%#]%d*$") or word:find("^[%%#]%d*:[%a:]+$") then
    word = vim.fn.expand(word)
  elseif vim.startswith(word, "~/") or (variable and vim.env[variable]) then
    word = vim.fs.normalize(word)
  end
  return real((vim.fn.fnamemodify(word, ":p"):gsub("(.)/+$", "%1")))
end

---@class kage.Accept what the words after :KageAccept ask for
---@field agents integer[]
---@field paths string[]
---@field force boolean
---@field commit boolean?
---@field message string?
---@field branch string?
---@field how string?

local FLAGS = { ["--commit"] = "commit", ["--force"] = "force" }
local HOW = { ["--merge"] = "merge", ["--rebase"] = "rebase", ["--squash"] = "squash" }
local VALUES = { ["--branch"] = "branch" }

--- Candidates first, then paths; options anywhere before `--`. `./3` is a path. A message is split off before.
---@param fargs string[]
---@param bang boolean
---@return kage.Accept? wish, string? problem
function M.parse(fargs, bang)
  local wish = { agents = {}, paths = {}, force = bang } ---@type kage.Accept
  local at, plain = 1, false
  while at <= #fargs do
    local word = fargs[at]
    local name, value = word:match("^(%-%-?%a+)=(.*)$")
    name = name or word
    if plain or not vim.startswith(word, "-") then
      if not plain and #wish.paths == 0 and word:find("^%d[%d,]*$") then
        for typed in word:gmatch("%d+") do
          local number = require("kage.words").number(typed)
          if not number then
            return nil, ("no agent has the number %s"):format(typed)
          end
          table.insert(wish.agents, number)
        end
      else
        table.insert(wish.paths, absolute(word))
      end
    elseif word == "--" then
      plain = true
    elseif FLAGS[word] then
      wish[FLAGS[word]] = true
    elseif HOW[word] then
      wish.how = HOW[word]
    elseif VALUES[name] then
      if not value then
        at = at + 1
        value = fargs[at]
      end
      if not value or value == "" then
        return nil, ("%s needs a value"):format(name)
      end
      wish[VALUES[name]] = value
    else
      return nil, ("no option `%s`"):format(word)
    end
    at = at + 1
  end
  return wish
end

---@class kage.LandingConflict
---@field path string
---@field kind string?
---@field line integer?
---@field agents integer[]?
---@field marked boolean? there are markers at that line
---@field whole boolean? it landed as a whole

---@param numbers integer[]
---@return string # `2`, `1 and 3`, `1, 2 and 4`
local function listed(numbers)
  local last = numbers[#numbers]
  return #numbers < 2 and tostring(last) or table.concat(numbers, ", ", 1, #numbers - 1) .. " and " .. last
end

---@param conflict kage.LandingConflict
---@param whose string
---@return string
local function why(conflict, whose)
  local kind = conflict.kind and conflict.kind ~= "content" and (" (%s)"):format(conflict.kind) or ""
  if conflict.whole then
    local yours = conflict.path:find("~yours", 1, true)
    return (yours and "what you had is here now" or "landed whole, in conflict with " .. whose) .. kind
  elseif conflict.marked == false and #(conflict.agents or {}) > 1 then
    return listed(conflict.agents) .. " differ here" .. kind
  end
  return "conflict with " .. whose .. kind
end

--- A quickfix list of its own, so that the user's current one stays in the history (`:colder`).
---@param root string
---@param whose string
---@param conflicts kage.LandingConflict[]
---@return integer # the list's id
local function list_conflicts(root, whose, conflicts)
  local items = {}
  for _, conflict in ipairs(conflicts) do
    local path = vim.startswith(conflict.path, "/") and conflict.path or vim.fs.joinpath(root, conflict.path)
    items[#items + 1] = { filename = path, lnum = conflict.line or 1, text = why(conflict, whose) }
  end
  vim.fn.setqflist({}, " ", { title = TITLE .. whose, items = items })
  local id = vim.fn.getqflist({ id = 0 }).id
  vim.cmd("botright copen " .. math.min(10, math.max(3, #items)))
  vim.cmd.wincmd("p")
  return id
end

--- The conflicts that a landing had are gone with it: so is what its list says, if the list is still there and
--- Kage's.
---@param landing integer
local function empty_list(landing)
  local id = lists[landing]
  local title = id and vim.fn.getqflist({ id = id, title = 0 }).title or ""
  if vim.startswith(title, TITLE) then
    vim.fn.setqflist({}, "r", { id = id, items = {}, title = title })
  end
end

---@param root string
---@return fun(path: string): boolean # this Neovim holds unsaved changes of that file
local function is_here(root)
  local unsaved = {}
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.bo[buffer].modified then
      unsaved[real(vim.api.nvim_buf_get_name(buffer))] = true
    end
  end
  return function(path)
    return unsaved[real(vim.fs.joinpath(root, path))] or false
  end
end

---@param cwd string
---@return string
local function root_of(cwd)
  return vim.fs.root(cwd, ".git") or cwd
end

---@param words kage.Words
---@param wish kage.Accept
function M.accept(words, wish)
  local cwd = context.cwd()
  local root = root_of(cwd)
  local whose = (#wish.agents > 1 and "candidates " or "candidate ") .. listed(wish.agents)
  local params = vim.tbl_extend("error", { cwd = cwd, run = words.run }, wish)
  host.request("accept", params, function(err, result)
    if err then
      if err.code == "conflict" and err.data and err.data.conflicts then
        list_conflicts(root, whose, err.data.conflicts)
      end
      return notify.error(err)
    end
    require("kage.checks").changed(cwd)
    context.changed_on_disk(cwd) -- what kaged wrote itself is shown; it asks nothing about unsaved text
    notify.info(report.accepted(result, wish.agents, is_here(root)))
    if result.conflicts and #result.conflicts > 0 then
      lists[result.landing] = list_conflicts(root, whose, result.conflicts)
    end
  end)
end

---@param words kage.Words
---@param count integer how many landings
function M.undo(words, count)
  local cwd = context.cwd()
  local root = root_of(cwd)
  host.request("undo", { cwd = cwd, run = words.run, count = count }, function(err, result)
    if err then
      if err.code == "conflict" and err.data and err.data.conflicts then
        list_conflicts(root, "undo", err.data.conflicts)
      end
      return notify.error(err)
    end
    require("kage.checks").changed(cwd)
    context.changed_on_disk(cwd)
    vim.tbl_map(empty_list, result.landings or { result.landing })
    local what = count == 1 and "the last landing is" or ("the last %d landings are"):format(count)
    notify.info(report.landed(result, what .. " undone", is_here(root)))
  end)
end

return M
