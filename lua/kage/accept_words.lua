-- The message in `:KageAccept 2 --commit --message Mend the parser`: it may have blanks, in quotes or without.

local words = require("kage.words")

local M = {}

M.OPTIONS = { "--branch", "--commit", "--force", "--merge", "--message", "--rebase", "--squash" }

--- The message that begins there, and what comes after it. One in quotes ends with them (doubled, they are a
--- part of it); any other at the next word that begins with `--`, or with the line.
---@param text string
---@param start integer
---@return string message, string after
local function message_at(text, start)
  local quote = text:sub(start, start):match("[\"']")
  if not quote then
    local stop = text:find("%s%-%-%l", start - 1) or #text + 1
    return vim.trim(text:sub(start, stop - 1)), text:sub(stop)
  end
  local stop = text:find(quote, start + 1, true)
  while stop and text:sub(stop + 1, stop + 1) == quote do
    stop = text:find(quote, stop + 2, true)
  end
  stop = stop or #text + 1
  return (text:sub(start + 1, stop - 1):gsub(quote .. quote, quote)), text:sub(stop + 1)
end

--- The words of a command without its message, and the message.
---@param text string
---@return string[] words, string? message nil when there is none, empty when it has no text
function M.split(text)
  local first, last = text:find("%S+")
  while first do
    local name, value = text:sub(first, last):match("^(%-[%-%l]+)=?(.*)$")
    if name == "--message" or name == "-m" then
      local start = value ~= "" and last - #value + 1 or text:find("%S", last + 1) or #text + 1
      local message, after = message_at(text, start)
      return words.arguments(text:sub(1, first - 1) .. " " .. after), message
    elseif name == "--" then
      break
    end
    first, last = text:find("%S+", last + 1)
  end
  return words.arguments(text), nil
end

return M
