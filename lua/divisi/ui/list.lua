---`divisi://sessions`: one row per session, what needs a person first, grouped by repository.
local M = {}

local api = vim.api
local keys = require("divisi.ui.keys")
local mirror = require("divisi.mirror")
local rows = require("divisi.ui.list_rows")
local window = require("divisi.ui.window")

local NAME = "divisi://sessions"
local ns = api.nvim_create_namespace("divisi.list")
local messages = api.nvim_create_namespace("divisi.list.messages")

---@type integer?
local buffer
---What the buffer's lines are, by line; absent when it has to be painted anew.
---@type divisi.ListLine[]?
local shown
---Lines that changed while no window showed them.
local stale = false
---What is looked for; empty: everything.
local filter = ""
---Folded groups, by repository.
---@type table<string, boolean?>
local closed = {}
---Counts the seconds of what runs, while somebody looks.
---@type uv.uv_timer_t?
local clock
---The extmark of a session's message: a number for each session.
---@type table<string, integer?>
local numbers = {}
local next_number = 1

api.nvim_set_decoration_provider(ns, {
  on_win = function(_, _, buf)
    return buf == buffer and shown ~= nil
  end,
  -- Only what is on the screen is coloured: a thousand rows cost no more than ten.
  on_line = function(_, _, buf, line)
    local entry = shown and shown[line + 1]
    local column = 0
    if not entry then
      return
    end
    for _, cell in ipairs(entry.cells) do
      local stop = column + #cell[1]
      if stop > #entry.text then
        stop = #entry.text
      end
      if cell[2] and stop > column then
        api.nvim_buf_set_extmark(buf, ns, line, column, { end_col = stop, hl_group = cell[2], ephemeral = true })
      end
      column = column + #cell[1]
    end
  end,
})

---@return string
local function nothing()
  local state = mirror.connection.state
  if filter ~= "" and next(mirror.sessions) then
    return ("  Nothing matches /%s (/ to change it)"):format(filter)
  elseif state == "attached" then
    return "  No sessions yet. n or :Divisi new {prompt} starts one."
  elseif state == "lost" then
    return "  Not connected: " .. ((mirror.connection.message or ""):gsub("[\r\n]", " ")) .. " (:checkhealth divisi)"
  end
  return "  Connecting…"
end

---The narrowest window that shows the list.
---@param buf integer
---@return integer
local function width_for(buf)
  local width = vim.o.columns
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    width = math.min(width, api.nvim_win_get_width(win))
  end
  return width
end

---Shows the last message of lines below them.
---@param buf integer
---@param first integer zero-based
---@param last integer exclusive
---@param lines divisi.ListLine[]
local function say(buf, first, last, lines)
  api.nvim_buf_clear_namespace(buf, messages, first, last)
  if not require("divisi.config").get().list.messages then
    return
  end
  for index = first + 1, last do
    local line = lines[index]
    if line and line.id and line.message then
      local number = numbers[line.id]
      if not number then
        number = next_number
        next_number = number + 1
        numbers[line.id] = number
      end
      local text = { { "    " .. line.message:gsub("[\r\n]", " "), "DivisiQuiet" } }
      api.nvim_buf_set_extmark(buf, messages, index - 1, 0, { id = number, virt_lines = { text } })
    end
  end
end

