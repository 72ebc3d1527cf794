---Landing as a buffer that is written, like a commit: what would land, what was decided, the message. `:w` lands, `:q` does not.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local rpc = require("divisi.rpc")
local window = require("divisi.ui.window")

local STRATEGIES = { "squash", "rebase", "merge" }
local SCISSORS = "# ------------------------ >8 ------------------------"

local ns = api.nvim_create_namespace("divisi.land")

---@class divisi.Landing
---@field row divisi.Row
---@field found table the preflight, as the host tells it
---@field strategy string

---@type table<integer, divisi.Landing>
local landings = {}

---@param number integer
---@param word string
---@return string
local function counted(number, word)
  return ("%d %s%s"):format(number, word, number == 1 and "" or "s")
end

---What was decided, in words; nothing when nothing was reviewed.
---@param data divisi.ReviewData?
---@return string[]
local function reviewed(data)
  if not data then
    return {}
  end
  local lines = {} ---@type string[]
  local left = data.total - data.decided
  table.insert(
    lines,
    ("review    %s: %d kept, %s; %d taken out"):format(
      counted(data.total - data.untold, "hunk"),
      data.decided - data.untold,
      left == 0 and "none undecided" or left .. " undecided",
      #data.rejected
    )
  )
  for _, hunk in ipairs(data.rejected) do
    table.insert(lines, ("taken out %s:%d +%d −%d"):format(hunk.shown, hunk.line, hunk.added, hunk.removed))
  end
  if data.open > 0 then
    table.insert(lines, ("comments  %s not sent"):format(counted(data.open, "comment")))
  end
  local changed = vim.tbl_filter(function(file)
    return file.decided < file.total
  end, data.files)
  for _, file in ipairs(changed) do
    table.insert(lines, ("undecided %s %d/%d"):format(file.shown, file.decided, file.total))
  end
  return lines
end

---@param landing divisi.Landing
---@param data divisi.ReviewData?
---@return string[]
local function remarks(landing, data)
  local found = landing.found
  local lines = {
    SCISSORS,
    found.ready and "# :w lands, :q does not. Nothing below that line is in the message."
      or "# This cannot land as it is; see below. Fix it, then :Divisi land again.",
    "#",
    ("# strategy  %s"):format(landing.strategy),
  }
  if landing.strategy == "rebase" then
    table.insert(lines, "#           (rebase keeps the session's own messages)")
  end
  for _, line in ipairs(found.lines or {}) do
    table.insert(lines, "# " .. line)
  end
  if landing.row.verdict then
    table.insert(lines, "# judged    " .. landing.row.verdict.words)
  end
  for _, line in ipairs(reviewed(data)) do
    table.insert(lines, "# " .. line:gsub("[\r\n]", " "))
  end
  table.insert(lines, "#")
  table.insert(lines, "# <Tab> another strategy   q close")
  return lines
end

