---Reviews: a tab with the files of a session, the changes marked in the working files themselves.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local rpc = require("divisi.rpc")
local window = require("divisi.ui.window")
local inline = require("divisi.ui.review.inline")
local panel = require("divisi.ui.review.panel")

---@type table<integer, divisi.Review>
local reviews = {}
---What every session's range was last, and what is being read.
---@type table<divisi.Review, ('reading'|'again')?>
local reading = {}
---Who waits for what is being read.
---@type table<divisi.Review, (fun())[]>
local readers = {}

local listening = false

---The review of the current tab.
---@return divisi.Review?
function M.current()
  return reviews[api.nvim_get_current_tabpage()]
end

---@param review divisi.Review
---@param path string?
---@return divisi.ReviewFile?
---@return integer?
function M.file(review, path)
  for index, file in ipairs(review.data.files) do
    if file.path == path then
      return file, index
    end
  end
end

---Whether the review's window shows what is reviewed; a person may have gone elsewhere in it.
---@param review divisi.Review
---@return boolean
function M.shows(review)
  return api.nvim_win_is_valid(review.win) and api.nvim_win_get_buf(review.win) == review.buf
end

---Which side of the diff a window shows.
---@param review divisi.Review
---@param win integer
---@return 'new'|'old'|nil
function M.side_of(review, win)
  local file = M.file(review, review.path)
  if win == review.left_win then
    return "old"
  elseif win == review.win and M.shows(review) then
    return file and file.status == "deleted" and "old" or "new"
  end
end

---@param review divisi.Review
---@param file divisi.ReviewFile
---@return string
local function full(review, file)
  return vim.fs.joinpath(review.row.path, file.path)
end

---Marks what the review's windows show.
---@param review divisi.Review
function M.draw(review)
  local file = M.file(review, review.path)
  if api.nvim_get_current_tabpage() ~= review.tab or not api.nvim_win_is_valid(review.win) then
    return
  end
  for buf in pairs(review.marks) do
    inline.clear(buf)
  end
  if file and M.shows(review) then
    inline.draw(review, review.win, M.side_of(review, review.win) or "new", file)
    if review.left_win and api.nvim_win_is_valid(review.left_win) then
      inline.draw(review, review.left_win, "old", file)
    end
  end
end

---@param review divisi.Review
local function render(review)
  panel.render(review)
  M.draw(review)
end
M.render = render

---Reading ended.
---@param review divisi.Review
---@return boolean again whether somebody asked meanwhile
local function ended(review)
  local again = reading[review] == "again"
  reading[review] = nil
  return again
end

---Reads everything again; requests that come meanwhile are one more.
---@param review divisi.Review
---@param done? fun()
function M.refresh(review, done)
  readers[review] = readers[review] or {}
  if done then
    table.insert(readers[review], done)
  end
  if reading[review] then
    reading[review] = "again"
    return
  end
  reading[review] = "reading"
  rpc.request("review/show", { session = review.row.id, of = review.of }, function(data, refusal)
    local again = ended(review)
    if not api.nvim_tabpage_is_valid(review.tab) then
      readers[review] = nil
      return
    end
    if refusal then
      errors.refused(refusal)
    elseif type(data) == "table" then
      review.data = data
      for id in pairs(review.pending) do
        local queued = vim.tbl_filter(function(item)
          return item.hunk.id == id
        end, review.queue)
        if #queued == 0 then
          review.pending[id] = nil
        end
      end
      review.pending_count = vim.tbl_count(review.pending)
      M.fit(review)
      render(review)
    end
    if again then
      M.refresh(review)
      return
    end
    local waiting = readers[review] or {}
    readers[review] = nil
    for _, ready in ipairs(waiting) do
      ready()
    end
  end)
end

