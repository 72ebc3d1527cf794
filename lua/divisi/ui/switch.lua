---Tabs and worktrees: `:tcd` into one, with the current file at the same place there.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
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
  local win = window.normal_window()
  local path = win and relative(api.nvim_win_get_buf(win))
  tcd(directory)
  vim.t.divisi_session = session
  if win and path and not show(win, directory, path) then
    errors.notify(("%s is not in %s"):format(path, directory))
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
  tcd(row.path)
  vim.t.divisi_session = row.id
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
