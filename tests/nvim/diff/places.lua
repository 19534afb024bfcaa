--- The places of a file from its texts, in the form in which kaged sends them; agents agree to the character only.
local hunks = require("kage.diff.text.hunks")

local function overlap(a, b)
  return (a[1] < b[2] and b[1] < a[2]) or (a[1] == a[2] and b[1] == b[2] and a[1] == b[1])
end

--- Each agent's hunks as a place, joined as long as two of them overlap.
local function joined(found)
  local again = true
  while again do
    again = false
    for i = 1, #found do
      for j = #found, i + 1, -1 do
        if found[j] and overlap(found[i], found[j]) then
          found[i] = { math.min(found[i][1], found[j][1]), math.max(found[i][2], found[j][2]) }
          table.remove(found, j)
          again = true
        end
      end
    end
  end
  table.sort(found, function(a, b)
    return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2])
  end)
  return found
end

--- An agent's own lines for base lines [first, past); nil when it leaves them.
local function span_of(own, first, past)
  local delta, growth, any = 0, 0, false
  for _, hunk in ipairs(own) do
    local grown = (hunk.b1 - hunk.b0) - (hunk.a1 - hunk.a0)
    if overlap({ hunk.a0, hunk.a1 }, { first, past }) then
      growth, any = growth + grown, true
    elseif hunk.a1 <= first and not (hunk.a0 == hunk.a1 and hunk.a0 == first and first == past) then
      delta = delta + grown
    end
  end
  return any and { first + delta, past + delta + growth } or nil
end

---@param base string[] document
---@param docs table<integer, string[]>
---@return table[] places
---@return table<integer, kage.Hunk[]> hunks of each agent
return function(base, docs)
  local numbers, of, found = vim.tbl_keys(docs), {}, {}
  table.sort(numbers)
  for _, agent in ipairs(numbers) do
    of[agent] = hunks.diff(base, docs[agent])
    for _, hunk in ipairs(of[agent]) do
      found[#found + 1] = { hunk.a0, hunk.a1 }
    end
  end
  local places = {}
  for index, range in ipairs(joined(found)) do
    local versions, by_text = {}, {}
    for _, agent in ipairs(numbers) do
      local span = span_of(of[agent], range[1], range[2])
      if span then
        local text = table.concat(hunks.slice(docs[agent], span[1], span[2]), "\0") .. (span[2] - span[1])
        local version = by_text[text]
        if not version then
          version = { agents = {}, how = "same", spans = {} }
          by_text[text] = version
          versions[#versions + 1] = version
        end
        table.insert(version.agents, agent)
        version.spans[tostring(agent)] = span
      end
    end
    table.sort(versions, function(a, b)
      return #a.agents > #b.agents or (#a.agents == #b.agents and a.agents[1] < b.agents[1])
    end)
    places[index] = { first = range[1], past = range[2], versions = versions }
  end
  return places, of
end
