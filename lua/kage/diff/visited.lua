--- The user's own buffers that the diff brings into its tab.
local M = {}

--- The buffer of a path. One whose swap file belongs to somebody else is opened read-only, without a question.
---@param path string absolute
---@return integer buffer, boolean fresh it was not loaded before
function M.load(path)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    local name = vim.api.nvim_buf_get_name(buffer)
    if vim.api.nvim_buf_is_loaded(buffer) and (name == path or vim.uv.fs_realpath(name) == path) then
      return buffer, false
    end
  end
  local buffer = vim.fn.bufadd(path)
  -- No SwapExists comes for a buffer without a window, only the question: it is told from the name of the swap file.
  local before = vim.o.shortmess
  vim.opt.shortmess:append("A")
  pcall(vim.fn.bufload, buffer)
  vim.o.shortmess = before
  local swap = vim.fn.swapname(buffer)
  if swap ~= "" and not vim.endswith(swap, ".swp") and not before:find("A", 1, true) then
    vim.bo[buffer].readonly = true
  end
  return buffer, true
end

--- The path of a buffer's file in the repository.
---@param root string of the repository
---@param buffer integer
---@return string path "" for others
function M.relative(root, buffer)
  local name = vim.api.nvim_buf_get_name(buffer)
  local path = vim.uv.fs_realpath(name) or name
  return vim.startswith(path, root .. "/") and path:sub(#root + 2) or ""
end

--- One was loaded for this view: it is listed like any file, and goes again if it is never touched.
---@param view kage.DiffView
---@param buffer integer
function M.add(view, buffer)
  view.visited[buffer] = vim.api.nvim_buf_get_changedtick(buffer)
  vim.bo[buffer].buflisted = true
end

--- Those that were touched are the user's from now on. Asked while they are loaded: without 'hidden' they go with
--- their window.
---@param view kage.DiffView
function M.hand_over(view)
  for buffer, tick in pairs(view.visited) do
    local is_loaded = vim.api.nvim_buf_is_valid(buffer) and vim.api.nvim_buf_is_loaded(buffer)
    if is_loaded and vim.api.nvim_buf_get_changedtick(buffer) ~= tick then
      view.visited[buffer] = nil
    end
  end
end

--- Forget the buffers that were loaded for the diff alone and never touched.
---@param view kage.DiffView
function M.unload(view)
  M.hand_over(view)
  for buffer in pairs(view.visited) do
    local is_left = vim.api.nvim_buf_is_valid(buffer) and #vim.fn.win_findbuf(buffer) == 0
    if is_left and not vim.bo[buffer].modified then
      vim.api.nvim_buf_delete(buffer, {})
    end
  end
end

return M
