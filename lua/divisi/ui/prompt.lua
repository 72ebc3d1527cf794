---`divisi://prompt/<name>`: where a prompt is written. What is typed is kept until it was sent, whatever happens.
local M = {}

local api = vim.api
local context = require("divisi.context")
local drafts = require("divisi.drafts")
local errors = require("divisi.errors")
local mirror = require("divisi.mirror")
local rpc = require("divisi.rpc")
local window = require("divisi.ui.window")

local ns = api.nvim_create_namespace("divisi.prompt")
---How long after the last key a draft is written down and references are looked at.
local PAUSE_MS = 200
---The key of the prompt that starts a session.
M.NEW = "new"

---@class divisi.Prompt
---@field buf integer
---@field key string the session's id, or "new"
---@field places table<string, string> absolute paths of references that were put in
---@field repository string? where a new session is started
---@field queue { id: string, text: string }[] prompts that wait
---@field queued integer how many, as the row says
---@field commands { name: string, description: string? }[] of the agent
---@field editing string? the waiting prompt whose text this is
---@field aside string? what stood here before
---@field recalled integer? which prompt of the history this is
---@field sending boolean
---@field timer uv.uv_timer_t

---@type table<string, divisi.Prompt?>
local prompts = {}

---@param prompt divisi.Prompt
---@return string
local function text_of(prompt)
  return table.concat(api.nvim_buf_get_lines(prompt.buf, 0, -1, false), "\n")
end

---@param prompt divisi.Prompt
---@return divisi.Row?
local function row_of(prompt)
  return mirror.sessions[prompt.key]
end

---@param prompt divisi.Prompt
---@return divisi.Target
local function target_of(prompt)
  return { row = row_of(prompt), places = prompt.places }
end

---Writes the draft down; while a waiting prompt is edited, what stood here before.
---@param prompt divisi.Prompt
local function keep(prompt)
  if api.nvim_buf_is_loaded(prompt.buf) then
    drafts.save(prompt.key, prompt.editing and prompt.aside or text_of(prompt))
    vim.bo[prompt.buf].modified = false
  end
end

