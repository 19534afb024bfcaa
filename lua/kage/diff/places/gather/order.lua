--- What `:Kage take` is asked for: of which run and agents, in which files and lines.
local context = require("kage.context")

local M = {}

---@class kage.GatherOrder
---@field cwd string
---@field run string?
---@field agents integer[] empty: all
---@field paths string[] absolute files and folders; empty: all
---@field majority boolean
---@field lines? {first: integer, last: integer} of yours, where the one path is a file

--- Which run and agents a command is about: those of the diff whose tab it was typed in.
---@param words kage.Words
---@return kage.SurveyOrder order
---@return table? view
function M.where(words)
  local view = require("kage.diff").here()
  if view and (not words.run or words.run == view.run) then
    return { cwd = view.cwd, run = view.run, agents = view.agents }, view
  end
  return { cwd = context.cwd(), run = words.run, agents = {} }
end

--- The words of `:Kage take`.
---@param words kage.Words
---@return kage.GatherOrder
function M.read(words)
  local order, view = M.where(words)
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
  return order
end

--- Is a file among what is asked for?
---@param order kage.GatherOrder
---@param path string absolute
---@return boolean
function M.is_meant(order, path)
  return #order.paths == 0
    or vim.iter(order.paths):any(function(one)
      return path == one or vim.startswith(path, one == "/" and one or one .. "/")
    end)
end

return M
