---`divisi://session/<name>`: what a session said and did, streaming into an ordinary buffer.
local M = {}

local api = vim.api
local mirror = require("divisi.mirror")
local window = require("divisi.ui.window")

local ns = api.nvim_create_namespace("divisi.transcript")

---Every turn begins with such a line.
local TURN = "^## Turn %d+$"

---Buffers by session id.
---@type table<string, integer>
local buffers = {}

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
  for _, rule in ipairs(paints) do
    if vim.startswith(text, rule[1]) then
      return rule[2]
    end
  end
end

---@param buf integer
---@param line integer zero-based
---@param text string
local function paint(buf, line, text)
  api.nvim_buf_clear_namespace(buf, ns, line, line + 1)
  local group = highlight_of(text)
  if group then
    api.nvim_buf_set_extmark(buf, ns, line, 0, { end_col = #text, hl_group = group, priority = 120 })
  end
end

---The fold level of a line: a fold begins at every turn.
---@param line integer
---@return string
function M.foldexpr(line)
  return vim.fn.getbufoneline("", line):find(TURN) and ">1" or "1"
end

---@return string
function M.foldtext()
  local lines = vim.fn.getline(vim.v.foldstart, math.min(vim.v.foldend, vim.v.foldstart + 5))
  local prompt = ""
  for index = 2, #lines do
    if prompt == "" and lines[index] ~= "" then
      prompt = lines[index] or ""
    end
  end
  return ("%s · %s (%d lines)"):format(lines[1], prompt, vim.v.foldend - vim.v.foldstart)
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

---Applies changed lines.
---@param op { session: string, reset: boolean?, cut: integer?, set: any[]?, append: string[]? }
function M.apply(op)
  local buf = buffers[op.session]
  if not buf or not api.nvim_buf_is_loaded(buf) then
    return
  end
  local follow = followers(buf)
  vim.bo[buf].modifiable = true
  local empty = false
  if op.reset then
    api.nvim_buf_clear_namespace(buf, ns, 0, -1)
    api.nvim_buf_set_lines(buf, 0, -1, false, {})
    empty = true
    follow = vim.fn.win_findbuf(buf)
  end
  local count = api.nvim_buf_line_count(buf)
  for _, pair in ipairs(op.set or {}) do
    local line, text = pair[1], one_line(pair[2])
    if type(line) == "number" and line < count then
      ---@cast line integer
      api.nvim_buf_set_lines(buf, line, line + 1, false, { text })
      paint(buf, line, text)
    end
  end
  local lines = vim.tbl_map(one_line, op.append or {})
  if #lines > 0 then
    empty = empty or (count == 1 and vim.b[buf].divisi_empty)
    local first = empty and 0 or count
    api.nvim_buf_set_lines(buf, first, -1, false, lines)
    for index, text in ipairs(lines) do
      paint(buf, first + index - 1, text)
    end
    vim.b[buf].divisi_empty = false
  elseif op.reset then
    api.nvim_buf_set_lines(buf, 0, -1, false, { "*nothing was said yet*" })
    paint(buf, 0, "*nothing was said yet*")
    vim.b[buf].divisi_empty = true
  end
  vim.bo[buf].modifiable = false
  vim.bo[buf].modified = false
  local last = api.nvim_buf_line_count(buf)
  for _, win in ipairs(follow) do
    api.nvim_win_set_cursor(win, { last, 0 })
  end
end

---Asks a new host process for every transcript that is open.
function M.reopen()
  for session in pairs(buffers) do
    require("divisi.rpc").request("transcript/open", { session = session })
  end
end

---Moves to the next or previous turn.
---@param forward boolean
local function jump(forward)
  for _ = 1, vim.v.count1 do
    if vim.fn.search([[^## Turn \d\+$]], forward and "W" or "bW") == 0 then
      return
    end
  end
end

---Makes a buffer the transcript of a session.
---@param buf integer
---@param session string
function M.make(buf, session)
  buffers[session] = buf
  vim.b[buf].divisi_session = session
  vim.b[buf].divisi_empty = true
  local row = mirror.sessions[session]
  if row and row.path then
    -- `gf` on a path of the transcript goes to the file of the worktree.
    vim.bo[buf].path = row.path:gsub("[ ,\\]", "\\%0")
  end
  local group = api.nvim_create_augroup("divisi.transcript." .. buf, {})
  local function window_options()
    for _, win in ipairs(vim.fn.win_findbuf(buf)) do
      local wo = vim.wo[win][0]
      wo.foldmethod = "expr"
      wo.foldexpr = "v:lua.require'divisi.ui.transcript'.foldexpr(v:lnum)"
      wo.foldtext = "v:lua.require'divisi.ui.transcript'.foldtext()"
      wo.foldlevel = 99
      wo.wrap = true
      wo.linebreak = true
      wo.number = false
      wo.relativenumber = false
      wo.spell = false
      wo.list = false
    end
  end
  api.nvim_create_autocmd("BufWinEnter", { buffer = buf, group = group, callback = window_options })
  api.nvim_create_autocmd("BufWipeout", {
    buffer = buf,
    group = group,
    callback = function()
      buffers[session] = nil
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
  window.make_scratch(buf, "divisi-transcript")
  window_options()
  require("divisi.ui.list").map(buf, function()
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
  }, require("divisi.ui.list").keys)
  require("divisi.rpc").request("transcript/open", { session = session })
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
  window.open(buf, "transcript", "right", math.max(20, width))
end

return M
