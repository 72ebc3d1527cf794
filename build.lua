-- Run by lazy.nvim after it installed or updated the plugin, and by a PackChanged autocommand (:help divisi-install). Builds with
-- cargo; downloads nothing by itself.
local root = vim.fn.fnamemodify(assert(debug.getinfo(1, "S")).source:sub(2), ":p:h")
package.path = root .. "/lua/?.lua;" .. package.path
-- This directory's, whatever else of divisi is loaded or found first.
local install = dofile(root .. "/lua/divisi/install.lua")
local routine, main = coroutine.running()
local inside = routine ~= nil and not main
local path, problem = install.build_and_wait(function(line)
  if inside then
    ---@diagnostic disable-next-line: await-in-sync (lazy.nvim runs this in a coroutine and shows what is yielded)
    coroutine.yield(line)
  end
end)
if not path then
  error("divisi: " .. (problem or "not built") .. "; see :help divisi-install", 0)
end
