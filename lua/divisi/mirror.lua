---What the daemon knows, as the host process tells it: a cache, rebuilt whole after every reconnect.
local M = {}

local events = require("divisi.events")

---@class divisi.Verdict
---@field state "passed"|"failed"|"running"|"none"
---@field short string
---@field words string

---@class divisi.Row
---@field id string
---@field name string
---@field state string
---@field sign string? the state in one character
---@field word string? the state in one word
---@field said string? the last line the agent said
---@field began integer? when the newest turn began, milliseconds since the epoch
---@field took integer? how long it took, once it is over, milliseconds
---@field rank integer the smaller, the more it needs a person
---@field unread boolean
---@field waiting_for string?
---@field agent string?
---@field model string?
---@field prompt string?
---@field activity string?
---@field reason string?
---@field repository string?
---@field path string? the worktree
---@field branch string?
---@field base string?
---@field files integer
---@field added integer
---@field removed_lines integer
---@field turns integer
---@field queued integer
---@field approvals integer
---@field policy string?
---@field landing string?
---@field cost string?
---@field run string? the run of a batch that it is an attempt of
---@field judges boolean it judges what other sessions made
---@field verdict divisi.Verdict? the newest evaluation
---@field created_at integer
---@field updated_at integer
---@field removed boolean

---@class divisi.BatchRow
---@field id string
---@field name string
---@field state string `active`, `paused`, `cancelling` or `ended`
---@field reason string?
---@field path string the plan's file
---@field concurrency integer
---@field created_at integer
---@field ended_at integer?
---@field passed integer
---@field failed integer
---@field cancelled integer
---@field skipped integer
---@field running integer
---@field queued integer
---@field total integer
---@field cost string?
---@field summary string the counts in words

---@class divisi.Option
---@field id string
---@field name string?
---@field kind string?

---@class divisi.Approval
---@field id string
---@field session string
---@field question boolean
---@field tool string?
---@field tool_name string?
---@field title string
---@field command string?
---@field command_raw string?
---@field details string[]
---@field files string[]
---@field options divisi.Option[]
---@field asked_at integer
---@field open boolean

---@class divisi.Resolved
---@field id string
---@field session string?
---@field answer string?
---@field by string?
---@field reason string?

---@type table<string, divisi.Row?>
M.sessions = {}
---Open ones, oldest first.
---@type divisi.Approval[]
M.approvals = {}
---Batches that go on, and the newest that have ended, by id.
---@type table<string, divisi.BatchRow>
M.batches = {}
---@type { state: string, version: string?, protocol: integer?, socket: string?, message: string? }
M.connection = { state = "none" }

---Rows, what needs a person first, the newest change first within that.
---@return divisi.Row[]
function M.sorted()
  local rows = vim.tbl_values(M.sessions) --[[@as divisi.Row[] ]]
  ---@param a divisi.Row
  ---@param b divisi.Row
  table.sort(rows, function(a, b)
    if a.rank ~= b.rank then
      return a.rank < b.rank
    elseif a.updated_at ~= b.updated_at then
      return a.updated_at > b.updated_at
    end
    return a.id < b.id
  end)
  return rows
end

---The session of a directory: the one whose worktree holds it.
---@param path string
---@return divisi.Row?
function M.owner(path)
  path = vim.fs.normalize(path)
  for _, row in pairs(M.sessions) do
    if row.path and (path == row.path or vim.startswith(path, row.path .. "/")) then
      return row
    end
  end
end

