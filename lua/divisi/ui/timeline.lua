---`divisi://timeline/{session}`: turns and checkpoints, newest first; compare, go back, grow another session.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local events = require("divisi.events")
local mirror = require("divisi.mirror")
local rpc = require("divisi.rpc")
local window = require("divisi.ui.window")

local namespace = api.nvim_create_namespace("divisi.timeline")

---@class divisi.Step
---@field name string
---@field commit string?
---@field kind string
---@field text string
---@field right string
---@field group string

---Steps that are shown, by buffer.
---@type table<integer, divisi.Step[]>
local shown = {}
local listening = false

---@param buf integer
---@return divisi.Row?
local function row_of(buf)
  return mirror.sessions[vim.b[buf].divisi_session or ""]
end

---@param buf integer
---@return divisi.Step?
local function under_cursor(buf)
  local win = window.shown(buf)
  return win and (shown[buf] or {})[api.nvim_win_get_cursor(win)[1]]
end

---@param buf integer
---@param steps divisi.Step[]
local function draw(buf, steps)
  shown[buf] = steps
  local lines = vim.tbl_map(function(step)
    return step.text
  end, steps)
  window.set_lines(buf, lines)
  api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  for index, step in ipairs(steps) do
    api.nvim_buf_set_extmark(buf, namespace, index - 1, 0, {
      end_col = #step.text,
      hl_group = step.group,
      virt_text = { { " " .. step.right, "DivisiQuiet" } },
      virt_text_pos = "right_align",
      hl_mode = "combine",
    })
  end
end

---@param buf integer
local function refresh(buf)
  local row = row_of(buf)
  if not row then
    return
  end
  rpc.request("session/timeline", { session = row.id }, function(steps, refusal)
    if not api.nvim_buf_is_valid(buf) then
      return
    elseif refusal then
      errors.refused(refusal)
    else
      draw(buf, type(steps) == "table" and steps or {})
    end
  end)
end

---A patch between two checkpoints, or from one to the files as they are.
---@param row divisi.Row
---@param from string
---@param to string?
function M.diff(row, from, to)
  local params = { session = row.id, of = "checkpoints", from = from, to = to }
  rpc.request("session/patch", params, function(answer, refusal)
    if refusal then
      errors.refused(refusal)
      return
    end
    local patch = type(answer) == "table" and answer.patch or ""
    if patch == "" then
      errors.notify(("nothing differs between %s and %s"):format(from, to or "the files"))
      return
    elseif not window.can_change_layout() then
      return
    end
    local name = ("divisi://patch/%s/%s..%s"):format(row.name, from, to or "now")
    local buf = window.buffer(name, function(made)
      window.make_scratch(made, "diff")
    end)
    local origin = api.nvim_get_current_win()
    vim.keymap.set("n", "q", function()
      window.close(api.nvim_get_current_win())
      if api.nvim_win_is_valid(origin) then
        api.nvim_set_current_win(origin)
      end
    end, { buffer = buf, nowait = true, desc = "divisi: close the diff" })
    window.set_lines(buf, vim.split((patch:gsub("\n$", "")), "\n", { plain = true }))
    window.open(buf, "patch", "right", math.floor(vim.o.columns / 2))
  end)
end

---@param row divisi.Row
---@param checkpoint string
function M.rewind(row, checkpoint)
  local unsaved = row.path and require("divisi.worktrees").unsaved(row.path) or {}
  if unsaved[1] then
    errors.warn(("save or give up what is unsaved here first: %s"):format(table.concat(unsaved, ", ")))
    return
  end
  vim.ui.select({ "Bring the files back", "Leave them" }, {
    prompt = ("%s back to %s; what it is now becomes a checkpoint"):format(row.name, checkpoint),
    kind = "divisi_confirm",
  }, function(_, choice)
    if choice == 1 then
      rpc.request("session/rewind", { session = row.id, checkpoint = checkpoint })
    end
  end)
end

