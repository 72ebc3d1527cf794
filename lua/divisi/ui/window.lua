---Buffers and windows of our own, and opening a file of the person's.
local M = {}

local api = vim.api

---On a screen with fewer columns nothing is put side by side.
local NARROW = 90

---False, with a message, where layout must not change.
---@return boolean
function M.can_change_layout()
  if vim.fn.getcmdwintype() ~= "" then
    require("divisi.errors").warn("not in the command-line window; close it first (:q)")
    return false
  end
  return true
end

---Whether a window is part of the layout, and no float.
---@param win integer
---@return boolean
local function in_layout(win)
  return api.nvim_win_get_config(win).relative == ""
end

---@param name string
---@return integer?
local function existing(name)
  for _, buf in ipairs(api.nvim_list_bufs()) do
    if api.nvim_buf_get_name(buf) == name then
      return buf
    end
  end
end

---Makes a buffer ours: a scratch buffer that no one edits.
---@param buf integer
---@param filetype string
function M.make_scratch(buf, filetype)
  vim.bo[buf].buftype = "nofile"
  vim.bo[buf].bufhidden = "hide"
  vim.bo[buf].swapfile = false
  vim.bo[buf].undolevels = -1
  -- What agents write is shown in the last lines, where modelines are looked for.
  vim.bo[buf].modeline = false
  vim.bo[buf].buflisted = false
  vim.bo[buf].modifiable = false
  vim.bo[buf].filetype = filetype
end

---The buffer of a name, made by `make` when it does not exist.
---@param name string
---@param make fun(buf: integer)
---@return integer
function M.buffer(name, make)
  local buf = existing(name)
  if not buf then
    buf = api.nvim_create_buf(false, true)
    api.nvim_buf_set_name(buf, name)
  end
  if not vim.b[buf].divisi then
    vim.b[buf].divisi = name
    vim.fn.bufload(buf)
    make(buf)
  end
  return buf
end

