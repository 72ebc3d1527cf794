---The panel of a review: files with how far each is, comments, hunks that were taken out.
local M = {}

local api = vim.api
local window = require("divisi.ui.window")

local ns = api.nvim_create_namespace("divisi.review.panel")

---@class divisi.PanelEntry
---@field file divisi.ReviewFile?
---@field comment divisi.ReviewComment?
---@field rejected divisi.ReviewRejected?

---@param number integer
---@param word string
---@return string
function M.counted(number, word)
  return ("%d %s%s"):format(number, word, number == 1 and "" or "s")
end

---Cuts a path at its beginning: its end tells more.
---@param text string
---@param width integer
---@return string
local function fit(text, width)
  local chars = vim.fn.strchars(text)
  while chars > 1 and vim.fn.strdisplaywidth(text) > width do
    text = "…" .. vim.fn.strcharpart(text, text:sub(1, #"…") == "…" and 2 or 1)
    chars = chars - 1
  end
  return text
end

---What is compared, in words.
---@param review divisi.Review
---@return string
function M.range(review)
  if review.data.of == "round" then
    return "since round " .. review.data.number
  end
  return "against " .. (review.row.base or "its base")
end

---@param review divisi.Review
---@param width integer
---@return string[] lines
---@return { [1]: integer, [2]: integer, [3]: integer, [4]: string }[] marks line, first and last column, group
---@return table<integer, divisi.PanelEntry> entries
local function compute(review, width)
  local data = review.data
  local lines, marks, entries = {}, {}, {} ---@type string[], { [1]: integer, [2]: integer, [3]: integer, [4]: string }[], table<integer, divisi.PanelEntry>
  local function add(text, group)
    table.insert(lines, (text:gsub("[\r\n]", " ")))
    if group then
      table.insert(marks, { #lines, 0, #lines[#lines], group })
    end
  end
  add(("%s %s"):format(review.row.name, M.range(review)), "DivisiName")
  local decided = data.decided + review.pending_count
  add(
    ("%d/%d decided%s%s"):format(
      math.min(decided, data.total),
      data.total,
      data.open > 0 and ", " .. M.counted(data.open, "comment") or "",
      data.untold > 0 and ", " .. data.untold .. " rejected" or ""
    ),
    "DivisiQuiet"
  )
  local verdict = (require("divisi.mirror").sessions[review.row.id] or review.row).verdict
  if verdict then
    add(verdict.short .. " " .. verdict.words, verdict.state == "failed" and "DivisiFailed" or "DivisiQuiet")
  end
  for _, file in ipairs(data.files) do
    local done = file.binary and "binary" or ("%d/%d"):format(file.decided, file.total)
    local counts = file.binary and "" or ("+%d −%d "):format(file.added, file.removed)
    local tail = ("%s%s %s"):format(counts, done, file.viewed and "✓" or " ")
    local room = math.max(8, width - 2 - vim.fn.strdisplaywidth(tail) - 1)
    local name = fit(file.shown, room)
    local gap = (" "):rep(math.max(1, width - 2 - vim.fn.strdisplaywidth(name) - vim.fn.strdisplaywidth(tail)))
    add(("%s %s%s%s"):format(file.letter, name, gap, tail))
    entries[#lines] = { file = file }
    local line, row = lines[#lines], #lines
    table.insert(marks, { row, 0, 1, file.letter == "D" and "DivisiRemoved" or "DivisiAdded" })
    if file.path == review.path then
      table.insert(marks, { row, 2, 2 + #name, "DivisiReviewCurrent" })
    end
    local from = #line - #tail
    local group = file.decided == file.total and "DivisiReviewDone" or "DivisiReview"
    table.insert(marks, { row, from + #counts, from + #counts + #done, group })
    table.insert(marks, { row, #line - #"✓", #line, "DivisiReviewDone" })
  end
  if #data.files == 0 then
    add(data.of == "round" and "no changes yet; b shows everything" or "no changes", "DivisiQuiet")
  end
  if data.comments[1] then
    add("")
    add("Comments", "DivisiTurn")
    for _, comment in ipairs(data.comments) do
      local state = comment.resolved and "✓ " or comment.round and ("sent %d "):format(comment.round) or ""
      local place = comment.line > 0 and ("%s:%d"):format(comment.shown, comment.line) or comment.shown
      add(("%s%s %s %s"):format(state, comment.kind, fit(place, math.floor(width / 2)), comment.lines[1] or ""))
      entries[#lines] = { comment = comment }
      table.insert(marks, { #lines, 0, #lines[#lines], comment.open and "DivisiReviewComment" or "DivisiQuiet" })
    end
  end
  if data.rejected[1] then
    add("")
    add("Rejected", "DivisiTurn")
    for _, hunk in ipairs(data.rejected) do
      local place = fit(("%s:%d"):format(hunk.shown, hunk.line), width - 16)
      add(("✗ %s +%d −%d%s"):format(place, hunk.added, hunk.removed, hunk.told and " sent" or ""), "DivisiQuiet")
      entries[#lines] = { rejected = hunk }
    end
  end
  return lines, marks, entries
end

---Draws the panel where it is shown.
---@param review divisi.Review
function M.render(review)
  local buf = review.panel
  if not api.nvim_buf_is_valid(buf) or not review.data then
    return
  end
  local win = review.panel_win
  local width = api.nvim_win_is_valid(win) and api.nvim_win_get_width(win) or 34
  local lines, marks, entries = compute(review, width)
  review.entries = entries
  window.set_lines(buf, lines)
  api.nvim_buf_clear_namespace(buf, ns, 0, -1)
  for _, mark in ipairs(marks) do
    local last = math.min(mark[3], #lines[mark[1]])
    api.nvim_buf_set_extmark(buf, ns, mark[1] - 1, math.min(mark[2], last), { end_col = last, hl_group = mark[4] })
  end
end

---The entry under the panel's cursor.
---@param review divisi.Review
---@return divisi.PanelEntry
function M.entry(review)
  return review.entries[api.nvim_win_get_cursor(0)[1]] or {}
end

return M
