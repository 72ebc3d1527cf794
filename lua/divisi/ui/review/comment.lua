---Comments in a review: written in a small float, shown below their lines.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local rpc = require("divisi.rpc")
local editor = require("divisi.ui.review.editor")

local HINT = ":w saves, <Tab> kind, q closes"

---@param method string
---@param params table
local function submit(method, params)
  rpc.request(method, params, function(_, refusal)
    if refusal then
      errors.refused(refusal)
    end
  end)
end

---Changes a comment; an empty text takes it away.
---@param review divisi.Review
---@param comment divisi.ReviewComment
function M.edit(review, comment)
  editor.open({
    title = ("%s:%d"):format(comment.shown, comment.line),
    hint = HINT .. "; empty removes it",
    text = comment.text,
    kind = comment.kind,
    save = function(text, kind)
      if text == "" then
        M.remove(review, comment)
      else
        submit("comment/edit", { session = review.row.id, comment = comment.id, text = text, kind = kind })
      end
    end,
  })
end

---@param review divisi.Review
---@param comment divisi.ReviewComment
function M.remove(review, comment)
  submit("comment/remove", { session = review.row.id, comment = comment.id })
end

---@param review divisi.Review
---@param comment divisi.ReviewComment
function M.resolve(review, comment)
  local resolved = not comment.resolved
  submit("comment/resolve", { session = review.row.id, comment = comment.id, resolved = resolved })
end

---The comment on a line of the window under the cursor.
---@param review divisi.Review
---@param line integer
---@return divisi.ReviewComment?
function M.at(review, line)
  local core = require("divisi.ui.review")
  local side = core.side_of(review, api.nvim_get_current_win())
  local file = core.file(review, review.path)
  for _, comment in ipairs(review.data.comments) do
    local same = file and (comment.path == file.path or comment.path == file.old_path)
    if same and comment.old == (side == "old") and line >= comment.line and line <= comment.last then
      return comment
    end
  end
end

---Comments on lines of the file under the cursor.
---@param review divisi.Review
---@param first integer
---@param last integer
function M.add(review, first, last)
  local core = require("divisi.ui.review")
  local side = core.side_of(review, api.nvim_get_current_win())
  local file = core.file(review, review.path)
  if not side or not file then
    errors.notify("no changed file here")
    return
  end
  if vim.bo.modified then
    errors.warn(file.shown .. " has changes that are not written; write it first (:w), then comment")
    return
  end
  local path = side == "old" and file.old_path or file.path
  local lines = first == last and tostring(first) or ("%d-%d"):format(first, last)
  editor.open({
    title = ("%s:%s"):format(file.shown, lines),
    hint = HINT,
    text = "",
    kind = "issue",
    insert = true,
    save = function(text, kind)
      if text == "" then
        return
      end
      submit("comment/add", {
        session = review.row.id,
        path = path,
        side = side,
        first = first,
        last = last,
        kind = kind,
        text = text,
        round = review.data.of == "round" and review.data.number or 0,
      })
    end,
  })
end

---Called by `g@`.
---@param _ string
function M.operator(_)
  local review = require("divisi.ui.review").current()
  if review then
    M.add(review, api.nvim_buf_get_mark(0, "[")[1], api.nvim_buf_get_mark(0, "]")[1])
  end
end

---@return string
function M.keys()
  vim.o.operatorfunc = "v:lua.require'divisi.ui.review.comment'.operator"
  return "g@"
end

---On the line under the cursor: the comment that is there, or a new one.
---@param review divisi.Review
function M.here(review)
  local line = api.nvim_win_get_cursor(0)[1]
  local known = M.at(review, line)
  if known then
    M.edit(review, known)
  else
    M.add(review, line, line)
  end
end

---Sends comments and rejections as a round, with something said besides.
---@param review divisi.Review
function M.send(review)
  local panel = require("divisi.ui.review.panel")
  local data = review.data
  editor.open({
    title = ("round %d to %s: %s, %s"):format(
      data.round + 1,
      review.row.name,
      panel.counted(data.open, "comment"),
      panel.counted(data.untold, "rejected hunk")
    ),
    hint = ":w sends, also without text; q not yet",
    text = "",
    save = function(text)
      rpc.request("round/send", { session = review.row.id, note = text }, function(receipt, refusal)
        if refusal then
          errors.refused(refusal)
          return
        end
        local outcome = type(receipt) == "table" and require("divisi.commands").outcome(receipt) or {}
        errors.notify(("round %s sent to %s"):format(outcome.number or "?", review.row.name))
        -- From here on only the answer is of interest.
        review.of = "round"
        require("divisi.ui.review").refresh(review)
      end)
    end,
  })
end

return M
