-- The parts of doc/kage.txt that the code knows itself: keys, highlight groups, options. `make docs` writes
-- them anew; with --check nothing is written and a difference is an error, which a test asks for.

local root = vim.fs.dirname(vim.fs.dirname(vim.uv.fs_realpath(debug.getinfo(1, "S").source:sub(2))))
vim.opt.runtimepath:prepend(root)
local words = require("kage.words")

local WIDTH = 78
local INDENT = 8

---@param text string
---@param tag string
---@return string
local function tagged(text, tag)
  return text .. (" "):rep(WIDTH - vim.api.nvim_strwidth(text) - #tag) .. tag
end

---@param rows { lhs: string, desc: string, plug: string? }[]
---@return string[]
local function keys(rows)
  local lines = {}
  for _, row in ipairs(rows) do
    if row.desc ~= "" then
      local head = "  " .. row.lhs
      for i, line in ipairs(words.wrap(row.desc, WIDTH - INDENT)) do
        lines[#lines + 1] = (i == 1 and head .. (" "):rep(INDENT - #head) or (" "):rep(INDENT)) .. line
      end
      if row.plug then
        lines[#lines + 1] = (" "):rep(INDENT) .. "<Plug>(kage-" .. row.plug .. ")"
      end
    end
  end
  return lines
end

---@return string[]
local function highlights()
  local links = {}
  for _, path in ipairs(vim.fn.glob(root .. "/lua/kage/**/*.lua", false, true)) do
    for _, line in ipairs(vim.fn.readfile(path)) do
      local name, link = line:match('^%s+(Kage%u%w+) = "(%w+)",?$')
      links[name or ""] = link
    end
  end
  links[""] = nil
  local names = vim.tbl_keys(links)
  table.sort(names)
  return vim.tbl_map(function(name)
    return tagged(("%-20s%s"):format(name, links[name]), "*hl-" .. name .. "*")
  end, names)
end

---@return { lhs: string, desc: string }[]
local function dashboard_keys()
  return vim.tbl_map(function(key)
    return { lhs = key[1], desc = key[2] }
  end, require("kage.dashboard.keys").keys)
end

local options = require("kage.config").help()
if options[#options] == "" then
  options[#options] = nil
end

--- Between the line that ends with `after` and the next one that begins with `before`.
---@type { after: string, before: string, lines: string[] }[]
local PARTS = {
  {
    after = "u| in your file takes a pick back:",
    before = "A number before",
    lines = keys(require("kage.diff.maps").keys),
  },
  {
    after = "own maps of them come back when it ends:",
    before = "In a folded place",
    lines = keys(require("kage.diff.inline.keys")),
  },
  { after = "Its keys:", before = "The colours are", lines = keys(dashboard_keys()) },
  { after = "unless your colour scheme defines them:", before = "=====", lines = highlights() },
  { after = "below stand for nested tables: >lua", before = "=====", lines = options },
}

---@param old string[]
---@param part { after: string, before: string, lines: string[] }
---@return string[]
local function replace(old, part)
  local first, last
  for i, line in ipairs(old) do
    if not first and vim.endswith(line, part.after) then
      first = i
    elseif first and not last and vim.startswith(line, part.before) then
      last = i
    end
  end
  assert(first and last, "doc/kage.txt: no place after `" .. part.after .. "`")
  -- An example that follows the line stays: it ends with `<`.
  if vim.endswith(old[first], ">lua") then
    while old[first] ~= "<" do
      first = first + 1
    end
  end
  local new = vim.list_slice(old, 1, first)
  if old[first] ~= "<" then
    new[#new + 1] = ""
  end
  vim.list_extend(new, part.lines)
  new[#new + 1] = ""
  return vim.list_extend(new, vim.list_slice(old, last))
end

local path = root .. "/doc/kage.txt"
local before = vim.fn.readfile(path)
local after = before
for _, part in ipairs(PARTS) do
  after = replace(after, part)
end
if vim.deep_equal(before, after) then
  return
end
if vim.tbl_contains(_G.arg or {}, "--check") then
  io.stderr:write(vim.diff(table.concat(before, "\n") .. "\n", table.concat(after, "\n") .. "\n"))
  io.stderr:write("doc/kage.txt is not what the code says; `make docs` writes it\n")
  os.exit(1)
end
vim.fn.writefile(after, path)
