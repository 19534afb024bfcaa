--- The options of a buffer that belong to its bytes, across landings and undo: `u` restores text alone.
local new_memory = require("kage.diff.text.held")
local undo_options = require("kage.diff.text.undo_options")

local M = {}

local NAMES = { "fileencoding", "fileformat", "bomb", "endoffile", "endofline" }

local held = new_memory("formats")

---@param buffer integer
---@return table<string, any>
function M.options(buffer)
  local found = {}
  for _, name in ipairs(NAMES) do
    found[name] = vim.bo[buffer][name]
  end
  return found
end

---@param buffer integer
---@param options table<string, any>
---@return boolean changed
function M.set(buffer, options)
  local changed = false
  for _, name in ipairs(NAMES) do
    if options[name] ~= nil and vim.bo[buffer][name] ~= options[name] then
      vim.bo[buffer][name] = options[name]
      changed = true
    end
  end
  return changed
end

--- Keep in mind how a buffer holds these bytes, so that they come back so when a landing is undone.
---@param buffer integer
---@param content string
---@param format kage.Format
function M.remember(buffer, content, format)
  held:put(buffer, content, format)
end

---@param buffer integer
---@param content string
---@return kage.Format?
function M.recall(buffer, content)
  return held:get(buffer, content)
end

--- Let every way through the undo tree over the change just made take the options along.
---@param buffer integer
---@param from integer the undo step before it
---@param before table<string, any> options that belonged to the text before it
function M.follow_undo(buffer, from, before)
  undo_options.follow(buffer, from, before, {
    get = function()
      return M.options(buffer)
    end,
    set = function(options)
      M.set(buffer, options)
    end,
  })
end

return M
