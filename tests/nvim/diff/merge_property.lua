--- Random bases, agents and users: what must hold of every merge. Returns statistics, or raises.
local merge = require("kage.diff.picks.merge")
local hunks = require("kage.diff.text.hunks")

local WORDS = { "", "}", "x = 1", "x = 2", "if a then", "end", "return", "\0\0", "  y()", "foo", "bar" }
local seed, cases = ...
math.randomseed(seed)

local function line(unique)
  if unique > 0 and math.random() < 0.7 then
    return "line " .. math.random(unique)
  end
  return WORDS[math.random(#WORDS)]
end

local function bare(doc)
  local copy = vim.deepcopy(doc)
  if #copy > 0 then
    copy[#copy] = copy[#copy]:gsub("\n$", "")
  end
  return copy
end

local function ended(doc)
  if #doc > 0 and math.random() < 0.15 then
    doc[#doc] = doc[#doc] .. hunks.NOEOL
  end
  return doc
end

local function text(unique)
  local doc = {}
  for index = 1, math.random(0, 14) do
    doc[index] = line(unique)
  end
  return doc
end

local function edited(doc, unique)
  if math.random() < 0.05 then
    return text(unique)
  end
  local copy = bare(doc)
  for _ = 1, math.random(0, 4) do
    local at, what = math.random(#copy + 1), math.random(4)
    if what == 1 then
      for _ = 1, math.random(3) do
        table.insert(copy, at, line(unique))
      end
    elseif what == 2 then
      for _ = 1, math.random(3) do
        table.remove(copy, math.min(at, #copy))
      end
    elseif copy[at] then
      copy[at] = line(unique)
    end
  end
  return copy
end

local function show(name, doc)
  return name .. " " .. vim.inspect(doc, { newline = "", indent = "" })
end

local stats = { cases = 0, conflicts = 0, stuck = 0, picks = 0, drift = 0 }
for case = 1, cases do
  local unique = ({ 0, 8, 1000 })[case % 3 + 1]
  local base = ended(text(unique))
  local yours, agent = ended(edited(base, unique)), ended(edited(base, unique))
  local function check(holds, what)
    if not holds then
      error(
        table.concat(
          { "case " .. case, what, show("base", base), show("yours", yours), show("agent", agent) },
          "\n"
        )
      )
    end
  end
  local plain = merge.merge(base, base, agent)
  check(hunks.equal(plain.lines, agent), "all hunks onto the base give the agent's text")
  check(#merge.merge(base, yours, base).picks == 0, "an agent that did nothing has no pick")
  check(#merge.merge(base, agent, agent).picks == 0, "nothing is left when yours is the agent's")
  local found = merge.merge(base, yours, agent)
  check(hunks.equal(merge.take(yours, {}), yours), "no pick gives yours")
  local past = 0
  local starts, ends = {}, {}
  for _, hunk in ipairs(hunks.diff(base, agent)) do
    starts[hunk.a0], ends[hunk.a1] = true, true
  end
  for _, pick in ipairs(found.picks) do
    check(starts[pick.c0] and ends[pick.c1], "a pick stands for whole hunks of the agent")
    check(pick.y0 >= past and pick.y1 >= pick.y0 and pick.y1 <= #yours + 1, "picks are disjoint, in order")
    past = pick.y1
    local one = merge.take(yours, { vim.deepcopy(pick) })
    -- Yours outside the pick's range is untouched, but for the newline that a line gets when another follows.
    local below = #yours - pick.y1 + 1
    check(hunks.equal(bare(hunks.slice(one, 1, pick.y0)), bare(hunks.slice(yours, 1, pick.y0))), "above")
    check(
      hunks.equal(hunks.slice(one, #one - below + 1, #one + 1), hunks.slice(yours, pick.y1, #yours + 1)),
      "below"
    )
    stats.picks = stats.picks + 1
    if pick.conflict then
      stats.conflicts = stats.conflicts + 1
    else
      -- Taking one leaves the others as they are: the end is the same in any order.
      local rest = merge.merge(base, one, agent)
      if not hunks.equal(rest.lines, found.lines) then
        stats.drift = stats.drift + 1
      end
    end
  end
  if #merge.merge(base, found.lines, agent).picks > 0 then
    stats.stuck = stats.stuck + 1
  end
  stats.cases = stats.cases + 1
end
return stats
