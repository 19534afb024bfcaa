-- Agents' panes, seen from the editor: go to one, or show them in a terminal split.

local context = require("kage.context")
local host = require("kage.host")
local notify = require("kage.notify")

local M = {}

--- Run a command in a terminal split that closes with it. TMUX is emptied, or tmux would refuse to nest.
---@param argv string[]
local function terminal(argv)
  vim.cmd("botright vsplit")
  local window = vim.api.nvim_get_current_win()
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = "wipe"
  vim.api.nvim_win_set_buf(window, buffer)
  local options = {
    env = { TMUX = "" },
    on_exit = function()
      if vim.api.nvim_buf_is_valid(buffer) then
        vim.api.nvim_buf_delete(buffer, { force = true })
      end
    end,
  }
  if vim.fn.has("nvim-0.11") == 1 then
    options.term = true
    vim.fn.jobstart(argv, options)
  else
    vim.fn.termopen(argv, options)
  end
  vim.cmd.startinsert()
end

---@param words { run: string? }
function M.attach(words)
  host.request("attach", { cwd = context.cwd(), run = words.run }, function(err, result)
    if err then
      return notify.error(err)
    end
    terminal(result.argv)
  end)
end

--- Bring an agent's pane to the front. Outside tmux nothing shows the panes, so they are attached.
---@param words { run: string? }
---@param agent integer
function M.focus(words, agent)
  host.request("focus", { cwd = context.cwd(), run = words.run, agent = agent }, function(err)
    if err then
      return notify.error(err)
    end
    if (vim.env.TMUX or "") == "" then
      M.attach(words)
    end
  end)
end

return M
