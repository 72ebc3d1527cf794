---The verbs of `:Divisi`.
local M = {}

local errors = require("divisi.errors")
local mirror = require("divisi.mirror")
local prompts = require("divisi.prompts")
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
---@field sessions boolean? all its arguments name sessions
---@field flags string[]?
---@field words string[]? what its first argument may be, beside a session
---@field complete? fun(words: string[], lead: string): string[] what comes next
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
  if mirror.connection.state == "lost" then
    -- Otherwise the host only waits for a daemon; now it may start one.
    rpc.request("host/wake", nil, function() end)
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
      require("divisi.pick").session(rows, done)
    end
  end)
end

---Starts a session.
---@param invocation divisi.Invocation
local function new(invocation)
  local options, text, problem = prompts.options_of(invocation.rest)
  if problem then
    errors.warn(problem)
    return
  end
  if text == "" then
    local more = { text = invocation.rest ~= "" and invocation.rest .. " " or nil } ---@type table
    if invocation.range then
      local reference
      reference, more.places = require("divisi.operator").reference(invocation.range.first, invocation.range.last)
      more.text = (more.text or "") .. reference .. " "
    end
    M.when_attached(function()
      require("divisi.ui.prompt").open_new(more)
    end)
    return
  end
  local repository = prompts.here()
  prompts.ask_text("Task: ", text, function(prompt)
    local params = vim.tbl_extend(
      "force",
      options,
      { repository = repository, prompt = prompts.with_context(prompt, invocation.range) }
    )
    local default = require("divisi.config").get().agent
    params.agent = params.agent or (default ~= "" and default or nil)
    require("divisi.variables").of_caller(params.agent, params.profile, function(values)
      params.caller = next(values) and values or nil
      rpc.request("session/create", params, function(outcome, refusal)
        if refusal then
          errors.refused(refusal)
        else
          errors.notify(("%s started"):format(type(outcome) == "table" and M.outcome(outcome).name or "session"))
        end
      end)
    end)
  end)
end

---The outcome of a receipt.
---@param receipt table
---@return any outcome a table; its fields are those that doc/PROTOCOL.md names for the method
function M.outcome(receipt)
  return type(receipt.outcome) == "table" and receipt.outcome or receipt
end

---Sends a prompt.
---@param row divisi.Row
---@param text string
---@param range { first: integer, last: integer }?
function M.send(row, text, range)
  prompts.ask_text(("To %s: "):format(row.name), text, function(prompt)
    rpc.request("session/send", { session = row.id, text = prompts.with_context(prompt, range) }, function(_, refusal)
      if refusal then
        errors.refused(refusal)
      else
        errors.notify("sent to " .. row.name)
      end
    end)
  end)
end

---Opens the prompt of a session; without a name of the one that is meant here, else of one that is chosen or a new one.
---@param name string? a session, or "new"
---@param more { text: string?, places: table<string, string>? }
function M.with_prompt(name, more)
  local prompt = require("divisi.ui.prompt")
  if name == prompt.NEW and not mirror.find(name) then
    M.when_attached(function()
      prompt.open_new(more)
    end)
    return
  end
  M.when_attached(function()
    if not name and not next(mirror.sessions) then
      prompt.open_new(more)
      return
    end
    M.with_session(name, function(row)
      prompt.open(row, more)
    end)
  end)
end

