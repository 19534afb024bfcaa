-- What kaged wants confirmed before it does something.

local notify = require("kage.notify")
local words = require("kage.words")

local M = {}

--- Ask each question in turn; the answer to all must be yes.
---@param questions { id: string, text: string }[]
---@param yes fun(ids: string[])
---@param no fun()
function M.ask(questions, yes, no)
  local ids = {}
  local function ask(i)
    local question = questions[i]
    if not question then
      return yes(ids)
    end
    vim.ui.select({ "Yes", "No" }, { prompt = words.clean(question.text), kind = "kage" }, function(choice)
      if choice ~= "Yes" then
        return no()
      end
      ids[i] = question.id
      ask(i + 1)
    end)
  end
  ask(1)
end

--- Is what was asked of kaged not done? It may want something confirmed first, then the user is asked; or it failed,
--- then the user is told.
---@param err kage.Error?
---@param again fun(ids: string[]) the user said yes to these: ask kaged again
---@param nothing string what is said when the user says no
---@param give_up? fun() nothing will come of it
---@return boolean
function M.is_held_up(err, again, nothing, give_up)
  if not err then
    return false
  end
  give_up = give_up or function() end
  if err.code == "confirm" then
    M.ask(err.data.questions, again, function()
      give_up()
      notify.info(nothing)
    end)
  else
    give_up()
    notify.error(err)
  end
  return true
end

return M
