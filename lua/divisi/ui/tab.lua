---Views that have a tab of their own.
local M = {}

local api = vim.api
local window = require("divisi.ui.window")

---Goes to the window that shows a buffer, wherever it is; else makes a tab for it. Nil where layout must not change.
---@param buf integer
---@param role string
---@return integer? win
---@return boolean? made
function M.open(buf, role)
  local win = window.shown(buf) or vim.fn.win_findbuf(buf)[1]
  if win then
    api.nvim_set_current_win(win)
    return win, false
  end
  if not window.can_change_layout() then
    return
  end
  if api.nvim_get_mode().mode:match("^[it]") then
    vim.cmd.stopinsert()
  end
  local from = api.nvim_get_current_tabpage()
  vim.cmd("tab sbuffer " .. buf)
  win = api.nvim_get_current_win()
  vim.w[win].divisi = role
  vim.w[win].divisi_tab = from
  vim.wo[win][0].winfixbuf = true
  return win, true
end

---Closes the current window, and its tab when that was opened for it; back to where it was opened from.
function M.close()
  local win = api.nvim_get_current_win()
  local from = vim.w[win].divisi_tab
  if from and #api.nvim_tabpage_list_wins(0) == 1 and #api.nvim_list_tabpages() > 1 then
    vim.cmd.tabclose()
    if api.nvim_tabpage_is_valid(from) then
      api.nvim_set_current_tabpage(from)
    end
  else
    window.close(win)
  end
end

---Whether this tab belongs to a view: there is no room beside one.
---@return boolean
function M.is_taken()
  for _, win in ipairs(api.nvim_tabpage_list_wins(0)) do
    if vim.w[win].divisi == "review" or vim.w[win].divisi == "board" then
      return true
    end
  end
  return false
end

return M
