---The session list's lines: groups by repository, columns as wide as what is in them, fewer of them in a narrow window.
local M = {}

---@class divisi.Cell
---@field [1] string text
---@field [2] string? highlight

---@class divisi.ListLine
---@field id string? the session; absent: a group's heading
---@field repository string
---@field text string
---@field cells divisi.Cell[]
---@field message string? the last thing the agent said

---Columns of a row in a window that is wide enough, with the width from which each is shown and the most it takes.
---@type { name: string, from: integer, most: integer, right: boolean? }[]
local columns = {
  { name = "word", from = 76, most = 8 },
  { name = "name", from = 0, most = 24 },
  { name = "branch", from = 120, most = 24 },
  { name = "agent", from = 76, most = 24 },
  { name = "stat", from = 0, most = 20, right = true },
  { name = "verdict", from = 0, most = 8 },
  { name = "elapsed", from = 0, most = 7, right = true },
  { name = "cost", from = 76, most = 12, right = true },
}

---@param text string
---@return integer
local function width_of(text)
  return text:find("[\128-\255]") and vim.fn.strdisplaywidth(text) or #text
end

---@param text string
---@param width integer
---@param right boolean?
---@return string
local function padded(text, width, right)
  local room = width - width_of(text)
  if room < 0 then
    text = vim.fn.strcharpart(text, 0, math.max(0, width - 1)) .. "…"
    room = width - width_of(text)
  end
  local space = (" "):rep(math.max(0, room))
  return right and space .. text or text .. space
end

---Milliseconds in few characters.
---@param ms integer
---@return string
function M.duration(ms)
  local seconds = math.max(0, math.floor(ms / 1000))
  if seconds < 60 then
    return seconds .. "s"
  elseif seconds < 3600 then
    return math.floor(seconds / 60) .. "m"
  end
  return ("%dh%02dm"):format(math.floor(seconds / 3600), math.floor(seconds % 3600 / 60))
end

---How long the newest turn runs or took.
---@param row divisi.Row
---@return string
local function elapsed(row)
  if row.took then
    return M.duration(row.took)
  elseif row.began then
    return M.duration(os.time() * 1000 - row.began)
  end
  return ""
end

---What each column says of a row.
---@type table<string, fun(row: divisi.Row): string>
local says = {
  word = function(row)
    return row.word or row.state
  end,
  name = function(row)
    return row.name
  end,
  branch = function(row)
    return row.branch or ""
  end,
  agent = function(row)
    return (row.agent or "") .. (row.model and "/" .. row.model or "")
  end,
  stat = function(row)
    return row.files > 0 and ("+%d −%d/%d"):format(row.added, row.removed_lines, row.files) or ""
  end,
  verdict = function(row)
    return row.verdict and row.verdict.short or ""
  end,
  elapsed = elapsed,
  cost = function(row)
    return row.cost or ""
  end,
}

---@type table<string, string>
local highlights =
  { name = "DivisiName", branch = "DivisiQuiet", agent = "DivisiQuiet", elapsed = "DivisiQuiet", cost = "DivisiQuiet" }

---@type table<string, string?>
local verdicts = { passed = "DivisiReviewDone", failed = "DivisiFailed", running = "DivisiRunning" }

---@param row divisi.Row
---@return string
local function verdict_group(row)
  return row.verdict and verdicts[row.verdict.state] or "DivisiQuiet"
end

---What it does, or why it waits.
---@param row divisi.Row
---@return string
local function what(row)
  local text = row.reason or row.activity or row.prompt or ""
  if row.waiting_for then
    text = ("%s · %s"):format(row.waiting_for, text)
  end
  return text
end

---@param row divisi.Row
---@param texts table<string, string>
---@param widths table<string, integer>
---@return divisi.Cell[]
local function cells_of(row, texts, widths)
  local state = require("divisi.ui.highlight").of_state(row.state)
  local cells = {
    { row.unread and "●" or " ", "DivisiUnread" },
    { (row.sign or " ") .. " ", state },
  } ---@type divisi.Cell[]
  for _, column in ipairs(columns) do
    local width = widths[column.name] or 0
    if width > 0 then
      local text = padded(texts[column.name], width, column.right)
      if column.name == "stat" and row.files > 0 then
        local added = text:find("+", 1, true) --[[@as integer]]
        local removed = text:find("−", 1, true) --[[@as integer]]
        local files = text:find("/", removed, true) --[[@as integer]]
        table.insert(cells, { text:sub(1, added - 1) })
        table.insert(cells, { text:sub(added, removed - 1), "DivisiAdded" })
        table.insert(cells, { text:sub(removed, files - 1), "DivisiRemoved" })
        table.insert(cells, { text:sub(files) .. " ", "DivisiQuiet" })
      else
        local group = column.name == "word" and state or column.name == "verdict" and verdict_group(row)
        table.insert(cells, { text .. " ", group or highlights[column.name] })
      end
    end
  end
  if row.queued > 0 then
    table.insert(cells, { ("[%d queued] "):format(row.queued), "DivisiQuiet" })
  end
  table.insert(cells, { what(row) })
  return cells