---@param buf integer
local function colour(buf)
  api.nvim_buf_clear_namespace(buf, ns, 0, -1)
  local below = false
  for index, line in ipairs(api.nvim_buf_get_lines(buf, 0, -1, false)) do
    below = below or line == SCISSORS
    if below then
      local group = line:match("^# conflict") and "DivisiFailed"
        or line:match("^# blocked") and "DivisiFailed"
        or line:match("^# undecided") and "DivisiReview"
        or "DivisiQuiet"
      api.nvim_buf_set_extmark(buf, ns, index - 1, 0, { end_col = #line, hl_group = group })
    end
  end
end

---The message above the line.
---@param buf integer
---@return string
local function message(buf)
  local kept = {} ---@type string[]
  for _, line in ipairs(api.nvim_buf_get_lines(buf, 0, -1, false)) do
    if line == SCISSORS then
      break
    end
    table.insert(kept, line)
  end
  return vim.trim(table.concat(kept, "\n"))
end

---@param buf integer
local function close(buf)
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    vim.bo[buf].modified = false
    window.close(win)
  end
end

---@param buf integer
local function write(buf)
  local landing = landings[buf]
  if not landing then
    return
  end
  local found, text = landing.found, message(buf)
  if not found.ready and (found.conflicts or 0) == 0 then
    errors.warn("cannot land: " .. table.concat(found.blockers or {}, "; "))
    return
  end
  if text == "" then
    errors.warn("nothing landed: the message is empty")
    return
  end
  rpc.request("landing/start", {
    session = landing.row.id,
    strategy = landing.strategy,
    message = text .. "\n",
    -- With uncommitted changes there is no commit yet that could be named; they are committed first.
    expect = not found.dirty and found.head or nil,
  }, function(_, refusal)
    if refusal then
      errors.refused(refusal)
      return
    end
    errors.notify("landing " .. landing.row.name)
    if api.nvim_buf_is_valid(buf) then
      close(buf)
    end
  end)
end

---@param buf integer
---@param data divisi.ReviewData?
local function cycle(buf, data)
  local landing = landings[buf]
  for index, name in ipairs(STRATEGIES) do
    if name == landing.strategy then
      landing.strategy = STRATEGIES[index % #STRATEGIES + 1]
      break
    end
  end
  local lines = api.nvim_buf_get_lines(buf, 0, -1, false)
  for index, line in ipairs(lines) do
    if line == SCISSORS then
      api.nvim_buf_set_lines(buf, index - 1, -1, false, remarks(landing, data))
      break
    end
  end
  colour(buf)
end

---@param landing divisi.Landing
---@param data divisi.ReviewData?
local function show(landing, data)
  local buf = window.buffer("divisi://land/" .. landing.row.name, function(made)
    vim.bo[made].buftype = "acwrite"
    vim.bo[made].bufhidden = "wipe"
    vim.bo[made].swapfile = false
    vim.bo[made].modeline = false
    vim.bo[made].filetype = "divisi-land"
    api.nvim_create_autocmd("BufWriteCmd", {
      buffer = made,
      callback = function()
        write(made)
      end,
    })
    api.nvim_create_autocmd("BufWipeout", {
      buffer = made,
      callback = function()
        landings[made] = nil
      end,
    })
  end)
  landings[buf] = landing
  local text = vim.split(vim.trim(data and data.message or landing.row.prompt or ""), "\n", { plain = true })
  table.insert(text, "")
  vim.list_extend(text, remarks(landing, data))
  api.nvim_buf_set_lines(buf, 0, -1, false, text)
  vim.bo[buf].modified = false
  colour(buf)
  local win = window.open(buf, "land", "below", math.min(#text, 20))
  if not win then
    return
  end
  api.nvim_win_set_height(win, math.min(#text, math.max(6, math.floor(vim.o.lines / 2))))
  api.nvim_win_set_cursor(win, { 1, 0 })
  vim.keymap.set("n", "<Tab>", function()
    cycle(buf, data)
  end, { buffer = buf, desc = "divisi: another strategy" })
  vim.keymap.set("n", "q", function()
    if vim.bo[buf].modified then
      errors.notify("the message was changed; :w lands, :q! throws it away")
    else
      close(buf)
    end
  end, { buffer = buf, nowait = true, desc = "divisi: close" })
end

---Looks at what a landing would meet and shows it with the message.
---@param row divisi.Row
function M.open(row)
  rpc.request("session/preflight", { session = row.id }, function(found, refusal)
    if refusal then
      errors.refused(refusal)
      return
    elseif type(found) ~= "table" then
      errors.error("the preflight of " .. row.name .. " has no result")
      return
    end
    local strategy = found.strategy or "squash"
    rpc.request("review/show", { session = row.id, of = "session" }, function(data)
      -- Without a review there is still something to land.
      show({ row = row, found = found, strategy = strategy }, type(data) == "table" and data or nil)
    end)
  end)
end

return M
