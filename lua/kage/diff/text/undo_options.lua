--- Options that belong to a text, along the undo tree: `u` restores text alone.
local M = {}

---@class kage.UndoOptions of one buffer
---@field at table<integer, table<string, any>> number of an undo step → the options since then
---@field names table<string, true> those that ever changed together with a text
---@field seq integer the step that the options of the buffer belong to

---@type table<integer, kage.UndoOptions>
local followed = {}

---@param buffer integer
---@return table
local function undotree(buffer)
  return vim.api.nvim_buf_call(buffer, vim.fn.undotree)
end

--- Of which step each step is made.
---@param entries table[] of `undotree()`
---@param parent integer
---@param parents table<integer, integer> is added to
---@return table<integer, integer>
local function parents_of(entries, parent, parents)
  for _, entry in ipairs(entries) do
    if entry.alt then
      parents_of(entry.alt, parent, parents)
    end
    parents[entry.seq], parent = parent, entry.seq
  end
  return parents
end

--- The step whose options those of a step are: itself, or the last one before it that has some.
---@param state kage.UndoOptions
---@param parents table<integer, integer>
---@param seq integer
---@return integer
local function owner(state, parents, seq)
  while not state.at[seq] and parents[seq] do
    seq = parents[seq]
  end
  return seq
end

---@param buffer integer
---@param state kage.UndoOptions
---@param set fun(options: table<string, any>)
---@param now table<string, any>
local function follow(buffer, state, set, now)
  local tree = undotree(buffer)
  if tree.seq_cur == state.seq then
    return
  end
  local parents = parents_of(tree.entries, 0, {})
  local from, to = owner(state, parents, state.seq), owner(state, parents, tree.seq_cur)
  state.seq = tree.seq_cur
  if from ~= to then
    -- What the user set there meanwhile is there again after a way back.
    state.at[from] = now
    local wanted = {}
    for name in pairs(state.names) do
      wanted[name] = (state.at[to] or {})[name]
    end
    set(wanted)
  end
end

---@param buffer integer
---@return integer number of the undo step that the text is at
function M.step(buffer)
  return undotree(buffer).seq_cur
end

---@class kage.UndoOptionsAccess
---@field get fun(): table<string, any>
---@field set fun(options: table<string, any>)

--- The change just made changed options too: every way through the undo tree, over any branch, takes them along.
---@param buffer integer
---@param from integer the undo step before it
---@param before table<string, any> options that belonged to the text before it
---@param access kage.UndoOptionsAccess
function M.follow(buffer, from, before, access)
  local state = followed[buffer]
  if not state then
    state = { at = {}, names = {}, seq = from }
    followed[buffer] = state
  end
  local tree = undotree(buffer)
  local after = access.get()
  state.at[owner(state, parents_of(tree.entries, 0, {}), from)] = before
  state.at[tree.seq_cur], state.seq = after, tree.seq_cur
  for name, value in pairs(after) do
    if before[name] ~= value then
      state.names[name] = true
    end
  end
  local group = vim.api.nvim_create_augroup("kage.undo." .. buffer, {})
  local function on(events, action)
    vim.api.nvim_create_autocmd(events, { group = group, buffer = buffer, callback = action })
  end
  on({ "TextChanged", "InsertLeave", "BufWritePre" }, function()
    follow(buffer, state, access.set, access.get())
  end)
  on("BufReadPost", function()
    -- The options are the file's again; where its text is no step among others, there is no way back to any.
    local read = undotree(buffer)
    state.at, state.seq = read.seq_last > 0 and state.at or {}, read.seq_cur
    state.at[read.seq_cur] = access.get()
  end)
  on("BufWipeout", function()
    followed[buffer] = nil
  end)
end

return M
