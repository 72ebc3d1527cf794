---The badge: a window that shows a file of a session's worktree says so, in its winbar.
local M = {}

local api = vim.api
local config = require("divisi.config")
local mirror = require("divisi.mirror")

---What a window's winbar is set to; also how one of ours is known.
local EXPRESSION = "%{%v:lua.require'divisi.ui.badge'.text()%}"
local HEIGHT = 2

---@param text string
---@return string
local function escaped(text)
  return (text:gsub("%%", "%%%%"):gsub("[%c]", " "))
end

---The badge of the window that is drawn.
---@return string
function M.text()
  local win = vim.g.statusline_winid or api.nvim_get_current_win()
  local ok, buf = pcall(api.nvim_win_get_buf, win)
  local row = ok and mirror.sessions[vim.b[buf].divisi_session or ""]
  if not row then
    return ""
  end
  local parts = {
    "%#DivisiBadge# " .. escaped(row.name) .. " %*",
    "%#" .. require("divisi.ui.highlight").of_state(row.state) .. "#" .. escaped(row.state) .. "%*",
  }
  if vim.b[buf].divisi_conflict then
    table.insert(parts, "%#DivisiConflict#changed on disk too: :Divisi conflict%*")
  end
  table.insert(parts, "%<%#DivisiQuiet#" .. escaped(row.branch or "") .. "%*")
  return table.concat(parts, " ")
end

---@param win integer
---@return string
local function winbar_of(win)
  return api.nvim_get_option_value("winbar", { scope = "local", win = win })
end

---@param win integer
---@param value string
local function set(win, value)
  -- A window that is too low for a winbar keeps its line.
  pcall(api.nvim_set_option_value, "winbar", value, { scope = "local", win = win })
end

---Whether this is a window in which a person edits files.
---@param win integer
---@return boolean
local function plain(win)
  return api.nvim_win_get_config(win).relative == ""
    and vim.w[win].divisi == nil
    and vim.bo[api.nvim_win_get_buf(win)].buftype == ""
    and not vim.wo[win].previewwindow
end

---Takes our part out of a window's winbar.
---@param win integer
local function clear(win)
  local value = winbar_of(win)
  local at = value:find(EXPRESSION, 1, true)
  if at then
    local rest = value:sub(1, at - 1) .. value:sub(at + #EXPRESSION)
    rest = vim.trim(rest)
    -- What was composed with is the global value; an empty local one shows that again.
    set(win, rest == vim.trim(vim.go.winbar) and "" or rest)
  end
end

---Gives a window the badge of what it shows, or takes it away.
---@param win integer
function M.update(win)
  if not api.nvim_win_is_valid(win) then
    return
  end
  local mode = config.get().badge
  local buf = api.nvim_win_get_buf(win)
  if mode == "off" or not vim.b[buf].divisi_session or not plain(win) or vim.b[buf].divisi then
    clear(win)
    return
  end
  local value = winbar_of(win)
  if value:find(EXPRESSION, 1, true) or api.nvim_win_get_height(win) < HEIGHT then
    return
  end
  local theirs = value ~= "" and value or vim.go.winbar
  if theirs == "" then
    set(win, EXPRESSION)
  elseif mode == "compose" then
    set(win, EXPRESSION .. " " .. theirs)
  end
end

---All windows that show a buffer; of all buffers without one.
---@param buf integer?
function M.update_all(buf)
  for _, win in ipairs(buf and vim.fn.win_findbuf(buf) or api.nvim_list_wins()) do
    M.update(win)
  end
end

---Draws the badges again: a state changed.
function M.redraw()
  for _, win in ipairs(api.nvim_list_wins()) do
    if winbar_of(win):find(EXPRESSION, 1, true) then
      pcall(vim.cmd.redrawstatus, { bang = true })
      return
    end
  end
end

return M