---The buffer in which a file is reviewed: the file itself, or what it was when it is gone.
---@param review divisi.Review
---@param file divisi.ReviewFile
---@param done fun(buf: integer)
local function buffer(review, file, done)
  if file.openable and file.status ~= "deleted" and vim.uv.fs_stat(full(review, file)) then
    local path = full(review, file)
    local known = vim.fn.bufloaded(path) == 1
    local ok, buf = pcall(window.load_file, path)
    if not ok then
      errors.error(("failed to open %s: %s"):format(file.shown, tostring(buf)))
      return
    end
    review.loaded[buf] = review.loaded[buf] or not known
    done(buf)
  elseif file.binary or not file.openable then
    local name = ("divisi://review/%s/%s"):format(review.row.name, file.shown)
    local buf = window.buffer(name, function(made)
      window.make_scratch(made, "")
      vim.bo[made].bufhidden = "wipe"
    end)
    window.set_lines(buf, {
      ("%s is %s; look at it in the worktree"):format(
        file.shown,
        file.binary and "binary or too long" or "not UTF-8 by name"
      ),
    })
    done(buf)
  else
    require("divisi.ui.review.sides").old(review, file, done)
  end
end

---The window of the file, made again when it was closed.
---@param review divisi.Review
---@return integer
local function file_window(review)
  if not api.nvim_win_is_valid(review.win) or api.nvim_win_get_tabpage(review.win) ~= review.tab then
    local buf = api.nvim_create_buf(false, true)
    vim.bo[buf].bufhidden = "wipe"
    review.win = M.split(review, buf)
  end
  return review.win
end

---Shows a file; `line` is one of it, without one the first hunk that waits for a decision is gone to.
---@param review divisi.Review
---@param path string
---@param line integer?
---@param done? fun()
function M.show(review, path, line, done)
  local file = M.file(review, path)
  if not file or not window.can_change_layout() then
    return
  end
  buffer(review, file, function(buf)
    local win = file_window(review)
    if api.nvim_win_get_buf(win) ~= buf then
      if review.side then
        api.nvim_win_call(win, vim.cmd.diffoff)
      end
      api.nvim_win_set_buf(win, buf)
    end
    review.path = path
    review.buf = buf
    api.nvim_set_current_win(win)
    if not line then
      local target = file.hunks[1]
      for _, hunk in ipairs(file.hunks) do
        if not hunk.decision and not review.pending[hunk.id] then
          target = hunk
          break
        end
      end
      line = target and (file.status == "deleted" and target.old_from or target.first) or 1
    end
    api.nvim_win_set_cursor(win, { math.min(math.max(line, 1), api.nvim_buf_line_count(buf)), 0 })
    render(review)
    if review.side and file.openable and file.status ~= "deleted" then
      require("divisi.ui.review.sides").open(review, file, function()
        M.draw(review)
      end)
    elseif review.left_win then
      require("divisi.ui.review.sides").close(review)
    end
    inline.reveal(win, file)
    M.attach(review)
    if done then
      done()
    end
  end)
end

---Puts keys on the buffer under the cursor while it is one of the review's.
---@param review divisi.Review
function M.attach(review)
  local win = api.nvim_get_current_win()
  if M.side_of(review, win) then
    require("divisi.ui.review.keys").attach(review, api.nvim_win_get_buf(win))
  end
end

---@param review divisi.Review
---@param file divisi.ReviewFile?
function M.toggle_viewed(review, file)
  if not file then
    return
  end
  local content = not file.viewed and file.content or nil
  rpc.request("file/viewed", { session = review.row.id, path = file.path, content = content }, function(_, refusal)
    if refusal then
      errors.refused(refusal)
    end
  end)
end

---Since the last round, or everything.
---@param review divisi.Review
function M.toggle_range(review)
  if review.data.round == 0 then
    errors.notify("no round was sent yet")
    return
  end
  review.of = review.of == "round" and "session" or "round"
  if review.side then
    M.toggle_side(review)
  end
  M.refresh(review, function()
    errors.notify("showing what changed " .. panel.range(review))
    if not M.file(review, review.path) and review.data.files[1] then
      M.show(review, review.data.files[1].path)
    end
  end)
end

---Inline or side by side.
---@param review divisi.Review
function M.toggle_side(review)
  review.side = not review.side
  local file = M.file(review, review.path)
  if not review.side then
    require("divisi.ui.review.sides").close(review)
    M.draw(review)
  elseif file then
    M.show(review, file.path, api.nvim_win_get_cursor(review.win)[1])
  end
end

---@param review divisi.Review
function M.quickfix(review)
  local count = require("divisi.ui.review.quickfix").fill(review.row, review.data)
  errors.notify(panel.counted(count, "hunk") .. " in a new quickfix list; :copen shows it")
end

