---Judges a session's work by its gates, or by a suite file, and puts what was found into a quickfix list.
local M = {}

local errors = require("divisi.errors")
local rpc = require("divisi.rpc")

---Between two looks at an evaluation that runs.
local LOOK_MS = 300

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
  return ("%s: %s"):format(result.id, result.reason or result.outcome:gsub("_", " "))
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
          filename = finding.file and vim.fs.joinpath(row.path, finding.file) or nil,
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

---@param row divisi.Row
---@param evaluation divisi.Evaluation
local function show(row, evaluation)
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

---Looks until the evaluation has ended.
---@param row divisi.Row
---@param id string
local function follow(row, id)
  rpc.request("evaluation/list", { session = row.id }, function(all, refusal)
    if refusal then
      errors.refused(refusal)
      return
    end
    for _, evaluation in ipairs(all or {}) do
      if evaluation.id == id then
        if evaluation.state == "running" then
          vim.defer_fn(function()
            follow(row, id)
          end, LOOK_MS)
        else
          show(row, evaluation)
        end
        return
      end
    end
  end)
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
    follow(row, begun.evaluation)
  end)
end

return M
