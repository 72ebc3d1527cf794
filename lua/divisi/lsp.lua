---What the language server says in this editor (`vim.lsp.enable("divisi")`): in one line that never asks for a key, and not a second
---time what the plugin tells already.
local M = {}

local errors = require("divisi.errors")

---Levels by the number of the protocol.
local LEVELS = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.INFO }

---Progress that the plugin shows, by client and token.
---@type table<string, true>
local shown = {}

---Whether the plugin is connected, and so shows what happens.
---@return boolean
local function attached()
  local mirror = package.loaded["divisi.mirror"]
  return mirror ~= nil and mirror.connection.state == "attached"
end

---The answer to a command.
---@param params lsp.ShowMessageParams
function M.message(params)
  errors.notify((params.message:gsub("^divisi: ", "")), LEVELS[params.type])
end

---Something that happened.
---@param params lsp.ShowMessageParams
function M.told(params)
  if not attached() then
    M.message(params)
  end
end

---@param err any
---@param params lsp.ProgressParams
---@param ctx lsp.HandlerContext
function M.progress(err, params, ctx)
  local key = ("%d %s"):format(ctx.client_id, params.token)
  local kind = params.value.kind
  if kind == "begin" and attached() then
    shown[key] = true
  end
  if shown[key] then
    if kind == "end" then
      shown[key] = nil
    end
    return
  end
  return vim.lsp.handlers["$/progress"](err, params, ctx)
end

return M
