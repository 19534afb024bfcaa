-- Random texts of few different lines, edited at random and picked from: what is followed stays true, and what
-- was taken is not offered again. Prints "ok COUNT"; an assertion that fails ends Neovim with code 1.

local hunks = require("kage.diff.hunks")
local merge = require("kage.diff.merge")
local track = require("kage.diff.track")

local seed, examples = tonumber(arg[1]), tonumber(arg[2])
math.randomseed(seed)

local ALPHABET = { "", "", "a", "b", "    return x", "end" }

---@param count integer
local function lines(count)
  local found = {}
  for index = 1, count do
    found[index] = ALPHABET[math.random(#ALPHABET)]
  end
  return found
end

--- A random change of `[from, past)`.
local function changed(doc, from, past)
  local new = vim.list_slice(doc, 1, from - 1)
  vim.list_extend(new, lines(math.random(0, 3)))
  return vim.list_extend(new, doc, past)
end

--- Agents that each change some of the same disjoint parts of the base, and the text with all changes.
local function agents(base, count)
  local parts, at = {}, 1
  while at <= #base do
    at = at + math.random(0, 4)
    local past = math.min(at + math.random(0, 2), #base + 1)
    if at <= #base then
      local part = { a0 = at, a1 = past, lines = lines(math.random(0, 3)), owner = math.random(count) }
      parts[#parts + 1] = part
    end
    at = past + 2
  end
  local function with(owner)
    local doc, from = {}, 1
    for _, part in ipairs(parts) do
      if not owner or part.owner == owner then
        vim.list_extend(doc, base, from, part.a0 - 1)
        vim.list_extend(doc, part.lines)
        from = part.a1
      end
    end
    return vim.list_extend(doc, base, from)
  end
  local docs = {}
  for number = 1, count do
    docs[number] = with(number)
  end
  return docs, with(nil)
end

local function say(what, ...)
  error(what .. " (seed " .. seed .. ")\n" .. vim.inspect({ ... }), 0)
end

--- Every pick of every agent that replaces nothing of another's, in random order.
local function picks_end(base)
  local docs, all = agents(base, 3)
  local state, steps = track.new(base, base), 0
  while true do
    local offered = {}
    for _, doc in ipairs(docs) do
      local merged = merge.merge(base, state.yours, doc, { yours = state.hunks })
      vim.list_extend(
        offered,
        vim.tbl_filter(function(pick)
          return not pick.conflict
        end, merged.picks)
      )
    end
    if #offered == 0 then
      break
    end
    steps = steps + 1
    if steps > 60 then
      say("picks are offered again and again", base, docs, state.yours)
    end
    local pick = offered[math.random(#offered)]
    local now = merge.take(state.yours, { pick })
    state = track.follow(state, now, { { a0 = pick.y0, a1 = pick.y1, b0 = pick.m0, b1 = pick.m1 } })
    if not track.holds(state) then
      say("the hunks do not lead to the text", base, state)
    end
  end
  return hunks.equal(state.yours, all)
end

local equal = 0
for _ = 1, examples do
  local base = lines(math.random(0, 14))
  local state = track.new(base, base)
  for _ = 1, 4 do
    local from = math.random(1, #state.yours + 1)
    local past = math.random(from, math.min(#state.yours + 1, from + 3))
    state = track.follow(state, changed(state.yours, from, past))
    if not track.holds(state) then
      say("the hunks do not lead to the text", base, state)
    end
  end
  state = track.follow(state, base)
  if #state.hunks > 0 then
    say("back at the base, something is left", base, state)
  end
  equal = equal + (picks_end(base) and 1 or 0)
end
print(("ok %d %d"):format(examples, equal))
