---Talks to the host process: notifications out, batches in. Nothing here ever waits.
local M = {}

---@class divisi.Pending
---@field method string
---@field done fun(value: any, refusal: divisi.Refusal?)

---@type table<integer, divisi.Pending>
local pending = {}
local next_id = 1
---@type integer?
local channel
---The newest batch that was applied; a repeat of it is ignored.
local applied = 0

---@param id integer? the host process's channel
function M.use_channel(id)
  channel = id
  applied = 0
  if id then
    return
  end
  local lost = pending
  pending = {}
  for _, request in pairs(lost) do
    request.done(
      nil,
      { kind = "environment", message = request.method .. ": the host process ended", hints = { "see :Divisi log" } }
    )
  end
end

---Sends a request; `done` is called later, outside of any callback of Neovim, with its value or a refusal.
---@param method string
---@param params table?
---@param done? fun(value: any, refusal: divisi.Refusal?)
function M.request(method, params, done)
  done = done or function(_, refusal)
    if refusal then
      require("divisi.errors").refused(refusal)
    end
  end
  if not channel and not require("divisi.host").start() then
    -- The reason was told by the host module.
    return
  end
  local id = next_id
  next_id = id + 1
  pending[id] = { method = method, done = done }
  local ok, err = pcall(vim.rpcnotify, channel --[[@as integer]], "request", id, method, params or vim.empty_dict())
  if not ok then
    pending[id] = nil
    done(nil, { kind = "environment", message = "failed to ask the host process: " .. tostring(err), hints = {} })
  end
end

---@param op table
local function answer(op)
  local request = pending[op.id]
  pending[op.id] = nil
  if not request then
    return
  end
  -- A callback may open a window or ask something; the host must not wait for it.
  vim.schedule(function()
    local ok, err
    if op.ok == true then
      ok, err = xpcall(request.done, debug.traceback, op.value, nil)
    else
      local refusal = type(op.error) == "table" and op.error
        or { kind = "internal", message = "an answer without a reason", hints = {} }
      ok, err = xpcall(request.done, debug.traceback, nil, refusal)
    end
    if not ok then
      require("divisi.errors").internal(("%s: %s"):format(request.method, err))
    end
  end)
end

---Applies a batch of the host. One entry that cannot be applied does not stop the others.
---@param number integer
---@param batch table[]
function M.dispatch(number, batch)
  if type(number) ~= "number" or number <= applied or type(batch) ~= "table" then
    return
  end
  applied = number
  local mirror = require("divisi.mirror")
  for _, op in ipairs(batch) do
    if type(op) == "table" then
      local ok, err
      if op.kind == "result" then
        ok, err = pcall(answer, op)
      else
        ok, err = xpcall(mirror.apply, debug.traceback, op)
      end
      if not ok then
        require("divisi.errors").internal(tostring(err))
      end
    end
  end
end

return M
