-- Highlight groups, linked to ones that every colour scheme has.

local M = {}

M.links = {
  KageStarting = "Comment",
  KageWorking = "DiagnosticInfo",
  KageWaiting = "DiagnosticWarn",
  KageChecking = "DiagnosticHint",
  KageDone = "DiagnosticOk",
  KageFailed = "DiagnosticError",
  KageStopped = "Comment",
  KageInterrupted = "DiagnosticWarn",
  KageUnknown = "DiagnosticWarn",
  KageTitle = "Title",
  KageKey = "Special",
  KageFaint = "Comment",
}

---@param state kage.State
---@return string # the group of an agent in that state
function M.of(state)
  return "Kage" .. state:sub(1, 1):upper() .. state:sub(2)
end

--- Define the groups that the user's colour scheme did not.
function M.define()
  for name, link in pairs(M.links) do
    vim.api.nvim_set_hl(0, name, { link = link, default = true })
  end
end

M.define()
vim.api.nvim_create_autocmd("ColorScheme", {
  group = vim.api.nvim_create_augroup("kage.highlight", {}),
  callback = M.define,
})

return M
