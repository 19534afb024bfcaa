--- What an agent reads of comments: file and lines of its own version, what stands there, and what is said. Pure.
local hunks = require("kage.diff.text.hunks")

local M = {}

-- More lines of a hunk than these are counted and not quoted: the agent has the file.
local MOST = 60

--- A block of lines that nothing in them ends.
---@param lines string[]
---@param kind string
---@return string
local function fenced(lines, kind)
  local kept = #lines > MOST and vim.list_slice(lines, 1, MOST) or lines
  local text = table.concat(kept, "\n")
  if #kept < #lines then
    text = text .. ("\n… %d more lines"):format(#lines - #kept)
  end
  local longest = 2
  for run in text:gmatch("`+") do
    longest = math.max(longest, #run)
  end
  local fence = ("`"):rep(longest + 1)
  return fence .. kind .. "\n" .. text .. "\n" .. fence
end

---@param lines string[]
---@param doc string[]
---@param sign string
---@param first integer
---@param past integer
local function add(lines, doc, sign, first, past)
  for index = first, past - 1 do
    local line = doc[index]
    local ends = line:byte(-1) ~= 10
    lines[#lines + 1] = sign .. (ends and line or line:sub(1, -2))
    if not ends then
      lines[#lines + 1] = "\\ No newline at end of file"
    end
  end
end

---@param first integer
---@param past integer
---@return string
local function range(first, past)
  -- An empty range is named by the line before it, as in every diff.
  return ("%d,%d"):format(past > first and first or first - 1, past - first)
end

--- What stands at lines of an agent's file: its hunks there as a diff, or the lines where it changed none whole.
---@param version {doc: string[], hunks: kage.Hunk[]}
---@param base string[]
---@param b0 integer
---@param b1 integer
---@return string? a fenced block; nil where there is nothing
function M.quote(version, base, b0, b1)
  local lines = {}
  for _, hunk in ipairs(version.hunks) do
    local inside = b0 <= hunk.b0 and hunk.b1 <= b1
    -- What was removed at the edge of some lines is not a part of them.
    local edge = hunk.b0 == hunk.b1 and b0 < b1 and (hunk.b0 == b0 or hunk.b0 == b1)
    if inside and not edge then
      lines[#lines + 1] = ("@@ -%s +%s @@"):format(range(hunk.a0, hunk.a1), range(hunk.b0, hunk.b1))
      add(lines, base, "-", hunk.a0, hunk.a1)
      add(lines, version.doc, "+", hunk.b0, hunk.b1)
    end
  end
  if #lines > 0 then
    return fenced(lines, "diff")
  end
  local quoted = hunks.bare(hunks.slice(version.doc, b0, b1))
  return #quoted > 0 and fenced(quoted, "") or nil
end

--- "src/x.py:10-12".
---@param comment kage.Comment
---@return string
function M.place(comment)
  if not comment.first then
    return comment.path
  elseif comment.past - comment.first > 1 then
    return ("%s:%d-%d"):format(comment.path, comment.first, comment.past - 1)
  end
  return ("%s:%d"):format(comment.path, math.max(1, comment.first))
end

---@param comment kage.Comment
---@return string
local function block(comment)
  local where = M.place(comment)
  if comment.whole then
    where = where .. " as a whole"
  elseif not comment.first then
    where = where .. " (your version has no such lines)"
  elseif comment.lacks then
    where = ("%s in my file (%s, not in your version)"):format(where, comment.lacks)
  elseif comment.mine then
    where = where .. " in my file"
  elseif comment.past == comment.first then
    where = where .. " (lines that you removed stood in front of it)"
  else
    where = where .. " in your version"
  end
  return where .. ":\n" .. (comment.quote and comment.quote .. "\n" or "") .. "\n" .. comment.text
end

--- The message for one agent.
---@param comments kage.Comment[] all for it
---@return string
function M.compose(comments)
  if #comments == 1 then
    return "About " .. block(comments[1])
  end
  local parts = { ("%d comments on your changes."):format(#comments) }
  for index, comment in ipairs(comments) do
    parts[#parts + 1] = ("%d. %s"):format(index, block(comment))
  end
  return table.concat(parts, "\n\n")
end

return M
