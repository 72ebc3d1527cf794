---Side by side: what a file was on the left, the working file on the right.
local M = {}

local api = vim.api
local rpc = require("divisi.rpc")
local window = require("divisi.ui.window")

---@param text string?
---@return string[]
function M.lines_of(text)
  local lines = vim.split((text or ""):gsub("\r\n", "\n"), "\n", { plain = true })
  if lines[#lines] == "" then
    table.remove(lines)
  end
  return vim.tbl_map(function(line)
    return (line:gsub("%z", "\n"))
  end, lines)
end

---A scratch buffer with what a file was; filled when the answer comes.
---@param review divisi.Review
---@param file divisi.ReviewFile
---@param done fun(buf: integer)
function M.old(review, file, done)
  local path = file.old_path or file.path
  local round = review.data.of == "round" and review.data.number or 0
  local name = ("divisi://base/%s/%d/%s"):format(review.row.name, round, path)
  ---@param lines string[]
  local function fill(lines)
    local buf = window.buffer(name, function(made)
      window.make_scratch(made, vim.filetype.match({ filename = path }) or "")
      vim.bo[made].bufhidden = "wipe"
    end)
    window.set_lines(buf, lines)
    done(buf)
  end
  if file.status == "added" then
    fill({})
    return
  end
  rpc.request("session/base_file", { session = review.row.id, path = path, round = round }, function(answer, refusal)
    if refusal then
      require("divisi.errors").refused(refusal)
    else
      fill(M.lines_of(type(answer) == "table" and answer.text or nil))
    end
  end)
end

---Ends the comparison of the windows.
---@param review divisi.Review
function M.close(review)
  if api.nvim_win_is_valid(review.win) then
    api.nvim_win_call(review.win, vim.cmd.diffoff)
  end
  local left = review.left_win
  review.left_win = nil
  if left and api.nvim_win_is_valid(left) then
    pcall(api.nvim_win_close, left, true)
  end
end

---Shows the old side of the file that the review's window shows.
---@param review divisi.Review
---@param file divisi.ReviewFile
---@param done fun()
function M.open(review, file, done)
  M.old(review, file, function(buf)
    if not review.side or review.path ~= file.path or not api.nvim_win_is_valid(review.win) then
      return
    end
    api.nvim_win_call(review.win, vim.cmd.diffoff)
    if review.left_win and api.nvim_win_is_valid(review.left_win) then
      api.nvim_win_call(review.left_win, vim.cmd.diffoff)
      api.nvim_win_set_buf(review.left_win, buf)
    else
      review.left_win = api.nvim_open_win(buf, false, { split = "left", win = review.win })
      vim.w[review.left_win].divisi = "review"
    end
    for _, win in ipairs({ review.left_win, review.win }) do
      api.nvim_win_call(win, vim.cmd.diffthis)
    end
    done()
  end)
end

return M
