---Boards: views whose lines the host process draws, dashboards of batches and benchmarks. Only what changed comes over.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local rpc = require("divisi.rpc")
local tab = require("divisi.ui.tab")
local window = require("divisi.ui.window")

---@class divisi.BoardLine
---@field cells { [1]: string, [2]: string }[]
---@field id string? what it stands for; absent: nothing
---@field failed boolean?
---@field title string?
---@field session string?
---@field runs { [1]: integer, [2]: integer, [3]: divisi.BoardLine }[]? in a matrix: what stands from which byte to which

---@class divisi.BoardKey
---@field [1] string
---@field [2] string what it does
---@field [3] fun(line: divisi.BoardLine?, view: divisi.Board)
---@field line boolean? it needs a line that stands for something

---@class divisi.Board
---@field board string its name at the host
---@field buf integer
---@field lines divisi.BoardLine[]
---@field about table
---@field columns integer? what the host draws for; absent: nobody looks
---@field matrix boolean? task by agent instead of a line for each run

---@type table<string, divisi.Board?>
local boards = {}
---@type table<integer, divisi.Board?>
local of_buffer = {}

local ns = api.nvim_create_namespace("divisi.board")

api.nvim_set_decoration_provider(ns, {
  on_win = function(_, _, buf)
    return of_buffer[buf] ~= nil
  end,
  -- Only what is on the screen is coloured.
  on_line = function(_, _, buf, line)
    local view = of_buffer[buf]
    local entry = view and view.lines[line + 1]
    local column = 0
    for _, cell in ipairs(entry and entry.cells or {}) do
      local stop = column + #cell[1]
      if cell[2] ~= "" then
        pcall(api.nvim_buf_set_extmark, buf, ns, line, column, { end_col = stop, hl_group = cell[2], ephemeral = true })
      end
      column = stop
    end
  end,
})

---@param line divisi.BoardLine
---@return string
local function text_of(line)
  local texts = {} ---@type string[]
  for index, cell in ipairs(line.cells) do
    texts[index] = cell[1]
  end
  return table.concat(texts)
end

---The narrowest window that shows a buffer; nil when none does.
---@param buf integer
---@return integer?
local function columns_of(buf)
  local columns ---@type integer?
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local width = api.nvim_win_get_width(win)
    columns = columns and math.min(columns, width) or width
  end
  return columns
end

---Tells the host who looks at what.
---@param view divisi.Board
---@param again boolean? also when nothing changed
local function watch(view, again)
  local columns = api.nvim_buf_is_valid(view.buf) and columns_of(view.buf) or nil
  if columns == view.columns and not again then
    return
  end
  view.columns = columns
  if columns then
    rpc.request("board/open", { board = view.board, columns = columns, matrix = view.matrix }, function() end)
  elseif require("divisi.host").running() then
    rpc.request("board/close", { board = view.board }, function() end)
  end
end

---What a line stands for: itself, or what it has side by side.
---@param line divisi.BoardLine
---@return divisi.BoardLine[]
local function entries_of(line)
  if not line.runs then
    return line.id and { line } or {}
  end
  return vim.tbl_map(function(spot)
    return spot[3]
  end, line.runs)
end

---Everything that a board's lines stand for.
---@param view divisi.Board
---@return divisi.BoardLine[]
function M.entries(view)
  local all = {} ---@type divisi.BoardLine[]
  for _, line in ipairs(view.lines) do
    vim.list_extend(all, entries_of(line))
  end
  return all
end

---What stands under the cursor; side by side: what begins before it last, or the first.
---@param view divisi.Board
---@return divisi.BoardLine?
local function current(view)
  local win = api.nvim_get_current_win()
  if api.nvim_win_get_buf(win) ~= view.buf then
    return
  end
  local cursor = api.nvim_win_get_cursor(win)
  local line = view.lines[cursor[1]]
  if not line or not line.runs then
    return line and line.id and line or nil
  end
  local found = line.runs[1]
  for _, spot in ipairs(line.runs) do
    if spot[1] <= cursor[2] then
      found = spot
    end
  end
  return found and found[3]
