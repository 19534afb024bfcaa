--- `:KageDiff inline`: your buffer alone, the agents' changes as virtual lines in it.
local notify = require("kage.notify")

local M = {}

local LINKS = {
  KageInlineAdd = "DiffAdd",
  KageInlineDelete = "DiffDelete",
  KageInlineWord = "DiffText",
  KageConflict = "DiagnosticWarn",
}

---@type kage.InlineSession[]
local sessions = {}

--- The one of a window.
---@param window integer
---@return kage.InlineSession?
function M.of(window)
  for _, session in ipairs(sessions) do
    if session.window == window and not session.closed then
      return session
    end
  end
end

--- End the one of the current window.
---@return boolean there_was_one
function M.close_here()
  local session = M.of(vim.api.nvim_get_current_win())
  if session then
    session:close()
  end
  return session ~= nil
end

--- Does the window show a file of the user's, which is not to be replaced unasked?
---@return boolean
local function is_occupied()
  return vim.bo.buftype ~= "" or vim.api.nvim_buf_get_name(0) ~= ""
end

--- Begin in the current window.
---@param answer kage.DiffAnswer
---@param shown kage.DiffShown
---@return kage.InlineSession
function M.open(answer, shown)
  for group, link in pairs(LINKS) do
    vim.api.nvim_set_hl(0, group, { link = link, default = true })
  end
  local session = require("kage.diff.inline.session").open(answer, shown)
  sessions = vim.tbl_filter(function(one)
    return not one.closed
  end, sessions)
  table.insert(sessions, session)
  local path = session:file(shown.path) and shown.path or (session.files[1] or {}).path
  if not path and session.skipped == 0 then
    session:offer()
  elseif not path then
    session:close()
    notify.info("only files that are no text were changed; :KageDiff shows them")
  elseif shown.keep and path == shown.path then
    session:show(path, true)
  elseif not is_occupied() then
    session:show(path)
  else
    session:offer()
  end
  return session
end

return M
