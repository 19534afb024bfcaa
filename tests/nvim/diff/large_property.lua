--- Large texts are compared piece by piece; whatever was done to them, the buffer becomes the other text.
local apply = require("kage.diff.picks.apply")

local seed, cases = ...
math.randomseed(seed)

local WORDS = { "", "}", "end", "x" }

local function changed(doc)
  local copy = vim.list_slice(doc)
  for _ = 1, math.random(60) do
    local at, what = math.random(#copy), math.random(4)
    for _ = 1, what < 3 and math.random(120) or 1 do
      if what == 1 then
        table.insert(copy, at, "new " .. math.random(1000000))
      elseif what == 2 then
        table.remove(copy, math.min(at, #copy))
      else
        copy[at] = WORDS[math.random(4)]
      end
    end
  end
  return copy
end

local buffer, wrong, kept = vim.api.nvim_create_buf(false, true), 0, 0
local space = vim.api.nvim_create_namespace("large")
for _ = 1, cases do
  local doc = {}
  for n = 1, 7000 do
    doc[n] = math.random() < 0.4 and WORDS[math.random(4)] or "line " .. math.random(1000000)
  end
  local other = changed(doc)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, true, doc)
  local last = #doc - 1
  local mark = vim.api.nvim_buf_set_extmark(buffer, space, last, 0, {})
  apply.set_lines(buffer, doc, other)
  local row = vim.api.nvim_buf_get_extmark_by_id(buffer, space, mark, {})[1]
  kept = kept + ((doc[#doc] ~= other[#other] or row == #other - 1) and 1 or 0)
  wrong = wrong + (vim.deep_equal(vim.api.nvim_buf_get_lines(buffer, 0, -1, true), other) and 0 or 1)
end
vim.api.nvim_buf_delete(buffer, { force = true })
return { cases = cases, wrong = wrong, kept = kept }
