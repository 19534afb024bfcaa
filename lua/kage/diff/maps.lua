--- The keys of the diff's tab. They exist in its buffers only, and in the user's own buffer only while the tab is
--- the current one, so that the same buffer behaves as ever in every other tab.
local M = {}

---@class kage.DiffKey
---@field lhs string
---@field plug string name of its <Plug> map
---@field action string method of the view
---@field modes string[]
---@field where string kinds of buffers: "yours", "agent", "panel"
---@field desc string

---@type kage.DiffKey[]
M.keys = {
  {
    lhs = "do",
    plug = "take",
    action = "take",
    modes = { "n", "x" },
    where = "yours agent panel",
    desc = "take the change of the agent in focus, 2do of agent 2",
  },
  {
    lhs = "dp",
    plug = "give",
    action = "give",
    modes = { "n", "x" },
    where = "yours agent",
    desc = "in an agent's window: put its change into yours, 2dp agent 2's",
  },
  {
    lhs = "go",
    plug = "take-operator",
    action = "take_operator",
    modes = { "n", "x" },
    where = "yours agent",
    desc = "with a motion: take the changes in its lines; 2goip agent 2's",
  },
  {
    lhs = "dO",
    plug = "take-file",
    action = "take_file",
    modes = { "n", "x" },
    where = "yours agent panel",
    desc = "take all that the agent made of the file, 2dO of agent 2",
  },
  {
    lhs = "dr",
    plug = "reset",
    action = "reset",
    modes = { "n", "x" },
    where = "yours agent",
    desc = "back to the base here; where yours is the base, decide for it",
  },
  {
    lhs = "dR",
    plug = "reset-file",
    action = "reset_file",
    modes = { "n", "x" },
    where = "yours agent",
    desc = "back to the base in the whole file",
  },
  {
    lhs = "ih",
    plug = "hunk",
    action = "select_hunk",
    modes = { "o", "x" },
    where = "yours agent",
    desc = "text object: the change at the cursor",
  },
  {
    lhs = "ah",
    plug = "place",
    action = "select_place",
    modes = { "o", "x" },
    where = "yours agent",
    desc = "text object: the changes of all agents there",
  },
  { lhs = "u", plug = "undo", action = "undo", modes = { "n" }, where = "agent", desc = "undo in yours" },
  {
    lhs = "<C-R>",
    plug = "redo",
    action = "redo",
    modes = { "n" },
    where = "agent",
    desc = "redo in yours",
  },
  {
    lhs = "]k",
    plug = "next-choice",
    action = "next_choice",
    modes = { "n" },
    where = "yours agent",
    desc = "next place where agents differ",
  },
  {
    lhs = "[k",
    plug = "previous-choice",
    action = "previous_choice",
    modes = { "n" },
    where = "yours agent",
    desc = "previous place where agents differ",
  },
  {
    lhs = "]f",
    plug = "next-file",
    action = "next_file",
    modes = { "n" },
    where = "all",
    desc = "next file",
  },
  {
    lhs = "[f",
    plug = "previous-file",
    action = "previous_file",
    modes = { "n" },
    where = "all",
    desc = "previous file",
  },
  {
    lhs = "]a",
    plug = "next-agent",
    action = "next_agent",
    modes = { "n" },
    where = "all",
    desc = "next agents; 3]a shows agent 3",
  },
  {
    lhs = "[a",
    plug = "previous-agent",
    action = "previous_agent",
    modes = { "n" },
    where = "all",
    desc = "previous agents",
  },
  {
    lhs = "<CR>",
    plug = "open-file",
    action = "open_file",
    modes = { "n" },
    where = "panel",
    desc = "show the file; fold or unfold the folder",
  },
  {
    lhs = "l",
    plug = "enter-row",
    action = "enter_row",
    modes = { "n" },
    where = "panel",
    desc = "show the file; unfold the folder",
  },
  {
    lhs = "h",
    plug = "close-fold",
    action = "close_fold",
    modes = { "n" },
    where = "panel",
    desc = "fold the folder, as zc; zo, za, zM, zR as ever",
  },
  { lhs = "zc", plug = "close-fold", action = "close_fold", modes = { "n" }, where = "panel", desc = "" },
  { lhs = "zo", plug = "open-fold", action = "open_fold", modes = { "n" }, where = "panel", desc = "" },
  { lhs = "za", plug = "toggle-fold", action = "toggle_fold", modes = { "n" }, where = "panel", desc = "" },
  { lhs = "zM", plug = "close-folds", action = "close_folds", modes = { "n" }, where = "panel", desc = "" },
  { lhs = "zR", plug = "open-folds", action = "open_folds", modes = { "n" }, where = "panel", desc = "" },
  {
    lhs = "gz",
    plug = "toggle-panel",
    action = "toggle_panel",
    modes = { "n" },
    where = "all",
    desc = "hide the list of files, show it again",
  },
  {
    lhs = "<2-LeftMouse>",
    plug = "open-file",
    action = "open_file",
    modes = { "n" },
    where = "panel",
    desc = "",
  },
  {
    lhs = "dc",
    plug = "comment",
    action = "comment",
    modes = { "n", "x" },
    where = "yours agent",
    desc = "say something about this to its agent",
  },
  { lhs = "g?", plug = "diff-help", action = "help", modes = { "n" }, where = "all", desc = "this help" },
  {
    lhs = "q",
    plug = "close-diff",
    action = "close",
    modes = { "n" },
    where = "agent panel",
    desc = "in the panel or an agent's window: close the tab; in yours :tabclose does",
  },
}

