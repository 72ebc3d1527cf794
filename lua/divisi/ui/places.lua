---Places in a transcript: its turns, and the files it names.
local M = {}

local api = vim.api
local window = require("divisi.ui.window")

---Lists turns, plans and failures in the window's location list.
function M.outline()
  local buf = api.nvim_get_current_buf()
  local items = {} ---@type table[]
  local prompt = false
  for number, line in ipairs(api.nvim_buf_get_lines(buf, 0, -1, false)) do
    if line:find("^## Turn %d+$") then
      table.insert(items, { bufnr = buf, lnum = number, text = line:sub(4) })
      prompt = true
    elseif prompt and line ~= "" then
      items[#items].text = items[#items].text .. ": " .. line
      prompt = false
    elseif vim.startswith(line, "- ✗") or vim.startswith(line, "- ?") or line == "**Plan**" then
      table.insert(items, { bufnr = buf, lnum = number, text = "  " .. line })
    end
  end
  if #items == 0 then
    require("divisi.errors").notify("there are no turns yet")
    return
  end
  vim.fn.setloclist(0, {}, " ", { title = "turns", items = items })
  vim.cmd("silent lopen " .. math.max(3, math.min(#items, math.floor(vim.o.lines / 4))))
end

---The path and line under the cursor that exist in the session's worktree.
---@param row divisi.Row?
---@return string? path
---@return integer? line
local function place_here(row)
  local text, column = api.nvim_get_current_line(), api.nvim_win_get_cursor(0)[2] + 1
  local from = 1
  while row and row.path do
    local first, last = text:find("[^%s`'\"()<>%[%]{}|,;*]+", from)
    if not first or not last then
      return
    elseif column <= last and (column >= first or from == 1) or column < first then
      local word = text:sub(first, last):gsub("[.:]+$", "")
      local path, line = word:match("^(.-):(%d+)")
      path = vim.fs.normalize(path or word)
      if not vim.startswith(path, "/") then
        path = vim.fs.joinpath(row.path, path)
      end
      local stat = path ~= row.path and vim.uv.fs_stat(path)
      if stat and stat.type == "file" then
        return path, line and math.floor(tonumber(line) or 1)
      elseif column >= first then
        return
      end
    end
    from = last + 1
  end
end

---Opens the path under the cursor in a window for files; false when there is none.
---@param row divisi.Row?
---@return boolean
function M.go(row)
  local path, line = place_here(row)
  if not path or not window.can_change_layout() then
    return path ~= nil
  end
  local ok, buf = pcall(window.load_file, path)
  if not ok then
    require("divisi.errors").warn(("%s is not shown: %s"):format(path, tostring(buf)))
    return true
  end
  local win = window.normal_window()
  if win then
    api.nvim_set_current_win(win)
    vim.cmd("normal! m'")
    api.nvim_win_set_buf(win, buf)
  else
    win = api.nvim_open_win(buf, true, { split = vim.o.columns < 90 and "above" or "left", win = 0 })
    vim.wo[win][0].winfixbuf = false
  end
  if line then
    api.nvim_win_set_cursor(win, { math.max(1, math.min(line, api.nvim_buf_line_count(buf))), 0 })
    vim.cmd("normal! zv")
  end
  return true
end

return M
