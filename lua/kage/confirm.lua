-- What kaged wants confirmed before it does something.

local words = require("kage.words")

--- Ask each question in turn; the answer to all must be yes.
---@param questions { id: string, text: string }[]
---@param yes fun(ids: string[])
---@param no fun()
return function(questions, yes, no)
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
