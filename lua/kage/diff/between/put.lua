--- What the keys do where two agents are shown against each other: an agent's change is put into yours, which is
--- not shown. Methods of that view.
local Content = require("kage.diff.content")
local apply = require("kage.diff.picks.apply")
local hunks = require("kage.diff.text.hunks")
local merge = require("kage.diff.picks.merge")
local notify = require("kage.notify")
local picks = require("kage.diff.picks")
local shape = require("kage.diff.text.shape")
local visited = require("kage.diff.visited")
local whole = require("kage.diff.picks.whole")

local M = {}

--- The side that a window shows: the first agent, 0 for the base, the second.
---@return integer?
function M:side_here()
  local window = vim.api.nvim_get_current_win()
  if window == self.yours then
    return self.agents[1]
  end
  for _, column in ipairs(self.columns) do
    if column.window == window then
      return column.agent
    end
  end
end

--- The user's own buffer of the file shown, loaded without a window.
---@return integer
function M:target()
  local buffer, fresh = visited.load(vim.fs.joinpath(self.root, self.path))
  if fresh then
    visited.add(self, buffer)
  end
  return buffer
end

--- The lines of an agent's that are meant, on top of yours.
---@param content kage.Content of yours
---@param agent integer
---@param first integer
---@param last integer
---@param visual boolean
---@return kage.Pick[]? nil when the agent changed nothing there
local function meant(content, agent, first, last, visual)
  local base, version = content.base, content.versions[agent]
  local own = merge.merge(base, base, version.doc, { agent = version.hunks, yours = {} })
  local chosen = visual and picks.within(own, base, "merged", first, last)
    or { picks.at(own, "merged", first) }
  if #chosen == 0 then
    return nil
  end
  -- The agent's file as if that were all it had changed, merged onto yours as ever.
  local part = merge.take(base, chosen)
  local only = setmetatable({
    versions = {
      [agent] = { bytes = version.bytes, doc = part, format = version.format, hunks = hunks.diff(base, part) },
    },
  }, { __index = content })
  return only:merges(content:yours(), { agent })[agent].picks
end

--- `dp` in an agent's window.
---@param mode string
function M:give(mode)
  local agent = self:side_here()
  if not agent or agent == 0 then
    return notify.info("dp in an agent's window puts its change into yours")
  end
  local first, last = vim.fn.line("."), vim.fn.line("v")
  if mode == "x" then
    vim.cmd.normal({ vim.keycode("<Esc>"), bang = true })
  end
  first, last = math.min(first, last), math.max(first, last)
  local file = assert(self:file(self.path))
  local version, name = self.content.versions[agent], vim.fn.strtrans(self.path)
  if not version then
    return notify.info(("agent %d does not change %s"):format(agent, name))
  elseif file.kind ~= "text" or not version.bytes or #version.hunks == 0 then
    return whole.take(self, agent, self.path)
  end
  local buffer = self:target()
  local why, fix = apply.refusal(buffer, vim.fs.joinpath(self.root, self.path))
  if why then
    return notify.error({ message = ("nothing is put into %s: %s"):format(name, why), fix = fix })
  end
  self:put(agent, buffer, first, last, mode == "x")
end

---@param agent integer
---@param buffer integer
---@param first integer
---@param last integer
---@param visual boolean
function M:put(agent, buffer, first, last, visual)
  local content = Content.new(self.answer, buffer)
  local taken = meant(content, agent, first, last, visual)
  if not taken then
    return notify.info(("no change of agent %d here; ]c goes to the next"):format(agent))
  end
  local name = vim.fn.strtrans(vim.fs.basename(self.path))
  if #taken == 0 then
    return notify.info(("yours (%s) has it already"):format(name))
  end
  local yours = content:yours()
  local conflict = vim.iter(taken):any(function(pick)
    return pick.conflict
  end)
  local format = apply.format_of_new(buffer, yours, content.versions[agent].format)
  local why, fix = shape.refusal(buffer, yours, taken, format)
  if why then
    return notify.error({ message = ("nothing is put into %s: %s"):format(name, why), fix = fix })
  end
  content:take(yours, taken, format)
  self.given = buffer
  require("kage.checks").picked(self.cwd)
  local how = conflict and ", in place of yours" or ""
  notify.info(("put into yours: %s:%d%s; not written, u undoes"):format(name, taken[1].m0, how))
end

--- `u`: take back what was put into yours last.
function M:undo()
  local buffer = self.given
  if not (buffer and vim.api.nvim_buf_is_loaded(buffer)) then
    return notify.info("nothing was put into yours from here")
  end
  vim.api.nvim_buf_call(buffer, function()
    vim.cmd("silent undo")
    -- Neovim says this of the current buffer only; the options that go with the text wait for it.
    vim.api.nvim_exec_autocmds("TextChanged", { buffer = buffer, modeline = false })
  end)
  notify.info("undone in " .. vim.fn.strtrans(vim.fs.basename(vim.api.nvim_buf_get_name(buffer))))
end

return M
