---`divisi://sessions`: one row per session, what needs a person first.
local M = {}

local api = vim.api
local mirror = require("divisi.mirror")
local window = require("divisi.ui.window")

local NAME = "divisi://sessions"
local ns = api.nvim_create_namespace("divisi.list")

---@type integer?
local buffer
---False until the buffer was painted once.
local painted = false
---The sessions of the lines, by line.
---@type string[]
local ids = {}

---@class divisi.Segment
---@field [1] string text
---@field [2] string? highlight

---@param text string
---@param width integer
---@return string
local function padded(text, width)
  local room = width - vim.fn.strdisplaywidth(text)
  if room < 0 then
    text = vim.fn.strcharpart(text, 0, width - 1) .. "…"
    room = width - vim.fn.strdisplaywidth(text)
  end
  return text .. (" "):rep(math.max(0, room))
end

---@param row divisi.Row
---@return string added
---@return string removed
---@return string files
local function stat_of(row)
  if row.files == 0 then
    return "", "", ""
  end
  return "+" .. row.added, " −" .. row.removed_lines, ("/%d"):format(row.files)
end

---@class divisi.Widths
---@field name integer
---@field agent integer
---@field stat integer
---@field repository integer 0 when all rows are of one

---Columns are as wide as what is in them: in a narrow window the rest of a row is what somebody looks for.
---@param rows divisi.Row[]
---@return divisi.Widths
local function widths_of(rows)
  local widths = { name = 8, agent = 5, stat = 0, repository = 0 } ---@type divisi.Widths
  local repositories = {} ---@type table<string, boolean>
  for _, row in ipairs(rows) do
    local width = vim.fn.strdisplaywidth
    widths.name = math.min(24, math.max(widths.name, width(row.name)))
    widths.agent = math.min(12, math.max(widths.agent, width(row.agent or "")))
    widths.stat = math.max(widths.stat, width(table.concat({ stat_of(row) })))
    repositories[row.repository or ""] = true
  end
  if vim.tbl_count(repositories) > 1 then
    widths.repository = 12
  end
  return widths
end

---@param row divisi.Row
---@param widths divisi.Widths
---@return divisi.Segment[]
local function segments(row, widths)
  local highlight = require("divisi.ui.highlight").of_state(row.state)
  local what = row.reason or row.activity or row.prompt or ""
  if row.state == "awaiting_input" and row.waiting_for then
    what = ("%s · %s"):format(row.waiting_for, what)
  end
  local added, removed, files = stat_of(row)
  local parts = {
    { row.unread and "● " or "  ", "DivisiUnread" },
    { padded(row.state, 15), highlight },
    { padded(row.name, widths.name) .. " ", "DivisiName" },
    { padded(row.agent or "", widths.agent) .. " ", "DivisiQuiet" },
    { added, "DivisiAdded" },
    { removed, "DivisiRemoved" },
    { files, "DivisiQuiet" },
  }
  if widths.stat > 0 then
    local stat = vim.fn.strdisplaywidth(added .. removed .. files)
    table.insert(parts, { (" "):rep(widths.stat + 1 - stat) })
  end
  if widths.repository > 0 then
    table.insert(parts, { padded(vim.fs.basename(row.repository or ""), widths.repository) .. " ", "DivisiQuiet" })
  end
  table.insert(parts, { row.queued > 0 and ("[%d queued] "):format(row.queued) or "", "DivisiQuiet" })
  table.insert(parts, { what })
  table.insert(parts, { row.cost and ("  " .. row.cost) or "", "DivisiQuiet" })
  return parts
end

---@param parts divisi.Segment[]
---@return string
local function text_of(parts)
  local texts = {} ---@type string[]
  for _, part in ipairs(parts) do
    table.insert(texts, part[1])
  end
  return (table.concat(texts):gsub("%s+$", ""):gsub("[\r\n]", " "))
end

