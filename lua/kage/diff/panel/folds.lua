--- The folders of the panel, folded and unfolded. Methods of the view.
local tree = require("kage.diff.panel.tree")

local M = {}

--- Fold or unfold what a row stands for: a folder, or the folder that a file is in.
---@param view kage.DiffView
---@param how "open"|"close"|"toggle"
local function fold(view, how)
  local row = view:panel_row()
  local folder = row and row.folder
  if row and row.path and how ~= "open" then
    local around = tree.around(row.path)
    for index = #around, 1, -1 do
      for _, other in ipairs(view.panel.rows) do
        if other.folder == around[index] and not folder then
          folder = other.folder
        end
      end
    end
  elseif folder and how == "close" and view.panel.closed[folder] then
    local around = tree.around(folder)
    for _, other in ipairs(view.panel.rows) do
      if vim.tbl_contains(around, other.folder) and other.folder ~= folder then
        row = other
      end
    end
    folder = row.folder
  end
  if not folder then
    return
  end
  local close = how == "close" or (how == "toggle" and not view.panel.closed[folder])
  view.panel.closed[folder] = close or nil
  view.panel.rows[vim.api.nvim_win_get_cursor(view.panel.window)[1]] = { folder = folder, spans = {} }
  view:draw_panel()
end

function M:toggle_fold()
  fold(self, "toggle")
end

function M:open_fold()
  fold(self, "open")
end

function M:close_fold()
  fold(self, "close")
end

---@param folder kage.TreeFolder
---@param closed table<string, boolean>
local function close_all(folder, closed)
  for _, inner in ipairs(folder.folders) do
    closed[inner.path] = true
    close_all(inner, closed)
  end
end

function M:open_folds()
  self.panel.closed = {}
  self:draw_panel()
end

function M:close_folds()
  close_all(self.root_folder, self.panel.closed)
  self:draw_panel()
end

return M
