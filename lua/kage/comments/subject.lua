--- What a comment is about: which agent, and which lines of its own file, from where the cursor is.
local Content = require("kage.diff.content")
local choices = require("kage.diff.places.choices")
local context = require("kage.context")
local host = require("kage.host")
local lines = require("kage.comments.lines")
local merges = require("kage.diff.picks.merge")
local message = require("kage.comments.message")
local picks = require("kage.diff.picks")

local M = {}

---@class kage.Asked
---@field agent integer? that the user named
---@field run string?
---@field first integer line of the current buffer
---@field last integer? nil: the cursor is at `first`, and the hunk there is meant

---@alias kage.Found fun(comment: kage.Comment?, problem: kage.Error?)

--- The place at a line of yours where a version was taken.
---@param content kage.Content
---@param line integer
---@return kage.PlaceVersion? taken
local function taken_at(content, line)
  local spot = choices.at(content:spots(content:yours()) or {}, line)
  local is_taken = spot and spot.state == "taken" and spot.y0 <= line and line < spot.y1
  return is_taken and spot.place.versions[spot.version] or nil
end

--- Lines of yours that an agent's version lacks, although it removed none there.
---@param comment kage.Comment is changed
---@param content kage.Content
---@param first integer of yours
---@param last integer
local function fill_lacked(comment, content, first, last)
  local taken = taken_at(content, first)
  local doc = content:yours()
  comment.lacks = taken and "taken from agent " .. taken.agents[1] or "my own lines"
  comment.mine, comment.first, comment.past = true, first, math.min(last, #doc) + 1
  comment.quote = message.quote({ doc = doc, hunks = {} }, {}, comment.first, comment.past)
end

--- Is a hunk of the agent's that is left to take in these lines?
---@param merged kage.Merge
---@param side kage.Side
---@param first integer
---@param last integer? nil: at the cursor
---@return boolean
local function any_pick(merged, side, first, last)
  if not last then
    return picks.at(merged, side, first) ~= nil
  end
  return vim.iter(merged.picks):any(function(pick)
    local from, past = picks.range(pick, side)
    return from <= last and first < math.max(past, from + 1)
  end)
end

--- Fill in the agent's own lines.
---@param comment kage.Comment
---@param content kage.Content
---@param side kage.Side
---@param asked kage.Asked
---@param known kage.Merge? where it is at hand
---@return kage.Comment
local function resolve(comment, content, side, asked, known)
  local version = content.versions[comment.agent]
  if version and not version.bytes then
    return comment
  end
  -- An agent that does not change the file has it as it was at the base.
  version = version or { doc = content.base, hunks = {}, bytes = "" }
  local yours = content:yours()
  local merged = known
    or content:merges(yours, { comment.agent })[comment.agent]
    or merges.merge(content.base, yours, content.base)
  local pieces = lines.pieces(merged, yours, version.doc)
  local first, last = asked.first, asked.last
  local hunk = any_pick(merged, side, first, last)
  local taken = side == "yours" and not last and not hunk and taken_at(content, first)
  local span = taken and taken.spans[comment.agent]
  if span then
    comment.first, comment.past = span[1], span[2]
  else
    comment.first, comment.past = lines.meant(merged, pieces, side, first, last)
  end
  if comment.first == comment.past and not hunk and not span then
    local is_yours = side == "yours"
    last = last or first
    first = is_yours and first or picks.to_yours(merged, first)
    fill_lacked(comment, content, first, is_yours and last or picks.to_yours(merged, last))
    return comment
  end
  comment.quote = message.quote(version, content.base, comment.first, comment.past)
  return comment
end

--- The agent whose change stands at a line of yours, or is left to take there: the one in focus before the others.
---@param view kage.DiffView
---@param line integer
---@return integer?
local function agent_at(view, line)
  local fallback = view.focus
  local taken = taken_at(view.content, line)
  if taken then
    return fallback and taken.spans[fallback] and fallback or taken.agents[1]
  end
  for _, column in ipairs(view.columns) do
    local pick = column.merge and picks.at(column.merge, "yours", line)
    if pick and (not view.focus or column.agent == view.focus) then
      return column.agent
    end
    fallback = fallback or column.agent
  end
  return fallback
end

--- In a window of the diff's tab.
---@param view kage.DiffView
---@param asked kage.Asked
---@return kage.Comment?
local function in_tab(view, asked)
  local window = vim.api.nvim_get_current_win()
  local comment = { cwd = view.cwd, run = view.run, path = view.path, line = asked.first }
  local file, here = view.path and view:file(view.path), view:column_here()
  if file and file.kind ~= "text" then
    comment.agent, comment.line, comment.whole = asked.agent or (here and here.agent), nil, true
    return comment.agent and comment or nil
  end
  if not (view.content and view.content.buffer and vim.api.nvim_buf_is_loaded(view.content.buffer)) then
    return nil
  end
  for _, column in ipairs(view.columns) do
    if column.window == window and column.merge and not (asked.agent and asked.agent ~= column.agent) then
      if vim.api.nvim_buf_get_changedtick(view.content.buffer) ~= view.tick then
        view:refresh()
      end
      comment.agent = column.agent
      return resolve(comment, view.content, "merged", asked, column.merge)
    elseif column.window == window and column.merge then
      -- Another agent is spoken to about these lines: they are found through yours.
      asked.first = picks.to_yours(column.merge, asked.first)
      asked.last = asked.last and picks.to_yours(column.merge, asked.last)
    end
  end
  comment.agent = asked.agent or agent_at(view, asked.first)
  return comment.agent and resolve(comment, view.content, "yours", asked) or nil
end

--- In the panel: the file of the row.
---@param view kage.DiffView
---@param asked kage.Asked
---@return kage.Comment?
---@return kage.Error? problem
local function in_panel(view, asked)
  local row = view.panel.rows[asked.first]
  local file = row and row.path and view:file(row.path)
  if not file then
    return nil, { message = "comment: no file is in this row", fix = "Go to the row of a file." }
  end
  local changers = view:changers(file)
  local agent = asked.agent or (#changers == 1 and changers[1])
  if not agent then
    local why = ("comment: agents %s changed %s"):format(table.concat(changers, ", "), file.path)
    return nil, { message = why, fix = "Write the number of one: :Kage comment 2 TEXT" }
  end
  return { cwd = view.cwd, run = view.run, agent = agent, path = file.path, whole = true }
end

--- As two agents are compared: in the own text of one, or the base's.
---@param view kage.Between
---@param asked kage.Asked
---@return kage.Comment?
---@return kage.Error? problem
local function in_side(view, asked)
  local here = vim.iter(view:sides()):find(function(side)
    return side.window == vim.api.nvim_get_current_win()
  end)
  local file = view.path and view:file(view.path)
  if not (here and file and view.content) then
    return nil, { message = "comment: no agent's file is in this window", fix = "Go to an agent's window." }
  end
  local agent = asked.agent or here.agent
  if not vim.tbl_contains(view.agents, agent) then
    local why = agent == 0 and "comment: the base is no agent's"
      or ("comment: agent %d is not shown here"):format(agent)
    local fix = "Go to an agent's window, or write its number: :Kage comment %d TEXT"
    return nil, { message = why, fix = fix:format(view.agents[1]) }
  end
  local version = view.content.versions[agent] or { doc = view.content.base, hunks = {}, bytes = "" }
  local comment = { cwd = view.cwd, run = view.run, agent = agent, path = view.path }
  if not version.bytes or file.kind ~= "text" then
    comment.whole = file.kind ~= "text" or nil
    return comment
  end
  local pieces = lines.pieces({ picks = {} }, view:document(here.agent), version.doc)
  comment.first, comment.past = lines.theirs(pieces, "yours", asked.first, asked.last or asked.first)
  for _, hunk in ipairs(asked.last and {} or version.hunks) do
    if hunk.b0 <= comment.first and comment.past <= hunk.b1 then
      comment.first, comment.past = hunk.b0, hunk.b1
    end
  end
  comment.quote = message.quote(version, view.content.base, comment.first, comment.past)
  return comment
end

--- The agent that is meant where nothing shows one: the only one of the run.
---@param asked kage.Asked
---@return integer?
local function only_agent(asked)
  local run = require("kage.state").run(asked.run)
  return asked.agent or (run and #run.agents == 1 and run.agents[1].number) or nil
end

--- In a file of the repository.
---@param asked kage.Asked
---@param found kage.Found
local function in_file(asked, found)
  local place, agent = context.place(), only_agent(asked)
  local run = require("kage.state").run(asked.run)
  if not agent then
    local fix = "Write its number: :Kage comment 2 TEXT"
    return found(nil, { message = "comment: which agent is to hear it?", fix = fix })
  elseif not place.path or not (run or asked.run) then
    local what = run and "this buffer is no file of a repository" or "there is no run to comment on"
    return found(
      nil,
      { message = "comment: " .. what, fix = "Go to a file that agents changed; :KageDiff shows them." }
    )
  end
  local comment =
    { cwd = place.cwd, run = asked.run or run.id, agent = agent, path = place.path, line = asked.first }
  local buffer = vim.api.nvim_get_current_buf()
  local params = { cwd = place.cwd, run = asked.run, path = place.path, agents = { agent } }
  host.request("diff_file", params, function(err, answer)
    if not vim.api.nvim_buf_is_loaded(buffer) then
      return found(nil, { message = "comment: the file is not open any more" })
    elseif err then
      -- It has nothing to show yet. What the user sees is what there is to speak of.
      local doc = vim.api.nvim_buf_get_lines(buffer, 0, -1, true)
      comment.first, comment.past, comment.mine = asked.first, (asked.last or asked.first) + 1, true
      comment.quote = message.quote({ doc = doc, hunks = {} }, {}, comment.first, comment.past)
      return found(comment)
    end
    found(resolve(comment, Content.new(answer, buffer), "yours", asked))
  end)
end

--- Find out what is meant.
---@param asked kage.Asked
---@param found kage.Found may be called later
function M.find(asked, found)
  local window = vim.api.nvim_get_current_win()
  local session = require("kage.diff.inline").of(window)
  if session and session:is_here() then
    local comment = { cwd = session.cwd, run = session.run, path = session.path, line = asked.first }
    comment.agent = asked.agent or session:agent_at(asked.first)
    if comment.agent then
      return found(resolve(comment, session.content, "yours", asked))
    end
  end
  local view = require("kage.diff").here()
  if view and view.columns then
    if window == view.panel.window then
      return found(in_panel(view, asked))
    elseif view.sides then
      return found(in_side(view, asked))
    end
    local comment = in_tab(view, asked)
    if comment then
      return found(comment)
    end
  end
  in_file(asked, found)
end

return M
