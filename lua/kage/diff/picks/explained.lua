--- A text read as another one with some of known changes in it, to the line. Pure.

-- So many ways to read it are tried.
local PATIENCE = 100000

---@class kage.Change a hunk with its lines
---@field a0 integer
---@field a1 integer
---@field lines string[]

---@param yours string[]
---@param at integer
---@param lines string[]
---@param first integer
---@param past integer
---@return integer? at where they end in yours
local function follow(yours, at, lines, first, past)
  for index = first, past - 1 do
    if yours[at + index - first] ~= lines[index] then
      return nil
    end
  end
  return at + past - first
end

--- Read yours as the base with some of the agents' changes in it, to the line.
---@param base string[]
---@param yours string[]
---@param changes kage.Change[]
---@return kage.Own[]? own nil when there is more in it
return function(base, yours, changes)
  table.sort(changes, function(x, y)
    return x.a0 < y.a0 or (x.a0 == y.a0 and x.a1 < y.a1)
  end)
  local dead, tried = {}, 0
  -- Each entry: change `k` is next, base line `i` stands at line `j` of yours; `taken` led here from `up`.
  local stack = { { k = 1, i = 1, j = 1 } }
  while #stack > 0 and tried < PATIENCE do
    local here = table.remove(stack)
    local change = changes[here.k]
    while change and change.a0 < here.i do
      here.k = here.k + 1
      change = changes[here.k]
    end
    local key = here.k .. ":" .. here.i .. ":" .. here.j
    tried = tried + 1
    local at = not dead[key] and follow(yours, here.j, base, here.i, change and change.a0 or #base + 1)
    dead[key] = true
    if at and not change and at == #yours + 1 then
      local own = {}
      while here do
        own[#own + 1] = here.taken
        here = here.up
      end
      return vim.iter(own):rev():totable()
    elseif at and change then
      local past = follow(yours, at, change.lines, 1, #change.lines + 1)
      if past then
        local taken = { a0 = change.a0, a1 = change.a1, b0 = at, b1 = past }
        stack[#stack + 1] = { k = here.k + 1, i = change.a1, j = past, taken = taken, up = here }
      end
      stack[#stack + 1] = { k = here.k + 1, i = change.a0, j = at, up = here }
    end
  end
end
