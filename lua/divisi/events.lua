---What happens, inside the plugin and as `User` autocommands.
local M = {}

---@alias divisi.EventName
---| 'started' # a host process was started; it knows nothing yet
---| 'attached' # the daemon is connected and the mirror is filled
---| 'detached' # the connection is gone; another attempt follows by itself
---| 'sessions' # rows changed: { changed = divisi.Row[], removed = string[], all = boolean }
---| 'approvals' # the queue changed: { requested = divisi.Approval?, resolved = divisi.Resolved? }
---| 'batches' # batches changed: { changed = divisi.BatchRow?, ended = boolean?, new = boolean? }
---| 'board' # lines of a dashboard
---| 'editor' # an agent in its own interface asks, or listens: { what = string, params = table? }
---| 'transcript' # lines of an open transcript
---| 'transcript_error' # a history that could not be read
---| 'event' # something worth telling, see src/nvim/row.rs

---@type table<string, fun(data: table)[]>
local listeners = {}

---@param name divisi.EventName
---@param listener fun(data: table)
function M.on(name, listener)
  listeners[name] = listeners[name] or {}
  table.insert(listeners[name], listener)
end

---Calls every listener; an error in one is reported and does not stop the others.
---@param name divisi.EventName
---@param data table
function M.emit(name, data)
  for _, listener in ipairs(listeners[name] or {}) do
    local ok, err = xpcall(listener, debug.traceback, data)
    if not ok then
      require("divisi.errors").internal(tostring(err))
    end
  end
end

---Whether somebody listens to `User Divisi<name>`.
---@param name string
---@return boolean
function M.heard(name)
  for _, command in ipairs(vim.api.nvim_get_autocmds({ event = "User" })) do
    local pattern = command.pattern or ""
    if pattern == "Divisi" .. name or pattern:find("[*?{%[]") then
      return true
    end
  end
  return false
end

---Fires `User Divisi<name>`.
---@param name string
---@param data table plain data
function M.autocmd(name, data)
  local ok, err =
    pcall(vim.api.nvim_exec_autocmds, "User", { pattern = "Divisi" .. name, modeline = false, data = data })
  if not ok then
    require("divisi.errors").internal("in a User Divisi" .. name .. " autocommand: " .. tostring(err))
  end
end

return M
