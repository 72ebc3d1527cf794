---Approvals: a queue to answer when it suits, and a small float that never takes the focus.
local M = {}

local api = vim.api
local mirror = require("divisi.mirror")
local errors = require("divisi.errors")
local float = require("divisi.ui.approval_float")
local window = require("divisi.ui.window")

local NAME = "divisi://approvals"
---Lines of one approval that are shown at once; K shows all of them.
local MOST_DETAILS = 14
local ns = api.nvim_create_namespace("divisi.approvals")

---@type integer?
local queue
---The approvals of the queue's lines.
---@type table<integer, string>
local ids = {}
---True from an answer given here until the queue is shown again.
local answered = false
local function render_queue()
  if not queue or not api.nvim_buf_is_loaded(queue) then
    return
  end
  local places = {} ---@type table<integer, string?>
  for _, win in ipairs(vim.fn.win_findbuf(queue)) do
    places[win] = ids[api.nvim_win_get_cursor(win)[1]]
  end
  local lines = {} ---@type string[]
  ids = {}
  local function add(text, id)
    table.insert(lines, (text:gsub("[\r\n]", " ")))
    ids[#lines] = id
  end
  for _, approval in ipairs(mirror.approvals) do
    local row = mirror.sessions[approval.session]
    -- Agents name files from the root on; where the worktree is says nothing here.
    local tree = row and row.path and vim.pesc(row.path) .. "/"
    local function within(text)
      return tree and (text:gsub(tree, "")) or text
    end
    add(("%s asks%s"):format(float.name_of(approval.session), approval.question and " a question" or ""), approval.id)
    add(("  %s: %s"):format(approval.tool or "tool", within(approval.title)), approval.id)
    local details = approval.details or {}
    -- One line more is shown rather than spoken of.
    local most = #details <= MOST_DETAILS + 1 and #details or MOST_DETAILS
    for index = 1, most do
      add("  │ " .. within(details[index]), approval.id)
    end
    if most < #details then
      add(("  │ … %d more lines, K shows them"):format(#details - most), approval.id)
    end
    if approval.question then
      add("  <CR> choose   r reject", approval.id)
    else
      add("  o once   r reject   R reject and say why   A always…   <CR> choose", approval.id)
    end
    add("", approval.id)
  end
  if #lines == 0 then
    lines = { "Nothing waits for an answer." }
    if answered and api.nvim_get_current_buf() == queue and vim.w.divisi == "approvals" then
      -- The person answered the last one here: there is nothing more to do in this window.
      vim.schedule(function()
        if api.nvim_get_current_buf() == queue and vim.w.divisi == "approvals" and not mirror.approvals[1] then
          window.close(api.nvim_get_current_win())
        end
      end)
    end
  end
  answered = false
  window.set_lines(queue, lines)
  for win, id in pairs(places) do
    for line = 1, #lines do
      if ids[line] == id then
        api.nvim_win_set_cursor(win, { line, 0 })
        break
      end
    end
  end
end

api.nvim_set_decoration_provider(ns, {
  on_win = function(_, _, buf)
    return buf == queue
  end,
  on_line = function(_, _, buf, line)
    local text = api.nvim_buf_get_lines(buf, line, line + 1, false)[1] or ""
    local sign = text:match("^  │ ([+-])")
    local group = sign == "+" and "DivisiAdded"
      or sign == "-" and "DivisiRemoved"
      or vim.startswith(text, "  │ @@") and "DivisiQuiet"
      or text:find("^%S.* asks") and "DivisiAsk"
      or text:find("^  %S+ choose   ") and "DivisiQuiet"
      or text:find("^  o once   ") and "DivisiQuiet"
    if group then
      api.nvim_buf_set_extmark(buf, ns, line, 0, { end_col = #text, hl_group = group, ephemeral = true })
    end
  end,
})

---Shows what is open now.
function M.update()
  render_queue()
  float.update(queue)
end

---Sends an answer.
---@param approval divisi.Approval
---@param answer table the fields of `approval/answer` without the id
function M.answer(approval, answer)
  answer.approval = approval.id
  answered = true
  require("divisi.rpc").request("approval/answer", answer, function(_, refusal)
    if refusal then
      errors.refused(refusal)
    end
  end)
end

---@param approval divisi.Approval
local function reject_with_message(approval)
  vim.ui.input({ prompt = ("Tell %s: "):format(float.name_of(approval.session)) }, function(message)
    if message then
      M.answer(approval, { answer = "reject", message = message ~= "" and message or nil })
    end
  end)
end

---Asks how far an "always" reaches; the narrowest first.
---@param approval divisi.Approval
local function always(approval)
  local exact = approval.command_raw or approval.title
  local matchers = { { text = "exactly this: " .. float.what(approval), kind = "exact", value = exact } }
  local word = approval.command_raw and approval.command_raw:match("^%s*(%S+)")
  if word and word ~= exact then
    local text = ("every command that begins with %q"):format(word .. " ")
    table.insert(matchers, { text = text, kind = "prefix", value = word .. " " })
  end
  if approval.tool_name then
    table.insert(matchers, { text = "every use of " .. approval.tool_name, kind = "tool", value = approval.tool_name })
  end
  local scopes = {} ---@type { text: string, scope: table }[]
  for _, reach in ipairs({ "session", "repository" }) do
    for _, matcher in ipairs(matchers) do
      table.insert(scopes, {
        text = ("%s, in this %s"):format(matcher.text:gsub("%c", "?"), reach),
        scope = { matcher = { kind = matcher.kind, value = matcher.value }, reach = reach },
      })
    end
  end
  vim.ui.select(scopes, {
    prompt = "Always allow",
    kind = "divisi_scope",
    format_item = function(item)
      return item.text
    end,
  }, function(choice)
    if choice then
      M.answer(approval, { answer = "always", scope = choice.scope })
    end
  end)
end

---Asks for the answer in a menu: once, reject, reject and say why, always.
---@param approval divisi.Approval
function M.choose(approval)
  local choices = {} ---@type { text: string, run: fun() }[]
  local function add(text, run)
    table.insert(choices, { text = text, run = run })
  end
  if approval.question then
    for _, option in ipairs(approval.options or {}) do
      add((option.name or option.id):gsub("[\r\n]", " "), function()
        M.answer(approval, { answer = "once", option = option.id })
      end)
    end
  else
    add("once", function()
      M.answer(approval, { answer = "once" })
    end)
  end
  add("reject", function()
    M.answer(approval, { answer = "reject" })
  end)
  add("reject and say why", function()
    reject_with_message(approval)
  end)
  if not approval.question then
    add("always…", function()
      always(approval)
    end)
  end
  vim.ui.select(choices, {
    prompt = ("%s: %s"):format(float.name_of(approval.session), float.what(approval)),
    kind = "divisi_approval",
    format_item = function(item)
      return item.text
    end,
  }, function(choice)
    if choice then
      choice.run()
    end
  end)
end

---@return divisi.Approval?
local function current()
  local id = ids[api.nvim_win_get_cursor(0)[1]]
  for _, approval in ipairs(mirror.approvals) do
    if approval.id == id then
      return approval
    end
  end
end

---Moves to the next or previous approval.
---@param step integer
local function jump(step)
  local line, here = api.nvim_win_get_cursor(0)[1], ids[api.nvim_win_get_cursor(0)[1]]
  while ids[line + step] do
    line = line + step
    if ids[line] ~= here and ids[line] ~= ids[line - 1] then
      api.nvim_win_set_cursor(0, { line, 0 })
      return
    end
  end
end

---Shows everything an approval is about.
---@param approval divisi.Approval
local function show(approval)
  local lines = { ("%s: %s"):format(approval.tool or "tool", approval.title), "" }
  vim.list_extend(lines, approval.details or {})
  window.page(float.name_of(approval.session) .. " asks", lines, "diff")
end

---Makes a buffer the queue.
---@param buf integer
function M.make(buf)
  queue = buf
  window.make_scratch(buf, "divisi-approvals")
  local function on(run)
    return function()
      local approval = current()
      if approval then
        run(approval)
      else
        errors.notify("nothing to answer here")
      end
    end
  end
  local function answering(answer)
    return on(function(approval)
      if approval.question and answer ~= "reject" then
        M.choose(approval)
      else
        M.answer(approval, { answer = answer })
      end
    end)
  end
  require("divisi.ui.keys").map(buf, current, {
    { "o", "allow once", answering("once") },
    { "r", "reject", answering("reject") },
    { "R", "reject and say why", on(reject_with_message) },
    {
      "A",
      "always allow…",
      on(function(approval)
        if approval.question then
          M.choose(approval)
        else
          always(approval)
        end
      end),
    },
    { "<CR>", "choose", on(M.choose) },
    { "K", "all of what it is about", on(show) },
    {
      "]]",
      "next",
      function()
        jump(1)
      end,
    },
    {
      "[[",
      "previous",
      function()
        jump(-1)
      end,
    },
    {
      "q",
      "close; what waits goes on waiting",
      function()
        window.close(api.nvim_get_current_win())
      end,
    },
  }, {})
  ids = {}
  render_queue()
  require("divisi.host").start()
end

---Opens the queue, at the first approval of a session when one is given.
---@param row? divisi.Row
function M.open(row)
  local buf = window.buffer(NAME, M.make)
  local win = window.open(buf, "approvals", "below", 12)
  if not win then
    return
  end
  local wo = vim.wo[win][0]
  wo.winfixbuf = true
  wo.winfixheight = true
  wo.wrap = false
  -- What is to be decided is worth half of the screen, when there is so much.
  api.nvim_win_set_height(win, math.max(3, math.min(api.nvim_buf_line_count(buf), math.floor(vim.o.lines / 2))))
  wo.number = false
  wo.relativenumber = false
  wo.signcolumn = "no"
  wo.spell = false
  wo.list = false
  local wanted ---@type string?
  for _, approval in ipairs(mirror.approvals) do
    if row and approval.session == row.id then
      wanted = wanted or approval.id
    end
  end
  for line = 1, api.nvim_buf_line_count(buf) do
    if wanted and ids[line] == wanted then
      api.nvim_win_set_cursor(win, { line, 0 })
      break
    end
  end
  float.update(queue)
end

return M
