--- The keys where two agents are shown against each other: in their windows and the base's, and in the panel.
local M = {}

---@type kage.DiffKey[]
M.side = {
  {
    lhs = "dp",
    plug = "give",
    action = "give",
    modes = { "n", "x" },
    desc = "put this agent's change into yours, which is not shown",
  },
  { lhs = "do", plug = "take", action = "give", modes = { "n", "x" }, desc = "the same" },
  { lhs = "u", plug = "undo", action = "undo", modes = { "n" }, desc = "undo in yours" },
  { lhs = "gb", plug = "diff-base", action = "toggle_base", modes = { "n" }, desc = "show or hide the base" },
  { lhs = "]f", plug = "next-file", action = "next_file", modes = { "n" }, desc = "next file" },
  { lhs = "[f", plug = "previous-file", action = "previous_file", modes = { "n" }, desc = "previous file" },
  { lhs = "g?", plug = "diff-help", action = "help", modes = { "n" }, desc = "this help" },
  { lhs = "q", plug = "close-diff", action = "close", modes = { "n" }, desc = "close the tab" },
}

---@type kage.DiffKey[]
M.panel = {
  {
    lhs = "<CR>",
    plug = "open-file",
    action = "open_file",
    modes = { "n" },
    desc = "in the panel: show the file",
  },
  { lhs = "<2-LeftMouse>", plug = "open-file", action = "open_file", modes = { "n" }, desc = "" },
}

return M
