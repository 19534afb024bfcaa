--- `:Kage take`: what agents agree on, in all files. Texts are edited in buffers and left unwritten, each in one undo
--- step; what is no text (a new file, a deletion, a rename, a mode, a binary file) is landed by kaged.
local apply = require("kage.diff.picks.apply")
local choices = require("kage.diff.places.choices")
local context = require("kage.context")
local host = require("kage.host")
local notify = require("kage.notify")
local quickfix = require("kage.diff.places.quickfix")
local shape = require("kage.diff.text.shape")
local survey = require("kage.diff.places.survey")
local visited = require("kage.diff.visited")
local whole = require("kage.diff.picks.whole")

local M = {}

---@class kage.GatherOrder
---@field cwd string
---@field run string?
---@field agents integer[] empty: all
---@field paths string[] absolute files and folders; empty: all
---@field majority boolean
---@field lines? {first: integer, last: integer} of yours, where the one path is a file

---@class kage.Gathered
---@field places integer
---@field files integer
---@field whole integer
---@field unwritten string[]
---@field refused string[]

---@param order kage.GatherOrder
---@param path string absolute
---@return boolean
local function is_meant(order, path)
  return #order.paths == 0
    or vim.iter(order.paths):any(function(one)
      return path == one or vim.startswith(path, one == "/" and one or one .. "/")
    end)
end

--- What decides whether two changes of a file that is taken whole are the same.
---@param change kage.FileChange
---@return string?
local function key(change)
  if change.status == "D" then
    return "D"
  end
  return change.new_sha
    and table.concat({ change.new_sha, change.new_mode or "", change.old_path or "" }, " ")
end

--- Is there something to do about a file that only can be taken whole?
---@param root string
---@param file kage.ChangedFile
---@param change kage.FileChange
---@return boolean
local function is_pending(root, file, change)
  local path = vim.fs.joinpath(root, file.path)
  local exists = vim.uv.fs_lstat(path) ~= nil
  if change.status == "D" then
    return exists
  elseif change.status == "A" then
    return not exists and not survey.buffer(path)
  elseif change.status == "R" then
    return not exists
  end
  return file.kind ~= "text" or whole.mode_change(change) ~= nil
end

--- Whose change of a file is taken whole, when enough agents made the same of it.
---@param found kage.Survey
---@param file kage.ChangedFile
---@param majority boolean
---@return integer? agent
local function agreed_whole(found, file, majority)
  local counts, firsts = {}, {}
  for _, agent in ipairs(found.agents) do
    local change = file.agents[tostring(agent)]
    local same = change and key(change)
    if same then
      counts[same], firsts[same] = (counts[same] or 0) + 1, firsts[same] or agent
    end
  end
  for same, count in pairs(counts) do
    local enough = count == #found.agents or (majority and 2 * count > #found.agents)
    local change = file.agents[tostring(firsts[same])]
    if enough and is_pending(found.root, file, change) then
      return firsts[same]
    end
  end
end