---Replaces what differs: single rows where their number stays, else the part between the first and the last that differs.
---@param buf integer
---@param old divisi.ListLine[]
---@param new divisi.ListLine[]
local function replace(buf, old, new)
  local first, tail = 0, 0
  ---@param a divisi.ListLine?
  ---@param b divisi.ListLine?
  local function same(a, b)
    return a == b
      or a and b and (a.id == b.id and a.text == b.text and a.message == b.message and a.repository == b.repository)
  end
  while first < #old and first < #new and same(old[first + 1], new[first + 1]) do
    first = first + 1
  end
  while tail < #old - first and tail < #new - first and same(old[#old - tail], new[#new - tail]) do
    tail = tail + 1
  end
  if first == #old and first == #new then
    return
  end
  vim.bo[buf].modifiable = true
  if #old == #new then
    for index = first + 1, #new - tail do
      local before, after = old[index], new[index]
      if before and after and not same(before, after) then
        if before.text ~= after.text then
          api.nvim_buf_set_lines(buf, index - 1, index, false, { after.text })
        end
        say(buf, index - 1, index, new)
      end
    end
  else
    local texts = {} ---@type string[]
    for index = first + 1, #new - tail do
      local line = new[index] --[[@as divisi.ListLine]]
      table.insert(texts, line.text)
    end
    api.nvim_buf_clear_namespace(buf, messages, first, #old - tail)
    api.nvim_buf_set_lines(buf, first, #old - tail, false, texts)
    say(buf, first, #new - tail, new)
  end
  vim.bo[buf].modifiable = false
end

---Keeps the cursors of the list's windows on their sessions.
---@param buf integer
---@param change fun()
local function keeping_cursors(buf, change)
  local before = {} ---@type table<integer, string>
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local line = shown and shown[api.nvim_win_get_cursor(win)[1]]
    -- On a heading the cursor stays; where there was nothing to be on, it goes to the first session.
    before[win] = line and line.id or line and line.repository ~= "" and "heading" or ""
  end
  change()
  for win, id in pairs(before) do
    local cursor = api.nvim_win_get_cursor(win)
    for number, line in ipairs(shown or {}) do
      if line.id and (line.id == id or id == "") then
        if cursor[1] ~= number then
          api.nvim_win_set_cursor(win, { number, cursor[2] })
        end
        break
      end
    end
  end
end

---Shows the newest rows.
function M.update()
  local buf = buffer
  if not buf or not api.nvim_buf_is_loaded(buf) then
    return
  end
  if #vim.fn.win_findbuf(buf) == 0 then
    stale = true
    return
  end
  stale = false
  rows.forget(mirror.sessions)
  local lines = rows.lines(mirror.sorted(), width_for(buf), filter, closed)
  if #lines == 0 then
    lines = { { repository = "", text = nothing(), cells = { { nothing(), "DivisiQuiet" } } } }
  end
  keeping_cursors(buf, function()
    local old = shown
    if not old or #old ~= api.nvim_buf_line_count(buf) then
      vim.bo[buf].modifiable = true
      local texts = {} ---@type string[]
      for index, line in ipairs(lines) do
        texts[index] = line.text
      end
      api.nvim_buf_set_lines(buf, 0, -1, false, texts)
      vim.bo[buf].modifiable = false
      api.nvim_buf_clear_namespace(buf, messages, 0, -1)
      say(buf, 0, #lines, lines)
    else
      replace(buf, old, lines)
    end
    shown = vim.list_slice(lines)
  end)
end

---Counts on while a turn runs and a window shows the list.
local function tick()
  if not buffer or not api.nvim_buf_is_valid(buffer) or #vim.fn.win_findbuf(buffer) == 0 then
    if clock then
      clock:stop()
    end
    return
  end
  for _, row in pairs(mirror.sessions) do
    if row.began and not row.took then
      M.update()
      return
    end
  end
end

---The session of the row under the cursor, in the list.
---@return string?
function M.under_cursor()
  if buffer and shown and api.nvim_get_current_buf() == buffer then
    local line = shown[api.nvim_win_get_cursor(0)[1]]
    return line and line.id
  end
end

---@return divisi.Row?
local function current()
  local id = M.under_cursor()
  return id and mirror.sessions[id]
end

---Folds or opens the group of the row under the cursor.
local function toggle()
  local line = shown and shown[api.nvim_win_get_cursor(0)[1]]
  if line then
    closed[line.repository] = not closed[line.repository] or nil
    M.update()
  end
end

local function ask_filter()
  vim.ui.input({ prompt = "Only sessions with: ", default = filter }, function(text)
    if text then
      filter = vim.trim(text)
      M.update()
    end
  end)
end

---Makes a buffer the list.
---@param buf integer
function M.make(buf)
  buffer, shown = buf, nil
  window.make_scratch(buf, "divisi-sessions")
  local row_keys = vim.list_slice(keys.all)
  table.insert(row_keys, 1, {
    "<CR>",
    "transcript",
    function(row)
      require("divisi.ui.transcript").open(row)
    end,
  })
  table.insert(row_keys, {
    "dd",
    "remove, after its plan was shown",
    function(row)
      require("divisi.ui.land").remove(row)
    end,
  })
  keys.map(buf, current, {
    { "/", "filter", ask_filter },
    { "<Tab>", "fold or open a repository", toggle },
    { "za", "the same", toggle },
    {
      "n",
      "new session",
      function()
        require("divisi.ui.prompt").open_new()
      end,
    },
    {
      "q",
      "close",
      function()
        window.close(api.nvim_get_current_win())
      end,
    },
  }, row_keys)
  local group = api.nvim_create_augroup("divisi.list", {})
  clock = clock or assert(vim.uv.new_timer())
  api.nvim_create_autocmd("BufWinEnter", {
    buffer = buf,
    group = group,
    callback = function()
      if stale then
        M.update()
      end
      clock:start(1000, 1000, vim.schedule_wrap(tick))
    end,
  })
  api.nvim_create_autocmd({ "VimResized", "WinResized" }, { group = group, callback = M.update })
  M.update()
  clock:start(1000, 1000, vim.schedule_wrap(tick))
  require("divisi.host").start()
end

---Opens the list, or goes to it.
---@param float boolean? in a float over everything, or in a window; without it as the option `list.float` says
function M.open(float)
  require("divisi.commands").when_attached(function() end)
  local buf = window.buffer(NAME, M.make)
  local config = require("divisi.config").get().list
  if float == nil then
    float = config.float
  end
  local win
  if float then
    win = window.float(buf, "list", "sessions · g? keys · q closes", 100, math.max(config.height, 16))
  else
    win = window.open(buf, "list", "below", config.height)
  end
  if not win then
    return
  end
  local line = shown and shown[api.nvim_win_get_cursor(win)[1]]
  if shown and line and not line.id then
    -- A key that is pressed now means a session, not a heading.
    for number, other in ipairs(shown) do
      if other.id then
        api.nvim_win_set_cursor(win, { number, 0 })
        break
      end
    end
  end
  local wo = vim.wo[win][0]
  if not float then
    -- Neovim remembers what a buffer's last window looked like, a float too.
    wo.winbar = ""
    wo.fillchars = ""
  end
  wo.winfixbuf = true
  wo.winfixheight = not float
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
