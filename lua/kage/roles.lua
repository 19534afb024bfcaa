-- `:Kage role`: what agents can be told to be, and roles that others share.

local context = require("kage.context")
local host = require("kage.host")
local notify = require("kage.notify")

local M = {}

---@class kage.Role
---@field name string
---@field description string
---@field text string
---@field source string
---@field digest string

--- Show roles whole in a window of their own, for as long as the user is asked about them.
---@param roles kage.Role[]
---@return fun() # closes it
local function shown(roles)
  local text = require("kage.report").roles({ roles = roles }, true)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = "wipe"
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(text, "\n", { plain = true }))
  local window = vim.api.nvim_open_win(buffer, false, { split = "above" })
  vim.cmd.redraw()
  return function()
    if vim.api.nvim_win_is_valid(window) then
      vim.api.nvim_win_close(window, true)
    end
  end
end

---@param request { cwd: string, url: string, names: string[] }
---@param roles kage.Role[]
---@param instead table<string, string> where those come from whose places they take, by name
local function keep(request, roles, instead)
  local questions = vim.tbl_map(function(role)
    local text = ("Trust the role `%s`? What it says is told to agents."):format(role.name)
    local from = instead[role.name]
    local more = from and (" It takes the place of the role from %s."):format(from) or ""
    return { id = role.digest, text = text .. more }
  end, roles)
  local close = shown(roles)
  require("kage.confirm").ask(questions, function(digests)
    close()
    host.request("role_add", vim.tbl_extend("force", request, { digests = digests }), function(err, result)
      if err then
        return notify.error(err)
      end
      local missing = #digests - #result.added
      local said = #result.added > 0 and "added " .. table.concat(result.added, ", ") or "nothing was added"
      notify.info(said .. (missing > 0 and "; others have changed since they were shown" or ""))
    end)
  end, function()
    close()
    notify.info("no role was added")
  end)
end

---@param words string[] the address of a repository, then names of roles
local function add(words)
  if not words[1] then
    return notify.error({
      message = "role add: no repository is named",
      fix = "Write :Kage role add URL[#REVISION] [NAME]…",
    })
  end
  local request = { cwd = context.cwd(), url = words[1], names = vim.list_slice(words, 2) }
  host.request("role_add", request, function(err, result)
    if err then
      return notify.error(err)
    end
    keep(request, result.offered, result.instead)
  end)
end

--- `:Kage role [NAME]`, `:Kage role add URL [NAME]…`, `:Kage role remove NAME`.
---@param words kage.Words
function M.command(words)
  local first, name = words.fargs[1], words.fargs[2]
  if first == "add" then
    return add(vim.list_slice(words.fargs, 2))
  elseif first == "remove" then
    return host.request("role_remove", { cwd = context.cwd(), name = name or "" }, function(err, result)
      if err then
        return notify.error(err)
      end
      notify.info("removed the role " .. result.removed)
    end)
  end
  host.request("role", { cwd = context.cwd(), name = first or "" }, function(err, result)
    if err then
      return notify.error(err)
    end
    notify.info(require("kage.report").roles(result, first ~= nil, notify.width()))
  end)
end

return M
