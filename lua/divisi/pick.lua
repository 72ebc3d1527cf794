---Choosing from a list: `vim.ui.select`, or the picker that is there, with a preview.
local M = {}

local config = require("divisi.config")
local errors = require("divisi.errors")
local mirror = require("divisi.mirror")

---@class divisi.PickItem
---@field text string one line
---@field preview string[] what is shown beside it
---@field path string? a file to show instead
---@field value any

---@class divisi.Picker
---@field available fun(): boolean
---@field open fun(title: string, items: divisi.PickItem[], done: fun(item: divisi.PickItem?))

---In the order of `auto`.
M.adapters = { "snacks", "telescope", "fzf_lua", "mini" }

---The adapter that is used; nil: `vim.ui.select`.
---@return divisi.Picker?
---@return string? name
function M.adapter()
  local wanted = config.get().picker
  if wanted == "select" then
    return nil
  end
  for _, name in ipairs(wanted == "auto" and M.adapters or { wanted }) do
    local ok, picker = pcall(require, "divisi.pickers." .. name)
    ---@cast picker divisi.Picker
    if ok and picker.available() then
      return picker, name
    end
  end
  return nil
end

---@param title string
---@param kind string
---@param items divisi.PickItem[]
---@param done fun(item: divisi.PickItem?)
local function by_select(title, kind, items, done)
  vim.ui.select(items, {
    prompt = title,
    kind = kind,
    format_item = function(item)
      return item.text
    end,
    -- 0.12 and pickers that know it; the others ignore it.
    preview_item = function(item)
      local buf = vim.api.nvim_create_buf(false, true)
      vim.bo[buf].bufhidden = "wipe"
      vim.api.nvim_buf_set_lines(buf, 0, -1, false, item.preview)
      return { buf = buf }
    end,
  }, done)
end

---Lets the person choose. A picker that fails gives way to `vim.ui.select`.
---@param title string
---@param kind string of `vim.ui.select`
---@param items divisi.PickItem[]
---@param done fun(item: divisi.PickItem?)
function M.choose(title, kind, items, done)
  local picker, name = M.adapter()
  if picker then
    local over = false
    local ok, err = pcall(picker.open, title, items, function(item)
      -- Some call back twice: once for the choice, once for the closing.
      if not over then
        over = true
        vim.schedule(function()
          done(item)
        end)
      end
    end)
    if ok then
      return
    end
    errors.log(("the picker %s failed: %s"):format(name, tostring(err)))
  end
  by_select(title, kind, items, done)
end

---@param row divisi.Row
---@return divisi.PickItem
local function of_session(row)
  local changes = row.files > 0
      and ("%d file%s +%d −%d"):format(row.files, row.files == 1 and "" or "s", row.added, row.removed_lines)
    or "no changes"
  local preview = { "# " .. row.name, "", ("%s · %s · %s"):format(row.state, row.agent or "?", changes) }
  for _, part in ipairs({
    { "judged", row.verdict and row.verdict.words },
    { "why", row.reason },
    { "now", row.activity },
    { "said", row.said },
    { "cost", row.cost },
    { "branch", row.branch or "?" },
    { "worktree", row.path and vim.fn.fnamemodify(row.path, ":~") or "?" },
  }) do
    if part[2] then
      table.insert(preview, ("%s: %s"):format(part[1], part[2]))
    end
  end
  vim.list_extend(preview, { "", row.prompt or "" })
  return {
    text = ("%s %-7s %s  %s"):format(
      row.sign or " ",
      row.word or row.state,
      row.name,
      row.activity or row.prompt or ""
    ),
    preview = preview,
    value = row,
  }
end

---Lets the person choose a session.
---@param rows divisi.Row[]
---@param done fun(row: divisi.Row)
function M.session(rows, done)
  M.choose("Session", "divisi_session", vim.tbl_map(of_session, rows), function(item)
    if item then
      done(item.value)
    end
  end)
end

---@param approval divisi.Approval
---@return divisi.PickItem
local function of_approval(approval)
  local row = mirror.sessions[approval.session]
  local preview = { approval.title, "" }
  vim.list_extend(preview, approval.details)
  return {
    text = ("%s: %s"):format(row and row.name or approval.session, approval.command or approval.title),
    preview = preview,
    value = approval,
  }
end

---@param row divisi.BatchRow
---@return divisi.PickItem
local function of_batch(row)
  local preview = { "# " .. row.name, "", ("%s · %s"):format(row.state, row.id) }
  for _, part in ipairs({
    { "runs", row.summary },
    { "began", os.date("%Y-%m-%d %H:%M", math.floor(row.created_at / 1000)) },
    { "cost", row.cost },
    { "why", row.reason },
    { "plan", row.path and vim.fn.fnamemodify(row.path, ":~") },
  }) do
    if part[2] then
      table.insert(preview, ("%s: %s"):format(part[1], part[2]))
    end
  end
  return {
    text = ("%-9s %s  %s"):format(row.state, row.name, row.summary),
    preview = preview,
    value = row,
  }
end

---What can be picked by `:Divisi pick`.
---@type table<string, fun(row: divisi.Row?)>
M.sources = {
  sessions = function()
    M.session(mirror.sorted(), function(row)
      require("divisi.ui.transcript").open(row)
    end)
  end,
  worktrees = function()
    local rows = vim.tbl_filter(function(row)
      return row.path ~= nil
    end, mirror.sorted())
    M.session(rows, function(row)
      require("divisi.ui.switch").tab(row)
    end)
  end,
  approvals = function()
    M.choose("Approval", "divisi_approval", vim.tbl_map(of_approval, mirror.approvals), function(item)
      if item then
        require("divisi.ui.approvals").open(mirror.sessions[item.value.session])
      end
    end)
  end,
  ---Batches, the newest first; their dashboards.
  batches = function()
    require("divisi.rpc").request("batch/rows", {}, function(rows, refusal)
      if refusal then
        errors.refused(refusal)
      elseif type(rows) ~= "table" or #rows == 0 then
        errors.notify("no batches; :Divisi batch run plan.yaml starts one")
      else
        M.choose("Batch", "divisi_batch", vim.tbl_map(of_batch, rows), function(item)
          if item then
            mirror.remember_batch(item.value)
            require("divisi.ui.batch").open(item.value.id)
          end
        end)
      end
    end)
  end,
  ---Files that sessions changed: of one, or of all.
  files = function(row)
    local rows = row and { row } or mirror.sorted()
    local items, left = {}, #rows ---@type divisi.PickItem[], integer
    if left == 0 then
      errors.notify("no sessions; :Divisi new {prompt} starts one")
      return
    end
    for _, session in ipairs(rows) do
      local params = { session = session.id, of = "session", stat_only = true }
      require("divisi.rpc").request("session/diff", params, function(diff)
        for _, file in ipairs(type(diff) == "table" and diff.files or {}) do
          local counts = ("+%d −%d"):format(file.added, file.removed)
          table.insert(items, {
            text = ("%s  %s %s"):format(session.name, file.shown, counts),
            preview = { file.shown, file.status .. " " .. counts },
            path = session.path and vim.fs.joinpath(session.path, file.path) or nil,
            value = { row = session, path = file.path },
          })
        end
        left = left - 1
        if left == 0 then
          M.choose("Changed file", "divisi_file", items, function(item)
            if item then
              require("divisi.ui.diff").open(item.value.row, item.value.path)
            end
          end)
        end
      end)
    end
  end,
}

return M
