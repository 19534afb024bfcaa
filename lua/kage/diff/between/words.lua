--- The words in which two agents who are shown against each other differ. Methods of that view.
local hunks = require("kage.diff.text.hunks")
local wordwise = require("kage.diff.places.wordwise")

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("kage.diff.between")

---@param buffer integer
---@param first integer line of the first of the ranges' lines
---@param ranges kage.WordRange[]
local function mark_ranges(buffer, first, ranges)
  for _, range in ipairs(ranges) do
    vim.api.nvim_buf_set_extmark(buffer, NAMESPACE, first + range.line - 2, range.c0, {
      end_col = range.c1,
      hl_group = "KageApart",
      priority = 150,
    })
  end
end

--- Mark the words in which the two agents differ.
---@param path string
function M:mark_words(path)
  local one, other = self:document(self.agents[1]), self:document(self.agents[2])
  local left, right = self:side_buffer(path, self.agents[1]), self:side_buffer(path, self.agents[2])
  vim.api.nvim_buf_clear_namespace(left, NAMESPACE, 0, -1)
  vim.api.nvim_buf_clear_namespace(right, NAMESPACE, 0, -1)
  for _, hunk in ipairs(hunks.diff(one, other)) do
    local of_one, of_other =
      wordwise.differ(hunks.slice(one, hunk.a0, hunk.a1), hunks.slice(other, hunk.b0, hunk.b1))
    -- Lines that only one of them has are told by the colours of the diff.
    if hunk.a0 < hunk.a1 and hunk.b0 < hunk.b1 then
      mark_ranges(left, hunk.a0, of_one)
      mark_ranges(right, hunk.b0, of_other)
    end
  end
end

return M
