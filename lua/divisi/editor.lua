---This Neovim as the editor of agents that have an interface of their own: what it shows and what is selected in it is told to them,
---and what they ask is answered. Nothing is watched while no such agent listens.
local M = {}

local api = vim.api
local mirror = require("divisi.mirror")

---Movements within so many milliseconds are told as one.
local SETTLE_MS = 60
---Longer selections are cut: they would fill a prompt.
local MOST_BYTES = 200000

---@class divisi.Position
---@field line integer from 0
---@field character integer UTF-16 code units

---@class divisi.Selection
---@field path string
---@field text string
---@field start divisi.Position
---@field end divisi.Position

---Sessions with an agent that listens.
---@type table<string, boolean?>
local listening = {}
---What was told last.
---@type { sessions: string[], current: string? }?
local told_places
---@type table<string, divisi.Selection?>
local told_selections = {}
local group ---@type integer?
local places_due, selection_due = false, false

local function quiet() end

---Runs soon; a fault is reported and asks for no key.
---@param run fun()
local function soon(run)
  vim.defer_fn(function()
    local ok, err = xpcall(run, debug.traceback)
    if not ok then
      require("divisi.errors").internal(tostring(err))
    end
  end, SETTLE_MS)
end

---Whether a session's agent listens to this editor.
---@param session string
---@return boolean
function M.listens(session)
  return listening[session] == true
end

---The file of a buffer; nil for everything that is no file.
---@param buf integer
---@return string?
local function file_of(buf)
  local name = api.nvim_buf_get_name(buf)
  if name ~= "" and vim.bo[buf].buftype == "" and not name:find("^%a[%w+.-]*://") then
    return vim.fs.normalize(name)
  end
end

---The session that a window is about: that of its buffer, of its file, of its directory.
---@param win integer
---@return string?
local function session_of(win)
  local buf = api.nvim_win_get_buf(win)
  local named = vim.b[buf].divisi_session
  if type(named) == "string" and mirror.sessions[named] then
    return named
  end
  local file = file_of(buf)
  local row = file and mirror.owner(file)
  if not row then
    local place = vim.fn.win_id2tabwin(win)
    row = mirror.owner(vim.fn.getcwd(place[2], place[1]))
  end
  return row and row.id
end

---Sessions that a tab is about.
---@param tab integer
---@return table<string, boolean>
function M.sessions_of(tab)
  local found = {} ---@type table<string, boolean>
  for _, win in ipairs(api.nvim_tabpage_list_wins(tab)) do
    local id = session_of(win)
    if id then
      found[id] = true
    end
  end
  return found
end

local function tell_places()
  local shown = {} ---@type table<string, boolean>
  for _, tab in ipairs(api.nvim_list_tabpages()) do
    shown = vim.tbl_extend("force", shown, M.sessions_of(tab))
  end
  local sessions = vim.tbl_keys(shown)
  table.sort(sessions)
  local places = { sessions = sessions, current = session_of(api.nvim_get_current_win()) }
  if not vim.deep_equal(places, told_places) then
    told_places = places
    require("divisi.rpc").request("editor/places", places, quiet)
  end
end

---@param again boolean? also when nothing changed: the person came back
local function places_soon(again)
  if again then
    told_places = nil
  end
  if not places_due then
    places_due = true
    soon(function()
      places_due = false
      if group and require("divisi.host").running() then
        tell_places()
      end
    end)
  end
end

---@param line string
---@param bytes integer
---@return integer
local function utf16(line, bytes)
  return vim.fn.strutf16len(line:sub(1, bytes))
end

