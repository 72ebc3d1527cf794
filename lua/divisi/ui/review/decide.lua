---Decisions on hunks: under the cursor, in a motion, in a selection, of a file; with `.` again, with undo.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local rpc = require("divisi.rpc")
local inline = require("divisi.ui.review.inline")

---What the next `g@` does.
---@type 'accept'|'reject'
local action = "accept"
---Whether it takes the hunk under the cursor, or no more than the lines of its motion.
local whole = true

---@param review divisi.Review
---@param path string
---@return boolean
local function unwritten(review, path)
  local buf = vim.fn.bufnr(vim.fs.joinpath(review.row.path, path))
  return buf > 0 and api.nvim_buf_is_loaded(buf) and vim.bo[buf].modified
end

---@param review divisi.Review
local function settle(review)
  local core = require("divisi.ui.review")
  require("divisi.live").check(review.row.path, true)
  core.refresh(review)
end

---Carries decisions out, one after the other: each may change the file that the next one is in.
---@param review divisi.Review
local function pump(review)
  local core = require("divisi.ui.review")
  if review.busy then
    return
  end
  local item = review.queue[1]
  if not item then
    settle(review)
    return
  end
  review.busy = true
  local params = { session = review.row.id, hunk = item.hunk.id, action = item.action, lines = item.lines }
  rpc.request("hunk/decide", params, function(receipt, refusal)
    review.busy = false
    table.remove(review.queue, 1)
    if refusal then
      review.pending[item.hunk.id] = nil
      review.pending_count = vim.tbl_count(review.pending)
      core.render(review)
      errors.refused(refusal)
    else
      local outcome = type(receipt) == "table" and require("divisi.commands").outcome(receipt) or {}
      -- A part of a hunk has an id of its own.
      table.insert(review.undo, { hunk = outcome.hunk or item.hunk.id, path = item.path, line = item.hunk.first })
    end
    pump(review)
  end)
end

---Decides on hunks of a file.
---@param review divisi.Review
---@param file divisi.ReviewFile
---@param hunks divisi.ReviewHunk[]
---@param verb 'accept'|'reject'
---@param parts? table<string, integer[]> by hunk, the lines of it that are meant; all of the others
---@return boolean begun
function M.run(review, file, hunks, verb, parts)
  local core = require("divisi.ui.review")
  if verb == "reject" and unwritten(review, file.path) then
    errors.warn(file.shown .. " has changes that are not written; write it first (:w), then reject")
    return false
  end
  local begun = false
  for _, hunk in ipairs(hunks) do
    if not review.pending[hunk.id] and not (verb == "accept" and hunk.decision == "accepted") then
      review.pending[hunk.id] = verb
      local lines = parts and parts[hunk.id]
      table.insert(review.queue, { hunk = hunk, path = file.path, action = verb, lines = lines })
      begun = true
    end
  end
  if begun then
    review.pending_count = vim.tbl_count(review.pending)
    core.render(review)
    pump(review)
  end
  return begun
end

