--- One agent's version as a scratch buffer: shown like the file, but with nothing attached to it.
local apply = require("kage.diff.apply")
local hunks = require("kage.diff.hunks")

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

--- Make an empty one.
---@param name string
---@return integer buffer
function M.create(name)
  for _, old in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_get_name(old) == name then
      vim.api.nvim_buf_delete(old, { force = true })
    end
  end
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buffer, name)
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

--- Say at each conflict what taking it means.
---@param buffer integer
---@param merge kage.Merge
function M.mark_conflicts(buffer, merge)
  vim.api.nvim_buf_clear_namespace(buffer, NAMESPACE, 0, -1)
  local last = vim.api.nvim_buf_line_count(buffer)
  for _, pick in ipairs(merge.picks) do
    if pick.conflict then
      local what = #pick.lines == 0 and "conflict: taking removes yours" or "conflict: taking replaces yours"
      vim.api.nvim_buf_set_extmark(buffer, NAMESPACE, math.min(pick.m0, last) - 1, 0, {
        virt_text = { { what, "KageConflict" } },
        virt_text_pos = "eol",
        sign_text = "!",
        sign_hl_group = "KageConflict",
        priority = 200,
      })
    end
  end
end

return M
