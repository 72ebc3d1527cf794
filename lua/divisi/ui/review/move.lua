---Ways through a review: from hunk to hunk, from file to file.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local inline = require("divisi.ui.review.inline")

---@return table
local function core()
  return require("divisi.ui.review")
end

---The hunk or file from here that waits for a decision.
---@param review divisi.Review
---@param step 1|-1
function M.next_undecided(review, step)
  local here, at = core().file(review, review.path)
  local cursor = api.nvim_win_is_valid(review.win) and api.nvim_win_get_cursor(review.win)[1] or 0
  local buf = api.nvim_win_is_valid(review.win) and api.nvim_win_get_buf(review.win) or 0
  local count = #review.data.files
  for offset = 0, count do
    local index = ((at or 1) - 1 + offset * step) % math.max(count, 1) + 1
    local file = review.data.files[index]
    local hunks = file and file.hunks or {}
    for n = 1, #hunks do
      local hunk = hunks[step > 0 and n or #hunks + 1 - n]
      if not file or not hunk then
        return
      end
      local first = file.status == "deleted" and hunk.old_from or hunk.first
      first = file == here and first + inline.shift(review, buf, hunk) or first
      local beyond = file ~= here or (offset == 0 and (first - cursor) * step > 0) or offset == count
      if beyond and not hunk.decision and not review.pending[hunk.id] then
        if file == here then
          api.nvim_set_current_win(review.win)
          vim.cmd("normal! m'")
          api.nvim_win_set_cursor(review.win, { math.min(math.max(first, 1), api.nvim_buf_line_count(buf)), 0 })
          inline.reveal(review.win, file)
        else
          core().show(review, file.path, first)
        end
        return
      end
    end
  end
  errors.notify(review.data.total == 0 and "no hunks" or "every hunk is decided")
end

---The next file, whatever was decided.
---@param review divisi.Review
---@param step 1|-1
function M.next_file(review, step)
  local _, at = core().file(review, review.path)
  local count = #review.data.files
  local file = count > 0 and review.data.files[((at or 0) - 1 + step) % count + 1]
  if file then
    core().show(review, file.path)
  end
end

return M