end

---@param cells divisi.Cell[]
---@return string
local function text_of(cells)
  local texts = {} ---@type string[]
  for index, cell in ipairs(cells) do
    texts[index] = cell[1]
  end
  return (table.concat(texts):gsub("%s+$", ""):gsub("[\r\n]", " "))
end

---@class divisi.KnownRow
---@field row divisi.Row
---@field texts table<string, string>
---@field widths table<string, integer>
---@field layout string
---@field line divisi.ListLine?

---What was made of rows last time; one that has not changed is not made again.
---@type table<string, divisi.KnownRow?>
local known = {}

---@param row divisi.Row
---@return divisi.KnownRow
local function measured(row)
  local before = known[row.id]
  if before and before.row == row then
    if not row.took and row.began then
      local now = elapsed(row)
      if now ~= before.texts.elapsed then
        before.texts.elapsed, before.widths.elapsed, before.layout = now, #now, ""
      end
    end
    return before
  end
  local texts, widths = {}, {} ---@type table<string, string>, table<string, integer>
  for name, say in pairs(says) do
    texts[name] = say(row)
    widths[name] = width_of(texts[name])
  end
  local fresh = { row = row, texts = texts, widths = widths, layout = "" } ---@type divisi.KnownRow
  known[row.id] = fresh
  return fresh
end

---@param rows divisi.Row[]
---@return string
local function counts(rows)
  local by_word, order = {}, {} ---@type table<string, integer>, string[]
  for _, row in ipairs(rows) do
    local word = row.word or row.state
    if not by_word[word] then
      by_word[word] = 0
      table.insert(order, word)
    end
    by_word[word] = by_word[word] + 1
  end
  return table.concat(
    vim.tbl_map(function(word)
      return ("%d %s"):format(by_word[word], word)
    end, order),
    " · "
  )
end

---@param row divisi.Row
---@param filter string lower case
---@return boolean
local function passes(row, filter)
  for _, field in ipairs({ "name", "state", "word", "agent", "model", "branch", "repository", "activity", "prompt" }) do
    local text = row[field]
    if type(text) == "string" and text:lower():find(filter, 1, true) then
      return true
    end
  end
  return false
end

---The lines for these rows, which come in their order; a group stands where its first row does.
---@param rows divisi.Row[]
---@param width integer of the window
---@param filter string empty: everything
---@param closed table<string, boolean?> groups that are folded, by repository
---@return divisi.ListLine[]
function M.lines(rows, width, filter, closed)
  local groups, order = {}, {} ---@type table<string, divisi.Row[]>, string[]
  local widths = {} ---@type table<string, integer>
  local lowered = filter:lower()
  for _, row in ipairs(rows) do
    if filter == "" or passes(row, lowered) then
      local repository = row.repository or ""
      if not groups[repository] then
        groups[repository] = {}
        table.insert(order, repository)
      end
      table.insert(groups[repository], row)
      local own = measured(row).widths
      for _, column in ipairs(columns) do
        if width >= column.from and own[column.name] > (widths[column.name] or 0) then
          widths[column.name] = math.min(own[column.name], column.most)
        end
      end
    end
  end
  local layout = table.concat(
    vim.tbl_map(function(column)
      return widths[column.name] or 0
    end, columns),
    ","
  )
  local lines = {} ---@type divisi.ListLine[]
  for _, repository in ipairs(order) do
    local group = groups[repository] --[[@as divisi.Row[] ]]
    local name = repository ~= "" and vim.fs.basename(repository) or "no repository"
    local cells = {
      { closed[repository] and "▹ " or "▾ ", "DivisiQuiet" },
      { name, "DivisiGroup" },
      { "  " .. counts(group), "DivisiQuiet" },
      { filter ~= "" and ("  /" .. filter) or "", "DivisiAsk" },
    } ---@type divisi.Cell[]
    table.insert(lines, { repository = repository, cells = cells, text = text_of(cells) })
    for _, row in ipairs(closed[repository] and {} or group) do
      local made = measured(row)
      if made.layout ~= layout or not made.line then
        made.layout = layout
        local row_cells = cells_of(row, made.texts, widths)
        local said = row.said and row.said ~= row.activity and row.said or nil
        made.line =
          { id = row.id, repository = repository, cells = row_cells, text = text_of(row_cells), message = said }
      end
      table.insert(lines, made.line)
    end
  end
  return lines
end

---Forgets rows that are gone.
---@param sessions table<string, divisi.Row?>
function M.forget(sessions)
  for id in pairs(known) do
    if not sessions[id] then
      known[id] = nil
    end
  end
end

return M