---Lines of a hunk from its first change to its last.
---@param hunk divisi.ReviewHunk
---@param side 'new'|'old'
---@param shift integer
---@return integer first
---@return integer last
local function extent(hunk, side, shift)
  local top, bottom = hunk.blocks[1], hunk.blocks[#hunk.blocks]
  if side == "old" and top and bottom then
    return top.old_at, math.max(top.old_at, bottom.old_at + bottom.gone - 1)
  end
  return hunk.first + shift, hunk.last + shift
end

---Hunks of the file under the cursor whose changes lines touch; without one the nearest whose context they touch.
---@param review divisi.Review
---@param first integer
---@param last integer
---@return divisi.ReviewFile?
---@return divisi.ReviewHunk[]
function M.touched(review, first, last)
  local core = require("divisi.ui.review")
  local win = api.nvim_get_current_win()
  local side, file = core.side_of(review, win), core.file(review, review.path)
  local found = {} ---@type divisi.ReviewHunk[]
  local near, distance ---@type divisi.ReviewHunk?, integer?
  for _, hunk in ipairs(file and side and file.hunks or {}) do
    local shift = side == "new" and inline.shift(review, api.nvim_win_get_buf(win), hunk) or 0
    local top, bottom = extent(hunk, side or "new", shift)
    local from, to = inline.lines(review, win, side or "new", hunk)
    if top <= last and bottom >= first then
      table.insert(found, hunk)
    elseif from <= last and to >= first then
      local away = math.max(top - last, first - bottom)
      if not distance or away < distance then
        near, distance = hunk, away
      end
    end
  end
  return file, found[1] and found or { near }
end

---The changes of a hunk that lines are on: indexes into the hunk, and whether that is all of it. A line that went is on the line
---below it, or with the line that came in its place.
---@param hunk divisi.ReviewHunk
---@param side 'new'|'old'
---@param first integer
---@param last integer
---@return integer[] lines
---@return boolean all
local function changed(hunk, side, first, last)
  local lines, all = {}, true ---@type integer[], boolean
  for _, block in ipairs(hunk.blocks) do
    local at, count, index = block.at, block.added, block.came
    if side == "old" then
      at, count, index = block.old_at, block.gone, block.went
    end
    if count == 0 then
      -- Nothing of it is on this side: it stands between two lines.
      if first <= at and last >= at then
        for offset = 0, math.max(block.gone, block.added) - 1 do
          table.insert(lines, (side == "old" and block.came or block.went) + offset)
        end
      else
        all = false
      end
    end
    for offset = 0, count - 1 do
      if first <= at + offset and last >= at + offset then
        table.insert(lines, index + offset)
      else
        all = false
      end
    end
  end
  return lines, all
end

---What lines touch of the file under the cursor, and no more: hunks, and of those that are touched in part which of their lines.
---@param review divisi.Review
---@param first integer
---@param last integer
---@return divisi.ReviewFile?
---@return divisi.ReviewHunk[]
---@return table<string, integer[]>
function M.within(review, first, last)
  local core = require("divisi.ui.review")
  local win = api.nvim_get_current_win()
  local side = core.side_of(review, win)
  local file, hunks = M.touched(review, first, last)
  local parts, found = {}, {} ---@type table<string, integer[]>, divisi.ReviewHunk[]
  local count = api.nvim_buf_line_count(0)
  for _, hunk in ipairs(side and hunks or {}) do
    local shift = side == "new" and inline.shift(review, api.nvim_win_get_buf(win), hunk) or 0
    -- What went from the end of the file stands below its last line.
    local to = last >= count and math.huge or last - shift
    local lines, all = changed(hunk, side or "new", first - shift, to)
    if all or (file and file.status == "deleted") then
      table.insert(found, hunk)
    elseif lines[1] then
      table.insert(found, hunk)
      parts[hunk.id] = lines
    end
  end
  return file, found, parts
end

---Called by `g@`.
---@param _ string
function M.operator(_)
  local core = require("divisi.ui.review")
  local review = core.current()
  if not review then
    return
  end
  local first = api.nvim_buf_get_mark(0, "[")[1]
  local last = api.nvim_buf_get_mark(0, "]")[1]
  local file, hunks, parts
  if whole then
    file, hunks = M.touched(review, first, last)
  else
    file, hunks, parts = M.within(review, first, last)
  end
  if not file or #hunks == 0 then
    errors.notify(whole and "no hunk here" or "no change on these lines")
    return
  end
  local one = #hunks == 1 and not (parts and next(parts))
  if M.run(review, file, hunks, action, parts) and one and require("divisi.config").get().review.advance then
    require("divisi.ui.review.move").next_undecided(review, 1)
  end
end

---The keys that a mapping stands for: `g@` with a motion of its own, or one to come.
---@param verb 'accept'|'reject'
---@param motion string
---@return string
function M.keys(verb, motion)
  action = verb
  whole = motion ~= ""
  vim.o.operatorfunc = "v:lua.require'divisi.ui.review.decide'.operator"
  return "g@" .. motion
end

---@param review divisi.Review
---@param hunk string
---@param path string
---@param line integer
local function take_back(review, hunk, path, line)
  review.undo = vim.tbl_filter(function(made)
    return made.hunk ~= hunk
  end, review.undo)
  if unwritten(review, path) then
    errors.warn(path .. " has changes that are not written; write it first (:w)")
    return
  end
  local core = require("divisi.ui.review")
  -- At once, so that the cursor does not jump when the person has gone on already.
  local there = core.file(review, path) ~= nil
  if there then
    core.show(review, path, line)
  end
  rpc.request("hunk/decide", { session = review.row.id, hunk = hunk, action = "undo" }, function(_, refusal)
    if refusal then
      errors.refused(refusal)
      return
    end
    require("divisi.live").check(review.row.path, true)
    core.refresh(review, function()
      if not there and core.file(review, path) then
        core.show(review, path, line)
      end
    end)
  end)
end

---Takes the decision on a rejected hunk back.
---@param review divisi.Review
---@param hunk divisi.ReviewRejected
function M.undo_rejected(review, hunk)
  take_back(review, hunk.id, hunk.path, hunk.line)
end

---Takes the decision under the cursor back, or the newest one of this review.
---@param review divisi.Review
function M.undo(review)
  local line = api.nvim_win_get_cursor(0)[1]
  local file, hunks = M.touched(review, line, line)
  for _, hunk in ipairs(hunks) do
    if file and hunk.decision == "accepted" then
      take_back(review, hunk.id, file.path, hunk.first)
      return
    end
  end
  for _, hunk in ipairs(review.data.rejected) do
    if file and hunk.path == file.path and math.abs(hunk.line - line) <= 1 then
      M.undo_rejected(review, hunk)
      return
    end
  end
  if #review.undo > 0 then
    local newest = review.undo[#review.undo]
    take_back(review, newest.hunk, newest.path, newest.line)
  else
    errors.notify("no decision here, and none made in this review")
  end
end

---Decides on everything of a file that waits for it.
---@param review divisi.Review
---@param file divisi.ReviewFile
---@param verb 'accept'|'reject'
function M.whole(review, file, verb)
  local hunks = vim.tbl_filter(function(hunk)
    return hunk.decision == nil
  end, file.hunks)
  if #hunks == 0 then
    errors.notify(file.shown .. ": every hunk is decided")
  else
    M.run(review, file, hunks, verb)
  end
end

return M