---Opens a prompt, with the range as a reference.
---@param invocation divisi.Invocation
local function ask(invocation)
  local name = invocation.args[1]
  local text = invocation.rest
  -- Without a session's name before it, all of it is text.
  if name and (name == require("divisi.ui.prompt").NEW or mirror.find(name)) then
    text = vim.trim((invocation.rest:gsub("^%s*%S+", "", 1)))
  else
    name = nil
  end
  if invocation.range then
    require("divisi.operator").ask(invocation.range.first, invocation.range.last, name, text)
  else
    M.with_prompt(name, { text = text ~= "" and text .. " " or nil })
  end
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
  new = {
    help = "start a session",
    flags = { "--name", "--agent", "--base", "--model", "--mode", "--profile" },
    run = new,
  },
  list = {
    help = "sessions, what needs you first; --float over everything, --split below",
    flags = { "--float", "--split" },
    run = function(invocation)
      local flag = invocation.args[1]
      if flag and flag ~= "--float" and flag ~= "--split" then
        errors.warn(("%q is no option of :Divisi list; there are --float and --split"):format(flag))
        return
      end
      if flag then
        require("divisi.ui.list").open(flag == "--float")
      else
        require("divisi.ui.list").open()
      end
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
    help = "a follow-up prompt; without text its buffer opens",
    session = true,
    run = of_session(function(row, invocation)
      local text = invocation.args[1] and vim.trim(invocation.rest:gsub("^%s*%S+", "", 1)) or ""
      if text ~= "" then
        M.send(row, text, invocation.range)
      elseif invocation.range then
        require("divisi.operator").ask(invocation.range.first, invocation.range.last, row.id)
      else
        require("divisi.ui.prompt").open(row)
      end
    end),
  },
  ask = {
    help = "write a prompt, with the range as a reference",
    session = true,
    run = function(invocation)
      M.when_attached(function()
        ask(invocation)
      end)
    end,
  },
  gate = {
    help = "what happens to what a session asks: ask, hold or auto",
    session = true,
    run = of_session(function(row, invocation)
      require("divisi.ui.keys").gate(row, invocation.args[2])
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
  review = {
    help = "look at every hunk, decide, comment, send a round; --quickfix fills a list instead",
    session = true,
    flags = { "--quickfix" },
    run = function(invocation)
      local words = vim.tbl_filter(function(word)
        return word ~= "--quickfix"
      end, invocation.args)
      M.with_session(words[1], #words < #invocation.args and function(row)
        require("divisi.ui.review").to_quickfix(row)
      end or function(row)
        require("divisi.ui.review").open(row)
      end)
    end,
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
  terminal = {
    help = "the agent's own interface, in a tab; with ! in a window below",
    session = true,
    run = of_session(function(row, invocation)
      require("divisi.ui.terminal").open(row, invocation.bang)
    end),
  },
  timeline = {
    help = "turns and checkpoints: compare, go back, grow another session",
    session = true,
    run = of_session(function(row)
      require("divisi.ui.timeline").open(row)
    end),
  },
  compare = {
    help = "what several sessions made, side by side",
    session = true,
    sessions = true,
    run = function(invocation)
      M.when_attached(function()
        local rows = {} ---@type divisi.Row[]
        for _, name in ipairs(invocation.args) do
          local row, problem = mirror.find(name)
          if not row then
            errors.warn(problem or "no such session")
            return
          end
          table.insert(rows, row)
        end
        require("divisi.ui.compare").open(rows)
      end)
    end,
  },
  proposal = {
    help = "decide what an agent in its own interface wants to write",
    session = true,
    run = function(invocation)
      local name = invocation.args[1]
      M.when_attached(function()
        require("divisi.ui.proposal").open(name and mirror.find(name) or nil)
      end)
    end,
  },
  mention = {
    help = "hand this file, or the range, to the agent in its own interface",
    session = true,
    run = function(invocation)
      local name = invocation.args[1]
      M.when_attached(function()
        require("divisi.editor").mention(name and mirror.find(name) or nil, invocation.range)
      end)
    end,
  },
  pick = {
    help = "choose a session, worktree, approval, changed file or batch",
    words = { "sessions", "worktrees", "approvals", "files", "batches" },
    run = function(invocation)
      local source = invocation.args[1] or "sessions"
      local sources = require("divisi.pick").sources
      if not sources[source] then
        local names = vim.tbl_keys(sources)
        table.sort(names)
        errors.warn(("%q is none of %s"):format(source, table.concat(names, ", ")))
        return
      end
      M.when_attached(function()
        local name = invocation.args[2]
        local row, problem = nil, nil
        if name then
          row, problem = mirror.find(name)
        end
        if problem then
          errors.warn(problem)
        else
          sources[source](row)
        end
      end)
    end,
  },
  build = {
    help = "build the binary with cargo, in the plugin's directory",
    run = function()
      require("divisi.install").run_build()
    end,
  },
  install = {
    help = "download the binary of this version, checked; with ! without asking",
    run = function(invocation)
      require("divisi.install").run_install(invocation.bang)
    end,
  },
  update = {
    help = "get the binary again, the way it was got",
    run = function(invocation)
      require("divisi.install").run_update(invocation.bang)
    end,
  },
  version = {
    help = "which plugin, binary and daemon",
    run = function()
      local bin, place = require("divisi.host").find()
      if not bin then
        errors.notify("plugin " .. require("divisi.version").version .. "; no binary found (:Divisi build)")
        return
      end
      M.when_attached(function()
        rpc.request("host/status", nil, function(status)
          local daemon = type(status) == "table" and type(status.daemon) == "table" and status.daemon or {}
          errors.notify(
            ("plugin %s, binary %s (%s), daemon %s"):format(
              require("divisi.version").version,
              type(status) == "table" and tostring(status.version) or "?",
              place,
              tostring(daemon.version or "?")
            )
          )
        end)
      end)
    end,
  },
  conflict = {
    help = "a file that you and an agent changed: mine, theirs or diff",
    words = { "mine", "theirs", "diff" },
    run = function(invocation)
      require("divisi.ui.conflict").run(invocation.args[1])
    end,
  },
  health = {
    help = "see whether everything works",
    run = function()
      vim.cmd.checkhealth("divisi")
    end,
  },
}

for name, verb in pairs(require("divisi.verbs")) do
  verbs[name] = verb
end

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