---@param review divisi.Review
function M.close(review)
  if api.nvim_tabpage_is_valid(review.tab) then
    if #api.nvim_list_tabpages() == 1 then
      vim.cmd.tabnew()
    end
    vim.cmd.tabclose(api.nvim_tabpage_get_number(review.tab))
  end
end

---After the tab is gone nothing of the review is left but buffers that a person changed or shows elsewhere.
---@param review divisi.Review
local function forget(review)
  reviews[review.tab] = nil
  api.nvim_del_augroup_by_id(review.group)
  require("divisi.ui.review.keys").detach()
  for buf in pairs(review.marks) do
    inline.clear(buf)
  end
  for buf, ours in pairs(review.loaded) do
    if ours and api.nvim_buf_is_valid(buf) and not vim.bo[buf].modified and not vim.fn.win_findbuf(buf)[1] then
      pcall(api.nvim_buf_delete, buf, {})
    end
  end
end

---Opens the window of the file beside the panel: right of it, or below on a narrow screen.
---@param review divisi.Review
---@param buf integer
---@return integer
function M.split(review, buf)
  local config = require("divisi.config").get().review
  local wide = vim.o.columns >= 110
  local win = api.nvim_open_win(buf, true, { split = wide and "right" or "below", win = review.panel_win })
  if wide then
    api.nvim_win_set_width(review.panel_win, math.min(config.width, math.floor(vim.o.columns / 3)))
  end
  vim.w[win].divisi = "review"
  M.fit(review)
  return win
end

---On a narrow screen the panel is above the file and as high as it needs.
---@param review divisi.Review
function M.fit(review)
  local win = review.panel_win
  if not api.nvim_win_is_valid(win) or api.nvim_win_get_width(win) < vim.o.columns then
    return
  end
  local data = review.data
  local rows = #data.files + 2 + (data.comments[1] and #data.comments + 2 or 0)
  local height = math.max(3, math.min(rows, math.floor(vim.o.lines / 4)))
  if api.nvim_win_get_height(win) ~= height and #api.nvim_tabpage_list_wins(review.tab) > 1 then
    api.nvim_win_set_height(win, height)
  end
end

---@param review divisi.Review
local function watch(review)
  review.group = api.nvim_create_augroup("divisi.review." .. review.tab, {})
  local function on(event, callback, pattern)
    api.nvim_create_autocmd(event, { group = review.group, pattern = pattern, callback = callback })
  end
  local keys = require("divisi.ui.review.keys")
  on({ "WinEnter", "BufEnter" }, function()
    keys.detach()
    if api.nvim_get_current_tabpage() == review.tab then
      local win = api.nvim_get_current_win()
      if win == review.win then
        local buf = api.nvim_win_get_buf(win)
        local name = api.nvim_buf_get_name(buf)
        for _, file in ipairs(review.data.files) do
          if full(review, file) == name and review.buf ~= buf then
            review.path = file.path
            review.buf = buf
            vim.schedule(function()
              render(review)
            end)
          end
        end
      end
      M.attach(review)
    end
  end)
  on({ "WinLeave", "BufLeave", "TabLeave" }, keys.detach)
  on("TabLeave", function()
    if api.nvim_get_current_tabpage() == review.tab then
      for buf in pairs(review.marks) do
        inline.clear(buf)
      end
    end
  end)
  on("TabEnter", function()
    if api.nvim_get_current_tabpage() == review.tab then
      M.draw(review)
      M.refresh(review)
    end
  end)
  on("VimResized", function()
    render(review)
  end)
  on("FocusGained", function()
    M.refresh(review)
  end)
  on("BufWritePost", function(args)
    if vim.startswith(api.nvim_buf_get_name(args.buf), review.row.path .. "/") then
      M.refresh(review)
    end
  end)
  on("TabClosed", function()
    vim.schedule(function()
      if not api.nvim_tabpage_is_valid(review.tab) and reviews[review.tab] == review then
        forget(review)
      end
    end)
  end)
end

---Events after which a review looks different, besides its own.
---@type table<string, boolean>
local changing = { ["turn.ended"] = true, ["landing.changed"] = true, ["session.restored"] = true }

