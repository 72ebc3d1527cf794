---The verbs of `:Divisi`.
local M = {}

local errors = require("divisi.errors")
local mirror = require("divisi.mirror")
local rpc = require("divisi.rpc")

---How long the first command of an editor waits for the daemon.
local ATTACH_MS = 10000

---@class divisi.Invocation
---@field args string[] words after the verb
---@field rest string what follows the verb, as it was typed
---@field range { first: integer, last: integer }?
---@field bang boolean

---@class divisi.Verb
---@field help string
---@field session boolean? its first argument names a session
---@field flags string[]?
---@field run fun(invocation: divisi.Invocation)

---What waits for the first connection; absent until something did.
---@type fun()[]?
local waiting

---Calls `done` once the mirror is filled.
---@param done fun()
function M.when_attached(done)
  if mirror.connection.state == "attached" then
    done()
    return
  end
  if not require("divisi.host").start() then
    return
  end
  if not waiting then
    waiting = {}
    require("divisi.events").on("attached", function()
      local ready = waiting or {}
      waiting = {}
      for _, run in ipairs(ready) do
        vim.schedule(run)
      end
    end)
  end
  local over = false
  table.insert(waiting, function()
    if not over then
      over = true
      done()
    end
  end)
  vim.defer_fn(function()
    if not over then
      over = true
      local why = mirror.connection.message or "no answer"
      errors.error("no connection to the daemon: " .. why .. " (:checkhealth divisi)")
    end
  end, ATTACH_MS)
end

---The session that is meant where the person is: of this buffer, this row, this tab or this directory.
---@return divisi.Row?
local function of_context()
  local id = vim.b.divisi_session or require("divisi.ui.list").under_cursor() or vim.t.divisi_session
  return id and mirror.sessions[id] or mirror.owner(vim.fn.getcwd())
end

---Finds the session of an argument; without one, of the context; else asks.
---@param name string?
---@param done fun(row: divisi.Row)
---@param filter? fun(row: divisi.Row): boolean
function M.with_session(name, done, filter)
  M.when_attached(function()
    if name and name ~= "" then
      local row, problem = mirror.find(name)
      if row then
        done(row)
      else
        errors.warn(problem or "no such session")
      end
      return
    end
    local here = of_context()
    if here then
      done(here)
      return
    end
    local rows = vim.tbl_filter(filter or function()
      return true
    end, mirror.sorted())
    if #rows == 0 then
      errors.notify("no sessions; :Divisi new {prompt} starts one")
    elseif #rows == 1 then
      done(rows[1])
    else
      vim.ui.select(rows, {
        prompt = "Session",
        kind = "divisi_session",
        format_item = function(row)
          return ("%-15s %s  %s"):format(row.state, row.name, row.activity or row.prompt or "")
        end,
      }, function(row)
        if row then
          done(row)
        end
      end)
    end
  end)
end

---Lines of the current buffer as a fenced block with their place.
---@param range { first: integer, last: integer }
---@return string
local function fenced(range)
  local buf = vim.api.nvim_get_current_buf()
  local lines = vim.api.nvim_buf_get_lines(buf, range.first - 1, range.last, false)
  local path = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buf), ":.")
  local fence = "```"
  for _, line in ipairs(lines) do
    local ticks = line:match("^%s*(`+)")
    if ticks and #ticks >= #fence then
      fence = ticks .. "`"
    end
  end
  local title = path ~= "" and ("%s:%d-%d"):format(path, range.first, range.last) or ""
  return table.concat(
    vim.list_extend(vim.list_extend({ title, fence .. vim.bo[buf].filetype }, lines), { fence }),
    "\n"
  )
end

---@param text string
---@param range { first: integer, last: integer }?
---@return string
local function with_context(text, range)
  return range and (text .. "\n\n" .. fenced(range)) or text
end

---@param prompt string
---@param text string
---@param done fun(text: string)
local function ask_text(prompt, text, done)
  if vim.trim(text) ~= "" then
    done(text)
    return
  end
  vim.ui.input({ prompt = prompt }, function(input)
    if input and vim.trim(input) ~= "" then
      done(input)
    end
  end)
end

---The directory whose repository is meant: the buffer's, else the tab's.
---@return string
local function here()
  local name = vim.api.nvim_buf_get_name(0)
  if vim.bo.buftype == "" and name ~= "" and vim.fs.root(0, ".git") then
    return vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(name, ":p")))
  end
  return vim.fn.getcwd()
end

---Splits `--name x --agent y text` into options and text.
---@param rest string
---@return table<string, string> options
---@return string text
---@return string? problem
local function options_of(rest)
  local options = {} ---@type table<string, string>
  local text = vim.trim(rest)
  while true do
    local flag, after = text:match("^%-%-(%S+)%s*(.*)$")
    if not flag then
      return options, text
    end
    local name, value = flag:match("^(%a+)=(.+)$")
    if not name then
      name = flag
      value, after = (after or ""):match("^(%S+)%s*(.*)$")
    end
    if not vim.tbl_contains({ "name", "agent", "base", "model", "mode" }, name) then
      return options, text, ("--%s is not an option; there are --name --agent --base --model --mode"):format(name)
    elseif not value then
      return options, text, ("--%s needs a value"):format(name)
    end
    options[name] = value
    text = after or ""
  end
end