---@param prompt divisi.Prompt
---@param text string
local function set_text(prompt, text)
  local lines = vim.split(text, "\n", { plain = true })
  api.nvim_buf_set_lines(prompt.buf, 0, -1, false, lines)
  for _, win in ipairs(vim.fn.win_findbuf(prompt.buf)) do
    api.nvim_win_set_cursor(win, { #lines, #lines[#lines] })
  end
  keep(prompt)
end

---@param text string
---@return string
local function escaped(text)
  return (text:gsub("%%", "%%%%"):gsub("%c", " "))
end

---@param prompt divisi.Prompt
---@return string
local function title(prompt)
  local row = row_of(prompt)
  local keys = require("divisi.config").get().prompt
  local parts = {} ---@type string[]
  if prompt.key == M.NEW then
    table.insert(parts, "new session in " .. vim.fs.basename(context.root((prompt.repository or "") .. "/.") or "?"))
  else
    table.insert(parts, "to " .. (row and row.name or prompt.key))
  end
  if prompt.editing then
    table.insert(parts, "editing what waits")
  elseif prompt.queue[1] then
    table.insert(parts, ("%d waiting: %s (Q)"):format(#prompt.queue, vim.fn.strcharpart(prompt.queue[1].text, 0, 30)))
  end
  table.insert(parts, prompt.sending and "sending…" or ("%s sends · g? keys"):format(keys.send))
  return " " .. table.concat(parts, " · ")
end

---@param prompt divisi.Prompt
local function show_title(prompt)
  for _, win in ipairs(vim.fn.win_findbuf(prompt.buf)) do
    vim.wo[win][0].winbar = "%<" .. escaped(title(prompt))
  end
end

---Says behind each reference what it brings.
---@param prompt divisi.Prompt
local function annotate(prompt)
  if not api.nvim_buf_is_loaded(prompt.buf) then
    return
  end
  local tick = api.nvim_buf_get_changedtick(prompt.buf)
  api.nvim_buf_clear_namespace(prompt.buf, ns, 0, -1)
  for number, line in ipairs(api.nvim_buf_get_lines(prompt.buf, 0, -1, false)) do
    for _, reference in ipairs(context.find(line)) do
      context.meaning(reference.text, target_of(prompt), function(meaning)
        if meaning and api.nvim_buf_is_loaded(prompt.buf) and api.nvim_buf_get_changedtick(prompt.buf) == tick then
          api.nvim_buf_set_extmark(prompt.buf, ns, number - 1, reference.first - 1, {
            end_col = reference.last,
            hl_group = "DivisiReference",
          })
          api.nvim_buf_set_extmark(prompt.buf, ns, number - 1, #line, {
            virt_text = { { ("  %s: %s"):format(reference.text, meaning.hint), "DivisiQuiet" } },
            virt_text_pos = "eol",
          })
        end
      end)
    end
  end
end

---Asks for the prompts that wait and the agent's commands.
---@param prompt divisi.Prompt
local function look(prompt)
  if prompt.key == M.NEW then
    return
  end
  rpc.request("session/show", { session = prompt.key }, function(found)
    if type(found) == "table" and prompts[prompt.key] == prompt then
      prompt.queue = type(found.queue) == "table" and found.queue or {}
      prompt.commands = type(found.commands) == "table" and found.commands or {}
      prompt.queued = #prompt.queue
      show_title(prompt)
    end
  end)
end

---@param prompt divisi.Prompt
---@param method string
---@param params table
---@param sent string what stood here
---@param told string
local function submit(prompt, method, params, sent, told)
  prompt.sending = true
  show_title(prompt)
  rpc.request(method, params, function(_, refusal)
    prompt.sending = false
    if refusal then
      errors.refused(refusal)
    else
      drafts.remember(sent)
      errors.notify(told)
      if prompt.editing then
        prompt.editing = nil
        local aside = prompt.aside or ""
        prompt.aside = nil
        if api.nvim_buf_is_loaded(prompt.buf) then
          set_text(prompt, aside)
        end
      elseif not api.nvim_buf_is_loaded(prompt.buf) then
        drafts.save(prompt.key, "")
      elseif text_of(prompt) == sent then
        -- What was typed since then stays.
        prompt.places, prompt.recalled = {}, nil
        set_text(prompt, "")
      end
    end
    show_title(prompt)
    look(prompt)
  end)
end

---@param prompt divisi.Prompt
---@param sent string
---@param text string
local function start(prompt, sent, text)
  local options, task, problem = require("divisi.prompts").options_of(text)
  if problem or vim.trim(task) == "" then
    errors.warn(problem or "a session needs a task")
    return
  end
  local params = vim.tbl_extend("force", options, { repository = prompt.repository, prompt = task })
  local default = require("divisi.config").get().agent
  params.agent = params.agent or (default ~= "" and default or nil)
  submit(prompt, "session/create", params, sent, "a session starts")
end

---Sends what stands in a prompt buffer.
---@param prompt divisi.Prompt
local function send(prompt)
  local sent = text_of(prompt)
  if vim.trim(sent) == "" then
    errors.notify("nothing to send")
    return
  elseif prompt.sending then
    return
  end
  context.expand(sent, target_of(prompt), function(text)
    local row = row_of(prompt)
    if prompt.key == M.NEW then
      start(prompt, sent, text)
    elseif not row then
      errors.warn("the session is gone; the text stays here")
    elseif prompt.editing then
      local params = { session = prompt.key, prompt = prompt.editing, text = text }
      submit(prompt, "prompt/edit", params, sent, "changed what waits for " .. row.name)
    else
      submit(prompt, "session/send", { session = prompt.key, text = text }, sent, "sent to " .. row.name)
    end
  end)
end

---Shows what would be sent, in a float.
---@param prompt divisi.Prompt
local function preview(prompt)
  context.expand(text_of(prompt), target_of(prompt), function(text)
    local name = prompt.key == M.NEW and "a new session" or require("divisi.ui.approval_float").name_of(prompt.key)
    window.page(("to %s"):format(name), vim.split(text, "\n", { plain = true }), "markdown")
  end)
end

---Puts an earlier prompt into the buffer; false where the person writes something of their own.
---@param prompt divisi.Prompt
---@param step integer
---@return boolean
local function recall(prompt, step)
  local history = drafts.history()
  local at = prompt.recalled or 0
  local text = text_of(prompt)
  if vim.trim(text) ~= "" and text ~= history[at] then
    return false
  end
  at = math.max(0, math.min(#history, at + step))
  prompt.recalled = at > 0 and at or nil
  set_text(prompt, history[at] or "")
  return true
end

---@param prompt divisi.Prompt
---@param waiting { id: string, text: string }
local function edit(prompt, waiting)
  prompt.aside = prompt.editing and prompt.aside or text_of(prompt)
  prompt.editing = waiting.id
  set_text(prompt, waiting.text)
  show_title(prompt)
end

---Chooses among the prompts that wait, and what becomes of one.
---@param prompt divisi.Prompt
local function change_queue(prompt)
  local choices = {} ---@type { text: string, run: fun() }[]
  if prompt.editing then
    table.insert(choices, {
      text = "leave it as it is",
      run = function()
        prompt.editing = nil
        set_text(prompt, prompt.aside or "")
        prompt.aside = nil
        show_title(prompt)
      end,
    })
  end
  for _, waiting in ipairs(prompt.queue) do
    local short = vim.fn.strcharpart((waiting.text:gsub("%s+", " ")), 0, 50)
    table.insert(choices, {
      text = "edit: " .. short,
      run = function()
        edit(prompt, waiting)
      end,
    })
    table.insert(choices, {
      text = "take back: " .. short,
      run = function()
        rpc.request("prompt/cancel", { session = prompt.key, prompt = waiting.id }, function(_, refusal)
          if refusal then
            errors.refused(refusal)
          end
          look(prompt)
        end)
      end,
    })
  end
  if #choices == 0 then
    errors.notify("nothing waits")
    return
  end
  vim.ui.select(choices, {
    prompt = "What waits",
    kind = "divisi_queue",
    format_item = function(choice)
      return choice.text
    end,
  }, function(choice)
    if choice then
      choice.run()
    end
  end)
end

---@param prompt divisi.Prompt
local function map(prompt)
  local keys = require("divisi.config").get().prompt
  local help = {} ---@type string[]
  local function add(modes, key, what, run, options)
    if key ~= "" then
      options = vim.tbl_extend("force", { buffer = prompt.buf, desc = "divisi: " .. what }, options or {})
      vim.keymap.set(modes, key, run, options)
      table.insert(help, ("%-7s %s"):format(key, what))
    end
  end
  local function on(run)
    return function()
      run(prompt)
    end
  end
  add("n", keys.send, "send", on(send))
  add({ "n", "i" }, keys.send_insert, "send, in insert mode too", on(send))
  add("n", "g<CR>", "show what will be sent", on(preview))
  add("n", "Q", "prompts that wait: edit, take back", on(change_queue))
  add("n", "q", "close; the text is kept", function()
    keep(prompt)
    window.close(api.nvim_get_current_win())
  end)
  for key, step in pairs({ ["<C-p>"] = 1, ["<C-n>"] = -1, ["<Up>"] = 1, ["<Down>"] = -1 }) do
    vim.keymap.set({ "n", "i" }, key, function()
      if vim.fn.pumvisible() == 0 and recall(prompt, step) then
        return
      end
      api.nvim_feedkeys(vim.keycode(key), "n", false)
    end, { buffer = prompt.buf, desc = "divisi: an earlier or later prompt, when there is no text" })
  end
  table.insert(help, "<C-p>   an earlier prompt, when empty; also <Up>")
  table.insert(help, "@ /     references and commands complete; K shows one")
  add("n", "g?", "this help", function()
    window.help(help)
  end)
end

---Makes a buffer the prompt of a session.
---@param buf integer
---@param key string
function M.make(buf, key)
  local prompt = {
    buf = buf,
    key = key,
    places = {},
    queue = {},
    queued = 0,
    commands = {},
    sending = false,
    timer = assert(vim.uv.new_timer()),
  } ---@type divisi.Prompt
  prompts[key] = prompt
  vim.b[buf].divisi_session = key ~= M.NEW and key or nil
  vim.bo[buf].buftype = "acwrite"
  vim.bo[buf].bufhidden = "hide"
  vim.bo[buf].swapfile = false
  vim.bo[buf].buflisted = false
  vim.bo[buf].modeline = false
  api.nvim_buf_set_lines(buf, 0, -1, false, vim.split(drafts.load(key), "\n", { plain = true }))
  vim.bo[buf].modified = false
  vim.bo[buf].filetype = "divisi-prompt"
  local group = api.nvim_create_augroup("divisi.prompt." .. buf, {})
  local function on(events, run)
    api.nvim_create_autocmd(events, { buffer = buf, group = group, callback = run })
  end
  on({ "TextChanged", "TextChangedI", "TextChangedP" }, function()
    -- It is never a reason not to leave: what stands here is kept.
    vim.bo[buf].modified = false
    prompt.timer:start(
      PAUSE_MS,
      0,
      vim.schedule_wrap(function()
        if prompts[key] == prompt and api.nvim_buf_is_loaded(buf) then
          keep(prompt)
          annotate(prompt)
        end
      end)
    )
  end)
  on({ "BufWriteCmd", "BufLeave", "BufHidden", "BufUnload", "QuitPre" }, function()
    keep(prompt)
  end)
  api.nvim_create_autocmd("VimLeavePre", {
    group = group,
    callback = function()
      keep(prompt)
    end,
  })
  on("BufWinEnter", function()
    M.dress(buf)
    show_title(prompt)
  end)
  on("BufWipeout", function()
    prompts[key] = nil
    prompt.timer:stop()
    if not prompt.timer:is_closing() then
      prompt.timer:close()
    end
    pcall(api.nvim_del_augroup_by_id, group)
  end)
  map(prompt)
  require("divisi.prompt_lsp").attach(buf, {
    target = function()
      return target_of(prompt)
    end,
    commands = function()
      return prompt.commands
    end,
  })
  annotate(prompt)
  look(prompt)
end

---Options of the windows that show a prompt.
---@param buf integer
function M.dress(buf)
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local wo = vim.wo[win][0]
    wo.winfixbuf = true
    wo.winfixheight = true
    wo.wrap = true
    wo.linebreak = true
    wo.number = false
    wo.relativenumber = false
    wo.signcolumn = "no"
    wo.foldcolumn = "0"
    wo.list = false
  end
end

---A view changed: waiting prompts may have come or gone.
---@param row divisi.Row
function M.changed(row)
  local prompt = prompts[row.id]
  if prompt and #vim.fn.win_findbuf(prompt.buf) > 0 then
    if row.queued ~= prompt.queued then
      prompt.queued = row.queued
      look(prompt)
    end
    show_title(prompt)
  end
end

---Shows a prompt below the session's transcript, else below everything, and puts text at its end.
---@param name string
---@param key string
---@param more { text: string?, places: table<string, string>?, insert: boolean? }?
---@return divisi.Prompt?
local function open(name, key, more)
  if not window.can_change_layout() then
    return
  end
  local known = prompts[key]
  local buf = known and api.nvim_buf_is_loaded(known.buf) and known.buf
    or window.buffer(name, function(made)
      M.make(made, key)
    end)
  if key ~= M.NEW and vim.b[buf].divisi_session ~= key then
    -- Another repository has a session of this name.
    buf = window.buffer("divisi://prompt/" .. key, function(made)
      M.make(made, key)
    end)
  end
  local prompt = prompts[key]
  if not prompt then
    return
  end
  local height = require("divisi.config").get().prompt.height
  local above = require("divisi.ui.transcript").window_of(key)
  local win = window.open(buf, "prompt", "below", height, above)
  if not win then
    return
  end
  M.dress(buf)
  more = more or {}
  for reference, path in pairs(more.places or {}) do
    prompt.places[reference] = path
  end
  local text = text_of(prompt)
  if more.text and more.text ~= "" then
    set_text(prompt, vim.trim(text) == "" and more.text or text:gsub("%s+$", "") .. "\n" .. more.text)
  end
  show_title(prompt)
  annotate(prompt)
  if more.insert ~= false then
    api.nvim_win_set_cursor(win, { api.nvim_buf_line_count(buf), 0 })
    vim.cmd.startinsert({ bang = true })
  end
  return prompt
end

---Opens the prompt of a session.
---@param row divisi.Row
---@param more { text: string?, places: table<string, string>?, insert: boolean? }?
function M.open(row, more)
  open("divisi://prompt/" .. row.name, row.id, more)
end

---Opens the prompt that starts a session.
---@param more { text: string?, places: table<string, string>?, insert: boolean? }?
function M.open_new(more)
  local repository = require("divisi.prompts").here()
  local prompt = open("divisi://new", M.NEW, more)
  if prompt then
    prompt.repository = repository
    show_title(prompt)
  end
end

return M
