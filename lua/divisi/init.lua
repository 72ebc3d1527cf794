---divisi: agents in worktrees. The public functions, and the one place that connects the modules with each other.
local M = {}

local wired = false
local statusline = ""
-- Whether the person was told that the connection is gone.
local told_detached = false
-- A daemon that is only restarted is back before this; nobody needs to hear of it.
local RESTART_MS = 1500

---Sets options; never needed. `nil` goes back to `vim.g.divisi` alone.
---@param opts table?
function M.setup(opts)
  require("divisi.config").set(opts)
end

---Connects to the daemon now instead of at the first command.
---@return boolean
function M.attach()
  return require("divisi.host").start()
end

---Ends the connection of this editor; agents go on.
function M.detach()
  require("divisi.host").stop()
end

---For a statusline: `2 running, 1 waiting`, empty while there is nothing to say. Costs nothing.
---@return string
function M.statusline()
  return statusline
end

---Sessions as they are known, what needs a person first.
---@return divisi.Row[]
function M.sessions()
  return vim.deepcopy(require("divisi.mirror").sorted())
end

---Batches that go on and the newest that have ended, the newest first.
---@return divisi.BatchRow[]
function M.batches()
  local rows = vim.tbl_values(require("divisi.mirror").batches)
  table.sort(rows, function(a, b)
    return a.created_at > b.created_at
  end)
  return vim.deepcopy(rows)
end

---Open approvals, oldest first.
---@return divisi.Approval[]
function M.approvals()
  return vim.deepcopy(require("divisi.mirror").approvals)
end

---Any command or query of doc/PROTOCOL.md.
---@param method string
---@param params table
---@param done fun(value: any, refusal: divisi.Refusal?)
function M.request(method, params, done)
  require("divisi.rpc").request(method, params, done)
end

---Starts a session. `params` are those of `session/create` (doc/PROTOCOL.md); the repository is that of the current file without one.
---@param params { prompt: string, repository: string?, name: string?, agent: string?, base: string?, from: table? }
---@param done? fun(created: { session: string, name: string, path: string }?, refusal: divisi.Refusal?)
function M.new(params, done)
  local sent = vim.tbl_extend("keep", params, { repository = require("divisi.prompts").here() })
  M.request("session/create", sent, function(receipt, refusal)
    if done then
      done(receipt and require("divisi.commands").outcome(receipt) or nil, refusal)
    elseif refusal then
      require("divisi.errors").refused(refusal)
    end
  end)
end

---Sends a prompt to a session, by name or id.
---@param session string
---@param text string
---@param done? fun(queued: { prompt: string }?, refusal: divisi.Refusal?)
function M.send(session, text, done)
  require("divisi.commands").with_session(session, function(row)
    M.request("session/send", { session = row.id, text = text }, function(receipt, refusal)
      if done then
        done(receipt and require("divisi.commands").outcome(receipt) or nil, refusal)
      elseif refusal then
        require("divisi.errors").refused(refusal)
      end
    end)
  end)
end

---The session of a buffer's file, or of a directory; nil when it is in no session's worktree.
---@param where? integer|string
---@return divisi.Row?
function M.session_of(where)
  local path = type(where) == "string" and where or vim.api.nvim_buf_get_name(type(where) == "number" and where or 0)
  local row = require("divisi.mirror").owner(path ~= "" and path or vim.fn.getcwd())
  return row and vim.deepcopy(row) or nil
end

---Runs a verb of `:Divisi`.
---@param verb string
---@param ... string
function M.run(verb, ...)
  require("divisi.commands").run({
    fargs = { verb, ... },
    args = table.concat({ verb, ... }, " "),
    range = 0,
    bang = false,
  })
end

