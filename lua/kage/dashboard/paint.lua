-- Puts lines of coloured pieces into a scratch buffer.

local M = {}

local namespace = vim.api.nvim_create_namespace("kage.dashboard")

--- A buffer for text of agents: no file, no modeline, no filetype, so that nothing in it is ever obeyed.
---@param name string
---@return integer
function M.buffer(name)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = "wipe"
  vim.bo[buffer].modeline = false
  vim.bo[buffer].modifiable = false
  vim.api.nvim_buf_set_name(buffer, name)
  return buffer
end

--- A window for such a buffer. Its options are set as by :setlocal, or windows that the user opens later would
--- have them too.
---@param window integer
function M.plain_window(window)
  local options = vim.wo[window][0]
  options.number, options.relativenumber, options.list, options.spell = false, false, false, false
  options.signcolumn, options.foldcolumn, options.colorcolumn = "no", "0", ""
  options.wrap, options.foldenable = false, false
end

---@param buffer integer
---@param first integer 0-based line from which everything is replaced
---@param lines { [1]: string, [2]: string? }[][]
function M.set(buffer, first, lines)
  local texts = {}
  for i, chunks in ipairs(lines) do
    texts[i] = table.concat(vim.tbl_map(function(chunk)
      return chunk[1]
    end, chunks))
  end
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_set_lines(buffer, first, -1, false, texts)
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].modified = false
  vim.api.nvim_buf_clear_namespace(buffer, namespace, first, -1)
  for i, chunks in ipairs(lines) do
    local column = 0
    for _, chunk in ipairs(chunks) do
      if chunk[2] and chunk[1] ~= "" then
        vim.api.nvim_buf_set_extmark(buffer, namespace, first + i - 1, column, {
          end_col = column + #chunk[1],
          hl_group = chunk[2],
        })
      end
      column = column + #chunk[1]
    end
  end
end

return M
