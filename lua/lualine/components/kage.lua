-- `lualine_x = { "kage" }`: the agents of this repository in lualine.

local component = require("lualine.component"):extend()

function component.update_status()
  return require("kage.statusline").plain()
end

return component