---@param buf integer
---@param line integer zero-based
---@param parts divisi.Segment[]
local function paint(buf, line, parts)
  api.nvim_buf_clear_namespace(buf, ns, line, line + 1)
  local column = 0
  local length = #(api.nvim_buf_get_lines(buf, line, line + 1, false)[1] or "")
  for _, part in ipairs(parts) do
    local stop = math.min(column + #part[1], length)
    if part[2] and stop > column then
      api.nvim_buf_set_extmark(buf, ns, line, column, { end_col = stop, hl_group = part[2] })
    end
    column = column + #part[1]
  end
end

---@return string
local function nothing()
  local state = mirror.connection.state
  if state == "attached" then
    return "  No sessions yet. :Divisi new {prompt} starts one."
  elseif state == "lost" then
    return "  Not connected: " .. ((mirror.connection.message or ""):gsub("[\r\n]", " ")) .. " (:checkhealth divisi)"
  end
  return "  Connecting…"
end

---Windows that show the list, with the session their cursor is on.
---@param buf integer
---@return table<integer, string?>
local function cursors(buf)
  local found = {}
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    found[win] = ids[api.nvim_win_get_cursor(win)[1]] or ""
  end
  return found
end

---Shows the newest rows.
function M.update()
  if not buffer or not api.nvim_buf_is_loaded(buffer) then
    return
  end
  local rows = mirror.sorted()
  local widths = widths_of(rows)
  local before = cursors(buffer)
  local lines, all, new_ids = {}, {}, {} ---@type string[], divisi.Segment[][], string[]
  for index, row in ipairs(rows) do
    all[index] = segments(row, widths)
    lines[index] = text_of(all[index])
    new_ids[index] = row.id
  end
  if #lines == 0 then
    lines = { nothing() }
  end
  local old = api.nvim_buf_get_lines(buffer, 0, -1, false)
  window.set_lines(buffer, lines)
  ids = new_ids
  for index = 1, #lines do
    if #old ~= #lines or old[index] ~= lines[index] or not painted then
      paint(buffer, index - 1, all[index] or { { lines[index], "DivisiQuiet" } })
    end
  end
  painted = true
  for win, id in pairs(before) do
    for line, other in ipairs(ids) do
      local cursor = api.nvim_win_get_cursor(win)
      if other == id and cursor[1] ~= line then
        api.nvim_win_set_cursor(win, { line, cursor[2] })
      end
    end
  end
end

---The session of the row under the cursor, in the list.
---@return string?
function M.under_cursor()
  if buffer and api.nvim_get_current_buf() == buffer then
    return ids[api.nvim_win_get_cursor(0)[1]]
  end
end

---@return divisi.Row?
local function current()
  local id = M.under_cursor()
  return id and mirror.sessions[id]
end

---Keys of every view of a session: what they do and how the help calls it.
---@type { [1]: string, [2]: string, [3]: fun(row: divisi.Row) }[]
M.keys = {
  {
    "i",
    "send a prompt",
    function(row)
      require("divisi.commands").send(row, "")
    end,
  },
  {
    "s",
    "stop the turn",
    function(row)
      require("divisi.commands").stop(row)
    end,
  },
  {
    "d",
    "diff against the base",
    function(row)
      require("divisi.ui.diff").open(row)
    end,
  },
  {
    "a",
    "answer approvals",
    function(row)
      require("divisi.ui.approvals").open(row)
    end,
  },
  {
    "L",
    "land",
    function(row)
      require("divisi.ui.land").land(row)
    end,
  },
  {
    "W",
    "switch this tab to the worktree",
    function(row)
      require("divisi.ui.switch").here(row)
    end,
  },
  {
    "o",
    "a tab in the worktree",
    function(row)
      require("divisi.ui.switch").tab(row)
    end,
  },
}

---Maps the keys of a view.
---@param buf integer
---@param row_of fun(): divisi.Row?
---@param more { [1]: string, [2]: string, [3]: fun() }[]
---@param row_keys { [1]: string, [2]: string, [3]: fun(row: divisi.Row) }[]
function M.map(buf, row_of, more, row_keys)
  local help = {} ---@type string[]
  local function map(key, what, run)
    vim.keymap.set("n", key, run, { buffer = buf, nowait = true, desc = "divisi: " .. what })
    table.insert(help, ("%-5s %s"):format(key, what))
  end
  for _, key in ipairs(more) do
    map(key[1], key[2], key[3])
  end
  for _, key in ipairs(row_keys) do
    map(key[1], key[2], function()
      local row = row_of()
      if row then
        key[3](row)
      else
        require("divisi.errors").notify("no session here")
      end
    end)
  end
  map("g?", "this help", function()
    require("divisi.ui.window").help(help)
  end)
end

---Makes a buffer the list.
---@param buf integer
function M.make(buf)
  buffer = buf
  window.make_scratch(buf, "divisi-sessions")
  local row_keys = vim.list_slice(M.keys)
  table.insert(row_keys, 1, {
    "<CR>",
    "transcript",
    function(row)
      require("divisi.ui.transcript").open(row)
    end,
  })
  table.insert(row_keys, {
    "D",
    "remove",
    function(row)
      require("divisi.ui.land").remove(row)
    end,
  })
  M.map(buf, current, {
    {
      "q",
      "close",
      function()
        window.close(api.nvim_get_current_win())
      end,
    },
    {
      "n",
      "new session",
      function()
        require("divisi.commands").run_verb("new", { args = {}, rest = "", bang = false })
      end,
    },
  }, row_keys)
  ids = {}
  painted = false
  M.update()
  require("divisi.host").start()
end

---Opens the list, or goes to it.
function M.open()
  require("divisi.commands").when_attached(function() end)
  local buf = window.buffer(NAME, M.make)
  local win = window.open(buf, "list", "below", require("divisi.config").get().list.height)
  if not win then
    return
  end
  local wo = vim.wo[win][0]
  wo.winfixbuf = true
  wo.winfixheight = true
  wo.wrap = false
  wo.number = false
  wo.relativenumber = false
  wo.signcolumn = "no"
  wo.foldcolumn = "0"
  wo.cursorline = true
  wo.spell = false
  wo.list = false
end

return M