end

---Shows a matrix, or lines, instead.
---@param view divisi.Board
function M.turn(view)
  view.matrix = not view.matrix
  watch(view, true)
end

---Goes to the next that failed, or the one before.
---@param view divisi.Board
---@param step integer
local function to_failed(view, step)
  local at = api.nvim_win_get_cursor(0)
  local found ---@type [integer, integer]?
  for number, line in ipairs(view.lines) do
    for _, spot in ipairs(line.runs or { { 0, 0, line } }) do
      local here = { number, spot[1] }
      local before = here[1] < at[1] or (here[1] == at[1] and here[2] < at[2])
      local after = here[1] > at[1] or (line.runs and here[1] == at[1] and here[2] > at[2])
      if spot[3].failed and ((step > 0 and after and not found) or (step < 0 and before)) then
        found = here
      end
    end
  end
  if found then
    api.nvim_win_set_cursor(0, found)
  else
    errors.notify(step > 0 and "nothing below failed" or "nothing above failed")
  end
end

---@param view divisi.Board
---@param wanted divisi.BoardKey[]
local function map(view, wanted)
  local keys = vim.list_slice(wanted)
  vim.list_extend(keys, {
    {
      "]]",
      "next that failed",
      function()
        to_failed(view, 1)
      end,
    },
    {
      "[[",
      "previous that failed",
      function()
        to_failed(view, -1)
      end,
    },
    { "q", "close", tab.close },
  })
  local help = {} ---@type string[]
  for _, key in ipairs(keys) do
    table.insert(help, ("%-5s %s"):format(key[1], key[2]))
    vim.keymap.set("n", key[1], function()
      local line = current(view)
      if key.line and not line then
        errors.notify("nothing on this line")
      else
        key[3](line, view)
      end
    end, { buffer = view.buf, nowait = true, desc = "divisi: " .. key[2] })
  end
  vim.keymap.set("n", "g?", function()
    window.help(help)
  end, { buffer = view.buf, nowait = true, desc = "divisi: help" })
end

---@param win integer
local function dress(win)
  local wo = vim.wo[win][0]
  wo.wrap = false
  wo.number = false
  wo.relativenumber = false
  wo.signcolumn = "no"
  wo.foldcolumn = "0"
  wo.cursorline = true
  wo.spell = false
  wo.list = false
end

---Makes a buffer a board.
---@param buf integer
---@param board string
---@param filetype string
---@param keys divisi.BoardKey[]
---@return divisi.Board
function M.make(buf, board, filetype, keys)
  local view = { board = board, buf = buf, lines = {}, about = {} } ---@type divisi.Board
  boards[board], of_buffer[buf] = view, view
  window.make_scratch(buf, filetype)
  map(view, keys)
  local group = api.nvim_create_augroup("divisi.board." .. buf, {})
  local look = vim.schedule_wrap(function()
    if of_buffer[buf] == view then
      for _, win in ipairs(vim.fn.win_findbuf(buf)) do
        dress(win)
      end
      watch(view)
    end
  end)
  api.nvim_create_autocmd({ "BufWinEnter", "BufWinLeave" }, { buffer = buf, group = group, callback = look })
  api.nvim_create_autocmd({ "VimResized", "WinResized" }, {
    group = group,
    callback = function()
      if of_buffer[buf] == view then
        watch(view)
      end
    end,
  })
  api.nvim_create_autocmd("BufWipeout", {
    buffer = buf,
    group = group,
    callback = function()
      boards[board], of_buffer[buf] = nil, nil
      view.buf = -1
      watch(view)
      pcall(api.nvim_del_augroup_by_id, group)
    end,
  })
  look()
  return view
end

