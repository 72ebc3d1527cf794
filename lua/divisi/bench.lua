---`:Divisi bench`: runs of benchmarks are listed and looked at; `divisi bench` itself runs in a terminal.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local rpc = require("divisi.rpc")
local window = require("divisi.ui.window")

M.words = { "list", "open", "run" }

---Runs that completion knows.
---@type { id: string, path: string }[]
local known = {}

---@param done fun()
local function learn(done)
  rpc.request("bench/runs", nil, function(runs)
    known = type(runs) == "table" and runs or known
    done()
  end)
end

---A run by what a person calls it; without a name the newest.
---@param name string?
local function open(name)
  learn(function()
    local found ---@type string?
    if not name then
      found = known[1] and known[1].id
    else
      for _, run in ipairs(known) do
        found = found or (vim.startswith(run.id, name) and run.id or nil)
      end
      local path = vim.fs.normalize(vim.fn.fnamemodify(name, ":p"))
      if not found and vim.uv.fs_stat(path) then
        found = path
      end
    end
    if found then
      require("divisi.ui.bench").open(found)
    elseif name then
      errors.warn(("there is no run %q; :Divisi bench list shows them"):format(name))
    else
      errors.notify("no runs of benchmarks yet; :Divisi bench run SUITE --agent NAME makes one")
    end
  end)
end

---The binary's own `divisi bench` in a terminal, in a tab: what it takes and says is its business.
---@param words string[]
local function in_terminal(words)
  local bin = require("divisi.host").find()
  if not bin then
    errors.error("no divisi binary found (:checkhealth divisi)")
    return
  elseif not window.can_change_layout() then
    return
  end
  local command = { bin, "bench", "run" }
  for _, word in ipairs(words) do
    table.insert(command, word:match("^[~%%#]") and vim.fn.expand(word) or word)
  end
  local directory = vim.fn.getcwd()
  local buf = api.nvim_create_buf(false, true)
  vim.cmd("tab sbuffer " .. buf)
  local job = require("divisi.ui.terminal").start(command, {
    cwd = directory,
    on_exit = function(_, code)
      local what = code == 0 and "all that counts is resolved"
        or code == 4 and "ended"
        or ("ended with code %d"):format(code)
      errors.notify(("divisi bench run: %s; :Divisi bench open shows it"):format(what))
    end,
  })
  if job <= 0 then
    errors.error("failed to start " .. table.concat(command, " "))
    api.nvim_buf_delete(buf, { force = true })
    return
  end
  vim.bo[buf].buflisted = false
  vim.b[buf].divisi = "bench"
end

---`:Divisi bench`.
---@param invocation divisi.Invocation
function M.run(invocation)
  local what = invocation.args[1] or "list"
  local rest = vim.list_slice(invocation.args, 2)
  if what == "list" then
    require("divisi.ui.bench").list()
  elseif what == "open" then
    open(rest[1])
  elseif what == "run" then
    in_terminal(rest)
  else
    errors.warn(("%q is no verb of :Divisi bench; there are %s"):format(what, table.concat(M.words, ", ")))
  end
end

---Completion of what follows `:Divisi bench`.
---@param words string[] those before
---@param lead string
---@return string[]
function M.complete(words, lead)
  if not words[1] then
    return M.words
  elseif words[1] == "open" and #words == 1 then
    -- Known at the next key press, when this is the first.
    learn(function() end)
    return vim.tbl_map(function(run)
      return run.id
    end, known)
  elseif words[1] == "run" and not vim.startswith(lead, "-") then
    return vim.fn.getcompletion(lead, "file")
  end
  return {}
end

return M
