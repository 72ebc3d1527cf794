---Keys that every view of a session has, and the help about them.
local M = {}

---Sends the newest prompt of a session once more.
---@param row divisi.Row
local function retry(row)
  local rpc, errors = require("divisi.rpc"), require("divisi.errors")
  rpc.request("session/show", { session = row.id }, function(found, refusal)
    local text = type(found) == "table" and found.last_prompt
    if refusal or type(text) ~= "string" then
      errors.refused(refusal or { kind = "user", message = row.name .. " was asked nothing yet", hints = {} })
      return
    end
    rpc.request("session/send", { session = row.id, text = text }, function(_, problem)
      if problem then
        errors.refused(problem)
      else
        errors.notify("sent again to " .. row.name)
      end
    end)
  end)
end

---Opens the review, or a diff as long as there is none.
---@param row divisi.Row
local function review(row)
  local commands = require("divisi.commands")
  if commands.spec("review") then
    commands.run_verb("review", { args = { row.id }, rest = row.id, bang = false })
  else
    require("divisi.ui.diff").open(row)
  end
end

---What a session may do with questions, and what that means.
---@type { [1]: string, [2]: string }[]
M.gates = {
  { "ask", "tells you and waits" },
  { "hold", "waits without telling" },
  { "auto", "allows at once" },
}

---Chooses what happens to what a session asks.
---@param row divisi.Row
---@param wanted string? without one it is asked for
function M.gate(row, wanted)
  local function set(policy)
    local rpc, errors = require("divisi.rpc"), require("divisi.errors")
    rpc.request("session/policy", { session = row.id, policy = policy }, function(_, refusal)
      if refusal then
        errors.refused(refusal)
      else
        errors.notify(("gate of %s: %s"):format(row.name, policy))
      end
    end)
  end
  if wanted and wanted ~= "" then
    set(wanted)
    return
  end
  vim.ui.select(M.gates, {
    prompt = ("What %s asks (now: %s)"):format(row.name, row.policy or "?"),
    kind = "divisi_gate",
    format_item = function(gate)
      return ("%s: %s"):format(gate[1], gate[2])
    end,
  }, function(gate)
    if gate then
      set(gate[1])
    end
  end)
end

---Keys of every view of a session: what they do and how the help calls it.
---@type { [1]: string, [2]: string, [3]: fun(row: divisi.Row) }[]
M.all = {
  { "r", "review", review },
  {
    "a",
    "answer approvals",
    function(row)
      require("divisi.ui.approvals").open(row)
    end,
  },
  {
    "i",
    "write a prompt",
    function(row)
      require("divisi.ui.prompt").open(row)
    end,
  },
  {
    "s",
    "stop the turn",
    function(row)
      require("divisi.commands").stop(row)
    end,
  },
  { "R", "send the last prompt again", retry },
  {
    "p",
    "the gate: ask, hold or auto",
    function(row)
      M.gate(row)
    end,
  },
  {
    "D",
    "diff against the base",
    function(row)
      require("divisi.ui.diff").open(row)
    end,
  },
  {
    "W",
    "switch this tab to the worktree",
    function(row)
      require("divisi.ui.switch").here(row)
    end,
  },
  {
    "o",
    "a tab in the worktree",
    function(row)
      require("divisi.ui.switch").tab(row)
    end,
  },
  {
    "L",
    "land",
    function(row)
      require("divisi.ui.land").land(row)
    end,
  },
}

---Maps the keys of a view.
---@param buf integer
---@param row_of fun(): divisi.Row?
---@param more { [1]: string, [2]: string, [3]: fun() }[]
---@param row_keys { [1]: string, [2]: string, [3]: fun(row: divisi.Row) }[]
function M.map(buf, row_of, more, row_keys)
  local help = {} ---@type string[]
  local function map(key, what, run)
    vim.keymap.set("n", key, run, { buffer = buf, nowait = true, desc = "divisi: " .. what })
    table.insert(help, ("%-5s %s"):format(key, what))
  end
  for _, key in ipairs(more) do
    map(key[1], key[2], key[3])
  end
  for _, key in ipairs(row_keys) do
    map(key[1], key[2], function()
      local row = row_of()
      if row then
        key[3](row)
      else
        require("divisi.errors").notify("no session here")
      end
    end)
  end
  map("g?", "this help", function()
    require("divisi.ui.window").help(help)
  end)
end

return M
