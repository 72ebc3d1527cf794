---What the language server says in this editor (`vim.lsp.enable("divisi")`): in one line that never asks for a key.
local M = {}

local errors = require("divisi.errors")

---Levels by the number of the protocol.
---@type table<integer, integer>
local LEVELS = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.INFO }

---@param params lsp.ShowMessageParams
function M.message(params)
  local kind = params.type --[[@as integer]]
  errors.notify((params.message:gsub("^divisi: ", "")), LEVELS[kind])
end

return M
