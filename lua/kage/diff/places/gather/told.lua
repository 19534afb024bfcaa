--- What `:Kage take` says when it is through: what was taken, what is left to choose, and what was left alone.
local notify = require("kage.notify")
local orders = require("kage.diff.places.gather.order")
local survey = require("kage.diff.places.survey")

local M = {}

---@param count integer
---@param one string
---@return string
local function counted(count, one)
  return count == 1 and "1 " .. one or ("%d %ss"):format(count, one)
end

--- Say it.
---@param order kage.GatherOrder
---@param found kage.Survey
---@param done kage.Gathered
function M.report(order, found, done)
  local left = survey.open(found)
  local rest = left == 0 and "no choice is left"
    or (left == 1 and "1 choice is left" or left .. " choices are left") .. " (:Kage choices)"
  local parts = {}
  if done.places > 0 then
    parts[1] = ("%s in %s"):format(counted(done.places, "hunk"), counted(done.files, "file"))
  end
  if done.whole > 0 then
    parts[#parts + 1] = counted(done.whole, "file") .. " whole"
  end
  local who = order.majority and "a majority agrees" or "all agents agree"
  local first = #parts > 0 and "took " .. table.concat(parts, " and ")
    or ("nothing is left on which %s"):format(who)
  local lines = { first .. "; " .. rest }
  if #done.unwritten > 0 then
    lines[#lines + 1] = "not yet written (:wall): " .. table.concat(done.unwritten, ", ")
  end
  if done.whole > 0 then
    lines[#lines + 1] = ":KageUndo takes back what was taken whole, u the rest"
  end
  notify.info(table.concat(vim.list_extend(lines, done.refused), "\n"))
end

--- What of the order nothing was done about, as it is no change of an agent's or no file of yours.
---@param order kage.GatherOrder
---@param found kage.Survey
---@param done kage.Gathered
function M.add_left(order, found, done)
  local left = vim.tbl_filter(function(one)
    return orders.is_meant(order, vim.fs.joinpath(found.root, one.path))
  end, found.apart)
  if #left > 0 then
    done.refused[#done.refused + 1] = ("left alone: %s; put back what stood there and take again"):format(
      survey.named(left)
    )
  end
  for _, path in ipairs(order.paths) do
    local one = { paths = { path } }
    local is_changed = vim.iter(found.files):any(function(file)
      return orders.is_meant(one, vim.fs.joinpath(found.root, file.path))
        or vim.iter(vim.tbl_values(file.agents)):any(function(change)
          return change.old_path and orders.is_meant(one, vim.fs.joinpath(found.root, change.old_path))
            or false
        end)
    end)
    if not is_changed then
      local name = vim.startswith(path, found.root .. "/") and path:sub(#found.root + 2) or path
      done.refused[#done.refused + 1] = "no agent changed " .. vim.fn.strtrans(name)
    end
  end
end

return M
