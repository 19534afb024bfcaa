--- What goes with the bytes that a buffer holds, kept until the buffer is wiped.
---@class kage.Held
---@field name string of what is kept
---@field by_buffer table<integer, table<string, any>> by digest of the bytes
local Held = {}
Held.__index = Held

--- Neovim's own digest is fast, but takes no NUL.
---@param content string
---@return string
local function digest(content)
  return vim.fn.sha256(vim.base64.encode(content))
end

---@param buffer integer
---@param content string
---@param value any
function Held:put(buffer, content, value)
  self.by_buffer[buffer] = self.by_buffer[buffer] or {}
  self.by_buffer[buffer][digest(content)] = value
  vim.api.nvim_create_autocmd("BufWipeout", {
    group = vim.api.nvim_create_augroup(("kage.%s.%d"):format(self.name, buffer), {}),
    buffer = buffer,
    once = true,
    callback = function()
      self.by_buffer[buffer] = nil
    end,
  })
end

---@param buffer integer
---@param content string
---@return any
function Held:get(buffer, content)
  local kept = self.by_buffer[buffer]
  return kept and kept[digest(content)]
end

--- Make a memory of its own.
---@param name string
---@return kage.Held
return function(name)
  return setmetatable({ name = name, by_buffer = {} }, Held)
end