---What is selected in the current window, or where the cursor is.
---@return divisi.Selection?
function M.selection()
  local buf = api.nvim_get_current_buf()
  local path = file_of(buf)
  if not path then
    return
  end
  local function line(number)
    return api.nvim_buf_get_lines(buf, number - 1, number, false)[1] or ""
  end
  local kind = vim.fn.mode():sub(1, 1)
  local cursor = api.nvim_win_get_cursor(0)
  if kind ~= "v" and kind ~= "V" and kind ~= "\22" then
    local place = { line = cursor[1] - 1, character = utf16(line(cursor[1]), cursor[2]) }
    return { path = path, text = "", start = place, ["end"] = vim.deepcopy(place) }
  end
  local from, to = vim.fn.getpos("v"), vim.fn.getpos(".")
  if from[2] > to[2] or (from[2] == to[2] and from[3] > to[3]) then
    from, to = to, from
  end
  local text = table.concat(vim.fn.getregion(from, to, { type = vim.fn.mode() }), "\n")
  local start, finish ---@type divisi.Position, divisi.Position
  if kind == "V" then
    text = text .. "\n"
    start, finish = { line = from[2] - 1, character = 0 }, { line = to[2], character = 0 }
  else
    local last = line(to[2])
    -- All bytes of the character under the cursor belong to it.
    local rest = vim.fn.strcharpart(last:sub(to[3]), 0, 1, true)
    start = { line = from[2] - 1, character = utf16(line(from[2]), from[3] - 1) }
    finish = { line = to[2] - 1, character = utf16(last, to[3] - 1 + #rest) }
  end
  if #text > MOST_BYTES then
    text = text:sub(1, MOST_BYTES):match("^(.*\n)[^\n]*$") or ""
    local _, lines = text:gsub("\n", "")
    finish = { line = start.line + lines, character = 0 }
  end
  return { path = path, text = text, start = start, ["end"] = finish }
end

local function tell_selection()
  if not group or not require("divisi.config").get().editor.selection then
    return
  end
  local selection = M.selection()
  local row = selection and mirror.owner(selection.path)
  if not selection or not row or not listening[row.id] or vim.deep_equal(told_selections[row.id], selection) then
    return
  end
  told_selections[row.id] = selection
  require("divisi.rpc").request("editor/selection", { session = row.id, selection = selection }, quiet)
end

local function selection_soon()
  if not selection_due then
    selection_due = true
    soon(function()
      selection_due = false
      if require("divisi.host").running() then
        tell_selection()
      end
    end)
  end
end

local function watch()
  if group then
    return
  end
  group = api.nvim_create_augroup("divisi.editor", {})
  api.nvim_create_autocmd(
    { "TabEnter", "WinEnter", "BufWinEnter", "TabClosed", "WinClosed", "DirChanged", "TermOpen" },
    {
      group = group,
      callback = function()
        places_soon()
      end,
    }
  )
  api.nvim_create_autocmd("FocusGained", {
    group = group,
    callback = function()
      places_soon(true)
    end,
  })
  -- Leaving visual mode is no movement: what was selected stays until the cursor moves on, so that there is time to go to the agent.
  api.nvim_create_autocmd({ "CursorMoved", "CursorMovedI", "BufEnter" }, { group = group, callback = selection_soon })
  api.nvim_create_autocmd(
    "ModeChanged",
    { group = group, pattern = { "*:[vV\22]", "*:[vV\22]*" }, callback = selection_soon }
  )
  places_soon(true)
  selection_soon()
end

local function unwatch()
  if group then
    api.nvim_del_augroup_by_id(group)
    group = nil
  end
  told_places = nil
  told_selections = {}
end

---@param question integer
---@param value any
---@param problem string?
function M.answer(question, value, problem)
  require("divisi.rpc").request("editor/answer", {
    question = question,
    value = value == nil and vim.NIL or value,
    problem = problem,
  }, quiet)
end

---@param params { question: integer, session: string, ask: table }
local function asked(params)
  local question, session, ask = params.question, params.session, params.ask
  if type(question) ~= "number" or type(ask) ~= "table" then
    return
  end
  vim.schedule(function()
    local row = mirror.sessions[session]
    if not row or not row.path then
      M.answer(question, nil, "this editor does not know the session")
      return
    end
    local ok, err = xpcall(require("divisi.editor_answers").answer, debug.traceback, question, row, ask)
    if not ok then
      require("divisi.errors").internal(tostring(err))
      M.answer(question, nil, "the editor failed to answer")
    end
  end)
end

---What the daemon says to this editor.
---@param op { what: string, params: table? }
function M.apply(op)
  local params = type(op.params) == "table" and op.params or {}
  if op.what == "agents" then
    listening = {}
    for _, session in ipairs(params.sessions or {}) do
      listening[session] = true
    end
    for session in pairs(told_selections) do
      told_selections[session] = listening[session] and told_selections[session] or nil
    end
    if next(listening) then
      watch()
      selection_soon()
    else
      unwatch()
    end
  elseif op.what == "asked" then
    asked(params)
  elseif op.what == "withdrawn" then
    require("divisi.ui.proposal").withdraw(params.question)
  elseif op.what == "lost" then
    listening = {}
    unwatch()
    require("divisi.ui.proposal").withdraw_all()
  end
end

---Hands lines of the current file, or all of it, to the agent of its session.
---@param row divisi.Row? the session; absent: the one whose worktree the file is in
---@param range { first: integer, last: integer }?
function M.mention(row, range)
  local errors = require("divisi.errors")
  local path = file_of(0)
  if not path then
    errors.warn("only a file can be mentioned; save it first")
    return
  end
  row = row or mirror.owner(path)
  if not row then
    errors.warn("this file is in no session's worktree; name the session")
    return
  end
  if not listening[row.id] then
    errors.warn(("the agent of %s does not listen to this editor (:Divisi terminal %s)"):format(row.name, row.name))
    return
  end
  local mention = { path = path } ---@type table
  if range then
    mention.lines = { range.first - 1, range.last - 1 }
  end
  require("divisi.rpc").request("editor/mention", { session = row.id, mention = mention })
end

return M
