-- Kage from Lua: `require("kage").setup{…}` is optional.

local M = {}

--- Take options; `:help kage-setup` lists them.
---@param options table?
function M.setup(options)
  require("kage.config").setup(options)
end

--- The statusline component.
---@return string
function M.statusline()
  return require("kage.statusline").get()
end

--- The newest run of the repository in view, as kaged last told it.
---@return kage.Run?
function M.run()
  return require("kage.state").run()
end

return M
