--- The inline layout in one window: which file it shows and which version of each place, kept up to date until it ends.
local Content = require("kage.diff.content")
local follow = require("kage.diff.inline.follow")
local host = require("kage.host")
local live = require("kage.diff.live")
local maps = require("kage.diff.maps")
local notify = require("kage.notify")
local operator = require("kage.diff.picks.operator")
local sheet = require("kage.diff.inline.sheet")
local stops = require("kage.diff.inline.stops")
local visited = require("kage.diff.visited")

---@class kage.InlineSession
---@field window integer
---@field tab integer
---@field cwd string
---@field run string
---@field root string of the repository
---@field numbers integer[] the agents that the user asked for; empty: all
---@field agents integer[] that are compared
---@field voices integer[] those of them that count
---@field files kage.ChangedFile[] that can be shown: texts
---@field skipped integer how many cannot
---@field all kage.ChangedFile[] all that agents changed
---@field beside string? the file in the window, where it is none of `files`
---@field path string? of the file shown
---@field buffer integer? its buffer
---@field content kage.Content?
---@field merges table<integer, kage.Merge>
---@field spots kage.Spot[]? what became of each place; nil where kaged's places are not known
---@field stops kage.Stop[]
---@field canvas kage.Canvas?
---@field chosen table<string, integer> path and place → the agent whose version the user turned to
---@field preferred integer? the agent whose versions are shown where it has one
---@field closed boolean
local Session = {}
Session.__index = Session

for _, module in ipairs({ "files", "inline.actions", "inline.moves", "inline.notes", "inline.told" }) do
  for name, method in pairs(require("kage.diff." .. module)) do
    Session[name] = method
  end
end

