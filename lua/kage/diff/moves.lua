--- The keys that go to another file or agent, and the help: methods of the view.
local maps = require("kage.diff.maps")
local notify = require("kage.notify")

local M = {}

---@param view kage.DiffView
---@param step integer
local function turn_file(view, step)
  for index, file in ipairs(view.files) do
    if file.path == view.wanted then
      local next_file = view.files[(index - 1 + step * vim.v.count1) % #view.files + 1]
      if next_file.path ~= view.wanted then
        view:show(next_file.path)
      end
      return
    end
  end
end

function M:next_file()
  turn_file(self, 1)
end

function M:previous_file()
  turn_file(self, -1)
end

--- Show other agents, as many as there are columns.
---@param first integer
function M:turn_to(first)
  first = math.max(1, math.min(first, #self.agents - #self.columns + 1))
  if first == self.first then
    return notify.info("no more agents; " .. #self.agents .. " have a candidate")
  end
  self.first, self.page, self.focus = first, first, nil
  if self.content then
    self:fill_columns()
  end
end

function M:next_agent()
  local wanted = vim.v.count
  if wanted > 0 then
    for index, agent in ipairs(self.agents) do
      if agent == wanted then
        self:turn_to(index)
        self.focus = wanted
        return
      end
    end
    return notify.info("agent " .. wanted .. " has no candidate")
  end
  self:turn_to(self.first + #self.columns)
end

function M:previous_agent()
  self:turn_to(self.first - #self.columns)
end

---@param mode string
function M.comment(_, mode)
  require("kage.comments").key(mode)
end

function M:help()
  local lines = maps.help(self.keys_in_help)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = "wipe"
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  local width = 0
  for _, line in ipairs(lines) do
    width = math.max(width, vim.api.nvim_strwidth(line) + 1)
  end
  width = math.min(width, vim.o.columns - 4)
  local window = vim.api.nvim_open_win(buffer, true, {
    relative = "editor",
    row = math.max(0, math.floor((vim.o.lines - #lines) / 2) - 1),
    col = math.max(0, math.floor((vim.o.columns - width) / 2) - 1),
    width = width,
    height = math.min(#lines, vim.o.lines - 4),
    style = "minimal",
    border = "rounded",
    title = " Kage diff ",
  })
  for _, key in ipairs({ "q", "<Esc>", "g?" }) do
    vim.keymap.set("n", key, function()
      if vim.api.nvim_win_is_valid(window) then
        vim.api.nvim_win_close(window, true)
      end
    end, { buffer = buffer, nowait = true })
  end
end

return M