---Starts a session.
---@param invocation divisi.Invocation
local function new(invocation)
  local options, text, problem = options_of(invocation.rest)
  if problem then
    errors.warn(problem)
    return
  end
  local repository = here()
  ask_text("Task: ", text, function(prompt)
    local params =
      vim.tbl_extend("force", options, { repository = repository, prompt = with_context(prompt, invocation.range) })
    local default = require("divisi.config").get().agent
    params.agent = params.agent or (default ~= "" and default or nil)
    rpc.request("session/create", params, function(outcome, refusal)
      if refusal then
        errors.refused(refusal)
      else
        errors.notify(("%s started"):format(type(outcome) == "table" and M.outcome(outcome).name or "session"))
      end
    end)
  end)
end

---The outcome of a receipt.
---@param receipt table
---@return table
function M.outcome(receipt)
  return type(receipt.outcome) == "table" and receipt.outcome or receipt
end

---Sends a prompt.
---@param row divisi.Row
---@param text string
---@param range { first: integer, last: integer }?
function M.send(row, text, range)
  ask_text(("To %s: "):format(row.name), text, function(prompt)
    rpc.request("session/send", { session = row.id, text = with_context(prompt, range) }, function(_, refusal)
      if refusal then
        errors.refused(refusal)
      else
        errors.notify("sent to " .. row.name)
      end
    end)
  end)
end

---@param row divisi.Row
function M.stop(row)
  rpc.request("session/stop", { session = row.id }, function(_, refusal)
    if refusal then
      errors.refused(refusal)
    else
      errors.notify("stopping " .. row.name)
    end
  end)
end

---@param done fun(row: divisi.Row, invocation: divisi.Invocation)
---@return fun(invocation: divisi.Invocation)
local function of_session(done)
  return function(invocation)
    M.with_session(invocation.args[1], function(row)
      done(row, invocation)
    end)
  end
end

---@type table<string, divisi.Verb>
local verbs = {
  new = { help = "start a session", flags = { "--name", "--agent", "--base", "--model", "--mode" }, run = new },
  list = {
    help = "sessions, what needs you first",
    run = function()
      require("divisi.ui.list").open()
    end,
  },
  show = {
    help = "a transcript",
    session = true,
    run = of_session(function(row)
      require("divisi.ui.transcript").open(row)
    end),
  },
  log = {
    help = "a transcript; without a session the log of this plugin",
    session = true,
    run = function(invocation)
      if invocation.args[1] then
        M.run_verb("show", invocation)
      elseif require("divisi.ui.window").can_change_layout() then
        vim.cmd.split({ args = { vim.fn.fnameescape(errors.log_path()) }, mods = { keepalt = true } })
      end
    end,
  },
  approvals = {
    help = "answer what agents ask",
    session = true,
    run = function(invocation)
      local name = invocation.args[1]
      M.when_attached(function()
        require("divisi.ui.approvals").open(name and mirror.find(name) or nil)
      end)
    end,
  },
  attention = {
    help = "go to the session that needs you most",
    run = function()
      M.when_attached(function()
        if mirror.approvals[1] then
          require("divisi.ui.approvals").open()
          return
        end
        local row = mirror.sorted()[1]
        if row and (row.rank < 4 or row.unread) then
          require("divisi.ui.transcript").open(row)
        else
          errors.notify("nothing needs you")
        end
      end)
    end,
  },
  send = {
    help = "a follow-up prompt",
    session = true,
    run = of_session(function(row, invocation)
      M.send(row, invocation.args[1] and vim.trim(invocation.rest:gsub("^%s*%S+", "", 1)) or "", invocation.range)
    end),
  },
  stop = { help = "stop the running turn", session = true, run = of_session(M.stop) },
  diff = {
    help = "a file of a session against its base",
    session = true,
    run = of_session(function(row, invocation)
      require("divisi.ui.diff").open(row, invocation.args[2])
    end),
  },
  land = {
    help = "bring a session to its base",
    session = true,
    run = of_session(function(row)
      require("divisi.ui.land").land(row)
    end),
  },
  remove = {
    help = "remove a session, its worktree and branch",
    session = true,
    run = of_session(function(row)
      require("divisi.ui.land").remove(row)
    end),
  },
  switch = {
    help = "a tab in the worktree; with ! this tab; without a session back to the repository",
    session = true,
    run = function(invocation)
      local switch = require("divisi.ui.switch")
      local name = invocation.args[1]
      if not name then
        M.when_attached(switch.back)
        return
      end
      M.with_session(name, invocation.bang and switch.here or switch.tab)
    end,
  },
  health = {
    help = "see whether everything works",
    run = function()
      vim.cmd.checkhealth("divisi")
    end,
  },
}

---@return string[]
function M.verbs()
  local names = vim.tbl_keys(verbs)
  table.sort(names)
  return names
end

---@param verb string
---@return divisi.Verb?
function M.spec(verb)
  return verbs[verb]
end

---@param verb string
---@param invocation divisi.Invocation
function M.run_verb(verb, invocation)
  local ok, err = xpcall(verbs[verb].run, debug.traceback, invocation)
  if not ok then
    errors.internal(tostring(err))
  end
end

---`:Divisi`.
---@param command table
function M.run(command)
  local verb = command.fargs[1] or "list"
  if not verbs[verb] then
    errors.warn(("%q is not a verb; there are %s"):format(verb, table.concat(M.verbs(), " ")))
    return
  end
  M.run_verb(verb, {
    args = vim.list_slice(command.fargs, 2),
    rest = (command.args:gsub("^%s*%S+%s*", "", 1)),
    range = command.range > 0 and { first = command.line1, last = command.line2 } or nil,
    bang = command.bang,
  })
end

return M
