---The small float for open approvals, bottom right: it never takes the focus.
local M = {}

local api = vim.api
local mirror = require("divisi.mirror")
local window = require("divisi.ui.window")

local ns = api.nvim_create_namespace("divisi.approval_float")

---The queue's buffer: where it is shown, the float says nothing new.
---@type integer?
local queue
---@type integer?
local float_buf
---@type integer?
local float_win
---Approvals whose float the person closed: it comes back for the next one.
---@type table<string, boolean?>
local dismissed = {}

---The name of a session.
---@param session string
---@return string
function M.name_of(session)
  local row = mirror.sessions[session]
  return row and row.name or session
end

---What an agent wants to do, on one line.
---@param approval divisi.Approval
---@return string
function M.what(approval)
  return ((approval.command or approval.title):gsub("[\r\n]", " "))
end

---Approvals of sessions that answer by themselves, and did not.
---@type table<string, boolean?>
local left_over = {}

---Whether an approval is about to be answered without anybody.
---@param approval divisi.Approval
---@return boolean
function M.is_answered(approval)
  local row = mirror.sessions[approval.session]
  return row ~= nil and row.policy == "auto" and not approval.question and not left_over[approval.id]
end

---Those that are worth a float: of sessions that do not hold them back, nor answer them.
---@return divisi.Approval[]
local function pressing()
  return vim.tbl_filter(function(approval)
    local row = mirror.sessions[approval.session]
    return not (row and row.policy == "hold") and not dismissed[approval.id] and not M.is_answered(approval)
  end, mirror.approvals)
end

local function close_float()
  local win = float_win
  -- Before closing: `WinClosed` tells the person's closing from ours by it.
  float_win = nil
  if win and api.nvim_win_is_valid(win) then
    api.nvim_win_close(win, true)
  end
end

---Shows, moves or takes away the float of this tab. Where windows cannot change now, it is tried again soon.
local function update()
  local shown = require("divisi.config").get().float and pressing() or {}
  if #shown == 0 and not float_win then
    return
  end
  if vim.fn.getcmdwintype() ~= "" then
    vim.defer_fn(update, 300)
    return
  end
  if #shown == 0 or (queue and window.shown(queue)) then
    close_float()
    return
  end
  local first = shown[1] --[[@as divisi.Approval]]
  local lines = {} ---@type string[]
  table.insert(lines, (" %s asks: %s "):format(M.name_of(first.session), M.what(first)))
  table.insert(lines, (" :Divisi approvals%s "):format(#shown > 1 and (" (%d wait)"):format(#shown) or ""))
  local most = math.max(10, math.min(60, vim.o.columns - 4))
  local width = 1
  for index, line in ipairs(lines) do
    if vim.fn.strdisplaywidth(line) > most then
      lines[index] = vim.fn.strcharpart(line, 0, most - 2) .. "… "
    end
    width = math.max(width, vim.fn.strdisplaywidth(lines[index] or ""))
  end
  if not float_buf or not api.nvim_buf_is_valid(float_buf) then
    float_buf = api.nvim_create_buf(false, true)
    vim.bo[float_buf].bufhidden = "hide"
  end
  api.nvim_buf_set_lines(float_buf, 0, -1, false, lines)
  for index, line in ipairs(lines) do
    local group = index == 1 and "DivisiAsk" or "DivisiQuiet"
    api.nvim_buf_set_extmark(float_buf, ns, index - 1, 0, { end_col = #line, hl_group = group, id = index })
  end
  local status = vim.o.laststatus > 0 and 1 or 0
  local shape = {
    relative = "editor",
    anchor = "SE",
    row = math.max(2, vim.o.lines - vim.o.cmdheight - status),
    col = vim.o.columns,
    width = width,
    height = #lines,
    focusable = true,
    style = "minimal",
    zindex = 45,
  }
  if
    float_win
    and api.nvim_win_is_valid(float_win)
    and api.nvim_win_get_tabpage(float_win) == api.nvim_get_current_tabpage()
  then
    api.nvim_win_set_config(float_win, shape)
    return
  end
  close_float()
  local ok, win = pcall(api.nvim_open_win, float_buf, false, vim.tbl_extend("force", shape, { noautocmd = true }))
  if not ok then
    vim.defer_fn(update, 300)
    return
  end
  float_win = win
  vim.wo[win][0].winhighlight = "NormalFloat:DivisiFloat"
  vim.wo[win][0].winfixbuf = true
end

---Shows what is open now.
---@param buf integer? the queue's buffer
function M.update(buf)
  queue = buf
  update()
end

---Calls back when an approval is one that a person has to answer: at once, or when nobody else has answered it soon.
---@param approval divisi.Approval
---@param tell fun()
function M.when_open(approval, tell)
  if not M.is_answered(approval) then
    tell()
    return
  end
  vim.defer_fn(function()
    for _, open in ipairs(mirror.approvals) do
      if open.id == approval.id then
        left_over[approval.id] = true
        tell()
        update()
      end
    end
  end, 2000)
end

local group = api.nvim_create_augroup("divisi.approvals", {})
api.nvim_create_autocmd({ "TabEnter", "VimResized", "CmdwinLeave" }, {
  group = group,
  callback = function()
    vim.schedule(update)
  end,
})
api.nvim_create_autocmd("WinClosed", {
  group = group,
  callback = function(args)
    local closed = tonumber(args.match)
    if closed and closed == float_win then
      float_win = nil
      dismissed = {}
      for _, approval in ipairs(mirror.approvals) do
        dismissed[approval.id] = true
      end
    elseif queue and args.buf == queue then
      vim.schedule(update)
    end
  end,
})

return M
