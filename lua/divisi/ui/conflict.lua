---Conflicts: a file that the person edited and an agent wrote meanwhile. Marked, never a question; nothing of either is lost.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local events = require("divisi.events")
local live = require("divisi.live")
local window = require("divisi.ui.window")

local namespace = api.nvim_create_namespace("divisi.conflict")

---What a guard of a buffer's writing is called in its group.
local GROUP = "divisi.conflict"

---@param text string
---@return string[]
local function lines_of(text)
  local lines = vim.split((text:gsub("\r\n", "\n")), "\n", { plain = true })
  if lines[#lines] == "" then
    table.remove(lines)
  end
  return vim.tbl_map(function(line)
    return (line:gsub("%z", "\n"))
  end, lines)
end

---@param buf integer
---@return string
local function text_of(buf)
  return table.concat(api.nvim_buf_get_lines(buf, 0, -1, false), "\n") .. "\n"
end

---@param buf integer
---@param text string?
---@return boolean
local function holds(buf, text)
  return text == text_of(buf)
end

---@param buf integer
---@return boolean
local function edited(buf)
  return vim.bo[buf].modified
end

---@param buf integer
---@return string
local function whose(buf)
  local row = require("divisi.mirror").sessions[vim.b[buf].divisi_session or ""]
  return row and row.name or "another program"
end

---Shows where the two differ, as diagnostics: signs, `]d`, `:lua vim.diagnostic.setqflist()`.
---@param buf integer
---@param theirs string
local function show(buf, theirs)
  ---@diagnostic disable-next-line: deprecated
  local diff = vim.text and vim.text.diff or vim.diff
  local hunks = diff(text_of(buf), theirs, { result_type = "indices" }) --[[@as [integer, integer, integer, integer][] ]]
  local last = api.nvim_buf_line_count(buf) - 1
  local found = {}
  for _, hunk in ipairs(hunks) do
    local first = hunk[2] == 0 and hunk[1] or hunk[1] - 1
    table.insert(found, {
      lnum = math.min(math.max(first, 0), last),
      end_lnum = math.min(math.max(first + math.max(hunk[2] - 1, 0), 0), last),
      col = 0,
      severity = vim.diagnostic.severity.WARN,
      source = "divisi",
      message = ("%s has %d line%s here on disk; :Divisi conflict"):format(
        whose(buf),
        hunk[4],
        hunk[4] == 1 and "" or "s"
      ),
    })
  end
  vim.diagnostic.set(namespace, buf, found)
end

---The conflict is over.
---@param buf integer
local function over(buf)
  vim.b[buf].divisi_conflict = nil
  vim.diagnostic.reset(namespace, buf)
  pcall(api.nvim_clear_autocmds, { group = GROUP, buffer = buf })
  require("divisi.ui.badge").redraw()
end

---Writes the buffer over what is on disk; that stays in the undo tree, as the state before this one.
---@param buf integer
local function keep_mine(buf)
  local path = api.nvim_buf_get_name(buf)
  local theirs = live.read(path)
  if theirs and vim.bo[buf].modifiable then
    local mine = api.nvim_buf_get_lines(buf, 0, -1, false)
    local undolevels = vim.bo[buf].undolevels
    local views = {}
    for _, win in ipairs(vim.fn.win_findbuf(buf)) do
      views[win] = api.nvim_win_call(win, vim.fn.winsaveview)
    end
    api.nvim_buf_set_lines(buf, 0, -1, false, lines_of(theirs))
    -- Setting it, even to the same, ends an undo block.
    vim.bo[buf].undolevels = undolevels
    api.nvim_buf_set_lines(buf, 0, -1, false, mine)
    for win, view in pairs(views) do
      api.nvim_win_call(win, function()
        vim.fn.winrestview(view)
      end)
    end
  end
  over(buf)
  local ok, err = pcall(api.nvim_buf_call, buf, function()
    vim.cmd.write({ bang = true, mods = { silent = true } })
  end)
  if ok then
    errors.notify(("%s written over %s’s; undo shows theirs"):format(vim.fs.basename(path), whose(buf)))
  else
    errors.error(tostring(err))
  end
end

---Takes what is on disk; the person's text stays in the undo tree.
---@param buf integer
---@param quiet boolean?
local function take_theirs(buf, quiet)
  over(buf)
  local limit = vim.go.undoreload
  vim.go.undoreload = -1
  local ok, err = pcall(api.nvim_buf_call, buf, function()
    vim.cmd.edit({ bang = true, mods = { silent = true } })
  end)
  vim.go.undoreload = limit
  if ok and quiet then
    return
  elseif ok then
    errors.notify(
      ("%s is %s’s now; undo shows yours"):format(vim.fs.basename(api.nvim_buf_get_name(buf)), whose(buf))
    )
  else
    errors.error(tostring(err))
  end
end

---@param name string
---@param text string
---@param filetype string
---@return integer
local function scratch(name, text, filetype)
  local buf = api.nvim_create_buf(false, true)
  if not pcall(api.nvim_buf_set_name, buf, name) then
    pcall(api.nvim_buf_set_name, buf, name .. "#" .. buf)
  end
  vim.b[buf].divisi = name
  vim.bo[buf].bufhidden = "wipe"
  vim.bo[buf].swapfile = false
  vim.bo[buf].modeline = false
  api.nvim_buf_set_lines(buf, 0, -1, false, lines_of(text))
  vim.bo[buf].modifiable = false
  vim.bo[buf].filetype = filetype
  return buf
end

---Theirs, the person's buffer and what both began with, side by side in a tab of our own.
---@param buf integer
local function three_way(buf)
  if not window.can_change_layout() then
    return
  end
  local path = api.nvim_buf_get_name(buf)
  local theirs = live.read(path)
  if not theirs then
    errors.warn(path .. " cannot be read, or is too long to compare")
    return
  end
  local base = live.base(buf)
  local filetype = vim.bo[buf].filetype
  vim.cmd("tab sbuffer " .. buf)
  local mine_win = api.nvim_get_current_win()
  local tab = api.nvim_get_current_tabpage()
  vim.t.divisi_session = vim.b[buf].divisi_session
  vim.t.divisi_diff = path
  local wins = { mine_win }
  local short = vim.fs.basename(path)
  local theirs_buf = scratch("divisi://theirs/" .. short, theirs, filetype)
  table.insert(wins, api.nvim_open_win(theirs_buf, false, { split = "left", win = mine_win }))
  local buffers = { theirs_buf }
  if base then
    local base_buf = scratch("divisi://began/" .. short, base, filetype)
    table.insert(wins, api.nvim_open_win(base_buf, false, { split = "right", win = mine_win }))
    table.insert(buffers, base_buf)
  end
  for _, win in ipairs(wins) do
    vim.w[win].divisi = "diff"
    api.nvim_win_call(win, vim.cmd.diffthis)
  end
  for _, other in ipairs(buffers) do
    vim.keymap.set("n", "q", function()
      if api.nvim_tabpage_is_valid(tab) and #api.nvim_list_tabpages() > 1 then
        vim.cmd.tabclose(api.nvim_tabpage_get_number(tab))
      end
    end, { buffer = other, desc = "divisi: close the comparison" })
  end
  -- Who has seen both may write, until the file changes once more.
  vim.b[buf].divisi_seen = vim.fn.sha256(theirs)
  errors.notify("left: theirs, middle: yours, right: what both began with; :w keeps the middle")
end

---@type table<string, fun(buf: integer)>
local actions = { mine = keep_mine, theirs = take_theirs, diff = three_way }

---Marks a buffer as a conflict.
---@param buf integer
function M.mark(buf)
  if not api.nvim_buf_is_valid(buf) or not edited(buf) then
    return
  end
  local path = api.nvim_buf_get_name(buf)
  local theirs = live.read(path)
  if holds(buf, theirs) then
    -- Both wrote the same.
    take_theirs(buf, true)
    return
  end
  local new = not vim.b[buf].divisi_conflict
  vim.b[buf].divisi_conflict = true
  if theirs then
    show(buf, theirs)
  end
  require("divisi.ui.badge").redraw()
  if not new then
    return
  end
  local group = api.nvim_create_augroup(GROUP, { clear = false })
  -- Without this Neovim would ask whether to write over a file that changed.
  api.nvim_create_autocmd("BufWriteCmd", {
    buffer = buf,
    group = group,
    nested = true,
    callback = function(args)
      local seen = vim.b[buf].divisi_seen
      local now = live.read(path)
      if vim.v.cmdbang == 1 or (seen and now and seen == vim.fn.sha256(now)) then
        keep_mine(buf)
      elseif vim.fn.fnamemodify(args.match, ":p") ~= path then
        -- Saved elsewhere: nobody's text is in the way.
        pcall(api.nvim_clear_autocmds, { group = GROUP, buffer = buf })
        vim.cmd.write({ args = { vim.fn.fnameescape(args.match) }, mods = { silent = true } })
        vim.b[buf].divisi_conflict = nil
        M.mark(buf)
      else
        errors.warn(
          ("%s not written: %s changed it on disk too; :Divisi conflict"):format(vim.fs.basename(path), whose(buf))
        )
      end
    end,
  })
  api.nvim_create_autocmd("BufReadPost", {
    buffer = buf,
    group = group,
    callback = function()
      over(buf)
    end,
  })
  -- An undo back to the file's old text, or leaving it: nothing of the person's is in the way any more.
  api.nvim_create_autocmd("BufModifiedSet", {
    buffer = buf,
    group = group,
    callback = function()
      if not edited(buf) then
        vim.schedule(function()
          if api.nvim_buf_is_valid(buf) and vim.b[buf].divisi_conflict and not edited(buf) then
            take_theirs(buf, true)
          end
        end)
      end
    end,
  })
  events.autocmd("Conflict", { buf = buf, path = path, session = vim.b[buf].divisi_session })
  errors.warn(("%s: you and %s both changed it; :Divisi conflict"):format(vim.fs.basename(path), whose(buf)))
end

---`:Divisi conflict [mine|theirs|diff]`: of this buffer, else of the first one in conflict.
---@param action string?
function M.run(action)
  local buf = api.nvim_get_current_buf()
  if not vim.b[buf].divisi_conflict then
    local found = vim.tbl_filter(function(other)
      return vim.b[other].divisi_conflict == true
    end, api.nvim_list_bufs())
    if not found[1] then
      errors.notify("no file is in conflict")
      return
    end
    buf = found[1]
    local win = vim.fn.win_findbuf(found[1])[1]
    if win then
      api.nvim_set_current_win(win)
    elseif window.can_change_layout() then
      vim.cmd("tab sbuffer " .. buf)
    end
  end
  if action and actions[action] then
    actions[action](buf)
    return
  elseif action then
    errors.warn(("%q is no answer; there are mine, theirs, diff"):format(action))
    return
  end
  local who = whose(buf)
  vim.ui.select({ "diff", "mine", "theirs" }, {
    prompt = ("%s: you and %s both changed it"):format(vim.fs.basename(api.nvim_buf_get_name(buf)), who),
    kind = "divisi_conflict",
    format_item = function(item)
      return ({
        diff = "Compare three ways",
        mine = "Keep mine, written over theirs (undo shows theirs)",
        theirs = ("Take %s’s (undo shows mine)"):format(who),
      })[item]
    end,
  }, function(chosen)
    if chosen and api.nvim_buf_is_valid(buf) then
      actions[chosen](buf)
    end
  end)
end

return M
