---`:Divisi batch`: plans are checked and started, batches opened and listed.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local mirror = require("divisi.mirror")
local rpc = require("divisi.rpc")

---@param path string
---@return boolean
local function may_be_plan(path)
  return path:match("%.ya?ml$") ~= nil or path:match("%.json$") ~= nil
end

---The file of the plan that is meant.
---@param name string?
---@return string? path
---@return string? problem
local function plan_path(name)
  local path = name and vim.fn.fnamemodify(vim.fn.expand(name) --[[@as string]], ":p") or api.nvim_buf_get_name(0)
  if path == "" or not may_be_plan(path) then
    return nil, name and path .. " is no plan: those end in .yaml, .yml or .json" or "this buffer is no plan; name one"
  end
  path = vim.fs.normalize(path)
  for _, buf in ipairs(api.nvim_list_bufs()) do
    if vim.bo[buf].modified and vim.fs.normalize(api.nvim_buf_get_name(buf)) == path then
      return nil, vim.fn.fnamemodify(path, ":~:.") .. " has changes that are not written; :w first"
    end
  end
  return path
end

---What is wrong with a plan, as a quickfix list.
---@param path string
---@param problems { line: integer, column: integer, message: string, suggestion: string? }[]
local function show_problems(path, problems)
  local items = vim.tbl_map(function(problem)
    local more = type(problem.suggestion) == "string" and ("; did you mean '%s'?"):format(problem.suggestion) or ""
    return { filename = path, lnum = problem.line, col = problem.column, type = "E", text = problem.message .. more }
  end, problems)
  vim.fn.setqflist({}, " ", { title = "divisi batch check", items = items })
  for _, first in ipairs(vim.list_slice(items, 1, 1)) do
    errors.warn(("%s: line %d: %s"):format(vim.fs.basename(path), first.lnum, first.text))
  end
  vim.cmd("botright copen")
end

---Variables of this Neovim that the plan's agents have a use for.
---@param agents { [1]: string, [2]: string? }[]
---@param done fun(caller: table<string, string|vim.NIL>)
local function callers(agents, done)
  local caller = {} ---@type table<string, string|vim.NIL>
  ---@param index integer
  local function gather(index)
    local agent = agents[index]
    if not agent then
      done(caller)
      return
    end
    local profile = type(agent[2]) == "string" and agent[2] or nil
    require("divisi.variables").of_caller(agent[1], profile, function(values)
      caller = vim.tbl_extend("force", caller, values)
      gather(index + 1)
    end)
  end
  gather(1)
end

---@param params table
local function create(params)
  rpc.request("batch/create", params, function(receipt, refusal)
    if refusal then
      errors.refused(refusal)
      return
    end
    local begun = require("divisi.commands").outcome(receipt)
    for _, note in ipairs(type(begun.notes) == "table" and begun.notes or {}) do
      errors.notify(note)
    end
    require("divisi.ui.batch").open(begun.batch)
  end)
end

---Starts a plan once nothing is wrong with it, and opens its dashboard.
---@param name string? its file; without one the current buffer's
---@param options { environment: string?, concurrency: integer? }
function M.start(name, options)
  local path, problem = plan_path(name)
  if not path then
    errors.warn(problem or "no plan")
    return
  end
  local file, unreadable = io.open(path, "r")
  if not file then
    errors.warn(("failed to read the plan %s: %s"):format(path, unreadable or "?"))
    return
  end
  local params = { text = file:read("*a"), path = path, environment = options.environment }
  file:close()
  rpc.request("plan/check", params, function(check, refusal)
    if refusal then
      errors.refused(refusal)
    elseif check.problems[1] then
      show_problems(path, check.problems)
    else
      callers(check.agents or {}, function(caller)
        params.caller = next(caller) and caller or nil
        params.concurrency = options.concurrency
        create(params)
      end)
    end
  end)
end

---@param name string?
function M.open(name)
  rpc.request("batch/find", { batch = name or require("divisi.ui.batch").here() }, function(row, refusal)
    if refusal then
      errors.refused(refusal)
    else
      mirror.remember_batch(row)
      require("divisi.ui.batch").open(row.id)
    end
  end)
end

---@param words string[]
---@return string? plan
---@return { environment: string?, concurrency: integer? } options
---@return string? problem
local function run_options(words)
  local options = {} ---@type { environment: string?, concurrency: integer? }
  local plan ---@type string?
  local index = 1
  while words[index] do
    local word = words[index] --[[@as string]]
    local flag, value = word:match("^%-%-(%a+)=?(.*)$")
    if flag == "environment" or flag == "concurrency" then
      if value == "" then
        index = index + 1
        value = words[index] or ""
      end
      if value == "" or (flag == "concurrency" and not tonumber(value)) then
        return nil, options, ("--%s wants %s"):format(flag, flag == "concurrency" and "a number" or "a name")
      end
      if flag == "concurrency" then
        options.concurrency = math.floor(tonumber(value) --[[@as number]])
      else
        options.environment = value
      end
    elseif flag then
      return nil,
        options,
        ("--%s is no option of :Divisi batch run; there are --environment and --concurrency"):format(flag)
    elseif plan then
      return nil, options, "one plan at a time"
    else
      plan = word
    end
    index = index + 1
  end
  return plan, options
end

M.words = { "run", "open", "list" }

---`:Divisi batch`.
---@param invocation divisi.Invocation
function M.run(invocation)
  local what = invocation.args[1] or "list"
  local rest = vim.list_slice(invocation.args, 2)
  local attached = require("divisi.commands").when_attached
  if what == "run" then
    local plan, options, problem = run_options(rest)
    if problem then
      errors.warn(problem)
      return
    end
    attached(function()
      M.start(plan, options)
    end)
  elseif what == "open" then
    attached(function()
      M.open(rest[1])
    end)
  elseif what == "list" then
    attached(require("divisi.ui.batch").list)
  else
    errors.warn(("%q is no verb of :Divisi batch; there are %s"):format(what, table.concat(M.words, ", ")))
  end
end

---Completion of what follows `:Divisi batch`.
---@param words string[] those before
---@param lead string
---@return string[]
function M.complete(words, lead)
  local what = words[1]
  if not what then
    return M.words
  elseif what == "open" and #words == 1 then
    local ids = {} ---@type string[]
    for id in pairs(mirror.batches) do
      table.insert(ids, id)
    end
    table.sort(ids, function(a, b)
      return mirror.batches[a].created_at > mirror.batches[b].created_at
    end)
    return ids
  elseif what == "run" then
    if vim.startswith(lead, "-") then
      return { "--environment=", "--concurrency=" }
    end
    return vim.tbl_filter(function(path)
      return may_be_plan(path) or vim.endswith(path, "/")
    end, vim.fn.getcompletion(lead, "file"))
  end
  return {}
end

return M
