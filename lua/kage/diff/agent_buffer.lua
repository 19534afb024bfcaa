--- One agent's version as a scratch buffer: shown like the file, but with nothing attached to it.
local apply = require("kage.diff.picks.apply")
local hunks = require("kage.diff.text.hunks")

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("kage.diff.conflicts")
-- Colours cost more than they give in a file larger than this many bytes.
local COLOUR_LIMIT = 1024 * 1024

--- Colour a buffer as a file of that name without 'filetype', which language servers and plugins listen for.
---@param buffer integer
---@param path string
---@param yours integer? the user's buffer of the same file
local function colour(buffer, path, yours)
  local filetype = yours and vim.bo[yours].filetype or ""
  if filetype == "" then
    filetype = vim.filetype.match({ filename = path, buf = buffer }) or ""
  end
  local size = vim.api.nvim_buf_get_offset(buffer, vim.api.nvim_buf_line_count(buffer))
  if filetype == "" or size > COLOUR_LIMIT then
    return
  end
  local active = vim.treesitter.highlighter.active
  if (yours and active[yours]) or not vim.g.syntax_on then
    local language = vim.treesitter.language.get_lang(filetype)
    if language and pcall(vim.treesitter.start, buffer, language) then
      return
    end
  end
  vim.bo[buffer].syntax = filetype
end

---@param name string
---@return integer? buffer
local function existing(name)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_get_name(buffer) == name then
      if vim.api.nvim_buf_is_loaded(buffer) then
        return buffer
      end
      vim.api.nvim_buf_delete(buffer, { force = true })
    end
  end
end

--- Make one. Where there is one of that name, it is used again: deleting it would close its windows.
---@param name string
---@return integer buffer
function M.create(name)
  local buffer = existing(name)
  if not buffer then
    buffer = vim.api.nvim_create_buf(false, true)
    vim.api.nvim_buf_set_name(buffer, name)
  end
  vim.bo[buffer].modeline = false
  vim.bo[buffer].undolevels = -1
  vim.bo[buffer].modifiable = false
  return buffer
end

--- Change the lines that differ, so that the cursor and the folds of its windows stay.
---@param buffer integer
---@param old string[]?
---@param new string[]
function M.fill(buffer, old, new)
  vim.bo[buffer].modifiable = true
  if old then
    apply.set_lines(buffer, old, new)
  else
    vim.api.nvim_buf_set_lines(buffer, 0, -1, true, hunks.bare(new))
  end
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].modified = false
end

M.colour = colour

--- What the colours of the diff do not tell of a change.
---@param pick kage.Pick
---@param yours string[]
---@return string?
local function remark(pick, yours)
  if pick.conflict then
    return #pick.lines == 0 and "conflict: taking removes yours" or "conflict: taking replaces yours"
  end
  local replaced = hunks.slice(yours, pick.y0, pick.y1)
  if #pick.lines > 0 and hunks.equal(hunks.bare(pick.lines), hunks.bare(replaced)) then
    return hunks.ends(pick.lines) and "newline added at end" or "newline removed at end"
  end
end

--- Say at each conflict what taking it means, and where the newline at the end is all that changes.
---@param buffer integer
---@param merge kage.Merge
---@param yours string[]
function M.mark(buffer, merge, yours)
  vim.api.nvim_buf_clear_namespace(buffer, NAMESPACE, 0, -1)
  local last = vim.api.nvim_buf_line_count(buffer)
  for _, pick in ipairs(merge.picks) do
    local what = remark(pick, yours)
    if what then
      vim.api.nvim_buf_set_extmark(buffer, NAMESPACE, math.min(pick.m0, last) - 1, 0, {
        virt_text = { { what, pick.conflict and "KageConflict" or "KageFaint" } },
        virt_text_pos = "eol",
        sign_text = pick.conflict and "!" or nil,
        sign_hl_group = pick.conflict and "KageConflict" or nil,
        priority = 200,
      })
    end
  end
end

return M