---@param order kage.GatherOrder
---@param text kage.SurveyedFile
---@param compared integer
---@return kage.Take[]
local function takes_of(order, text, compared)
  local takes = {}
  for _, spot in ipairs(text.spots) do
    local agent = spot.state == "open" and choices.agreed(spot.place, compared, order.majority)
    local lines = order.lines
    local is_inside = not lines or (spot.y0 <= lines.last and lines.first < math.max(spot.y1, spot.y0 + 1))
    if agent and is_inside and text.content.versions[agent].bytes then
      takes[#takes + 1] = { spot = spot, agent = agent }
    end
  end
  return takes
end

--- The buffer of a file, loaded and listed.
---@param text kage.SurveyedFile
---@return integer
local function load(text)
  local buffer = survey.buffer(text.absolute)
  if not buffer then
    buffer = visited.load(text.absolute)
    vim.bo[buffer].buflisted = true
  end
  return buffer
end

---@param order kage.GatherOrder
---@param found kage.Survey
---@param index integer of the text
---@param done kage.Gathered
local function take_text(order, found, index, done)
  local text = found.texts[index]
  if not is_meant(order, text.absolute) or #takes_of(order, text, #found.agents) == 0 then
    return
  end
  local buffer = load(text)
  text = assert(survey.file(found.run, text.absolute, text.answer))
  local takes = takes_of(order, text, #found.agents)
  local _, docs = text.content:texts(text.yours)
  local why, fix = apply.refusal(buffer, text.absolute)
  if not why and #text.yours > 0 then
    local lines = vim.tbl_map(function(one)
      return { lines = choices.lines(one.spot.place, one.agent, docs) }
    end, takes)
    why, fix = shape.refusal(buffer, text.yours, lines)
  end
  if why or #takes == 0 then
    done.refused[#done.refused + 1] = ("nothing was taken into %s: %s; %s"):format(
      vim.fn.strtrans(text.path),
      why or "its buffer differs from what is on disk",
      fix or "take again"
    )
    return
  end
  local format = apply.format_of_new(buffer, text.yours, text.content.versions[takes[1].agent].format)
  apply.set_document(buffer, choices.take(text.yours, takes, docs), format)
  done.places, done.files = done.places + #takes, done.files + 1
  done.unwritten[#done.unwritten + 1] = vim.fn.strtrans(text.path)
  found.texts[index] = assert(survey.file(found.run, text.absolute, text.answer))
end

---@param count integer
---@param one string
---@return string
local function counted(count, one)
  return count == 1 and "1 " .. one or ("%d %ss"):format(count, one)
end

---@param order kage.GatherOrder
---@param found kage.Survey
---@param done kage.Gathered
local function report(order, found, done)
  local left = survey.open(found)
  local rest = left == 0 and "no choice is left"
    or (left == 1 and "1 choice is left" or left .. " choices are left") .. " (:Kage choices)"
  local parts = {}
  if done.places > 0 then
    parts[1] = ("%s in %s"):format(counted(done.places, "hunk"), counted(done.files, "file"))
  end
  if done.whole > 0 then
    parts[#parts + 1] = counted(done.whole, "file") .. " whole"
  end
  local who = order.majority and "a majority agrees" or "all agents agree"
  local first = #parts > 0 and "took " .. table.concat(parts, " and ")
    or ("nothing is left on which %s"):format(who)
  local lines = { first .. "; " .. rest }
  if #done.unwritten > 0 then
    lines[#lines + 1] = "not yet written (:wall): " .. table.concat(done.unwritten, ", ")
  end
  if done.whole > 0 then
    lines[#lines + 1] = ":KageUndo takes back what was taken whole, u the rest"
  end
  notify.info(table.concat(vim.list_extend(lines, done.refused), "\n"))
  if done.places + done.whole > 0 then
    require("kage.checks").picked(order.cwd)
  end
end

--- Land the files that are taken whole, one agent's after the other's.
---@param found kage.Survey
---@param wanted table<integer, string[]> absolute paths by agent
---@param done kage.Gathered
---@param finish fun()
local function land(found, wanted, done, finish)
  local agent, paths = next(wanted)
  if not agent then
    return finish()
  end
  wanted[agent] = nil
  local params =
    { cwd = found.cwd, run = found.run, agents = { agent }, agent = agent, paths = paths, force = false }
  host.request("accept", params, function(err, result)
    if err then
      local names = vim.tbl_map(function(path)
        return vim.fn.strtrans(path:sub(#found.root + 2))
      end, paths)
      local fix = err.fix and "; " .. err.fix or ""
      done.refused[#done.refused + 1] = ("not taken: %s: %s%s"):format(
        table.concat(names, ", "),
        err.message,
        fix
      )
    else
      done.whole = done.whole + #result.files
      context.changed_on_disk(found.root)
    end
    land(found, wanted, done, finish)
  end)
end

--- What of the order nothing was done about, as it is no change of an agent's or no file of yours.
---@param order kage.GatherOrder
---@param found kage.Survey
---@param done kage.Gathered
local function add_left(order, found, done)
  local left = vim.tbl_filter(function(one)
    return is_meant(order, vim.fs.joinpath(found.root, one.path))
  end, found.apart)
  if #left > 0 then
    done.refused[#done.refused + 1] = ("left alone: %s; put back what stood there and take again"):format(
      survey.named(left)
    )
  end
  for _, path in ipairs(order.paths) do
    local one = { paths = { path } }
    local is_changed = vim.iter(found.files):any(function(file)
      return is_meant(one, vim.fs.joinpath(found.root, file.path))
        or vim.iter(vim.tbl_values(file.agents)):any(function(change)
          return change.old_path and is_meant(one, vim.fs.joinpath(found.root, change.old_path)) or false
        end)
    end)
    if not is_changed then
      local name = vim.startswith(path, found.root .. "/") and path:sub(#found.root + 2) or path
      done.refused[#done.refused + 1] = "no agent changed " .. vim.fn.strtrans(name)
    end
  end
end

--- Is there something in a text that this is about: agreed, or a choice that may be left?
---@param order kage.GatherOrder
---@return fun(file: kage.ChangedFile, places: kage.Place[], compared: integer): boolean
local function matters(order)
  return function(_, places, compared)
    return vim.iter(places):any(function(place)
      return choices.kind(place) == "choice" or choices.agreed(place, compared, order.majority) ~= nil
    end)
  end
end

---@param order kage.GatherOrder
---@param found kage.Survey
local function take(order, found)
  if #found.agents < 2 then
    return notify.info(
      ("only agent %d is compared; :KageAccept %d takes all of it"):format(found.agents[1], found.agents[1])
    )
  end
  local done = { places = 0, files = 0, whole = 0, unwritten = {}, refused = {} }
  local wanted, is_whole = {}, {}
  for _, file in ipairs(order.lines and {} or found.files) do
    local path = vim.fs.joinpath(found.root, file.path)
    local agent = is_meant(order, path)
      and file.kind ~= "submodule"
      and agreed_whole(found, file, order.majority)
    if agent then
      wanted[agent] = wanted[agent] or {}
      table.insert(wanted[agent], path)
      is_whole[file.path] = true
    end
  end
  for index = 1, #found.texts do
    if not is_whole[found.texts[index].path] then
      take_text(order, found, index, done)
    end
  end
  land(found, wanted, done, function()
    quickfix.write(found, false)
    add_left(order, found, done)
    report(order, found, done)
  end)
end

--- Take what all agents agree on, or a majority of them.
---@param order kage.GatherOrder
function M.take(order)
  local wanted = { cwd = order.cwd, run = order.run, agents = order.agents, keep = matters(order) }
  survey.run(wanted, function(err, found)
    if err then
      return notify.error(err)
    end
    take(order, found)
  end)
end

--- Which run and agents a command is about: those of the diff whose tab it was typed in.
---@param words kage.Words
---@return kage.SurveyOrder order
---@return table? view
function M.order(words)
  local view = require("kage.diff").here()
  if view and (not words.run or words.run == view.run) then
    return { cwd = view.cwd, run = view.run, agents = view.agents }, view
  end
  return { cwd = context.cwd(), run = words.run, agents = {} }
end

--- `:Kage take`.
---@param words kage.Words
function M.command(words)
  local order, view = M.order(words)
  order.majority, order.paths = words.bang, {}
  for index, word in ipairs(words.fargs) do
    local path = vim.fn.fnamemodify(word, ":p"):gsub("(.)/$", "%1")
    -- A link is meant itself, not what it leads to.
    local folder = vim.uv.fs_realpath(vim.fs.dirname(path))
    local is_link = (vim.uv.fs_lstat(path) or {}).type == "link"
    order.paths[index] = is_link and folder and vim.fs.joinpath(folder, vim.fs.basename(path))
      or vim.uv.fs_realpath(path)
      or path
  end
  if words.range > 0 then
    local window = view and view.yours or 0
    local name = vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(window))
    order.paths = { vim.uv.fs_realpath(name) or name }
    order.lines = { first = words.line1, last = words.line2 }
  end
  M.take(order)
end

return M
