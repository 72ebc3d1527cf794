---Marks of a review in a file: what came, what went, comments, hunks that were taken out. The buffer itself is never changed.
local M = {}

local api = vim.api

local ns = api.nvim_create_namespace("divisi.review")
M.ns = ns

---@param text string
---@param tabstop integer
---@return string
local function expand(text, tabstop)
  local out, column = {}, 0 ---@type string[], integer
  for part, tab in text:gmatch("([^\t]*)(\t?)") do
    column = column + vim.fn.strdisplaywidth(part)
    table.insert(out, part)
    if tab ~= "" then
      local gap = tabstop - column % tabstop
      table.insert(out, (" "):rep(gap))
      column = column + gap
    end
  end
  return table.concat(out)
end

---Breaks text at blanks.
---@param text string
---@param width integer
---@return string[]
local function wrap(text, width)
  local lines, line = {}, "" ---@type string[], string
  for word in text:gmatch("%S+") do
    if line ~= "" and vim.fn.strdisplaywidth(line) + 1 + vim.fn.strdisplaywidth(word) > width then
      table.insert(lines, line)
      line = word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  table.insert(lines, line)
  return lines
end

---@param review divisi.Review
---@param win integer
---@param side 'new'|'old'
---@param hunk divisi.ReviewHunk
---@return integer first, integer last
function M.lines(review, win, side, hunk)
  if side == "old" then
    return hunk.old_from, hunk.old_to
  end
  local shift = M.shift(review, api.nvim_win_get_buf(win), hunk)
  return hunk.from + shift, hunk.to + shift
end

---How far a hunk was moved by edits that are not written yet.
---@param review divisi.Review
---@param buf integer
---@param hunk divisi.ReviewHunk
---@return integer
function M.shift(review, buf, hunk)
  local known = review.marks[buf] and review.marks[buf][hunk.id]
  if not known or not vim.bo[buf].modified then
    return 0
  end
  local at = api.nvim_buf_get_extmark_by_id(buf, ns, known.mark, {})
  return at[1] and at[1] + 1 - known.row or 0
end

---@param buf integer
function M.clear(buf)
  if api.nvim_buf_is_valid(buf) then
    api.nvim_buf_clear_namespace(buf, ns, 0, -1)
  end
end

---Puts lines between lines of a buffer: before a one-based line, or after the last.
---@param buf integer
---@param line integer
---@param lines { [1]: string, [2]: string }[][]
---@param below boolean?
local function between(buf, line, lines, below)
  local count = api.nvim_buf_line_count(buf)
  local above = not below and line <= count
  api.nvim_buf_set_extmark(buf, ns, math.min(math.max(line, 1), count) - 1, 0, {
    virt_lines = lines,
    virt_lines_above = above,
    priority = 90,
  })
end

---Puts text behind a line.
---@param buf integer
---@param line integer
---@param text string
---@param group string
local function beside(buf, line, text, group)
  local row = math.min(math.max(line, 1), api.nvim_buf_line_count(buf)) - 1
  api.nvim_buf_set_extmark(buf, ns, row, 0, { virt_text = { { text, group } }, virt_text_pos = "eol", priority = 90 })
end

---Whether the old side has a window of its own.
---@param review divisi.Review
---@return boolean
function M.sides(review)
  return review.side and review.left_win ~= nil and api.nvim_win_is_valid(review.left_win)
end

---@param review divisi.Review
---@param hunk divisi.ReviewHunk
---@return string text, string group, string sign
local function state(review, hunk)
  local pending = review.pending[hunk.id]
  if pending then
    return pending == "reject" and "rejecting" or "accepting", "DivisiQuiet", "…"
  elseif hunk.decision == "accepted" then
    return "accepted", "DivisiReviewDone", "✓"
  elseif hunk.returned then
    return "put back after it was rejected", "DivisiReviewRejected", "!"
  end
  return "", "DivisiReview", "▎"
end

---@param review divisi.Review
---@param win integer
---@param buf integer
---@param hunk divisi.ReviewHunk
---@param place string its place in the file
---@param shift integer
local function draw_hunk(review, win, buf, hunk, place, shift)
  local count = api.nvim_buf_line_count(buf)
  local width = api.nvim_win_get_width(win)
  local words, group, sign = state(review, hunk)
  local done = hunk.decision == "accepted" or review.pending[hunk.id]
  local row = math.min(math.max(hunk.first + shift, 1), count)
  local mark = api.nvim_buf_set_extmark(buf, ns, row - 1, 0, {
    sign_text = sign,
    sign_hl_group = group,
    virt_text = { { (" %s %s"):format(place, words), group } },
    virt_text_pos = "right_align",
    hl_mode = "combine",
    priority = 100,
  })
  review.marks[buf][hunk.id] = { mark = mark, row = hunk.first }
  if M.sides(review) then
    return -- What came and went is shown by the two windows.
  end
  for _, block in ipairs(hunk.blocks) do
    local at = block.at + shift
    if block.removed[1] then
      local lines = {} ---@type { [1]: string, [2]: string }[][]
      for _, text in ipairs(block.removed) do
        text = expand(text, vim.bo[buf].tabstop)
        local fill = (" "):rep(math.max(0, width - vim.fn.strdisplaywidth(text)))
        table.insert(lines, { { text .. fill, done and "DivisiReviewRemovedDone" or "DivisiReviewRemoved" } })
      end
      between(buf, at, lines)
    end
    if block.added > 0 and at <= count then
      api.nvim_buf_set_extmark(buf, ns, at - 1, 0, {
        end_row = math.min(at - 1 + block.added, count),
        end_col = 0,
        hl_group = done and "DivisiReviewAddedDone" or "DivisiReviewAdded",
        hl_eol = true,
        -- Below syntax, so that only the background shows.
        priority = 50,
        strict = false,
      })
      for line = math.max(at, row + 1), math.min(at + block.added - 1, count, at + 500) do
        api.nvim_buf_set_extmark(buf, ns, line - 1, 0, { sign_text = "▎", sign_hl_group = group, priority = 80 })
      end
    end
  end
