--- `:Kage comment`: what is said about lines goes to the agent that wrote them, at once or collected.
local context = require("kage.context")
local host = require("kage.host")
local message = require("kage.comments.message")
local notify = require("kage.notify")
local store = require("kage.comments.store")

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("kage.comments")

--- What shows comments draws them anew.
local function redraw()
  require("kage.comments.list").follow()
  for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    local session = require("kage.diff.inline").of(window)
    if session then
      session:refresh()
    end
  end
  local view = require("kage.diff").here()
  if view and view.refresh then
    view:refresh()
  end
end

---@param comment kage.Comment
---@param why string
local function collect(comment, why)
  store.add(comment)
  redraw()
  notify.info(("%s, %d in all; :Kage comment send sends"):format(why, #store.of(comment.cwd)))
end

--- Send comments to one agent, in one message.
---@param comments kage.Comment[]
---@param done fun(err: kage.Error?, result: table?)
local function send(comments, done)
  local first = comments[1]
  local text = message.compose(comments)
  host.request("send", { cwd = first.cwd, run = first.run, agent = first.agent, text = text }, done)
end

--- Send one now. When it cannot be heard it is kept.
---@param comment kage.Comment
local function send_now(comment)
  send({ comment }, function(err, result)
    if err then
      store.add(comment)
      redraw()
      local fix = (err.fix or "") .. "\nThe comment is kept: :Kage comment send tries again."
      return notify.error({ message = err.message, fix = vim.trim(fix) })
    end
    notify.info(("%s: %s"):format(message.place(comment), require("kage.report").sent(result)))
  end)
end

--- Send all that were collected, each agent's in one message; those that could not be heard are kept.
local function send_all()
  local groups, order = {}, {}
  for _, comment in ipairs(store.of(context.cwd())) do
    local key = comment.run .. "\0" .. comment.agent
    if not groups[key] then
      groups[key], order[#order + 1] = {}, key
    end
    table.insert(groups[key], comment)
  end
  if #order == 0 then
    return notify.info("no comments are collected; :Kage! comment collects one")
  end
  for _, key in ipairs(order) do
    local comments = groups[key]
    send(comments, function(err, result)
      if err then
        local kept = #comments == 1 and "Its comment is kept."
          or ("Its %d comments are kept."):format(#comments)
        return notify.error({ message = err.message, fix = (err.fix or "") .. "\n" .. kept })
      end
      local sent = {}
      for _, comment in ipairs(comments) do
        sent[comment.id] = true
      end
      store.remove(sent)
      redraw()
      local what = #comments == 1 and "1 comment" or #comments .. " comments"
      notify.info(("%s %s"):format(what, require("kage.report").sent(result)))
    end)
  end
end

--- Ask for the text of a comment.
---@param comment kage.Comment
---@param later boolean
---@param use fun(comment: kage.Comment)
local function ask(comment, later, use)
  require("kage.prompt").open({
    key = ("comment %s %d %s"):format(comment.run, comment.agent, message.place(comment)),
    title = ("Comment to agent %d on %s%s"):format(
      comment.agent,
      vim.fn.strtrans(message.place(comment)),
      later and ", to be collected" or ""
    ),
    empty = "the comment is empty: write what the agent should hear",
    send = function(text)
      comment.text = text
      use(comment)
    end,
  })
end

--- Refuse a comment that nobody could ever hear.
---@param comment kage.Comment
---@return kage.Error?
local function unheard(comment)
  local run = require("kage.state").run(comment.run)
  local numbers = vim.tbl_map(function(agent)
    return agent.number
  end, run and run.agents or {})
  if not run or vim.tbl_contains(numbers, comment.agent) then
    return nil
  end
  local why = ("comment: there is no agent %d in run %s"):format(comment.agent, run.id)
  return { message = why, fix = "Its agents: " .. table.concat(numbers, ", ") }
end

--- Say something about lines.
---@param asked kage.Asked
---@param text string "" = ask for it
---@param later boolean collect it
local function comment_on(asked, text, later)
  require("kage.comments.subject").find(asked, function(comment, problem)
    if not comment then
      return notify.error(problem or "comment: nothing is meant here")
    end
    problem = unheard(comment)
    if problem then
      return notify.error(problem)
    end
    local function use(one)
      if later then
        collect(one, ("kept for agent %d"):format(one.agent))
      else
        send_now(one)
      end
    end
    if text == "" then
      return ask(comment, later, use)
    end
    comment.text = text
    use(comment)
  end)
end

--- `:Kage comment [N] [TEXT]`, `:Kage comment send`; with `!` it is collected.
---@param words kage.Words
function M.command(words)
  local text = vim.trim(words.args)
  if text == "send" then
    return send_all()
  end
  local agent, rest = text:match("^(%d+)%f[%s%z](.*)$")
  text = vim.trim(agent and rest or text):gsub("^%-%-%f[%s%z]%s*", "")
  local asked = {
    agent = tonumber(agent),
    run = words.run,
    first = words.range > 0 and words.line1 or vim.fn.line("."),
    last = words.range > 0 and words.line2 or nil,
  }
  comment_on(asked, text, words.bang)
end

--- The key of the diff.
---@param mode string
function M.key(mode)
  local cursor, other = vim.fn.line("."), vim.fn.line("v")
  local asked = { first = cursor }
  if mode == "x" then
    vim.cmd.normal({ vim.keycode("<Esc>"), bang = true })
    asked.first, asked.last = math.min(cursor, other), math.max(cursor, other)
  end
  comment_on(asked, "", false)
end

--- Those about an agent's version of a file.
---@param run string
---@param agent integer
---@param path string
---@return kage.Comment[]
function M.about(run, agent, path)
  return vim.tbl_filter(function(comment)
    return comment.run == run and comment.agent == agent and comment.path == path
  end, store.all())
end

--- Show what is collected in an agent's window.
---@param view kage.DiffView
---@param column kage.Column
---@param yours string[]
function M.mark(view, column, yours)
  vim.api.nvim_buf_clear_namespace(column.buffer, NAMESPACE, 0, -1)
  local version = view.content.versions[column.agent]
  local comments = version and version.bytes and M.about(view.run, column.agent, view.path) or {}
  if #comments == 0 then
    return
  end
  local lines, picks = require("kage.comments.lines"), require("kage.diff.picks")
  local pieces = lines.pieces(column.merge, yours, version.doc)
  local last = vim.api.nvim_buf_line_count(column.buffer)
  for _, comment in ipairs(comments) do
    if comment.first then
      local at = comment.mine and picks.to_merged(column.merge, comment.first)
        or lines.merged(pieces, comment.first)
      local row = math.max(1, math.min(at, last)) - 1
      vim.api.nvim_buf_set_extmark(column.buffer, NAMESPACE, row, 0, {
        virt_text = { { "» " .. require("kage.words").clean(comment.text), "KageWaiting" } },
        virt_text_pos = "eol",
        sign_text = "»",
        sign_hl_group = "KageWaiting",
        priority = 190,
      })
    end
  end
end

return M
