---Judges a session's work by its gates, or by a suite file; what was found becomes a quickfix list and diagnostics at its lines.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local mirror = require("divisi.mirror")
local rpc = require("divisi.rpc")

local namespace = api.nvim_create_namespace("divisi.evaluation")
---Evaluations that were begun here and have not ended.
---@type table<string, boolean?>
local begun_here = {}
---Diagnostics of the newest evaluation of each session, by file.
---@type table<string, table<string, vim.Diagnostic.Set[]?>?>
local found = {}

---@class divisi.EvalFinding
---@field file string?
---@field line integer
---@field column integer
---@field message string
---@field severity string

---@class divisi.EvalResult
---@field id string
---@field outcome string
---@field score integer?
---@field reason string?
---@field tool string?
---@field details string?
---@field findings divisi.EvalFinding[]?

---@class divisi.Evaluation
---@field id string
---@field suite string
---@field state string
---@field passed boolean
---@field score integer?
---@field results divisi.EvalResult[]?

---@param result divisi.EvalResult
---@return string
local function why(result)
  if result.outcome == "missing" then
    return ("%s: %s is not installed"):format(result.id, result.tool or "its tool")
  end
  local last ---@type string?
  for line in (result.details or ""):gmatch("[^\r\n]+") do
    last = line:match("%S") and line or last
  end
  return ("%s: %s"):format(result.id, result.reason or last or (result.outcome:gsub("_", " ")))
end

---What did not pass, one entry per finding, or one for the evaluator itself.
---@param row divisi.Row
---@param evaluation divisi.Evaluation
---@return table[]
function M.items(row, evaluation)
  local items = {} ---@type table[]
  for _, result in ipairs(evaluation.results or {}) do
    if result.outcome ~= "passed" then
      local findings = result.findings or {}
      for _, finding in ipairs(findings) do
        table.insert(items, {
          filename = finding.file and row.path and vim.fs.joinpath(row.path, finding.file) or nil,
          lnum = math.max(finding.line or 0, finding.file and 1 or 0),
          col = finding.column or 0,
          type = finding.severity == "error" and "E" or finding.severity == "warning" and "W" or "I",
          text = ("%s: %s"):format(result.id, finding.message),
          user_data = { session = row.id, evaluation = evaluation.id },
        })
      end
      if #findings == 0 then
        table.insert(items, { type = "E", text = why(result) })
      end
    end
  end
  return items
end

---@param buf integer
local function mark(buf)
  local path = vim.fs.normalize(api.nvim_buf_get_name(buf))
  for _, files in pairs(found) do
    if files[path] then
      vim.diagnostic.set(namespace, buf, files[path])
    end
  end
end

local marking = false

---Files that are read later get their marks too.
local function mark_from_now_on()
  if not marking then
    marking = true
    api.nvim_create_autocmd("BufReadPost", {
      group = api.nvim_create_augroup("divisi.evaluation", {}),
      callback = function(args)
        mark(args.buf)
      end,
    })
  end
end

---Puts what an evaluation found at its lines; what an earlier one of the session found goes.
---@param row divisi.Row
---@param evaluation divisi.Evaluation
local function diagnose(row, evaluation)
  local files, before = {}, found[row.id] or {} ---@type table<string, vim.Diagnostic.Set[]?>, table<string, any>
  for _, result in ipairs(evaluation.results or {}) do
    for _, finding in ipairs(result.outcome ~= "passed" and result.findings or {}) do
      if finding.file and row.path then
        local path = vim.fs.normalize(vim.fs.joinpath(row.path, finding.file))
        files[path] = files[path] or {}
        table.insert(files[path], {
          lnum = math.max((finding.line or 1) - 1, 0),
          col = math.max((finding.column or 1) - 1, 0),
          severity = vim.diagnostic.severity[finding.severity == "error" and "ERROR" or finding.severity == "warning" and "WARN" or "INFO"],
          message = finding.message,
          source = "divisi " .. result.id,
        })
      end
    end
  end
  found[row.id] = next(files) and files or nil
  for _, buf in ipairs(api.nvim_list_bufs()) do
    if api.nvim_buf_is_loaded(buf) then
      local path = vim.fs.normalize(api.nvim_buf_get_name(buf))
      if files[path] then
        vim.diagnostic.set(namespace, buf, files[path])
      elseif before[path] then
        vim.diagnostic.reset(namespace, buf)
      end
    end
  end
  if next(files) then
    mark_from_now_on()
  end
end

---Takes what evaluations of a session found from its lines; without one, of all.
---@param session string?
function M.clear(session)
  local gone = session and { [session] = found[session] } or found
  for id, files in pairs(gone) do
    found[id] = nil
    for _, buf in ipairs(api.nvim_list_bufs()) do
      if api.nvim_buf_is_loaded(buf) and files[vim.fs.normalize(api.nvim_buf_get_name(buf))] then
        vim.diagnostic.reset(namespace, buf)
      end
    end
  end
end

---What landed, or is gone, is judged no more.
---@param row divisi.Row
function M.changed(row)
  if row.state == "completed" and found[row.id] then
    M.clear(row.id)
  end