---Puts cursors that stand on nothing on the first line that stands for something.
---@param view divisi.Board
local function to_first(view)
  for number, line in ipairs(view.lines) do
    if line.id then
      for _, win in ipairs(vim.fn.win_findbuf(view.buf)) do
        local on = view.lines[api.nvim_win_get_cursor(win)[1]]
        if not (on and on.id) then
          api.nvim_win_set_cursor(win, { number, line.runs and line.runs[1] and line.runs[1][1] or 0 })
          -- With what stands above it.
          api.nvim_win_call(win, function()
            vim.fn.winrestview({ topline = 1 })
          end)
        end
      end
      return
    end
  end
end

---Shows a board in a tab of its own, or where it is shown already.
---@param buf integer
function M.tab(buf)
  local win, made = tab.open(buf, "board")
  if not win or not made then
    return
  end
  dress(win)
  local view = of_buffer[buf]
  if view then
    to_first(view)
  end
end

---@param view divisi.Board
---@param lines string[]
---@param first integer
---@param last integer
local function set(view, first, last, lines)
  vim.bo[view.buf].modifiable = true
  api.nvim_buf_set_lines(view.buf, first, last, false, lines)
  vim.bo[view.buf].modifiable = false
end

---What the cursors of a board stand on, by window.
---@param view divisi.Board
---@return table<integer, string>
local function stood_on(view)
  local ids = {} ---@type table<integer, string>
  for _, win in ipairs(vim.fn.win_findbuf(view.buf)) do
    local line = view.lines[api.nvim_win_get_cursor(win)[1]]
    ids[win] = line and line.id or nil
  end
  return ids
end

---A key means what the cursor stood on, also when lines came or went above it.
---@param view divisi.Board
---@param ids table<integer, string>
local function stand_again(view, ids)
  for win, id in pairs(ids) do
    local cursor = api.nvim_win_get_cursor(win)
    local now = view.lines[cursor[1]]
    if not now or now.id ~= id then
      for number, line in ipairs(view.lines) do
        if line.id == id then
          api.nvim_win_set_cursor(win, { number, cursor[2] })
          break
        end
      end
    end
  end
end

---Draws what the host sent.
---@param op { board: string, reset: boolean?, count: integer?, lines: table?, about: table?, error: divisi.Refusal? }
function M.apply(op)
  local view = boards[op.board]
  if not view or not api.nvim_buf_is_loaded(view.buf) then
    return
  end
  if op.error then
    if #view.lines == 0 then
      set(view, 0, -1, { "  " .. (tostring(op.error.message):gsub("[\r\n]", " ")) })
    end
    errors.refused(op.error)
    return
  end
  local before = #view.lines
  local fresh = op.reset or before == 0
  if not fresh and api.nvim_buf_line_count(view.buf) ~= before then
    -- It was unloaded meanwhile.
    watch(view, true)
    return
  end
  local ids = stood_on(view)
  local start, texts = nil, {} ---@type integer?, string[]
  -- Lines that follow each other are set at once.
  local function flush()
    if start then
      local stop = math.min(start - 1 + #texts, math.max(before, start - 1))
      set(view, start - 1, fresh and start == 1 and -1 or stop, texts)
    end
    start, texts = nil, {}
  end
  if op.reset then
    view.lines = {}
  end
  for _, entry in ipairs(op.lines or {}) do
    local index, line = entry[1], entry[2] ---@type integer, divisi.BoardLine
    if start and index ~= start + #texts then
      flush()
    end
    start = start or index
    view.lines[index] = line
    table.insert(texts, (text_of(line):gsub("[\r\n]", " ")))
  end
  flush()
  local count = op.count or #view.lines
  if not fresh and count < before then
    set(view, count, -1, {})
  end
  for index = #view.lines, count + 1, -1 do
    view.lines[index] = nil
  end
  view.about = op.about or view.about
  stand_again(view, ids)
  if before == 0 then
    to_first(view)
  end
end

---The host process was started anew: it knows of no board.
function M.reopen()
  for _, view in pairs(boards) do
    if view.columns then
      watch(view, true)
    end
  end
end

---The board of a buffer.
---@param buf integer
---@return divisi.Board?
function M.of(buf)
  return of_buffer[buf]
end

return M
