--- All files of a run with what became of their places in yours, open in a buffer or only on disk: for what is done
--- across files. Reads only.
local Content = require("kage.diff.content")
local choices = require("kage.diff.places.choices")
local disk = require("kage.diff.text.disk")
local host = require("kage.host")

local M = {}

-- Files that are asked for at once.
local AT_ONCE = 8

---@class kage.Survey
---@field run string
---@field root string the repository, links resolved
---@field cwd string
---@field agents integer[] that are compared
---@field voices integer[] those of them that count
---@field files kage.ChangedFile[]
---@field texts kage.SurveyedFile[] those with places, in the order of `files`
---@field apart {path: string, how: string}[] texts that are no file of yours any more, and how that came
---@field unread string[] paths of texts whose lines are not those of their bytes: old Mac's, UTF-16, new line ends

---@class kage.SurveyedFile
---@field path string relative
---@field absolute string
---@field answer table of `diff_file`
---@field content kage.Content
---@field yours string[]
---@field spots kage.Spot[]

---@class kage.SurveyOrder
---@field cwd string
---@field run string?
---@field agents integer[] empty: all
---@field keep? fun(file: kage.ChangedFile, places: kage.Place[], voices: integer[]): boolean which texts are looked at

--- The loaded buffer of a path.
---@param path string absolute
---@return integer?
function M.buffer(path)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    local name = vim.api.nvim_buf_get_name(buffer)
    if
      vim.api.nvim_buf_is_loaded(buffer)
      and vim.bo[buffer].buftype == ""
      and name ~= ""
      and (name == path or vim.uv.fs_realpath(name) == path)
    then
      return buffer
    end
  end
end

--- Why a text that agents changed is no file of yours any more: you deleted it, or put something else in its place.
---@param path string absolute
---@param file kage.ChangedFile
---@return string?
local function apart(path, file)
  local obstacle = disk.obstacle(path)
  local was_there = vim.iter(vim.tbl_values(file.agents)):any(function(change)
    return change.status == "M"
  end)
  if obstacle or not was_there or vim.uv.fs_lstat(path) or M.buffer(path) then
    return obstacle
  end
  return "deleted by you"
end

--- Look at one file.
---@param run string
---@param path string absolute
---@param answer table of `diff_file`
---@return kage.SurveyedFile? nil where its places cannot be told in its text
function M.file(run, path, answer)
  local buffer = M.buffer(path)
  local content = Content.new(answer, buffer, not buffer and disk.read(path) or nil)
  local view = require("kage.diff").of(run)
  content.resets = view and view.decided and view.decided[answer.path] or content.resets
  local yours = content:yours()
  local spots = content:spots(yours)
  return spots
    and {
      path = answer.path,
      absolute = path,
      answer = answer,
      content = content,
      yours = yours,
      spots = spots,
    }
end

--- Ask for each path's versions, some at a time; in order at the end.
---@param paths string[]
---@param ask fun(path: string, done: fun(err: kage.Error?, found: any))
---@param done fun(err: kage.Error?, found: table<string, any>)
local function each(paths, ask, done)
  local found, at, left, failed = {}, 0, #paths, false
  local function step()
    at = at + 1
    local path = paths[at]
    if not path then
      return
    end
    ask(path, function(err, result)
      left, found[path] = left - 1, result
      if failed then
        return
      elseif err then
        failed = true
        return done(err, {})
      elseif left == 0 then
        return done(nil, found)
      end
      step()
    end)
  end
  if left == 0 then
    return done(nil, found)
  end
  for _ = 1, math.min(AT_ONCE, left) do
    step()
  end
end

--- The agents of a file, and whether its text is to be looked at.
---@param file kage.ChangedFile
---@param agents integer[]
---@return integer[]
local function changers(file, agents)
  return vim.tbl_filter(function(agent)
    return file.agents[tostring(agent)] ~= nil
  end, agents)
end

---@param answer kage.DiffAnswer
---@param order kage.SurveyOrder
---@param aligned table of `align`
---@param done fun(err: kage.Error?, survey: kage.Survey?)
local function look(answer, order, aligned, done)
  local survey = {
    run = answer.run,
    cwd = order.cwd,
    root = vim.uv.fs_realpath(answer.repository) or answer.repository,
    agents = answer.agents,
    voices = answer.voices or answer.agents,
    files = answer.files,
    texts = {},
    unread = {},
    apart = {},
  }
  local places, paths, by_path = {}, {}, {}
  for _, one in ipairs(aligned.files) do
    places[one.path] = choices.read(one.places)
  end
  for _, file in ipairs(answer.files) do
    local here = places[file.path]
    if file.kind == "text" and here and (not order.keep or order.keep(file, here, survey.voices)) then
      local how = apart(vim.fs.joinpath(survey.root, file.path), file)
      if how then
        survey.apart[#survey.apart + 1] = { path = file.path, how = how }
      else
        paths[#paths + 1], by_path[file.path] = file.path, file
      end
    end
  end
  each(paths, function(path, next_one)
    local agents = changers(by_path[path], answer.agents)
    local params = { cwd = order.cwd, run = answer.run, path = path, agents = agents }
    host.request("diff_file", params, function(err, result)
      next_one(err, not err and M.file(answer.run, vim.fs.joinpath(survey.root, path), result) or nil)
    end)
  end, function(err, found)
    for _, path in ipairs(paths) do
      survey.texts[#survey.texts + 1] = found[path]
      survey.unread[#survey.unread + 1] = not found[path] and not err and path or nil
    end
    done(err, not err and survey or nil)
  end)
end

--- Look at all files of a run.
---@param order kage.SurveyOrder
---@param done fun(err: kage.Error?, survey: kage.Survey?)
function M.run(order, done)
  local params = { cwd = order.cwd, run = order.run, agents = order.agents }
  host.request("diff", params, function(err, answer)
    if err then
      return done(err)
    end
    params = { cwd = order.cwd, run = answer.run, agents = answer.agents, paths = {} }
    host.request("align", params, function(problem, aligned)
      if problem then
        return done(problem)
      end
      look(answer, order, aligned, done)
    end)
  end)
end

--- "old.txt (deleted by you), …": the texts that are no files of yours any more, safe to show.
---@param left {path: string, how: string}[]
---@return string
function M.named(left)
  local parts = vim.tbl_map(function(one)
    return ("%s (%s)"):format(vim.fn.strtrans(one.path), one.how)
  end, left)
  return table.concat(parts, ", ")
end

--- How many open choices there are.
---@param survey kage.Survey
---@return integer
function M.open(survey)
  local count = 0
  for _, text in ipairs(survey.texts) do
    count = count + #choices.open(text.spots)
  end
  return count
end

return M