local function listen()
  if listening then
    return
  end
  listening = true
  require("divisi.ui.review.keys").plugs()
  local events = require("divisi.events")
  events.on("event", function(data)
    local kind = tostring(data.type)
    if
      changing[kind]
      or kind:match("^hunk%.")
      or kind:match("^comment%.")
      or kind:match("^round%.")
      or kind:match("^file%.")
    then
      for _, review in pairs(reviews) do
        if review.row.id == data.session then
          M.refresh(review)
        end
      end
    end
  end)
  events.on("attached", function()
    for _, review in pairs(reviews) do
      M.refresh(review)
    end
  end)
end

---@param row divisi.PlacedRow
---@param data divisi.ReviewData
local function make(row, data)
  if not window.can_change_layout() then
    return
  end
  local name = row.name
  for tab, other in pairs(reviews) do
    if not api.nvim_tabpage_is_valid(tab) then
      -- Closed just now; nobody was told yet.
      forget(other)
    elseif other.row.name == row.name then
      name = row.id
    end
  end
  local buf = window.buffer("divisi://review/" .. name, function(made)
    window.make_scratch(made, "divisi-review")
  end)
  vim.cmd("tab sbuffer " .. buf)
  local tab, win = api.nvim_get_current_tabpage(), api.nvim_get_current_win()
  vim.cmd.tcd({ args = { vim.fn.fnameescape(row.path) }, mods = { silent = true } })
  vim.t.divisi_session = row.id
  vim.t.divisi_diff = "review"
  vim.w.divisi = "review"
  for option, value in pairs({
    number = false,
    relativenumber = false,
    wrap = false,
    cursorline = true,
    signcolumn = "no",
    winfixbuf = true,
    winfixwidth = true,
    winfixheight = true,
    list = false,
    spell = false,
    foldcolumn = "0",
    colorcolumn = "",
  }) do
    vim.wo[win][0][option] = value
  end
  local scratch = api.nvim_create_buf(false, true)
  vim.bo[scratch].bufhidden = "wipe"
  ---@type divisi.Review
  local review = {
    row = row,
    tab = tab,
    panel = buf,
    panel_win = win,
    win = win,
    data = data,
    of = data.of,
    side = false,
    entries = {},
    marks = {},
    pending = {},
    pending_count = 0,
    queue = {},
    busy = false,
    undo = {},
    loaded = {},
    group = 0,
  }
  review.win = M.split(review, scratch)
  reviews[tab] = review
  require("divisi.ui.review.keys").panel(review)
  watch(review)
  panel.render(review)
  local first = data.files[1]
  for _, file in ipairs(data.files) do
    if file.decided < file.total then
      first = file
      break
    end
  end
  if first then
    M.show(review, first.path)
  else
    api.nvim_set_current_win(win)
  end
end

---Opens the review of a session, or goes to it.
---@param row divisi.Row
function M.open(row)
  if not row.path or not vim.uv.fs_stat(row.path) then
    errors.warn(row.name .. " has no worktree")
    return
  end
  for tab, review in pairs(reviews) do
    if review.row.id == row.id and api.nvim_tabpage_is_valid(tab) then
      if window.can_change_layout() then
        api.nvim_set_current_tabpage(tab)
      end
      return
    end
  end
  listen()
  rpc.request("review/show", { session = row.id, of = "round" }, function(data, refusal)
    if refusal then
      errors.refused(refusal)
    elseif type(data) ~= "table" then
      errors.error("the review of " .. row.name .. " has no answer")
    elseif not data.files[1] and not data.comments[1] and not data.rejected[1] then
      errors.notify(row.name .. " has changed nothing")
    else
      make(row --[[@as divisi.PlacedRow]], data)
      if data.of == "round" and not data.files[1] then
        errors.notify(("no answer to round %d yet"):format(data.number))
      end
    end
  end)
end

---One quickfix entry per hunk, without a tab.
---@param row divisi.Row
function M.to_quickfix(row)
  rpc.request("review/show", { session = row.id, of = "round" }, function(data, refusal)
    if refusal then
      errors.refused(refusal)
    elseif type(data) == "table" and row.path then
      local count = require("divisi.ui.review.quickfix").fill(row --[[@as divisi.PlacedRow]], data)
      errors.notify(panel.counted(count, "hunk") .. " in a new quickfix list; :copen shows it")
    end
  end)
end

return M
