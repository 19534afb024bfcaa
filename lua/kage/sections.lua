-- Proposals beside each other: one window for each, laid out so that what is the same section begins in the same
-- row everywhere.

local agent_buffer = require("kage.diff.agent_buffer")
local words = require("kage.words")

local M = {}

---@class kage.ProposalSection see `sections` in orchestrator/proposals.py
---@field title string
---@field level integer
---@field groups integer[][]
---@field agents table<string, {title: string, text: string}>

---@param section kage.ProposalSection
---@param number integer
---@param width integer
---@return string[]
local function of(section, number, width)
  local own = section.agents[tostring(number)]
  local mark = ("#"):rep(section.level) .. " "
  if not own then
    return { words.cut("(no " .. words.clean(section.title) .. ")", width), "" }
  end
  local lines = { words.cut(mark .. words.clean(own.title), width) }
  for _, group in ipairs(section.groups) do
    if #group > 1 and vim.tbl_contains(group, number) and group[1] ~= number then
      return vim.list_extend(lines, { ("(as %d says)"):format(group[1]), "" })
    end
  end
  for _, line in ipairs(vim.split(own.text, "\n", { plain = true })) do
    local indent = line:match("^%s*")
    vim.list_extend(lines, words.wrap(indent .. words.clean(line), width))
  end
  lines[#lines + 1] = ""
  return lines
end

--- The lines of each proposal, and the row in which each section begins. Pure.
---@param sections kage.ProposalSection[]
---@param numbers integer[]
---@param width integer columns of each
---@return string[][] lines, integer[] rows 1-based
function M.layout(sections, numbers, width)
  local columns, rows = {}, {}
  for index in ipairs(numbers) do
    columns[index] = {}
  end
  for _, section in ipairs(sections) do
    rows[#rows + 1] = #(columns[1] or {}) + 1
    local tallest = 0
    for index, number in ipairs(numbers) do
      vim.list_extend(columns[index], of(section, number, width))
      tallest = math.max(tallest, #columns[index])
    end
    for _, lines in ipairs(columns) do
      while #lines < tallest do
        lines[#lines + 1] = ""
      end
    end
  end
  return columns, rows
end

---@param answer table of kaged's `contrast`
---@param number integer
---@param lines string[]
---@return integer buffer
local function fill(answer, number, lines)
  local buffer = agent_buffer.create(("kage://%s/%d/sections"):format(answer.run, number))
  vim.bo[buffer].bufhidden = "wipe"
  agent_buffer.fill(buffer, nil, lines)
  vim.bo[buffer].syntax = "markdown"
  vim.keymap.set("n", "q", function()
    pcall(vim.cmd.tabclose)
  end, { buffer = buffer, nowait = true, desc = "Kage: close" })
  return buffer
end

--- Show them in a tab of its own, at a section.
---@param answer table of kaged's `contrast`
---@param title string?
function M.open(answer, title)
  local numbers, names = {}, {}
  for index, agent in ipairs(answer.agents) do
    if agent.path ~= "" then
      numbers[#numbers + 1] = agent.number
      names[#names + 1] = words.clean(answer.table[1].cells[index])
    end
  end
  local width = math.max(20, math.floor(vim.o.columns / #numbers) - 2)
  local columns, rows = M.layout(answer.sections, numbers, width)
  local at = 1
  for index, section in ipairs(answer.sections) do
    at = section.title == title and rows[index] or at
  end
  vim.cmd("tab split")
  local layout = require("kage.diff.layout")
  for index, number in ipairs(numbers) do
    if index > 1 then
      vim.cmd("rightbelow vsplit")
    end
    local window = vim.api.nvim_get_current_win()
    vim.api.nvim_win_set_buf(window, fill(answer, number, columns[index]))
    layout.plain(window)
    layout.set(window, "winbar", (names[index]:gsub("%%", "%%%%")))
    vim.api.nvim_win_set_cursor(window, { at, 0 })
    vim.cmd("normal! zt")
    layout.set(window, "scrollbind", true)
    layout.set(window, "cursorbind", true)
  end
  vim.cmd("wincmd =")
  vim.cmd("syncbind")
end

return M
