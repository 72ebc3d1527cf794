---Live files: buffers of sessions' worktrees follow what agents write, at once and with undo; edited ones become conflicts.
local M = {}

local api = vim.api
local config = require("divisi.config")
local errors = require("divisi.errors")
local events = require("divisi.events")

---Changes of one file in so many milliseconds are one reload.
local SETTLE_MS = 40
---How long a moment in which nothing may be reloaded is waited out.
local RETRY_MS = 100
---Larger files are compared with a conflict, but not kept as its base.
local MOST_BYTES = 4 * 1024 * 1024

---A directory that is watched, for the loaded buffers in it.
---@class divisi.Watch
---@field handle uv.uv_fs_event_t
---@field buffers table<integer, boolean>

---@type table<string, divisi.Watch?>
local watches = {}
---@type table<integer, string>
local directory_of = {}
---Buffers whose changes on disk are answered by us.
---@type table<integer, boolean>
local guarded = {}
---What an edited buffer began with: the file's text when the first edit was made.
---@type table<integer, string>
local began = {}
---@type table<integer, boolean>
local due = {}
---How often a file that is empty now was not read yet, in the hope that somebody is about to fill it.
---@type table<integer, integer?>
local empty = {}
local scheduled = false

---@param path string
---@return string? text nil when it cannot be read or is too long
function M.read(path)
  local stat = vim.uv.fs_stat(path)
  if not stat or stat.type ~= "file" or stat.size > MOST_BYTES then
    return nil
  end
  local handle = io.open(path, "rb")
  local text = handle and handle:read("*a")
  if handle then
    handle:close()
  end
  return text or nil
end

---The text that the person's edits began with, the base of a three-way comparison.
---@param buf integer
---@return string?
function M.base(buf)
  return began[buf]
end

---Takes over what happens when Neovim sees that a buffer's file changed: never a question.
---@param buf integer
local function guard(buf)
  if guarded[buf] then
    return
  end
  guarded[buf] = true
  local group = api.nvim_create_augroup("divisi.live", { clear = false })
  api.nvim_create_autocmd("FileChangedShell", {
    buffer = buf,
    group = group,
    callback = function()
      local reason = vim.v.fcs_reason
      if reason == "conflict" then
        vim.v.fcs_choice = ""
        vim.schedule(function()
          require("divisi.ui.conflict").mark(buf)
        end)
      elseif reason == "deleted" then
        vim.v.fcs_choice = ""
      else
        vim.v.fcs_choice = "reload"
      end
    end,
  })
  api.nvim_create_autocmd("BufModifiedSet", {
    buffer = buf,
    group = group,
    callback = function()
      if not vim.bo[buf].modified then
        began[buf] = nil
      elseif not began[buf] and not vim.b[buf].divisi_conflict then
        began[buf] = M.read(api.nvim_buf_get_name(buf))
      end
    end,
  })
end

---@param buf integer
local function forget(buf)
  guarded[buf], began[buf], due[buf], empty[buf] = nil, nil, nil, nil
  local directory = directory_of[buf]
  directory_of[buf] = nil
  local watch = directory and watches[directory]
  if watch then
    watch.buffers[buf] = nil
    if next(watch.buffers) == nil then
      watches[directory] = nil
      watch.handle:close()
    end
  end
end

---False while a reload would disturb: something is being typed that an edit would break.
---@return boolean
local function calm()
  local mode = api.nvim_get_mode()
  return not mode.blocking
    and (mode.mode == "n" or mode.mode == "i" or mode.mode == "t")
    and vim.fn.getcmdwintype() == ""
end

---@class divisi.LostView
---@field view table what `winsaveview()` told
---@field line integer where the cursor was put instead
---@field buf integer

---Views of windows whose file became shorter than their cursor's line: whoever writes a file may empty it first, and it is read then too.
---@type table<integer, divisi.LostView>
local lost = {}
---How often that is waited for.
local MOST_EMPTY = 3

---Whether a file was just emptied: its writer is not done, most likely.
---@param buf integer
---@return boolean
local function unfinished(buf)
  local stat = vim.uv.fs_stat(api.nvim_buf_get_name(buf))
  if not stat or stat.size > 0 or api.nvim_buf_line_count(buf) <= 1 or (empty[buf] or 0) >= MOST_EMPTY then
    empty[buf] = nil
    return false
  end
  empty[buf] = (empty[buf] or 0) + 1
  return true
end