---Replaces what differs, and only that.
---@param buf integer
---@param lines string[]
---@return integer first zero-based first line that changed
---@return integer last line after the last that changed, in the new text
function M.set_lines(buf, lines)
  local old = api.nvim_buf_get_lines(buf, 0, -1, false)
  local first = 0
  while first < #old and first < #lines and old[first + 1] == lines[first + 1] do
    first = first + 1
  end
  local tail = 0
  while tail < #old - first and tail < #lines - first and old[#old - tail] == lines[#lines - tail] do
    tail = tail + 1
  end
  if first == #old and first == #lines then
    return first, first
  end
  vim.bo[buf].modifiable = true
  if #old == #lines then
    -- The same rows: each changed one by itself, so that marks and cursors elsewhere stay.
    for index = first + 1, #lines - tail do
      if old[index] ~= lines[index] then
        api.nvim_buf_set_lines(buf, index - 1, index, false, { lines[index] })
      end
    end
  else
    api.nvim_buf_set_lines(buf, first, #old - tail, false, vim.list_slice(lines, first + 1, #lines - tail))
  end
  vim.bo[buf].modifiable = false
  return first, #lines - tail
end

---The window of this tab that shows a buffer.
---@param buf integer
---@return integer?
function M.shown(buf)
  for _, win in ipairs(api.nvim_tabpage_list_wins(0)) do
    if api.nvim_win_get_buf(win) == buf then
      return win
    end
  end
end

---Makes the ways back from a new window (|CTRL-W_p|, |:quit|) lead to where the person was: |nvim_open_win()| leads to the window that
---gave its room, and |:quit| to the first one beside.
---@param made integer
---@param from integer
local function leads_back(made, from)
  if vim.fn.win_getid(vim.fn.winnr("#")) ~= from and api.nvim_win_is_valid(from) then
    vim.cmd(("noautocmd call win_gotoid(%d) | noautocmd call win_gotoid(%d)"):format(from, made))
  end
  api.nvim_create_autocmd("WinClosed", {
    pattern = tostring(made),
    once = true,
    -- What is done on entering a window is done.
    nested = true,
    callback = function()
      local before = vim.fn.win_getid(vim.fn.winnr("#"))
      if api.nvim_get_current_win() == made and before ~= 0 and before ~= made then
        api.nvim_set_current_win(before)
      end
    end,
  })
end

---Shows one of our buffers in a window of our own in this tab and goes there; the person asked for it.
---@param buf integer
---@param role string windows of the same role are used again
---@param split 'below'|'right'
---@param size integer
---@param beside integer? the window that gives its room; without one a window with files, or the whole screen
---@return integer? win
function M.open(buf, role, split, size, beside)
  if not M.can_change_layout() then
    return
  end
  -- The person asked from a mapping of another mode.
  if api.nvim_get_mode().mode:match("^[it]") then
    vim.cmd.stopinsert()
  end
  local win = M.shown(buf)
  if not win then
    for _, candidate in ipairs(api.nvim_tabpage_list_wins(0)) do
      if vim.w[candidate].divisi == role and vim.b[api.nvim_win_get_buf(candidate)].divisi then
        win = candidate
        vim.wo[win][0].winfixbuf = false
        api.nvim_win_set_buf(win, buf)
        break
      end
    end
  end
  local from = api.nvim_get_current_win()
  if win then
    if win ~= from then
      -- Closing leads back to where the person came from last.
      vim.w[win].divisi_from = from
    end
    api.nvim_set_current_win(win)
    return win
  end
  -- Beside the files, above a list at the bottom; without files beside everything.
  local shape = { win = beside or split == "right" and M.normal_window() or -1 } ---@type vim.api.keyset.win_config
  shape.split = split
  if split == "below" then
    -- What is above keeps most of the screen.
    local room = beside and math.floor(api.nvim_win_get_height(beside) / 3) or math.floor(vim.o.lines / 4)
    shape.height = math.min(size, math.max(3, room))
  elseif vim.o.columns < NARROW then
    -- Text in half of a narrow screen is not readable: there it stands above the files.
    shape.split = "above"
    shape.height = math.max(4, math.floor(vim.o.lines * 0.5))
  else
    shape.width = size
  end
  local ok, made = pcall(api.nvim_open_win, buf, true, shape)
  if not ok then
    require("divisi.errors").warn("no window can be opened here: " .. tostring(made))
    return
  end
  vim.w[made].divisi = role
  vim.w[made].divisi_from = from
  leads_back(made, from)
  if split == "right" then
    M.keep_readable()
  end
  return made
end

local keeping = false

---Neovim takes what a smaller screen lacks from the last window of a row: ours gets its share back.
function M.keep_readable()
  if keeping then
    return
  end
  keeping = true
  api.nvim_create_autocmd("VimResized", {
    group = api.nvim_create_augroup("divisi.window", {}),
    callback = function()
      for _, win in ipairs(api.nvim_tabpage_list_wins(0)) do
        local ours = vim.w[win].divisi and in_layout(win)
        if ours and api.nvim_win_get_width(win) < math.min(30, math.floor(vim.o.columns / 3)) then
          api.nvim_win_set_width(win, math.floor(vim.o.columns / 2))
        end
      end
    end,
  })
end

---Shows one of our buffers in a float that has the focus until it is left. The border is the person's ('winborder').
---@param buf integer
---@param role string
---@param title string
---@param width integer at most
---@param height integer at most
---@return integer? win
function M.float(buf, role, title, width, height)
  if not M.can_change_layout() then
    return
  end
  if api.nvim_get_mode().mode:match("^[it]") then
    vim.cmd.stopinsert()
  end
  local from = api.nvim_get_current_win()
  if api.nvim_win_get_config(from).relative ~= "" and api.nvim_win_get_buf(from) == buf then
    return from
  end
  local function shape()
    local wide = math.max(10, math.min(width, vim.o.columns - 4))
    -- One line more for the title, and two for a border.
    local high = math.max(3, math.min(height, vim.o.lines - vim.o.cmdheight - 5))
    return {
      relative = "editor",
      row = math.max(0, math.floor((vim.o.lines - high) / 2) - 1),
      col = math.max(0, math.floor((vim.o.columns - wide) / 2)),
      width = wide,
      height = high,
    }
  end
  local made = api.nvim_open_win(buf, true, vim.tbl_extend("force", shape(), { style = "minimal", zindex = 40 }))
  vim.w[made].divisi = role
  vim.w[made].divisi_from = from
  vim.wo[made][0].winbar = "%<" .. (" " .. title):gsub("%%", "%%%%")
  local group = api.nvim_create_augroup("divisi.float." .. role, { clear = true })
  api.nvim_create_autocmd("VimResized", {
    group = group,
    callback = function()
      if api.nvim_win_is_valid(made) then
        api.nvim_win_set_config(made, shape())
      end
    end,
  })
  -- What a key of it opens stands in a window of its own, below which a float would only be in the way.
  api.nvim_create_autocmd("WinLeave", {
    group = group,
    callback = function()
      if api.nvim_get_current_win() == made then
        vim.schedule(function()
          local current = api.nvim_get_current_win()
          if api.nvim_win_is_valid(made) and current ~= made and in_layout(current) then
            api.nvim_win_close(made, true)
          end
        end)
      end
    end,
  })
  return made
end

---Closes a window of ours; the last one of the last tab shows an empty buffer instead.
---@param win integer
function M.close(win)
  if not api.nvim_win_is_valid(win) then
    return
  end
  local from, current = vim.w[win].divisi_from, api.nvim_get_current_win() == win
  -- Where the person was before, however they came here; what closed meanwhile is no place to go to.
  local before = current and vim.fn.win_getid(vim.fn.winnr("#")) or 0
  if before ~= 0 and before ~= win then
    from = before
  end
  local ok = pcall(api.nvim_win_close, win, false)
  if ok and current and from and api.nvim_win_is_valid(from) then
    -- Back to where it was opened from.
    if api.nvim_win_get_tabpage(from) == api.nvim_get_current_tabpage() then
      api.nvim_set_current_win(from)
    end
  end
  if not ok then
    vim.wo[win][0].winfixbuf = false
    api.nvim_win_set_buf(win, api.nvim_create_buf(true, false))
  end
end

---Shows the keys of a view in a float that any key closes.
---@param lines string[]
function M.help(lines)
  local buf = api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = "wipe"
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  local width = 10
  for _, line in ipairs(lines) do
    width = math.max(width, vim.fn.strdisplaywidth(line) + 1)
  end
  local win = api.nvim_open_win(buf, true, {
    relative = "editor",
    row = math.max(0, math.floor((vim.o.lines - #lines) / 2) - 1),
    col = math.max(0, math.floor((vim.o.columns - width) / 2)),
    width = math.min(width, vim.o.columns),
    height = math.min(#lines, math.max(1, vim.o.lines - 4)),
    style = "minimal",
    zindex = 50,
  })
  for _, key in ipairs({ "q", "<Esc>", "<CR>", "g?" }) do
    vim.keymap.set("n", key, function()
      if api.nvim_win_is_valid(win) then
        api.nvim_win_close(win, true)
      end
    end, { buffer = buf, nowait = true, desc = "divisi: close the help" })
  end
  api.nvim_create_autocmd("WinLeave", {
    buffer = buf,
    once = true,
    callback = function()
      vim.schedule(function()
        if api.nvim_win_is_valid(win) then
          api.nvim_win_close(win, true)
        end
      end)
    end,
  })
end

---Shows text in a float that has the focus until it is closed.
---@param title string
---@param lines string[]
---@param filetype string
---@return integer win
function M.page(title, lines, filetype)
  local buf = api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = "wipe"
  vim.bo[buf].modeline = false
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
  -- Not the filetype itself: nobody's settings for files belong here.
  if not pcall(vim.treesitter.start, buf, filetype) then
    vim.bo[buf].syntax = filetype
  end
  local width = math.min(100, math.max(20, vim.o.columns - 6))
  -- One line more for the title.
  local height = math.max(2, math.min(#lines + 1, vim.o.lines - 6))
  local win = api.nvim_open_win(buf, true, {
    relative = "editor",
    row = math.max(0, math.floor((vim.o.lines - height) / 2) - 2),
    col = math.max(0, math.floor((vim.o.columns - width) / 2) - 1),
    width = width,
    height = height,
    style = "minimal",
    zindex = 50,
  })
  local wo = vim.wo[win][0]
  wo.wrap = true
  wo.linebreak = true
  wo.winfixbuf = true
  wo.winbar = "%<" .. (" " .. title .. " · q closes"):gsub("%%", "%%%%"):gsub("%c", " ")
  for _, key in ipairs({ "q", "<Esc>" }) do
    vim.keymap.set("n", key, function()
      if api.nvim_win_is_valid(win) then
        api.nvim_win_close(win, true)
      end
    end, { buffer = buf, nowait = true, desc = "divisi: close" })
  end
  return win
end

---A window of this tab in which a person edits files: the current one, the one before, any.
---@return integer?
function M.normal_window()
  ---@param win integer
  ---@return boolean
  local function normal(win)
    return win ~= 0
      and api.nvim_win_is_valid(win)
      and api.nvim_win_get_config(win).relative == ""
      and vim.bo[api.nvim_win_get_buf(win)].buftype == ""
      and not vim.wo[win].winfixbuf
      and not vim.wo[win].previewwindow
  end
  for _, win in ipairs({ api.nvim_get_current_win(), vim.fn.win_getid(vim.fn.winnr("#")) }) do
    if normal(win) then
      return win
    end
  end
  for _, win in ipairs(api.nvim_tabpage_list_wins(0)) do
    if normal(win) then
      return win
    end
  end
end

---Whether a swap file is of a Neovim that runs, or has what nobody wrote. One that a killed Neovim left of a file that it only
---showed has neither: it is deleted, as Neovim itself does where the file is still the same.
---@param swap string
---@return boolean
local function holds_something(swap)
  local info = vim.fn.swapinfo(swap)
  if info.error or info.pid ~= 0 or info.dirty ~= 0 or info.host ~= vim.uv.os_gethostname() then
    return true
  end
  os.remove(swap)
  return false
end

---Loads a file without asking and telling about swap files: one that somebody else edits is opened read-only.
---@param path string
---@return integer buf
function M.load_file(path)
  local buf = vim.fn.bufadd(path)
  if not api.nvim_buf_is_loaded(buf) then
    local shortmess = vim.o.shortmess
    vim.opt.shortmess:append("A")
    local ok, err = pcall(vim.fn.bufload, buf)
    vim.o.shortmess = shortmess
    if not ok then
      error(err, 0)
    end
    local swap = vim.fn.swapname(buf)
    if swap ~= "" and not swap:match("%.swp$") and holds_something(swap:sub(1, -5) .. ".swp") then
      -- The first name was taken: another Neovim has it, or one crashed that can still be recovered.
      vim.bo[buf].readonly = true
    end
  end
  vim.bo[buf].buflisted = true
  return buf
end

---Fills a `divisi://` buffer that was opened by name.
---@param buf integer
---@param name string
function M.read(buf, name)
  local kind, rest = name:match("^divisi://(%w+)/?(.*)$")
  if kind == "session" and rest ~= "" then
    -- Which session that is, is known once there is a connection.
    M.make_scratch(buf, "")
    require("divisi.commands").with_session(rest, function(row)
      if api.nvim_buf_is_valid(buf) then
        vim.b[buf].divisi = name
        require("divisi.ui.transcript").make(buf, row.id)
      end
    end)
    return
  end
  if kind == "prompt" and rest ~= "" then
    require("divisi.commands").with_session(rest, function(row)
      if api.nvim_buf_is_valid(buf) then
        vim.b[buf].divisi = name
        require("divisi.ui.prompt").make(buf, row.id)
      end
    end)
    return
  end
  vim.b[buf].divisi = name
  if kind == "batch" and rest and rest ~= "" then
    require("divisi.ui.batch").make(buf, rest)
  elseif kind == "batches" then
    require("divisi.ui.batch").make_list(buf)
  elseif kind == "bench" and rest and rest ~= "" then
    require("divisi.ui.bench").make(buf, rest)
  elseif kind == "benches" then
    require("divisi.ui.bench").make_list(buf)
  elseif kind == "sessions" then
    require("divisi.ui.list").make(buf)
  elseif kind == "approvals" then
    require("divisi.ui.approvals").make(buf)
  else
    M.make_scratch(buf, "")
  end
end

return M