end

---@param review divisi.Review
---@param win integer
---@param buf integer
---@param side 'new'|'old'
---@param path string
local function draw_comments(review, win, buf, side, path)
  local width = math.min(76, math.max(20, api.nvim_win_get_width(win) - 8))
  for _, comment in ipairs(review.data.comments) do
    if comment.path == path and comment.old == (side == "old") then
      local group = comment.open and "DivisiReviewComment" or "DivisiQuiet"
      local head = comment.kind
        .. (comment.resolved and ", settled" or comment.round and ", sent in round " .. comment.round or "")
        .. (comment.outdated and ", its lines changed" or "")
      local lines = { { { "  ┃ ", group }, { head, group } } } ---@type { [1]: string, [2]: string }[][]
      if not comment.resolved then
        for _, text in ipairs(comment.lines) do
          for _, part in ipairs(wrap(text, width)) do
            table.insert(lines, { { "  ┃ ", group }, { part, "DivisiReviewCommentText" } })
          end
        end
      end
      if M.sides(review) then
        -- Lines between those of one window would stand against other lines of the other.
        beside(buf, comment.last, ("┃ %s: %s"):format(head, comment.lines[1] or ""), group)
      else
        between(buf, comment.last, lines, comment.line > 0)
      end
      local count = api.nvim_buf_line_count(buf)
      api.nvim_buf_set_extmark(buf, ns, math.min(math.max(comment.line, 1), count) - 1, 0, {
        sign_text = "●",
        sign_hl_group = group,
        priority = 110,
      })
    end
  end
end

---Draws everything of a file into its buffer.
---@param review divisi.Review
---@param win integer
---@param side 'new'|'old'
---@param file divisi.ReviewFile
function M.draw(review, win, side, file)
  local buf = api.nvim_win_get_buf(win)
  local shifts = {} ---@type table<string, integer>
  for _, hunk in ipairs(file.hunks) do
    shifts[hunk.id] = M.shift(review, buf, hunk)
  end
  M.clear(buf)
  review.marks[buf] = {}
  if side == "new" then
    for number, hunk in ipairs(file.hunks) do
      draw_hunk(review, win, buf, hunk, ("%d/%d"):format(number, #file.hunks), shifts[hunk.id])
    end
    for _, hunk in ipairs(review.data.rejected) do
      if hunk.path == file.path then
        local text = ("  ✗ rejected +%d −%d%s"):format(hunk.added, hunk.removed, hunk.told and ", sent" or "")
        if M.sides(review) then
          beside(buf, hunk.line, text, "DivisiReviewRejected")
        else
          between(buf, hunk.line, { { { text, "DivisiReviewRejected" } } })
        end
      end
    end
  end
  if side == "old" and win == review.win then
    -- A file that is gone: what it was, all of it taken away.
    for number, hunk in ipairs(file.hunks) do
      local words, group, sign = state(review, hunk)
      local last = math.min(hunk.old_to, api.nvim_buf_line_count(buf))
      api.nvim_buf_set_extmark(buf, ns, math.min(hunk.old_from, last) - 1, 0, {
        sign_text = sign,
        sign_hl_group = group,
        virt_text = { { (" %d/%d gone %s"):format(number, #file.hunks, words), group } },
        virt_text_pos = "right_align",
        end_row = last,
        end_col = 0,
        hl_group = "DivisiReviewRemoved",
        hl_eol = true,
        priority = 50,
        strict = false,
      })
    end
  end
  draw_comments(review, win, buf, side, side == "old" and file.old_path or file.path)
end

---Scrolls so that what went before the first line of a file can be seen.
---@param win integer
---@param file divisi.ReviewFile
function M.reveal(win, file)
  local first = file.hunks[1]
  local block = first and first.blocks[1]
  if block and block.at == 1 and block.removed[1] then
    api.nvim_win_call(win, function()
      if vim.fn.line("w0") == 1 then
        local room = math.max(1, api.nvim_win_get_height(win) - 2)
        vim.fn.winrestview({ topline = 1, topfill = math.min(#block.removed, room) })
      end
    end)
  end
end

return M