---Reads a buffer's file again, if it changed; cursors stay on their lines, also when the file was shorter for a moment.
---@param buf integer
local function read_again(buf)
  local views = {} ---@type table<integer, table>
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    views[win] = api.nvim_win_call(win, vim.fn.winsaveview)
  end
  pcall(api.nvim_command, "silent! checktime " .. buf)
  if not api.nvim_buf_is_loaded(buf) then
    return
  end
  local count = api.nvim_buf_line_count(buf)
  for win, view in pairs(views) do
    local was = lost[win]
    lost[win] = nil
    if was and was.buf == buf and was.line == view.lnum then
      view = was.view
    end
    if api.nvim_win_is_valid(win) and api.nvim_win_get_buf(win) == buf then
      if view.lnum > count then
        lost[win] = { view = view, line = api.nvim_win_get_cursor(win)[1], buf = buf }
      elseif api.nvim_win_get_cursor(win)[1] ~= view.lnum then
        api.nvim_win_call(win, function()
          vim.fn.winrestview(view)
        end)
      end
    end
  end
end

local function reload_due()
  if next(due) == nil then
    scheduled = false
    return
  end
  if not calm() then
    vim.defer_fn(reload_due, RETRY_MS)
    return
  end
  scheduled = false
  local buffers = due
  due = {}
  -- However long a file is, what was there before stays in the undo tree.
  local limit = vim.go.undoreload
  vim.go.undoreload = -1
  for buf in pairs(buffers) do
    if api.nvim_buf_is_valid(buf) and api.nvim_buf_is_loaded(buf) then
      local before = api.nvim_buf_get_changedtick(buf)
      if unfinished(buf) then
        due[buf] = true
      else
        read_again(buf)
      end
      if api.nvim_buf_is_valid(buf) and api.nvim_buf_get_changedtick(buf) ~= before then
        events.autocmd("FileChanged", {
          buf = buf,
          path = api.nvim_buf_get_name(buf),
          session = vim.b[buf].divisi_session,
        })
      end
    end
  end
  vim.go.undoreload = limit
  if next(due) and not scheduled then
    scheduled = true
    vim.defer_fn(reload_due, RETRY_MS)
  end
end

---Looks at a buffer's file soon.
---@param buf integer
local function soon(buf)
  due[buf] = true
  if not scheduled then
    scheduled = true
    vim.defer_fn(reload_due, SETTLE_MS)
  end
end

---Follows the file of a buffer of a worktree.
---@param buf integer
function M.watch(buf)
  if not api.nvim_buf_is_loaded(buf) or not config.get().live then
    return
  end
  guard(buf)
  local directory = vim.fs.dirname(api.nvim_buf_get_name(buf))
  if directory_of[buf] == directory then
    return
  end
  local known = guarded[buf]
  forget(buf)
  guarded[buf] = known
  local watch = watches[directory]
  if not watch then
    local handle = vim.uv.new_fs_event()
    if not handle then
      return
    end
    local made = { handle = handle, buffers = {} } ---@type divisi.Watch
    local started, why = handle:start(directory, {}, function(err)
      vim.schedule(function()
        if not err and watches[directory] == made then
          for other in pairs(made.buffers) do
            soon(other)
          end
        end
      end)
    end)
    if not started then
      -- Too many watches, or the directory is gone: turns' ends still reload.
      handle:close()
      errors.log(("cannot watch %s: %s"):format(directory, tostring(why)))
      return
    end
    watch = made
    watches[directory] = watch
  end
  watch.buffers[buf] = true
  directory_of[buf] = directory
  api.nvim_create_autocmd({ "BufUnload", "BufFilePre" }, {
    buffer = buf,
    group = api.nvim_create_augroup("divisi.live.end", { clear = false }),
    once = true,
    callback = function()
      local still = guarded[buf]
      forget(buf)
      guarded[buf] = still
    end,
  })
  api.nvim_create_autocmd("BufWipeout", {
    buffer = buf,
    group = api.nvim_create_augroup("divisi.live.end", { clear = false }),
    once = true,
    callback = function()
      guarded[buf] = nil
    end,
  })
end

---Reloads the loaded buffers below a directory whose files changed. Neovim never asks; edited ones become conflicts.
---@param directory string
---@param now boolean? at once, when nothing is being typed: what follows puts marks on the lines
function M.check(directory, now)
  for _, buf in ipairs(api.nvim_list_bufs()) do
    local name = api.nvim_buf_get_name(buf)
    if api.nvim_buf_is_loaded(buf) and vim.bo[buf].buftype == "" and vim.startswith(name, directory .. "/") then
      if require("divisi.mirror").owner(name) then
        guard(buf)
        soon(buf)
      elseif not vim.bo[buf].modified then
        -- A file of the person's own checkout: read again when it did not change under their hands, else none of our business.
        api.nvim_create_autocmd("FileChangedShell", {
          buffer = buf,
          group = api.nvim_create_augroup("divisi.live.once", { clear = true }),
          callback = function()
            local reason = vim.v.fcs_reason
            vim.v.fcs_choice = (reason == "changed" or reason == "mode" or reason == "time") and "reload" or ""
          end,
        })
        pcall(api.nvim_command, "silent! checktime " .. buf)
        api.nvim_create_augroup("divisi.live.once", { clear = true })
      end
    end
  end
  if now then
    reload_due()
  end
end

return M
