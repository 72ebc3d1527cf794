---Decisions on hunks: under the cursor, in a motion, in a selection, of a file; with `.` again, with undo.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local rpc = require("divisi.rpc")
local inline = require("divisi.ui.review.inline")

---What the next `g@` does.
---@type 'accept'|'reject'
local action = "accept"

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
  local params = { session = review.row.id, hunk = item.hunk.id, action = item.action }
  rpc.request("hunk/decide", params, function(_, refusal)
    review.busy = false
    table.remove(review.queue, 1)
    if refusal then
      review.pending[item.hunk.id] = nil
      review.pending_count = vim.tbl_count(review.pending)
      core.render(review)
      errors.refused(refusal)
    else
      table.insert(review.undo, { hunk = item.hunk.id, path = item.path, line = item.hunk.first })
    end
    pump(review)
  end)
end

---Decides on hunks of a file.
---@param review divisi.Review
---@param file divisi.ReviewFile
---@param hunks divisi.ReviewHunk[]
---@param verb 'accept'|'reject'
---@return boolean begun
function M.run(review, file, hunks, verb)
  local core = require("divisi.ui.review")
  if verb == "reject" and unwritten(review, file.path) then
    errors.warn(file.shown .. " has changes that are not written; write it first (:w), then reject")
    return false
  end
  local begun = false
  for _, hunk in ipairs(hunks) do
    if not review.pending[hunk.id] and not (verb == "accept" and hunk.decision == "accepted") then
      review.pending[hunk.id] = verb
      table.insert(review.queue, { hunk = hunk, path = file.path, action = verb })
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

---Hunks of the file under the cursor that lines touch, their context included.
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
  if file and side then
    for _, hunk in ipairs(file.hunks) do
      local from, to = inline.lines(review, win, side, hunk)
      if from <= last and to >= first then
        table.insert(found, hunk)
      end
    end
  end
  return file, found
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
  local file, hunks = M.touched(review, first, last)
  if not file or #hunks == 0 then
    errors.notify("no hunk here")
    return
  end
  local one = #hunks == 1
  if M.run(review, file, hunks, action) and one and require("divisi.config").get().review.advance then
    require("divisi.ui.review.move").next_undecided(review, 1)
  end
end

---The keys that a mapping stands for: `g@` with a motion of its own, or one to come.
---@param verb 'accept'|'reject'
---@param motion string
---@return string
function M.keys(verb, motion)
  action = verb
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
