-- lazy.nvim runs this after each install and update, in a coroutine whose yields it shows as progress;
-- without a manager: nvim --headless -l build.lua
local root = vim.fs.dirname(vim.uv.fs_realpath(debug.getinfo(1, "S").source:sub(2)))
package.path = vim.fs.joinpath(root, "lua", "?.lua") .. ";" .. package.path
package.loaded["kage.install"] = nil
require("kage.install").build()