---Finds a session by id, name (those of this repository first) or the beginning of its id.
---@param name string
---@return divisi.Row? row
---@return string? problem
function M.find(name)
  if M.sessions[name] then
    return M.sessions[name]
  end
  local cwd = vim.fs.normalize(vim.fn.getcwd())
  local named, here, prefixed = {}, {}, {} ---@type divisi.Row[], divisi.Row[], divisi.Row[]
  for _, row in pairs(M.sessions) do
    if row.name == name then
      table.insert(named, row)
      if row.repository and (cwd == row.repository or vim.startswith(cwd, row.repository .. "/")) then
        table.insert(here, row)
      end
    elseif vim.startswith(row.id, name) then
      table.insert(prefixed, row)
    end
  end
  for _, found in ipairs({ here, named, prefixed }) do
    if #found == 1 then
      return found[1]
    elseif #found > 1 then
      return nil, ("%q names %d sessions; use the id"):format(name, #found)
    end
  end
  return nil, ("there is no session %q; :Divisi list shows them"):format(name)
end

---@param row any
---@return boolean
local function usable(row)
  return type(row) == "table"
    and type(row.id) == "string"
    and type(row.name) == "string"
    and type(row.state) == "string"
end

---@param rows any[]
---@param all boolean
local function apply_sessions(rows, all)
  local changed, removed = {}, {} ---@type divisi.Row[], string[]
  local seen = {} ---@type table<string, boolean>
  for _, row in ipairs(rows) do
    if usable(row) then
      seen[row.id] = true
      if row.removed then
        if M.sessions[row.id] then
          M.sessions[row.id] = nil
          table.insert(removed, row.id)
        end
      elseif not vim.deep_equal(M.sessions[row.id], row) then
        M.sessions[row.id] = row
        table.insert(changed, row)
      end
    end
  end
  if all then
    for id in pairs(M.sessions) do
      if not seen[id] then
        M.sessions[id] = nil
        table.insert(removed, id)
      end
    end
  end
  if changed[1] or removed[1] then
    events.emit("sessions", { changed = changed, removed = removed, all = all })
  end
end

---@param id string
---@return integer?
local function position(id)
  for index, approval in ipairs(M.approvals) do
    if approval.id == id then
      return index
    end
  end
end

---A batch that was asked for.
---@param row any
---@return boolean usable
function M.remember_batch(row)
  if type(row) ~= "table" or type(row.id) ~= "string" or type(row.state) ~= "string" then
    return false
  end
  M.batches[row.id] = row
  return true
end

---@type table<string, fun(op: table)?>
local kinds = {
  board = function(op)
    events.emit("board", op)
  end,
  batches = function(op)
    M.batches = {}
    for _, row in ipairs(op.batches or {}) do
      M.remember_batch(row)
    end
    events.emit("batches", {})
  end,
  batch = function(op)
    local known = op.batch and M.batches[op.batch.id] ~= nil
    if M.remember_batch(op.batch) then
      events.emit("batches", { changed = op.batch, ended = op.ended == true, new = not known })
    end
  end,
  connection = function(op)
    local before = M.connection.state
    M.connection =
      { state = op.state, version = op.version, protocol = op.protocol, socket = op.socket, message = op.message }
    if op.state == "lost" and before ~= "lost" then
      events.emit("detached", { message = op.message or "" })
    end
  end,
  snapshot = function(op)
    local before = M.approvals
    M.approvals = {}
    for _, approval in ipairs(op.approvals or {}) do
      if type(approval) == "table" and approval.id and approval.open then
        table.insert(M.approvals, approval)
      end
    end
    apply_sessions(op.sessions or {}, true)
    events.emit("approvals", { reset = true, before = before })
    events.emit(
      "attached",
      { version = M.connection.version, protocol = M.connection.protocol, sessions = vim.tbl_count(M.sessions) }
    )
  end,
  sessions = function(op)
    apply_sessions(op.sessions or {}, false)
  end,
  approval = function(op)
    local approval = op.approval
    if type(approval) ~= "table" or not approval.id then
      return
    end
    local at = position(approval.id)
    M.approvals[at or #M.approvals + 1] = approval
    events.emit("approvals", { requested = not at and approval or nil })
  end,
  approval_gone = function(op)
    local at = position(op.id)
    if at then
      local approval = table.remove(M.approvals, at)
      events.emit(
        "approvals",
        { resolved = { id = op.id, session = approval.session, answer = op.answer, by = op.by, reason = op.reason } }
      )
    end
  end,
  event = function(op)
    events.emit("event", op)
  end,
  editor = function(op)
    events.emit("editor", op)
  end,
  transcript = function(op)
    events.emit("transcript", op)
  end,
  transcript_error = function(op)
    events.emit("transcript_error", op)
  end,
}

---Applies one entry of a batch; unknown kinds are of a newer host and ignored.
---@param op table
function M.apply(op)
  local apply = kinds[op.kind]
  if apply then
    apply(op)
  end
end

---The host process is gone.
---@param message string
function M.detached(message)
  M.apply({ kind = "connection", state = "lost", message = message })
end

return M
