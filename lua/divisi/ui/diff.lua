---A file of a session against its base, side by side, in a tab of our own.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local rpc = require("divisi.rpc")
local window = require("divisi.ui.window")

---@class divisi.ChangedFile
---@field path string
---@field shown string
---@field old_path string?
---@field status string
---@field binary boolean
---@field added integer
---@field removed integer

---@type table<string, string>
local letters = { added = "A", deleted = "D", modified = "M", renamed = "R", type_changed = "T" }

---A scratch buffer that goes with its window.
---@param name string
---@param lines string[]
---@param filetype string
---@return integer
local function scratch(name, lines, filetype)
  local buf = api.nvim_create_buf(false, true)
  -- The same file may be looked at twice at a time; names are unique.
  if not pcall(api.nvim_buf_set_name, buf, name) then
    pcall(api.nvim_buf_set_name, buf, name .. "#" .. buf)
  end
  vim.b[buf].divisi = name
  vim.bo[buf].bufhidden = "wipe"
  vim.bo[buf].swapfile = false
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
  if filetype ~= "" then
    vim.bo[buf].filetype = filetype
  end
  return buf
end

---@param text string?
---@return string[]
local function lines_of(text)
  local lines = vim.split((text or ""):gsub("\r\n", "\n"), "\n", { plain = true })
  if lines[#lines] == "" then
    table.remove(lines)
  end
  return vim.tbl_map(function(line)
    return (line:gsub("%z", "\n"))
  end, lines)
end

---@param row divisi.Row
---@param file divisi.ChangedFile
---@param base string?
local function show(row, file, base)
  if not window.can_change_layout() then
    return
  end
  local worktree = row.path or ""
  local path = vim.fs.joinpath(worktree, file.path)
  local filetype = vim.filetype.match({ filename = file.path }) or ""
  local left = scratch(("divisi://base/%s/%s"):format(row.name, file.old_path or file.path), lines_of(base), filetype)
  local right
  if file.status == "deleted" or not vim.uv.fs_stat(path) then
    right = scratch(("divisi://gone/%s/%s"):format(row.name, file.path), {}, filetype)
  else
    local ok, loaded = pcall(window.load_file, path)
    if not ok then
      errors.error(("failed to open %s: %s"):format(path, tostring(loaded)))
      return
    end
    right = loaded
  end
  local origin = api.nvim_get_current_tabpage()
  vim.cmd("tab sbuffer " .. left)
  vim.t.divisi_session = row.id
  vim.t.divisi_diff = file.path
  vim.cmd.tcd({ args = { vim.fn.fnameescape(worktree) }, mods = { silent = true } })
  local left_win = api.nvim_get_current_win()
  local right_win = api.nvim_open_win(right, true, { split = "right", win = left_win })
  for _, win in ipairs({ left_win, right_win }) do
    vim.w[win].divisi = "diff"
    api.nvim_win_call(win, vim.cmd.diffthis)
  end
  vim.keymap.set("n", "q", function()
    for _, tab in ipairs(api.nvim_list_tabpages()) do
      if tab ~= origin and tab == api.nvim_win_get_tabpage(left_win) then
        vim.cmd.tabclose(api.nvim_tabpage_get_number(tab))
        return
      end
    end
  end, { buffer = left, desc = "divisi: close the diff" })
  api.nvim_win_set_cursor(right_win, { 1, 0 })
  pcall(api.nvim_command, "normal! ]c")
end

---@param row divisi.Row
---@param file divisi.ChangedFile
local function open_file(row, file)
  if vim.startswith(file.path, '"') then
    errors.notify(("the name of %s is not UTF-8; open it in the worktree"):format(file.shown))
    return
  elseif file.binary then
    errors.notify(("%s is binary; nothing to show"):format(file.shown))
    return
  end
  if file.status == "added" then
    show(row, file, nil)
    return
  end
  rpc.request("session/base_file", { session = row.id, path = file.old_path or file.path }, function(answer, refusal)
    if refusal then
      errors.refused(refusal)
    else
      show(row, file, type(answer) == "table" and answer.text or nil)
    end
  end)
end

---Asks for the changed files, lets the person pick one and shows it.
---@param row divisi.Row
---@param wanted string? a path; it is opened without asking
function M.open(row, wanted)
  if not row.path then
    errors.warn(row.name .. " has no worktree")
    return
  end
  rpc.request("session/diff", { session = row.id, of = "session", stat_only = true }, function(diff, refusal)
    if refusal then
      errors.refused(refusal)
      return
    end
    local files = type(diff) == "table" and diff.files or {} ---@type divisi.ChangedFile[]
    if wanted then
      files = vim.tbl_filter(function(file)
        return file.path == wanted
      end, files)
    end
    if #files == 0 then
      errors.notify(
        wanted and ("%s is not changed in %s"):format(wanted, row.name) or (row.name .. " has changed nothing")
      )
    elseif #files == 1 then
      open_file(row, files[1])
    else
      vim.ui.select(files, {
        prompt = ("%s against %s"):format(row.name, row.base or "its base"),
        kind = "divisi_file",
        format_item = function(file)
          return ("%s %s +%d −%d"):format(letters[file.status] or "?", file.shown, file.added, file.removed)
        end,
      }, function(file)
        if file then
          open_file(row, file)
        end
      end)
    end
  end)
end

return M
