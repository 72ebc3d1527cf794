---What an agent in its own interface wants to write: a small float that takes no focus says so, and a tab of its own shows it side by
---side, to be edited, accepted or rejected. Closing that tab decides nothing. Decided in the terminal, it goes by itself.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local events = require("divisi.events")
local mirror = require("divisi.mirror")
local window = require("divisi.ui.window")

local ns = api.nvim_create_namespace("divisi.proposal")

---Lines of the float.
local MOST_LINES = 14

---@class divisi.Proposal
---@field question integer
---@field session string
---@field path string absolute
---@field shown string the path for people
---@field old string
---@field new string
---@field lines string[] the proposed lines as they were shown first
---@field crlf boolean
---@field buf integer? the editable side

---Oldest first.
---@type divisi.Proposal[]
local proposals = {}
---@type integer?
local float_buf
---@type integer?
local float_win
---The person closed the float of these.
---@type table<integer, boolean?>
local dismissed = {}

---@param text string
---@return string
local function safe(text)
  return (vim.fn.strtrans(text))
end

---@param text string
---@param crlf boolean
---@return string[]
local function lines_of(text, crlf)
  if text == "" then
    return {}
  end
  local lines = vim.split(text, crlf and "\r\n" or "\n", { plain = true })
  if lines[#lines] == "" then
    table.remove(lines)
  end
  return vim.tbl_map(function(line)
    return (line:gsub("%z", "\n"))
  end, lines)
end

---The text of the editable side: exactly what was proposed unless the person changed it.
---@param proposal divisi.Proposal
---@return string
local function text_of(proposal)
  local buf = proposal.buf
  if not buf or not api.nvim_buf_is_valid(buf) then
    return proposal.new
  end
  local lines = api.nvim_buf_get_lines(buf, 0, -1, false)
  if vim.deep_equal(lines, #proposal.lines == 0 and { "" } or proposal.lines) then
    return proposal.new
  end
  local ending = proposal.crlf and "\r\n" or "\n"
  lines = vim.tbl_map(function(line)
    return (line:gsub("\n", "\0"))
  end, lines)
  local last = (proposal.new == "" or vim.endswith(proposal.new, "\n")) and ending or ""
  return table.concat(lines, ending) .. last
end

---@param proposal divisi.Proposal
---@return string
local function name_of(proposal)
  local row = mirror.sessions[proposal.session]
  return row and row.name or proposal.session
end

---@param session string?
---@return divisi.Proposal?
local function oldest(session)
  for _, proposal in ipairs(proposals) do
    if not session or proposal.session == session then
      return proposal
    end
  end
end

local function close_float()
  local win = float_win
  -- Before closing: `WinClosed` tells the person's closing from ours by it.
  float_win = nil
  if win and api.nvim_win_is_valid(win) then
    pcall(api.nvim_win_close, win, true)
  end
end

---@param proposal divisi.Proposal
---@return string[]
local function unified(proposal)
  ---@diagnostic disable-next-line: deprecated
  local diff = vim.text and vim.text.diff or vim.diff
  local found = diff(proposal.old, proposal.new, { result_type = "unified", ctxlen = 2 })
  local lines = vim.split(type(found) == "string" and vim.trim(found) or "", "\n", { plain = true })
  return vim.tbl_map(safe, lines)
end

---The first proposal of this tab whose float was not closed.
---@return divisi.Proposal?
local function pressing()
  if #proposals == 0 or not require("divisi.config").get().float then
    return
  end
  local here = require("divisi.editor").sessions_of(api.nvim_get_current_tabpage())
  for _, proposal in ipairs(proposals) do
    if here[proposal.session] and not dismissed[proposal.question] then
      if proposal.buf and window.shown(proposal.buf) then
        return
      end
      return proposal
    end
  end
end

local function update()
  local proposal = pressing()
  if not proposal then
    close_float()
    return
  end
  if vim.fn.getcmdwintype() ~= "" then
    vim.defer_fn(update, 300)
    return
  end
  local lines = { (" %s wants to write %s "):format(name_of(proposal), proposal.shown) }
  local body = unified(proposal)
  local most = math.max(3, math.min(MOST_LINES, math.floor(vim.o.lines / 2) - 4))
  for index = 1, math.min(#body, most) do
    table.insert(lines, " " .. body[index] .. " ")
  end
  if #body > most then
    table.insert(lines, (" … %d lines more "):format(#body - most))
  end
  local more = #proposals > 1 and (" (%d wait)"):format(#proposals) or ""
  table.insert(lines, " :Divisi proposal" .. more .. " ")
  local room = math.max(10, math.min(80, vim.o.columns - 4))
  local width = 1
  for index, line in ipairs(lines) do
    if vim.fn.strdisplaywidth(line) > room then
      lines[index] = vim.fn.strcharpart(line, 0, room - 2) .. "… "
    end
    width = math.max(width, math.min(room, vim.fn.strdisplaywidth(lines[index] or "")))
  end
  if not float_buf or not api.nvim_buf_is_valid(float_buf) then
    float_buf = api.nvim_create_buf(false, true)
    vim.bo[float_buf].bufhidden = "hide"
  end
  api.nvim_buf_clear_namespace(float_buf, ns, 0, -1)
  api.nvim_buf_set_lines(float_buf, 0, -1, false, lines)
  for index, line in ipairs(lines) do
    local group = index == 1 and "DivisiAsk"
      or (index == #lines or line:match("^ @@") or line:match("^ …")) and "DivisiQuiet"
      or line:match("^ %+") and "DivisiAdded"
      or line:match("^ %-") and "DivisiRemoved"
    if group then
      api.nvim_buf_set_extmark(float_buf, ns, index - 1, 0, { end_col = #line, hl_group = group })
    end
  end
  local shape = {
    relative = "editor",
    anchor = "NE",
    row = vim.o.showtabline > 0 and 1 or 0,
    col = vim.o.columns,
    width = width,
    height = #lines,
    focusable = true,
    style = "minimal",
    zindex = 44,
  }
  local here = float_win and api.nvim_win_is_valid(float_win) and api.nvim_win_get_tabpage(float_win)
  if here == api.nvim_get_current_tabpage() then
    api.nvim_win_set_config(float_win --[[@as integer]], shape)
    return
  end
  close_float()
  local ok, win = pcall(api.nvim_open_win, float_buf, false, vim.tbl_extend("force", shape, { noautocmd = true }))
  if not ok then
    vim.defer_fn(update, 300)
    return
  end
  float_win = win
  vim.wo[win][0].wrap = false
  vim.wo[win][0].winhighlight = "NormalFloat:DivisiFloat"
  vim.wo[win][0].winfixbuf = true
end

---Closes the tab of a proposal and forgets its buffers; the person goes back to where they were.
---@param proposal divisi.Proposal
local function close(proposal)
  local buf = proposal.buf
  proposal.buf = nil
  if not buf or not api.nvim_buf_is_valid(buf) then
    return
  end
  vim.bo[buf].modified = false
  local beside = vim.b[buf].divisi_beside
  for _, win in ipairs(api.nvim_list_wins()) do
    local shown = api.nvim_win_is_valid(win) and api.nvim_win_get_buf(win)
    if shown == buf or shown == beside then
      window.close(win)
    end
  end
  for _, gone in ipairs({ buf, beside }) do
    pcall(api.nvim_buf_delete, gone, { force = true })
  end
end

---@param question integer
---@return divisi.Proposal?
local function take(question)
  for index, proposal in ipairs(proposals) do
    if proposal.question == question then
      table.remove(proposals, index)
      dismissed[question] = nil
      return proposal
    end
  end
end

---@param proposal divisi.Proposal
---@param accepted boolean
local function decide(proposal, accepted)
  if not take(proposal.question) then
    return
  end
  local text = accepted and text_of(proposal) or nil
  require("divisi.editor").answer(proposal.question, { accepted = text or vim.NIL })
  events.autocmd("ProposalDecided", { session = proposal.session, path = proposal.path, accepted = accepted })
  -- From an autocommand of the buffer itself windows are not closed.
  vim.schedule(function()
    close(proposal)
    update()
  end)
  errors.notify(("%s %s"):format(proposal.shown, accepted and "accepted" or "rejected"))
end

---Somebody decided elsewhere, or whoever asked is gone.
---@param question integer
function M.withdraw(question)
  local proposal = take(question)
  if not proposal then
    return
  end
  events.autocmd("ProposalWithdrawn", { session = proposal.session, path = proposal.path })
  if proposal.buf and api.nvim_buf_is_valid(proposal.buf) and #vim.fn.win_findbuf(proposal.buf) > 0 then
    errors.notify(proposal.shown .. " was decided elsewhere")
  end
  vim.schedule(function()
    close(proposal)
    update()
  end)
end

---The daemon is gone, and with it whoever asked.
function M.withdraw_all()
  for _, proposal in ipairs(vim.list_slice(proposals)) do
    M.withdraw(proposal.question)
  end
end

---A key as it is typed.
---@param key string
---@return string
local function typed(key)
  local leader = vim.g.maplocalleader
  local shown = (leader == nil and "\\" or leader):gsub("%%", "%%%%")
  return (key:gsub("<[Ll]ocal[Ll]eader>", shown))
end

---@return string[]
local function help()
  local keys = require("divisi.config").get().review.keys --[[@as table<string, string>]]
  return {
    " :w or " .. typed(keys.accept) .. "  accept, with what you changed",
    " " .. typed(keys.reject) .. "        reject",
    " q         close, decide later",
    " do, dp    take a hunk from the other side",
  }
end

---@param proposal divisi.Proposal
---@param name string
---@param lines string[]
---@return integer
local function scratch(proposal, name, lines)
  local buf = api.nvim_create_buf(false, true)
  -- What is shown in it is an agent's: it sets no options.
  vim.bo[buf].modeline = false
  vim.bo[buf].swapfile = false
  vim.bo[buf].bufhidden = "hide"
  api.nvim_buf_set_name(buf, ("divisi://%s/%d/%s"):format(name, proposal.question, proposal.shown))
  vim.b[buf].divisi = name
  vim.b[buf].divisi_session = proposal.session
  local levels = vim.bo[buf].undolevels
  vim.bo[buf].undolevels = -1
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].undolevels = levels
  -- Colours alone: settings and language servers for files have no business here.
  local filetype = vim.filetype.match({ filename = proposal.path }) or ""
  if filetype ~= "" and not pcall(vim.treesitter.start, buf, vim.treesitter.language.get_lang(filetype)) then
    vim.bo[buf].syntax = filetype
  end
  return buf
end

---@param proposal divisi.Proposal
local function show(proposal)
  if not window.can_change_layout() then
    return
  end
  if proposal.buf and api.nvim_buf_is_valid(proposal.buf) then
    local win = vim.fn.win_findbuf(proposal.buf)[1]
    if win then
      api.nvim_set_current_win(win)
      return
    end
  end
  if api.nvim_get_mode().mode:match("^[it]") then
    vim.cmd.stopinsert()
  end
  local keys = require("divisi.config").get().review.keys --[[@as table<string, string>]]
  if not proposal.buf or not api.nvim_buf_is_valid(proposal.buf) then
    local left = scratch(proposal, "current", lines_of(proposal.old, proposal.crlf))
    vim.bo[left].modifiable = false
    local right = scratch(proposal, "proposal", proposal.lines)
    vim.bo[right].buftype = "acwrite"
    vim.bo[right].modified = false
    vim.b[right].divisi_beside = left
    proposal.buf = right
    api.nvim_create_autocmd("BufWriteCmd", {
      buffer = right,
      callback = function()
        vim.bo[right].modified = false
        decide(proposal, true)
      end,
    })
    api.nvim_create_autocmd("BufWinLeave", {
      buffer = right,
      callback = function()
        vim.schedule(update)
      end,
    })
    for _, buf in ipairs({ left, right }) do
      local function map(key, what, run)
        if key ~= "" then
          vim.keymap.set("n", key, run, { buffer = buf, nowait = true, desc = "divisi: " .. what })
        end
      end
      map(keys.accept, "accept the proposal", function()
        decide(proposal, true)
      end)
      map(keys.reject, "reject the proposal", function()
        decide(proposal, false)
      end)
      map("q", "close, decide later", function()
        for _, win in ipairs(api.nvim_tabpage_list_wins(0)) do
          local shown = api.nvim_win_get_buf(win)
          if shown == left or shown == right then
            window.close(win)
          end
        end
        update()
      end)
      map("g?", "help", function()
        window.help(help())
      end)
    end
  end
  local right = proposal.buf --[[@as integer]]
  local left = vim.b[right].divisi_beside --[[@as integer]]
  local origin = api.nvim_get_current_win()
  vim.cmd("tab sbuffer " .. left)
  vim.t.divisi_session = proposal.session
  local left_win = api.nvim_get_current_win()
  local right_win = api.nvim_open_win(right, true, { split = "right", win = left_win })
  for win, title in pairs({
    [left_win] = "now",
    [right_win] = "proposed: :w accepts, " .. typed(keys.reject) .. " rejects",
  }) do
    vim.w[win].divisi = "proposal"
    vim.w[win].divisi_from = origin
    api.nvim_win_call(win, vim.cmd.diffthis)
    local text = (" %s · %s · g? "):format(proposal.shown, title)
    vim.wo[win][0].winbar = "%<" .. text:gsub("%%", "%%%%"):gsub("%c", " ")
    vim.wo[win][0].winfixbuf = true
  end
  api.nvim_win_set_cursor(right_win, { 1, 0 })
  pcall(api.nvim_command, "normal! ]c")
  update()
end

---Shows the oldest proposal, of a session when one is named.
---@param row divisi.Row?
function M.open(row)
  local proposal = oldest(row and row.id)
  if proposal then
    show(proposal)
  else
    errors.notify((row and row.name .. " has" or "no agent has") .. (row and " no proposal" or " a proposal"))
  end
end

---How many wait.
---@return integer
function M.count()
  return #proposals
end

---An agent proposes a text; who looks at its session is told, and decides whenever they like.
---@param question integer
---@param row divisi.Row
---@param ask { path: string, text: string }
function M.add(question, row, ask)
  if not require("divisi.config").get().editor.diffs then
    require("divisi.editor").answer(question, nil, "changes are decided in the terminal here")
    return
  end
  if type(ask.path) ~= "string" or type(ask.text) ~= "string" then
    require("divisi.editor").answer(question, nil, "nothing was proposed")
    return
  end
  local stat = vim.uv.fs_stat(ask.path)
  local old = stat and require("divisi.live").read(ask.path)
  if stat and not old then
    require("divisi.editor").answer(question, nil, "the file cannot be shown: it is no ordinary file, or too long")
    return
  end
  local _, breaks = ask.text:gsub("\n", "")
  local _, returns = ask.text:gsub("\r\n", "")
  local crlf = breaks > 0 and breaks == returns
  local path = vim.fs.normalize(ask.path)
  local shown = vim.startswith(path, (row.path or "") .. "/") and path:sub(#row.path + 2) or path
  table.insert(proposals, {
    question = question,
    session = row.id,
    path = path,
    shown = safe(shown),
    old = old or "",
    new = ask.text,
    lines = lines_of(ask.text, crlf),
    crlf = crlf,
  })
  events.autocmd("ProposalRequested", { session = row.id, path = path })
  update()
  -- Whoever sees the float needs no message too.
  if not float_win and require("divisi.config").get().notify then
    errors.notify(("%s wants to write %s (:Divisi proposal)"):format(row.name, safe(shown)))
  end
end

local group = api.nvim_create_augroup("divisi.proposal", {})
api.nvim_create_autocmd({ "TabEnter", "VimResized", "CmdwinLeave" }, {
  group = group,
  callback = function()
    if #proposals > 0 or float_win then
      vim.schedule(update)
    end
  end,
})
api.nvim_create_autocmd("WinClosed", {
  group = group,
  callback = function(args)
    local closed = tonumber(args.match)
    if closed and closed == float_win then
      float_win = nil
      for _, proposal in ipairs(proposals) do
        dismissed[proposal.question] = true
      end
    end
  end,
})

return M