local function update_statusline()
  local mirror = require("divisi.mirror")
  local counts = {} ---@type table<string, integer?>
  for _, row in pairs(mirror.sessions) do
    counts[row.state] = (counts[row.state] or 0) + 1
  end
  local parts = {} ---@type string[]
  for _, shown in ipairs({
    { "awaiting_input", "waiting" },
    { "failed", "failed" },
    { "review", "review" },
    { "running", "running" },
  }) do
    if counts[shown[1]] then
      table.insert(parts, counts[shown[1]] .. " " .. shown[2])
    end
  end
  local batches = 0
  for _, batch in pairs(mirror.batches) do
    batches = batches + (batch.state ~= "ended" and 1 or 0)
  end
  if batches > 0 then
    table.insert(parts, batches .. (batches == 1 and " batch" or " batches"))
  end
  if mirror.connection.state == "lost" then
    table.insert(parts, 1, "divisi offline")
  end
  local text = table.concat(parts, ", ")
  vim.g.divisi_status =
    { counts = counts, approvals = #mirror.approvals, batches = batches, connection = mirror.connection.state }
  if text ~= statusline then
    statusline = text
    pcall(vim.cmd.redrawstatus)
  end
end

---@param id string?
---@return string
local function name_of(id)
  local row = id and require("divisi.mirror").sessions[id]
  return row and row.name or id or "?"
end

---@param approval divisi.Approval
---@return boolean
local function held(approval)
  local row = require("divisi.mirror").sessions[approval.session]
  return row ~= nil and row.policy == "hold"
end

---Whether a session belongs to something that tells of itself: an attempt of a batch that goes on, or a judge, which nobody
---asked for by its name.
---@param row divisi.Row?
---@return boolean
local function of_batch(row)
  if row and row.judges then
    return true
  end
  local batch = row and row.run and require("divisi.mirror").batches[row.run:match("^(.-)%.r") or ""]
  return batch ~= nil and batch.state ~= "ended"
end

---Connects events with views, notices and autocommands; once, when the host process is started for the first time.
function M._wire()
  if wired then
    return
  end
  wired = true
  local events = require("divisi.events")
  local errors = require("divisi.errors")
  local mirror = require("divisi.mirror")
  local config = require("divisi.config")
  require("divisi.ui.highlight").setup()
  require("divisi.worktrees").setup()

  local function tell(text, level)
    if config.get().notify then
      errors.notify(text, level)
    end
  end

  events.on("started", function()
    require("divisi.ui.transcript").reopen()
    require("divisi.ui.board").reopen()
  end)

  events.on("attached", function(data)
    -- When the connection's own entry of this batch is applied too: an empty list says what it is by it.
    local function show()
      update_statusline()
      require("divisi.ui.list").update()
    end
    show()
    vim.schedule(show)
    events.autocmd("Attached", data)
    if told_detached then
      told_detached = false
      tell("attached again")
    end
  end)

  events.on("detached", function(data)
    update_statusline()
    require("divisi.ui.list").update()
    events.autocmd("Detached", data)
    errors.log("detached: " .. tostring(data.message))
    vim.defer_fn(function()
      if mirror.connection.state == "lost" and not told_detached then
        told_detached = true
        tell("detached: " .. tostring(data.message), vim.log.levels.WARN)
      end
    end, RESTART_MS)
  end)

  events.on("sessions", function(data)
    update_statusline()
    require("divisi.ui.list").update()
    require("divisi.ui.transcript").show_states()
    -- A thousand sessions at once must not cost what nobody hears.
    local heard = events.heard("SessionChanged")
    for _, row in ipairs(data.changed) do
      if heard then
        events.autocmd("SessionChanged", vim.deepcopy(row))
      end
      if not row.run and not row.judges then
        require("divisi.progress").update(row)
      end
      require("divisi.ui.prompt").changed(row)
      require("divisi.evaluate").changed(row)
      if row.state ~= "running" then
        require("divisi.ui.transcript").mark_read(row)
      end
    end
    for _, id in ipairs(data.removed or {}) do
      require("divisi.evaluate").clear(id)
      require("divisi.progress").forget(id)
      if heard then
        events.autocmd("SessionChanged", { id = id, removed = true })
      end
    end
  end)

  events.on("approvals", function(data)
    require("divisi.ui.approvals").update()
    if data.reset then
      local known = {} ---@type table<string, boolean>
      for _, approval in ipairs(data.before) do
        known[approval.id] = true
      end
      local new = 0
      for _, approval in ipairs(mirror.approvals) do
        if not known[approval.id] then
          events.autocmd("ApprovalRequested", vim.deepcopy(approval))
          new = new + (held(approval) and 0 or 1)
        end
        known[approval.id] = nil
      end
      for id in pairs(known) do
        events.autocmd("ApprovalResolved", { id = id })
      end
      if new > 0 then
        tell(new == 1 and "an approval waits" or new .. " approvals wait")
      end
    elseif data.requested then
      local approval = data.requested ---@type divisi.Approval
      events.autocmd("ApprovalRequested", vim.deepcopy(approval))
      if not held(approval) then
        require("divisi.ui.approval_float").when_open(approval, function()
          tell(("%s asks: %s"):format(name_of(approval.session), approval.command or approval.title))
        end)
      end
    elseif data.resolved then
      events.autocmd("ApprovalResolved", data.resolved)
    end
  end)

  events.on("batches", function(data)
    update_statusline()
    local batch = data.changed ---@type divisi.BatchRow?
    if not batch then
      return
    end
    events.autocmd("BatchChanged", vim.deepcopy(batch))
    if data.ended then
      events.autocmd("BatchEnded", vim.deepcopy(batch))
      local cost = batch.cost and (", " .. batch.cost) or ""
      local why = batch.reason and (" (" .. batch.reason .. ")") or ""
      tell(
        ("%s ended: %s%s%s"):format(batch.name, batch.summary, cost, why),
        batch.passed < batch.total and vim.log.levels.WARN or nil
      )
    end
  end)

  events.on("board", function(data)
    require("divisi.ui.board").apply(data)
  end)

  events.on("editor", function(data)
    require("divisi.editor").apply(data)
  end)

  events.on("transcript", function(data)
    require("divisi.ui.transcript").apply(data)
  end)

  events.on("transcript_error", function(data)
    if type(data.error) == "table" then
      errors.refused(data.error)
    end
  end)

  events.on("event", function(data)
    local row = data.session and mirror.sessions[data.session]
    events.autocmd("Event", vim.deepcopy(data))
    if data.type == "evaluation.ended" then
      require("divisi.evaluate").ended(data)
    elseif data.type == "turn.ended" then
      if row and row.path and config.get().checktime then
        require("divisi.live").check(row.path)
      end
      -- What a batch runs it tells of itself, once, at its end.
      if row and not of_batch(row) then
        local why = row.reason and (": " .. row.reason)
          or row.files > 0
            and (": %d %s +%d −%d"):format(
              row.files,
              row.files == 1 and "file" or "files",
              row.added,
              row.removed_lines
            )
        tell(("%s %s%s"):format(row.name, row.state, why or ""), row.state == "failed" and vim.log.levels.WARN or nil)
      end
    elseif data.type == "landing.changed" then
      if data.state == "completed" then
        if not of_batch(row) then
          tell(("%s landed. %s"):format(name_of(data.session), data.checkout or ""))
        end
        if row and row.repository then
          require("divisi.live").check(row.repository)
        end
      elseif data.state == "conflicted" then
        tell(("%s has conflicts, left in its worktree"):format(name_of(data.session)), vim.log.levels.WARN)
      elseif data.state == "failed" then
        tell(("%s not landed: %s"):format(name_of(data.session), data.reason or "?"), vim.log.levels.WARN)
      end
    elseif data.type == "session.faulted" or data.type == "fault.raised" then
      if not (row and row.judges) then
        tell(("%s: %s"):format(name_of(data.session), data.message or "a fault"), vim.log.levels.WARN)
      end
    end
  end)

  vim.api.nvim_create_autocmd("VimLeavePre", {
    group = vim.api.nvim_create_augroup("divisi.host", {}),
    callback = function()
      require("divisi.host").stop()
    end,
  })
end

return M