---@param kind string
---@return kage.DiffKey[]
local function keys_of(kind)
  return vim.tbl_filter(function(key)
    return key.where == "all" or key.where:find(kind, 1, true) ~= nil
  end, M.keys)
end

---@class kage.SavedMap a map of the user's that ours stands in for; nil when there was none
---@field mode string
---@field lhs string
---@field map table?
---@field act fun() what ours calls

---@param buffer integer
---@param mode string
---@param lhs string
---@return table? the user's buffer-local map
local function existing(buffer, mode, lhs)
  local found = vim.api.nvim_buf_call(buffer, function()
    return vim.fn.maparg(lhs, mode, false, true)
  end)
  return found.buffer == 1 and found or nil
end

--- Set maps in a buffer.
---@param buffer integer
---@param kind "yours"|"agent"|"panel"|kage.DiffKey[] which ones
---@param view table its methods are called with the mode ("n" or "x")
---@return kage.SavedMap[] for `remove`
function M.install(buffer, kind, view)
  local saved = {}
  for _, key in ipairs(type(kind) == "table" and kind or keys_of(kind)) do
    for _, mode in ipairs(key.modes) do
      for _, lhs in ipairs({ key.lhs, "<Plug>(kage-" .. key.plug .. ")" }) do
        local function act()
          view[key.action](view, mode)
        end
        saved[#saved + 1] = { mode = mode, lhs = lhs, map = existing(buffer, mode, lhs), act = act }
        local options = { buffer = buffer, nowait = true, silent = true, desc = "Kage: " .. key.desc }
        vim.keymap.set(mode, lhs, act, options)
      end
    end
  end
  return saved
end

--- Take the maps away again and put back what they stood in for. A map that somebody else set over ours meanwhile
--- stays as it is.
---@param buffer integer
---@param saved kage.SavedMap[]
function M.remove(buffer, saved)
  if not vim.api.nvim_buf_is_valid(buffer) then
    return
  end
  for _, entry in ipairs(saved) do
    local now = existing(buffer, entry.mode, entry.lhs)
    if now and now.callback == entry.act then
      pcall(vim.keymap.del, entry.mode, entry.lhs, { buffer = buffer })
      if entry.map then
        vim.api.nvim_buf_call(buffer, function()
          vim.fn.mapset(entry.mode, false, entry.map)
        end)
      end
    end
  end
end

--- The help, one line a key.
---@param keys? kage.DiffKey[] other keys than the review's
---@return string[]
function M.help(keys)
  local lines = {}
  for _, key in ipairs(keys or M.keys) do
    if key.desc ~= "" then
      lines[#lines + 1] = (" %-5s %s"):format(key.lhs, key.desc)
    end
  end
  if keys then
    return vim.list_extend(lines, { " ]c    next change, [c the previous one" })
  end
  table.insert(lines, 2, " do    in the panel: take the whole file")
  vim.list_extend(lines, {
    " ]c    next change, [c the previous one",
    " u     undo: each pick of lines is one step",
    " :KageUndo  take back what do took whole: mode, rename, deletion, no text",
  })
  return lines
end

--- Take away the maps that were put into a buffer for a view or a session, if they still are.
---@param holder {keys: {buffer: integer, saved: kage.SavedMap[]}?}
function M.give_back(holder)
  if holder.keys then
    M.remove(holder.keys.buffer, holder.keys.saved)
    holder.keys = nil
  end
end

return M
