--- A text and a changed one, split hunk by hunk among three agents: taking every pick of each agent, in any
--- order and one at a time, must give the changed text.
local hunks = require("kage.diff.text.hunks")
local merge = require("kage.diff.picks.merge")

local seed, cases = ...
math.randomseed(seed)
local COMMON = { "", "  end", "end", "}", "  return nil" }

local function line()
  return math.random() < 0.3 and COMMON[math.random(#COMMON)] or "  call(" .. math.random(400) .. ")"
end

local function shuffled(list)
  for index = #list, 2, -1 do
    local other = math.random(index)
    list[index], list[other] = list[other], list[index]
  end
  return list
end

local stats = { cases = 0, wrong = 0 }
for _ = 1, cases do
  local base = {}
  for index = 1, 60 do
    base[index] = line()
  end
  local target = vim.list_slice(base)
  for _ = 1, 6 do
    local at = math.random(#target)
    local what = math.random(3)
    if what == 1 then
      table.insert(target, at, line())
    elseif what == 2 then
      table.remove(target, at)
    else
      target[at] = line()
    end
  end
  local agents = { {}, {}, {} }
  for _, hunk in ipairs(hunks.diff(base, target)) do
    table.insert(agents[math.random(3)], {
      y0 = hunk.a0,
      y1 = hunk.a1,
      lines = hunks.slice(target, hunk.b0, hunk.b1),
    })
  end
  local yours, order = base, {}
  for index, own in ipairs(agents) do
    agents[index] = merge.take(base, own)
    for _ = 1, #own do
      order[#order + 1] = index
    end
  end
  for _, index in ipairs(shuffled(order)) do
    local found = merge.merge(base, yours, agents[index])
    local pick = found.picks[math.random(math.max(1, #found.picks))]
    if pick then
      yours = merge.take(yours, { pick })
    end
  end
  stats.cases = stats.cases + 1
  if not hunks.equal(yours, target) then
    stats.wrong = stats.wrong + 1
  end
end
return stats