---@param row divisi.Row
---@param checkpoint string
function M.fork(row, checkpoint)
  require("divisi.prompts").ask_text(("Task, from %s at %s: "):format(row.name, checkpoint), "", function(prompt)
    local params = {
      repository = row.repository,
      prompt = prompt,
      from = { session = row.id, checkpoint = checkpoint },
    }
    rpc.request("session/create", params, function(receipt, refusal)
      if refusal then
        errors.refused(refusal)
      else
        errors.notify(("%s started"):format(require("divisi.commands").outcome(receipt or {}).name or "session"))
      end
    end)
  end)
end

local HELP = {
  "<CR>  transcript           d   diff from here to the files",
  "D     diff of this step    u   bring the files back to here",
  "f     a session from here  y   yank the checkpoint's name",
  "R     refresh              q   close",
}

---@param buf integer
---@param key string
---@param desc string
---@param run fun(row: divisi.Row, step: divisi.Step, index: integer)
local function map(buf, key, desc, run)
  vim.keymap.set("n", key, function()
    local row, step = row_of(buf), under_cursor(buf)
    if row and step then
      run(row, step, api.nvim_win_get_cursor(0)[1])
    end
  end, { buffer = buf, nowait = true, desc = "divisi: " .. desc })
end

---@param buf integer
function M.make(buf)
  window.make_scratch(buf, "divisi-timeline")
  map(buf, "<CR>", "transcript", function(row)
    require("divisi.ui.transcript").open(row)
  end)
  map(buf, "d", "diff from here", function(row, step)
    M.diff(row, step.name, nil)
  end)
  map(buf, "D", "diff of this step", function(row, step, index)
    local before = (shown[buf] or {})[index + 1]
    if before then
      M.diff(row, before.name, step.commit and step.name or nil)
    else
      errors.notify("nothing comes before the start")
    end
  end)
  map(buf, "u", "bring the files back", function(row, step)
    M.rewind(row, step.name)
  end)
  map(buf, "f", "a session from here", function(row, step)
    M.fork(row, step.name)
  end)
  map(buf, "y", "yank the name", function(row, step)
    vim.fn.setreg(vim.v.register, row.name .. "@" .. step.name)
  end)
  vim.keymap.set("n", "R", function()
    refresh(buf)
  end, { buffer = buf, nowait = true, desc = "divisi: refresh" })
  vim.keymap.set("n", "q", function()
    window.close(api.nvim_get_current_win())
  end, { buffer = buf, nowait = true, desc = "divisi: close" })
  vim.keymap.set("n", "g?", function()
    window.help(HELP)
  end, { buffer = buf, nowait = true, desc = "divisi: help" })
  api.nvim_create_autocmd("BufWipeout", {
    buffer = buf,
    once = true,
    callback = function()
      shown[buf] = nil
    end,
  })
  shown[buf] = shown[buf] or {}
  if listening then
    return
  end
  listening = true
  ---@type table<string, boolean?>
  local kinds = { ["turn.started"] = true, ["turn.ended"] = true, ["session.checkpointed"] = true }
  events.on("event", function(data)
    if data.type == "rewind.ended" then
      local row = mirror.sessions[data.session or ""]
      if row and data.reason then
        errors.warn(("%s stays as it is: %s"):format(row.name, data.reason))
      elseif row and row.path then
        errors.notify(row.name .. " is back; u on the checkpoint before it undoes that")
        require("divisi.live").check(row.path)
      end
    end
    if kinds[data.type] or data.type == "rewind.ended" then
      for other in pairs(shown) do
        if api.nvim_buf_is_valid(other) and vim.b[other].divisi_session == data.session then
          refresh(other)
        end
      end
    end
  end)
end

---Opens a session's timeline.
---@param row divisi.Row
function M.open(row)
  local buf = window.buffer("divisi://timeline/" .. row.name, M.make)
  vim.b[buf].divisi_session = row.id
  local win = window.open(buf, "timeline", "below", 15)
  if win then
    vim.wo[win][0].wrap = false
    vim.wo[win][0].number = false
    vim.wo[win][0].relativenumber = false
    vim.wo[win][0].cursorline = true
    vim.wo[win][0].winfixbuf = true
  end
  refresh(buf)
end

return M
