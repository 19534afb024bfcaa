--- What a comment is about: which agent, and which lines of its own file, from where the cursor is.
local Content = require("kage.diff.content")
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
  comment.first, comment.past = lines.meant(merged, pieces, side, asked.first, asked.last)
  comment.quote = message.quote(version, content.base, comment.first, comment.past)
  return comment
end

--- The agent whose change stands at a line of yours: the one in focus before the others.
---@param view kage.DiffView
---@param line integer
---@return integer?
local function agent_at(view, line)
  local fallback = view.focus
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

--- In an agent's own text, as two agents are compared.
---@param asked kage.Asked
---@return kage.Comment?
local function in_agents_text(asked)
  local run, agent, path = vim.api.nvim_buf_get_name(0):match("^kage://([^/]+)/(%d+)/(.+)$")
  if not run or (asked.agent and asked.agent ~= tonumber(agent)) then
    return nil
  end
  local last = asked.last or asked.first
  local doc = vim.api.nvim_buf_get_lines(0, 0, -1, true)
  local comment = { cwd = context.cwd(), run = run, agent = tonumber(agent), path = path }
  comment.first, comment.past = asked.first, last + 1
  comment.quote = message.quote({ doc = doc, hunks = {} }, {}, comment.first, comment.past)
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
  local comment = view and view.columns and in_tab(view, asked) or in_agents_text(asked)
  if comment then
    return found(comment)
  end
  in_file(asked, found)
end

return M