--- The files that can be shown inline.
---@param answer kage.DiffAnswer
---@return kage.ChangedFile[] files, integer skipped
function Session.texts(answer)
  local files, skipped = {}, 0
  for _, file in ipairs(answer.files) do
    local changed = vim.iter(answer.agents):any(function(agent)
      return file.agents[tostring(agent)] ~= nil
    end)
    if changed and file.kind == "text" then
      files[#files + 1] = file
    elseif changed then
      skipped = skipped + 1
    end
  end
  return files, skipped
end

--- Begin in the current window. `show` brings a file into it.
---@param answer kage.DiffAnswer
---@param options kage.DiffShown
---@return kage.InlineSession
function Session.open(answer, options)
  local window = vim.api.nvim_get_current_win()
  local self = setmetatable({
    window = window,
    tab = vim.api.nvim_win_get_tabpage(window),
    cwd = options.cwd,
    root = options.root,
    numbers = options.numbers,
    run = answer.run,
    agents = answer.agents,
    voices = answer.voices or answer.agents,
    merges = {},
    stops = {},
    chosen = {},
    visited = {},
    serial = 0,
    closed = false,
  }, Session)
  self:learn(answer)
  self.namespace = sheet.namespace(window)
  follow.begin(self)
  live.look(self)
  return self
end

---@param answer kage.DiffAnswer
function Session:learn(answer)
  self.all = answer.files
  self.files, self.skipped = Session.texts(answer)
end

--- Who plays an agent, safe to show.
---@param agent integer
---@return string
function Session:player(agent)
  local found = require("kage.state").agent(agent, self.run)
  return found and require("kage.words").player(found) or "agent"
end

--- Ask for a file's versions and show them.
---@param path string
---@param keep? boolean the cursor stays where it is
function Session:show(path, keep)
  self:fetch(path, function(file, answer)
    self:place(file, answer, keep)
  end)
end

--- Put a file into the window.
---@param file kage.ChangedFile
---@param answer table of `diff_file`
---@param keep? boolean
function Session:place(file, answer, keep)
  if not vim.api.nvim_win_is_valid(self.window) then
    return self:close()
  end
  local buffer, fresh = visited.load(vim.fs.joinpath(self.root, file.path))
  local same = self.buffer == buffer and self.canvas ~= nil
  if not same then
    self:leave()
    self.path, self.buffer = file.path, buffer
    self:bring(buffer, fresh)
    if vim.api.nvim_win_get_buf(self.window) ~= buffer then
      self.buffer = nil
      return notify.error({ message = "this window keeps its file", fix = ":set nowinfixbuf in it" })
    end
    self.canvas = { window = self.window, buffer = buffer, namespace = self.namespace, above = 0 }
    follow.attach(self, buffer)
  end
  self.content = Content.new(answer, buffer)
  self:refresh()
  if not same then
    follow.take_keys(self)
    if not keep then
      self:go_to(self.stops[1])
    end
    self:tell()
  end
end

--- Show a buffer in the window.
---@param buffer integer
---@param fresh boolean it was loaded for this
function Session:bring(buffer, fresh)
  if vim.api.nvim_win_get_buf(self.window) ~= buffer then
    self.entering = true
    pcall(vim.api.nvim_win_call, self.window, function()
      vim.cmd("hide buffer " .. buffer)
    end)
    self.entering = false
  end
  if fresh then
    visited.add(self, buffer)
  end
end

--- The window shows a file that is not compared line by line: say above its first line what agents made of it as a
--- whole, if anything.
---@return boolean there_is_something
function Session:stand_beside()
  local buffer = vim.api.nvim_win_get_buf(self.window)
  self.beside = visited.relative(self.root, buffer)
  if #self:notes() == 0 then
    return false
  end
  self.canvas = { window = self.window, buffer = buffer, namespace = self.namespace, above = 0 }
  sheet.draw(self.canvas, self, {})
  return true
end

--- Compare with yours as it is now, and draw.
function Session:refresh()
  if not self:is_here() then
    return
  end
  local yours = self:compute()
  sheet.draw(self.canvas, self, yours)
end

--- Look for what there is left to take.
---@return string[] yours
function Session:compute()
  local yours = self.content:yours()
  self.tick = vim.api.nvim_buf_get_changedtick(self.buffer)
  self.merges = self.content:merges(yours, vim.tbl_keys(self.content.versions))
  self.spots = self.content:spots(yours)
  self.stops = stops.open(stops.find(self.merges, yours, self.content.places), self.spots)
  return yours
end

--- A key is typed: what was just edited counts, although it was not drawn yet.
function Session:catch_up()
  if self:is_here() and vim.api.nvim_buf_get_changedtick(self.buffer) ~= self.tick then
    self:refresh()
  end
end

--- Is the file that was compared still the one in the window?
---@return boolean
function Session:is_here()
  return not self.closed
    and self.canvas ~= nil
    and self.content ~= nil
    and vim.api.nvim_win_is_valid(self.window)
    and vim.api.nvim_buf_is_loaded(self.buffer)
    and vim.api.nvim_win_get_buf(self.window) == self.buffer
end

---@param stop kage.Stop
---@return string
function Session:key(stop)
  return ("%s\0%d:%d"):format(self.path, stop.c0, stop.c1)
end

--- The version of a place that is shown: the one that the user turned to, else that of the preferred agent, else the
--- one that most agents made.
---@param stop kage.Stop
---@return kage.Shown
function Session:shown(stop)
  for _, agent in ipairs({ self.chosen[self:key(stop)] or 0, self.preferred or 0 }) do
    for index, version in ipairs(stop.versions) do
      if vim.tbl_contains(version.agents, agent) then
        return { stop = stop, version = version, index = index }
      end
    end
  end
  return { stop = stop, version = stop.versions[1], index = 1 }
end

--- Something was taken whole: what `whole` calls.
function Session:retitle()
  self:refresh()
end

--- A new candidate: ask again, and keep what is on the screen.
function Session:reload()
  local params = { cwd = self.cwd, run = self.run, agents = self.numbers, early = true }
  host.request("diff", params, function(err, answer)
    if err or self.closed then
      return
    end
    self.agents, self.voices = answer.agents, answer.voices or answer.agents
    self:learn(answer)
    if self:is_here() and self:file(self.path) then
      self:show(self.path, true)
    elseif vim.api.nvim_win_is_valid(self.window) then
      follow.turn(self, vim.api.nvim_win_get_buf(self.window))
    end
  end)
end

--- Take everything off the file shown. The window may show another one meanwhile.
function Session:leave()
  maps.give_back(self)
  if self.canvas then
    sheet.clear(self.canvas)
  end
  self.canvas, self.content, self.buffer, self.path, self.beside = nil, nil, nil, nil, nil
  self.stops, self.merges = {}, {}
end

--- End it.
function Session:close()
  if self.closed then
    return
  end
  self:leave()
  self.closed = true
  follow.finish(self)
  live.look_away(self)
  operator.forget(self)
  visited.unload(self)
end

return Session
