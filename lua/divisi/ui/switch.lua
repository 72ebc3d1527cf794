---Tabs and worktrees: `:tcd` into one, with the current file at the same place there.
local M = {}

local api = vim.api
local config = require("divisi.config")
local errors = require("divisi.errors")
local layout = require("divisi.ui.layout")
local mirror = require("divisi.mirror")
local window = require("divisi.ui.window")

---The current file's path below the root of the checkout it is in.
---@param buf integer
---@return string?
local function relative(buf)
  local name = api.nvim_buf_get_name(buf)
  if vim.bo[buf].buftype ~= "" or name == "" then
    return nil
  end
  local path = vim.fs.normalize(vim.fn.fnamemodify(name, ":p"))
  local owner = mirror.owner(path)
  local root = owner and owner.path
  if not root then
    for _, row in pairs(mirror.sessions) do
      if row.repository and vim.startswith(path, row.repository .. "/") and (not root or #row.repository > #root) then
        root = row.repository
      end
    end
  end
  return root and path:sub(#root + 2) or nil
end

---@param directory string
local function tcd(directory)
  vim.cmd.tcd({ args = { vim.fn.fnameescape(directory) }, mods = { silent = true } })
end

---Shows a file of a checkout in a window, at the line where the cursor was; false when there is no such file.
---@param win integer
---@param root string
---@param path string?
---@return boolean
local function show(win, root, path)
  local full = path and vim.fs.joinpath(root, path)
  if not full or not vim.uv.fs_stat(full) then
    return false
  end
  local cursor = api.nvim_win_get_cursor(win)
  local ok, err = pcall(function()
    api.nvim_win_set_buf(win, window.load_file(full))
  end)
  if not ok then
    errors.warn(("%s is not shown: %s"):format(path, tostring(err)))
    return false
  end
  local line = math.min(cursor[1], api.nvim_buf_line_count(api.nvim_win_get_buf(win)))
  api.nvim_win_set_cursor(win, { line, cursor[2] })
  return true
end

---This tab shows a checkout from now on.
---@param directory string
---@param session string?
local function enter(directory, session)
  tcd(directory)
  vim.t.divisi_session = session
  vim.t.divisi_worktree = session and vim.fs.normalize(directory) or nil
  require("divisi.events").autocmd("WorktreeSwitched", { session = session, path = directory })
end

---Whether a window shows files, and may show others.
---@param win integer
---@return boolean
local function plain(win)
  return api.nvim_win_get_config(win).relative == "" and not vim.wo[win].winfixbuf and not vim.wo[win].diff
end

---Moves this tab to a directory, and the current file with it.
---@param directory string
---@param session string?
local function move(directory, session)
  if not window.can_change_layout() then
    return
  end
  if not vim.uv.fs_stat(directory) then
    errors.warn(directory .. " does not exist")
    return
  end
  if vim.t.divisi_worktree then
    layout.capture(api.nvim_get_current_tabpage(), vim.t.divisi_worktree)
  end
  local win = window.normal_window()
  local path = win and relative(api.nvim_win_get_buf(win))
  enter(directory, session)
  if win and path and not show(win, directory, path) then
    errors.notify(("%s is not in %s"):format(path, directory))
  end
  if not config.get().switch.all_windows then
    return
  end
  for _, other in ipairs(api.nvim_tabpage_list_wins(0)) do
    if other ~= win and plain(other) then
      local theirs = relative(api.nvim_win_get_buf(other))
      if theirs then
        show(other, directory, theirs)
      end
    end
  end
end

---Moves this tab into a session's worktree.
---@param row divisi.Row
function M.here(row)
  if row.path then
    move(row.path, row.id)
  else
    errors.warn(row.name .. " has no worktree")
  end
end

---Brings a worktree's windows back as they were; the file the person came from stays the one they are in.
---@param root string
---@param remembered divisi.Layout
---@param buf integer?
---@param cursor [integer, integer]
local function as_before(root, remembered, buf, cursor)
  local blank = not buf and api.nvim_get_current_buf() or nil
  local current = layout.build(root, remembered, api.nvim_get_current_win(), window.load_file)
  if buf then
    local win = window.shown(buf) or current
    if api.nvim_win_get_buf(win) ~= buf then
      api.nvim_win_set_buf(win, buf)
    end
    pcall(api.nvim_win_set_cursor, win, { math.min(cursor[1], api.nvim_buf_line_count(buf)), cursor[2] })
    current = win
  end
  api.nvim_set_current_win(current)
  -- The empty buffer that the tab began with.
  if blank and #vim.fn.win_findbuf(blank) == 0 and not vim.bo[blank].modified then
    pcall(api.nvim_buf_delete, blank, {})
  end
end

---Goes to the tab of a session's worktree, made when there is none.
---@param row divisi.Row
function M.tab(row)
  if not row.path or not vim.uv.fs_stat(row.path) then
    errors.warn(row.name .. " has no worktree")
    return
  end
  if not window.can_change_layout() then
    return
  end
  for _, tab in ipairs(api.nvim_list_tabpages()) do
    if vim.t[tab].divisi_session == row.id and not vim.t[tab].divisi_diff then
      api.nvim_set_current_tabpage(tab)
      return
    end
  end
  local win = window.normal_window()
  local path = win and relative(api.nvim_win_get_buf(win))
  local cursor = win and api.nvim_win_get_cursor(win) or { 1, 0 }
  local full = path and vim.fs.joinpath(row.path, path)
  local remembered = config.get().switch.layout and layout.of(row.path) or nil
  local buf
  if full and vim.uv.fs_stat(full) then
    local ok, loaded = pcall(window.load_file, full)
    buf = ok and loaded or nil
  end
  if buf then
    vim.cmd("tab sbuffer " .. buf)
    pcall(api.nvim_win_set_cursor, 0, { math.min(cursor[1], api.nvim_buf_line_count(buf)), cursor[2] })
  else
    vim.cmd.tabnew()
  end
  vim.t.divisi_made = true
  enter(row.path, row.id)
  if remembered then
    as_before(row.path, remembered, buf, cursor)
  end
end

---Moves this tab back to the repository's main worktree.
function M.back()
  local id = vim.t.divisi_session
  local row = id and mirror.sessions[id] or mirror.owner(vim.fn.getcwd())
  if not row or not row.repository then
    errors.notify("this tab is in no session’s worktree")
    return
  end
  move(row.repository, nil)
end

return M
