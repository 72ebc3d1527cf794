---`divisi://session/<name>`: what a session said and did, streaming into an ordinary buffer.
local M = {}

local api = vim.api
local mirror = require("divisi.mirror")
local places = require("divisi.ui.places")
local window = require("divisi.ui.window")

local ns = api.nvim_create_namespace("divisi.transcript")
local marks = api.nvim_create_namespace("divisi.transcript.turns")

---Every turn begins with such a line.
local TURN = "^## Turn %d+$"
---What a tool call did is below it, folded; below one that failed it is not.
local FOLDED, OPEN = "  │ ", "  ┃ "

---Buffers by session id.
---@type table<string, integer>
local buffers = {}
---Sessions by buffer.
---@type table<integer, string?>
local sessions = {}
---Whether there is more before the first line, by session.
---@type table<string, boolean?>
local more = {}
---What is asked for, so that it is not asked for twice.
---@type table<string, boolean?>
local reaching = {}

---How lines that the renderer makes are painted, by how they begin; the rest is markdown.
---@type { [1]: string, [2]: string }[]
local paints = {
  { "- ✗", "DivisiToolFailed" },
  { "- ✓", "DivisiTool" },
  { "- …", "DivisiTool" },
  { "- ○", "DivisiTool" },
  { "- ?", "DivisiAsk" },
  { "> ", "DivisiThought" },
}

