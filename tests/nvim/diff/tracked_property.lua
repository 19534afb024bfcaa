--- Picks from three agents in texts of few different lines, where a comparison alone cannot tell what was taken.
--- Raises where a promise is broken; returns how often edits by hand and picks of the same lines left a doubt.
local choices = require("kage.diff.places.choices")
local hunks = require("kage.diff.text.hunks")
local merge = require("kage.diff.picks.merge")
local tracked = require("kage.diff.picks.tracked")

local WORDS = { "a", "b", "", "}" }
local seed, cases = ...
math.randomseed(seed)

local function line(unique)
  return unique > 0 and math.random() < 0.6 and "l" .. math.random(unique) or WORDS[math.random(#WORDS)]
end

local function edited(doc, unique, most)
  local copy = vim.list_slice(doc)
  for _ = 1, math.random(most) do
    local at, what = math.random(#copy + 1), math.random(3)
    if what == 1 then
      for _ = 1, math.random(2) do
        table.insert(copy, at, line(unique))
      end
    elseif what == 2 and #copy > 1 then
      table.remove(copy, math.min(at, #copy))
    elseif copy[at] then
      copy[at] = line(unique)
    end
  end
  return copy
end

local function shuffled(list)
  for index = #list, 2, -1 do
    local other = math.random(index)
    list[index], list[other] = list[other], list[index]
  end
  return list
end

--- Yours, as the diff's tab keeps it.
local function open(base, agents)
  local session = { yours = base, base = base, agents = agents, own = tracked.new(base) }
  function session:offered(agent)
    local own = self.own:read(base, self.yours, function()
      local found = {}
      for _, doc in ipairs(agents) do
        for _, hunk in ipairs(hunks.diff(base, doc)) do
          found[#found + 1] = { a0 = hunk.a0, a1 = hunk.a1, lines = hunks.slice(doc, hunk.b0, hunk.b1) }
        end
      end
      return found
    end)
    return merge.merge(base, self.yours, agents[agent], { yours = own }).picks
  end
  function session:take(picks)
    self.yours = merge.take(self.yours, picks)
    self.own:take(picks, function() end)
  end
  function session:take_one(agent)
    local picks = self:offered(agent)
    if #picks > 0 then
      self:take({ picks[math.random(#picks)] })
    end
    return #picks
  end
  function session:type(unique)
    local at, what = math.random(#self.yours + 1), math.random(3)
    local new = vim.list_slice(self.yours)
    if what == 1 or #new == 1 then
      table.insert(new, at, line(unique))
      self.own:edit(at, at, 1)
    else
      at = math.min(at, #new)
      if what == 2 then
        table.remove(new, at)
      else
        new[at] = line(unique)
      end
      self.own:edit(at, at + 1, what - 2)
    end
    self.yours = new
  end
  return session
end

local function show(session)
  return vim.inspect(session, {
    newline = "",
    indent = "",
    process = function(item)
      return type(item) ~= "function" and item or nil
    end,
  })
end

local stats = { cases = cases, doubts = 0, reopened = 0, orders = 0 }
for case = 1, cases do
  local unique = ({ 0, 5, 50 })[case % 3 + 1]
  local base = {}
  for index = 1, math.random(3, 20) do
    base[index] = line(unique)
  end
  local agents = { edited(base, unique, 4), edited(base, unique, 4), edited(base, unique, 4) }

  -- One agent's picks, one at a time: each taken is offered no more, and the end is the agent's text.
  local alone, agent = open(base, agents), math.random(3)
  for left = #alone:offered(agent), 1, -1 do
    assert(alone:take_one(agent) == left, "case " .. case .. ": a pick was offered again\n" .. show(alone))
  end
  assert(
    hunks.equal(alone.yours, agents[agent]),
    "case " .. case .. ": not the agent's text\n" .. show(alone)
  )
  assert(#alone:offered(agent) == 0, "case " .. case .. ": a pick is left\n" .. show(alone))
  local again = open(base, agents)
  again.yours = alone.yours
  stats.reopened = stats.reopened + (#again:offered(agent) > 0 and 1 or 0)

  -- Amid typing and another agent's picks.
  local busy = open(base, agents)
  busy:offered(1)
  for _ = 1, math.random(0, 3) do
    busy:type(unique)
    if math.random() < 0.5 then
      busy:take_one(2)
    end
  end
  busy:take(busy:offered(1))
  stats.doubts = stats.doubts + (#busy:offered(1) > 0 and 1 or 0)

  -- A change split among the agents: together they are that change, in any order.
  local target, parts, order, all, apart = edited(base, unique, 6), { {}, {}, {} }, {}, {}, true
  for _, hunk in ipairs(hunks.diff(base, target)) do
    table.insert(parts[math.random(3)], {
      y0 = hunk.a0,
      y1 = hunk.a1,
      lines = hunks.slice(target, hunk.b0, hunk.b1),
    })
  end
  for number, own in ipairs(parts) do
    agents[number] = merge.take(base, own)
    for _, hunk in ipairs(hunks.diff(base, agents[number])) do
      for _, other in ipairs(all) do
        apart = apart and not choices.overlap(hunk.a0, hunk.a1, other.a0, other.a1)
      end
      order[#order + 1] = number
    end
    vim.list_extend(all, hunks.diff(base, agents[number]))
  end
  if apart then
    local shared = open(base, agents)
    for _, number in ipairs(shuffled(order)) do
      shared:take_one(number)
    end
    stats.orders = stats.orders + 1
    local left = #shared:offered(1) + #shared:offered(2) + #shared:offered(3)
    assert(left == 0, "case " .. case .. ": something is left\n" .. show(shared))
    assert(hunks.equal(shared.yours, target), "case " .. case .. ": not the change\n" .. show(shared))
  end
end
return stats
