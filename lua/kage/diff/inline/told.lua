--- What the inline layout says when it begins with a file, and where there is none to begin with. Methods of the session.
local follow = require("kage.diff.inline.follow")
local notify = require("kage.notify")

local M = {}

--- No agent changed the text in the window: say which files were, and wait.
function M:offer()
  local is_changed = self:stand_beside()
  local names = vim.tbl_map(function(file)
    return vim.fn.strtrans(file.path)
  end, self.files)
  local listed = table.concat(vim.list_slice(names, 1, 8), ", ") .. (#names > 8 and ", …" or "")
  follow.take_keys(self)
  if #names == 0 then
    return notify.info("no changes yet; those of this file appear by themselves")
  end
  local here = is_changed and "what agents made of this file is said above its first line; they also changed"
    or "no agent changed this file, but"
  notify.info(("%s %s; ]f shows the first"):format(here, listed))
end

--- What there is here, and the first keys to know.
function M:tell()
  local places, open_choices = #self.stops, 0
  for _, stop in ipairs(self.stops) do
    open_choices = open_choices + (#stop.versions > 1 and 1 or 0)
  end
  local text = places == 1 and "1 place" or places .. " places"
  if open_choices > 0 then
    text = text .. ", " .. (open_choices == 1 and "1 choice" or open_choices .. " choices")
  end
  notify.info(
    places == 0 and "all is taken here; ]f shows the next file"
      or text .. "; ]c next, <Tab> turns, do takes, g? keys"
  )
end

return M