---@param text string
---@return string?
local function highlight_of(text)
  if text:find(TURN) then
    return "DivisiTurn"
  elseif text:find("^%*[^*].*%*$") then
    return "DivisiNotice"
  end
  local body = vim.startswith(text, FOLDED) or vim.startswith(text, OPEN)
  if body then
    local sign = text:sub(#FOLDED + 1, #FOLDED + 1)
    return sign == "+" and "DivisiAdded" or sign == "-" and "DivisiRemoved" or "DivisiQuiet"
  end
  for _, rule in ipairs(paints) do
    if vim.startswith(text, rule[1]) then
      return rule[2]
    end
  end
end

api.nvim_set_decoration_provider(ns, {
  on_win = function(_, _, buf)
    return sessions[buf] ~= nil
  end,
  -- Only what is on the screen is coloured: a hundred thousand lines cost no more than fifty.
  on_line = function(_, _, buf, line)
    local text = api.nvim_buf_get_lines(buf, line, line + 1, false)[1]
    local group = text and highlight_of(text)
    if text and group then
      local opts = { end_col = #text, hl_group = group, priority = 120, ephemeral = true }
      if vim.startswith(text, "- ?") then
        opts.virt_text = { { "  <CR> answers", "DivisiQuiet" } }
      end
      api.nvim_buf_set_extmark(buf, ns, line, 0, opts)
    end
  end,
})

---The fold level of a line: a fold begins at every turn, and what a tool call did is one within.
---@param line integer
---@return string|integer
function M.foldexpr(line)
  local text = vim.fn.getbufoneline("", line)
  if text:find(TURN) then
    return ">1"
  end
  return vim.startswith(text, FOLDED) and 2 or 1
end

---@return string
function M.foldtext()
  local count = vim.v.foldend - vim.v.foldstart
  local lines = vim.fn.getline(vim.v.foldstart, math.min(vim.v.foldend, vim.v.foldstart + 5))
  local first = lines[1] or ""
  if not first:find(TURN) then
    local rest = count > 0 and (" (%d more lines, za opens, K shows all)"):format(count) or ""
    return first .. rest
  end
  local prompt = ""
  for index = 2, #lines do
    if prompt == "" and lines[index] ~= "" then
      prompt = lines[index] or ""
    end
  end
  return ("%s · %s (%d lines)"):format(first, prompt, count)
end

---Windows on a buffer whose cursor is on the last line: they follow.
---@param buf integer
---@return integer[]
local function followers(buf)
  local last = api.nvim_buf_line_count(buf)
  return vim.tbl_filter(function(win)
    return api.nvim_win_get_cursor(win)[1] >= last
  end, vim.fn.win_findbuf(buf))
end

---@param text any
---@return string
local function one_line(text)
  return type(text) == "string" and (text:gsub("[\r\n]", " ")) or ""
end

---Changes the text as a batch says.
---@param buf integer
---@param op table
---@return boolean empty whether nothing was said yet
local function edit(buf, op)
  local empty = vim.b[buf].divisi_empty or op.reset == true
  if op.reset then
    api.nvim_buf_clear_namespace(buf, marks, 0, -1)
    api.nvim_buf_set_lines(buf, 0, -1, false, {})
  end
  for _, change in ipairs(op.edits or {}) do
    local first, gone, comes = change[1], change[2], change[3]
    if type(first) == "number" and type(gone) == "number" and type(comes) == "table" then
      ---@cast first integer
      local last = empty and -1 or first + math.floor(gone)
      if #comes > 0 or not empty then
        empty = false
        api.nvim_buf_set_lines(buf, first, last, false, vim.tbl_map(one_line, comes))
      end
    end
  end
  if empty then
    api.nvim_buf_set_lines(buf, 0, -1, false, { "*nothing was said yet*" })
  end
  for _, mark in ipairs(op.marks or {}) do
    if mark[2] < api.nvim_buf_line_count(buf) then
      api.nvim_buf_set_extmark(buf, marks, mark[2], 0, {
        id = mark[1],
        virt_text = mark[3] ~= "" and { { mark[3], "DivisiQuiet" } } or nil,
        virt_text_pos = vim.fn.has("nvim-0.11") == 1 and "eol_right_align" or "right_align",
        hl_mode = "combine",
      })
    end
  end
  return empty
end

---Applies changed lines.
---@param op { session: string, reset: boolean?, edits: any[]?, marks: any[]?, more: boolean?, cut: boolean? }
function M.apply(op)
  local buf = buffers[op.session]
  if not buf or not api.nvim_buf_is_loaded(buf) then
    return
  end
  local follow = op.reset and vim.fn.win_findbuf(buf) or followers(buf)
  vim.bo[buf].modifiable = true
  local ok, problem = pcall(edit, buf, op)
  vim.bo[buf].modifiable = false
  vim.bo[buf].modified = false
  if not ok then
    error(problem, 0)
  end
  vim.b[buf].divisi_empty = problem
  more[op.session], reaching[op.session] = op.more == true, nil
  local last = api.nvim_buf_line_count(buf)
  for _, win in ipairs(follow) do
    api.nvim_win_set_cursor(win, { last, 0 })
  end
end

---Reads what came before, when the beginning of what there is comes into sight.
---@param buf integer
local function reach_back(buf)
  local session = sessions[buf]
  if session and more[session] and not reaching[session] then
    reaching[session] = true
    require("divisi.rpc").request("transcript/older", { session = session }, function(answer)
      if type(answer) ~= "table" or not answer.reads then
        reaching[session] = nil
      end
    end)
  end
end

---@param text string
---@return string
local function escaped(text)
  return (text:gsub("%%", "%%%%"):gsub("%c", " "))
end

---The line above a transcript: what the session does, how it treats questions, what waits.
---@param row divisi.Row
---@return string
local function title(row)
  local parts = { row.name, (row.sign or "") .. " " .. (row.word or row.state), "gate " .. (row.policy or "?") }
  if row.approvals > 0 then
    table.insert(parts, ("%d to answer (a)"):format(row.approvals))
  end
  if row.queued > 0 then
    table.insert(parts, ("%d waiting"):format(row.queued))
  end
  vim.list_extend(parts, { row.model, row.cost })
  return " " .. table.concat(parts, " · ")
end

---@param buf integer
local function show_state(buf)
  local row = mirror.sessions[sessions[buf]]
  for _, win in ipairs(row and vim.fn.win_findbuf(buf) or {}) do
    local text = "%<" .. escaped(title(row --[[@as divisi.Row]]))
    if vim.wo[win][0].winbar ~= text then
      vim.wo[win][0].winbar = text
    end
  end
end

---States in which nothing is being said.
---@type table<string, boolean?>
local resting = { awaiting_input = true, review = true, completed = true, failed = true, interrupted = true }
---Longer transcripts are never parsed.
local MOST_PARSED = 5000

---Paints with the markdown parser while the agent rests, by the syntax file while it talks: with eight agents that talk a key
---took 11 ms to show (one of a hundred 200 ms) instead of 2.
---@param buf integer
local function paint(buf)
  if vim.fn.has("nvim-0.11") == 0 then
    return -- There the parser runs at every redraw.
  end
  local id = sessions[buf]
  local row = id and mirror.sessions[id] ---@type divisi.Row?
  local rests = row ~= nil and resting[row.state] == true
  local parsed = rests and api.nvim_buf_line_count(buf) <= MOST_PARSED
  if parsed ~= (vim.treesitter.highlighter.active[buf] ~= nil) then
    pcall(parsed and vim.treesitter.start or vim.treesitter.stop, buf, parsed and "markdown" or nil)
  end
end

---Sessions changed: so may what stands above their transcripts.
function M.show_states()
  for _, buf in pairs(buffers) do
    show_state(buf)
    if api.nvim_buf_is_loaded(buf) then
      paint(buf)
    end
  end
end

---The window of this tab that shows a session's transcript.
---@param session string
---@return integer?
function M.window_of(session)
  local buf = buffers[session]
  return buf and window.shown(buf)
end

---Asks for the text of a session, whose files it names from the worktree on.
---@param session string
function M.ask_for(session)
  local row = mirror.sessions[session]
  require("divisi.rpc").request("transcript/open", { session = session, path = row and row.path })
end

---Asks a new host process for every transcript that is open.
function M.reopen()
  for session in pairs(buffers) do
    M.ask_for(session)
  end
end

---Moves to the next or previous turn.
---@param forward boolean
local function jump(forward)
  for _ = 1, vim.v.count1 do
    if vim.fn.search([[^## Turn \d\+$]], forward and "W" or "bW") == 0 then
      if not forward then
        reach_back(api.nvim_get_current_buf())
      end
      return
    end
  end
end

---Shows all of the tool call under the cursor.
---@param session string
local function show_tool(session)
  local line = api.nvim_win_get_cursor(0)[1] - 1
  require("divisi.rpc").request("transcript/tool", { session = session, line = line }, function(lines, refusal)
    if refusal then
      require("divisi.errors").refused(refusal)
    elseif type(lines) ~= "table" or not lines[1] then
      require("divisi.errors").notify("no tool call here")
    else
      window.page("tool call", vim.tbl_map(one_line, lines), "markdown")
    end
  end)
end

---What <CR> does: an open question is answered, a path is opened, a tool call shown.
---@param session string
local function enter(session)
  local text = api.nvim_get_current_line()
  local id = text:match("^%- %? %*%*%a+%*%* `([^`]+)`")
  for _, approval in ipairs(mirror.approvals) do
    if approval.id == id then
      require("divisi.ui.approvals").choose(approval)
      return
    end
  end
  if not places.go(mirror.sessions[session]) then
    show_tool(session)
  end
end

---Makes a buffer the transcript of a session.
---@param buf integer
---@param session string
function M.make(buf, session)
  buffers[session], sessions[buf] = buf, session
  vim.b[buf].divisi_session = session
  vim.b[buf].divisi_empty = true
  local row = mirror.sessions[session]
  if row and row.path then
    -- `gf` on a path of the transcript goes to the file of the worktree.
    vim.bo[buf].path = row.path:gsub("[ ,\\]", "\\%0")
  end
  -- After the first words are on the screen: the parser and its queries take longer to load than the words.
  vim.schedule(function()
    if sessions[buf] and api.nvim_buf_is_loaded(buf) then
      paint(buf)
    end
  end)
  local group = api.nvim_create_augroup("divisi.transcript." .. buf, {})
  local function window_options()
    for _, win in ipairs(vim.fn.win_findbuf(buf)) do
      local wo = vim.wo[win][0]
      wo.foldmethod = "expr"
      wo.foldexpr = "v:lua.require'divisi.ui.transcript'.foldexpr(v:lnum)"
      wo.foldtext = "v:lua.require'divisi.ui.transcript'.foldtext()"
      -- Turns are open, what tool calls did is not.
      wo.foldlevel = 1
      wo.wrap = true
      wo.linebreak = true
      wo.number = false
      wo.relativenumber = false
      wo.spell = false
      wo.list = false
    end
    show_state(buf)
  end
  api.nvim_create_autocmd("BufWinEnter", { buffer = buf, group = group, callback = window_options })
  api.nvim_create_autocmd("BufWipeout", {
    buffer = buf,
    group = group,
    callback = function()
      buffers[session], sessions[buf] = nil, nil
      if require("divisi.host").running() then
        require("divisi.rpc").request("transcript/close", { session = session })
      end
    end,
  })
  api.nvim_create_autocmd("BufEnter", {
    buffer = buf,
    group = group,
    callback = function()
      M.mark_read(mirror.sessions[session])
    end,
  })
  api.nvim_create_autocmd({ "WinScrolled", "CursorMoved" }, {
    group = group,
    buffer = buf,
    callback = function()
      if vim.fn.line("w0") <= 50 then
        reach_back(buf)
      end
    end,
  })
  window.make_scratch(buf, "divisi-transcript")
  window_options()
  require("divisi.ui.keys").map(buf, function()
    return mirror.sessions[session]
  end, {
    {
      "q",
      "close",
      function()
        window.close(api.nvim_get_current_win())
      end,
    },
    {
      "]]",
      "next turn",
      function()
        jump(true)
      end,
    },
    {
      "[[",
      "previous turn",
      function()
        jump(false)
      end,
    },
    { "gO", "the turns, in the location list", places.outline },
    {
      "<CR>",
      "open the path, answer, or show the tool call here",
      function()
        enter(session)
      end,
    },
    {
      "gf",
      "open the path here, in the worktree",
      function()
        if not places.go(mirror.sessions[session]) then
          require("divisi.errors").notify("no file of the worktree here")
        end
      end,
    },
    {
      "K",
      "arguments and result of the tool call here",
      function()
        show_tool(session)
      end,
    },
  }, require("divisi.ui.keys").all)
  M.ask_for(session)
end

---A session counts as read once a person is in its transcript and something new is there.
---@param row divisi.Row?
function M.mark_read(row)
  if row and row.unread and vim.b.divisi_session == row.id then
    require("divisi.rpc").request("session/read", { session = row.id }, function() end)
  end
end

---Shows a session's transcript and goes there.
---@param row divisi.Row
function M.open(row)
  local buf = buffers[row.id]
  if not buf or not api.nvim_buf_is_loaded(buf) then
    buf = window.buffer("divisi://session/" .. row.name, function(made)
      M.make(made, row.id)
    end)
    if vim.b[buf].divisi_session ~= row.id then
      -- Another repository has a session of this name.
      buf = window.buffer("divisi://session/" .. row.id, function(made)
        M.make(made, row.id)
      end)
    end
  end
  local width = require("divisi.config").get().transcript.width
  width = math.floor(width < 1 and vim.o.columns * width or width)
  local win = window.open(buf, "transcript", "right", math.max(20, width))
  if win then
    vim.wo[win][0].winfixbuf = true
  end
end

return M
