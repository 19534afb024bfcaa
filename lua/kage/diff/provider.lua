--- `diff.provider`: the user's own way to show what agents made, instead of Kage's.
local host = require("kage.host")
local notify = require("kage.notify")

local M = {}

---@class kage.DiffContext what a provider is called with
---@field run string
---@field repository string its root
---@field cwd string
---@field store string a bare git directory that has the commits below and lends the repository's objects
---@field base string commit (or tree) that everything is compared with
---@field agents integer[] that have a candidate to show
---@field commits table<integer, string> by agent
---@field files kage.ChangedFile[]
---@field path string? of the file to begin with: the current one when an agent changed it
---@field tree fun(agent: integer): string? the commit of an agent; of 0: the base
---@field git fun(...: string): string[] a git command that reads the store, for vim.system()
---@field text fun(path: string, agent: integer, done: fun(text: string?, err: kage.Error?)) a file's bytes as an
--- agent has it (0: the base); nil when it is not there

---@param answer kage.DiffAnswer
---@param shown {cwd: string, root: string, path: string?}
---@param files kage.ChangedFile[]
---@return kage.DiffContext
function M.context(answer, shown, files)
  local commits = {}
  for number, commit in pairs(answer.commits or {}) do
    commits[assert(tonumber(number))] = commit
  end
  local function tree(agent)
    return agent == 0 and answer.base or commits[agent]
  end
  local function text(path, agent, done)
    local wanted = agent == 0 and { answer.agents[1] } or { agent }
    local params = { cwd = shown.cwd, run = answer.run, path = path, agents = wanted }
    host.request("diff_file", params, function(err, found)
      if err then
        return done(nil, err)
      end
      local version = agent == 0 and { b64 = found.base_b64 } or found.versions[tostring(agent)]
      done(version and version.b64 and vim.base64.decode(version.b64) or nil)
    end)
  end
  return {
    run = answer.run,
    repository = shown.root,
    cwd = shown.cwd,
    store = answer.store,
    base = answer.base,
    agents = answer.agents,
    commits = commits,
    files = files,
    path = shown.path,
    tree = tree,
    git = function(...)
      return { "git", "--git-dir=" .. answer.store, ... }
    end,
    text = text,
  }
end

--- Call the user's function. What goes wrong in it is told, with where.
---@param provider fun(ctx: kage.DiffContext)
---@param ctx kage.DiffContext
function M.call(provider, ctx)
  local ok, problem = xpcall(provider, function(err)
    local first = debug.traceback("", 2):match("\n%s*([^\n]+:%d+:[^\n]*)")
    return tostring(err) .. (first and "\n" .. first or "")
  end, ctx)
  if not ok then
    notify.error({
      message = "diff.provider failed: " .. problem,
      fix = "Mend it in kage.setup, or write :KageDiff! for Kage's own view.",
    })
  end
end

return M