end

---Tells how one that was begun here ended.
---@param row divisi.Row
---@param evaluation divisi.Evaluation
local function tell(row, evaluation)
  local score = type(evaluation.score) == "number" and (", score %d"):format(evaluation.score) or ""
  if evaluation.state == "done" and evaluation.passed then
    errors.notify(("%s passed %s%s"):format(row.name, evaluation.suite, score))
    return
  end
  local items = M.items(row, evaluation)
  vim.fn.setqflist({}, " ", { title = "divisi eval " .. row.name, items = items })
  local verdict = evaluation.state == "done" and "failed" or evaluation.state
  errors.warn(("%s: %s %s%s, %d in the quickfix list"):format(row.name, evaluation.suite, verdict, score, #items))
  if #items > 0 then
    vim.cmd("botright copen")
  end
end

---Looks at an evaluation, and shows it when it has ended.
---@param session string
---@param id string
local function look(session, id)
  rpc.request("evaluation/list", { session = session }, function(all, refusal)
    local row = mirror.sessions[session]
    if refusal or not row then
      if begun_here[id] and refusal then
        begun_here[id] = nil
        errors.refused(refusal)
      end
      return
    end
    for _, evaluation in ipairs(all or {}) do
      if evaluation.id == id and evaluation.state ~= "running" then
        diagnose(row, evaluation)
        if begun_here[id] then
          begun_here[id] = nil
          tell(row, evaluation)
        end
      end
    end
  end)
end

---Whether a file of a worktree is loaded.
---@param row divisi.Row
---@return boolean
local function is_seen(row)
  for _, buf in ipairs(row.path and api.nvim_list_bufs() or {}) do
    if api.nvim_buf_is_loaded(buf) and vim.startswith(api.nvim_buf_get_name(buf), row.path .. "/") then
      return true
    end
  end
  return false
end

---An evaluation ended, wherever it was begun.
---@param event { session: string?, evaluation: string? }
function M.ended(event)
  local row = mirror.sessions[event.session or ""]
  if row and event.evaluation and (begun_here[event.evaluation] or found[row.id] or is_seen(row)) then
    look(row.id, event.evaluation)
  end
end

---@param row divisi.Row
---@param suite string? a suite file; naming it means to stand for its commands
function M.start(row, suite)
  local params = { session = row.id } ---@type table
  if suite then
    local path = vim.fs.normalize(vim.fn.fnamemodify(suite, ":p"))
    local file = io.open(path, "r")
    if not file then
      errors.warn("cannot read the suite " .. path)
      return
    end
    params.suite = { text = { text = file:read("*a"), path = path } }
    file:close()
  end
  rpc.request("evaluation/start", params, function(outcome, refusal)
    if refusal then
      errors.refused(refusal)
      return
    end
    local begun = require("divisi.commands").outcome(outcome)
    errors.notify("evaluating " .. row.name)
    begun_here[begun.evaluation] = true
    -- It may have ended before this answer came.
    look(row.id, begun.evaluation)
  end)
end

---@param word string
---@return boolean
local function is_suite(word)
  return (word:match("%.ya?ml$") or word:match("%.json$")) ~= nil
end

---`:Divisi eval [session] [suite]`.
---@param invocation divisi.Invocation
function M.run(invocation)
  if invocation.args[1] == "--clear" then
    local row, problem = nil, nil ---@type divisi.Row?, string?
    if invocation.args[2] then
      row, problem = mirror.find(invocation.args[2])
    end
    if problem then
      errors.warn(problem)
    else
      M.clear(row and row.id)
    end
    return
  end
  local suite = invocation.rest:match("%-%-suite=(.+)$")
  local names = {} ---@type string[]
  for _, word in ipairs(invocation.args) do
    if vim.startswith(word, "--") then
      -- What follows may be a path with spaces.
      break
    end
    table.insert(names, word)
  end
  if #names == 1 and not mirror.find(names[1]) and is_suite(names[1]) then
    suite, names = names[1], {}
  end
  suite = suite or names[2]
  require("divisi.commands").with_session(names[1], function(row)
    M.start(row, suite and vim.fn.expand(vim.trim(suite)) --[[@as string]] or nil)
  end)
end

---Completion: a session, then a suite.
---@param words string[] those before
---@param lead string
---@return string[]
function M.complete(words, lead)
  local flag, path = lead:match("^(%-%-suite=)(.*)$")
  if flag and path then
    return vim.tbl_map(function(file)
      return flag .. file
    end, vim.fn.getcompletion(path, "file"))
  elseif vim.startswith(lead, "-") then
    return { "--suite=", "--clear" }
  end
  local files = vim.tbl_filter(function(file)
    return is_suite(file) or vim.endswith(file, "/")
  end, vim.fn.getcompletion(lead, "file"))
  if #words > 0 then
    return files
  end
  local names = {} ---@type string[]
  for _, row in ipairs(mirror.sorted()) do
    table.insert(names, row.name)
  end
  return lead == "" and names or vim.list_extend(names, files)
end

return M
