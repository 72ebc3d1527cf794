---Configuration: `vim.g.divisi` (a table or a function that returns one), then `require('divisi').setup()`. Nothing is required.
local M = {}

---@class divisi.Config
---@field bin string the divisi binary; empty: looked for
---@field release string where binaries are downloaded from; empty: where this commit says
---@field notify boolean tell when a session needs a person, ends or lands
---@field float boolean show open approvals in a small float, bottom right
---@field checktime boolean reload unmodified buffers of a worktree when its turn ends
---@field live boolean reload unmodified buffers of worktrees as soon as their files change
---@field badge 'auto'|'compose'|'off' winbar badge of windows that show a worktree's file: where there is no winbar, beside one, nowhere
---@field lsp_stop number minutes after which language servers of a worktree that no tab and no window shows are stopped; 0: never
---@field switch { all_windows: boolean, layout: boolean } take all windows along; bring back a worktree's windows
---@field picker 'auto'|'select'|'snacks'|'telescope'|'fzf_lua'|'mini' what lists are chosen from
---@field progress boolean progress messages and busy marks, on 0.12
---@field list { height: integer, messages: boolean, float: boolean } lines of the session list's window; whether last messages are shown; whether it floats
---@field transcript { width: number } columns of a transcript's window; a share of the screen when below 1
---@field prompt { height: integer, send: string, send_insert: string, complete: boolean } lines and keys of a prompt's window; complete as one types
---@field editor { diffs: boolean, selection: boolean } whether agents in their own interface show changes here, and get what is selected
---@field review divisi.ReviewConfig
---@field agent string the agent of `:Divisi new`; empty: the daemon's default

---@class divisi.ReviewConfig
---@field width integer columns of the list of files
---@field advance boolean go to the next undecided hunk after a decision
---@field keys table<string, string> keys in a file under review, by what they do; empty: none

---@type divisi.Config
local defaults = {
  bin = "",
  release = "",
  notify = true,
  float = true,
  checktime = true,
  live = true,
  badge = "auto",
  picker = "auto",
  progress = true,
  lsp_stop = 10,
  switch = { all_windows = false, layout = true },
  list = { height = 12, messages = true, float = false },
  transcript = { width = 0.45 },
  prompt = { height = 6, send = "<CR>", send_insert = "<C-s>", complete = true },
  editor = { diffs = true, selection = true },
  review = {
    width = 36,
    advance = true,
    keys = {
      next = "]h",
      previous = "[h",
      next_file = "]f",
      previous_file = "[f",
      accept = "<LocalLeader>a",
      reject = "<LocalLeader>x",
      accept_motion = "<LocalLeader>A",
      reject_motion = "<LocalLeader>X",
      undo = "<LocalLeader>u",
      comment = "<LocalLeader>c",
      comment_motion = "<LocalLeader>C",
      viewed = "<LocalLeader>v",
      side = "<LocalLeader>t",
      range = "<LocalLeader>b",
      quickfix = "<LocalLeader>q",
      send = "<LocalLeader>s",
      land = "<LocalLeader>L",
      panel = "<LocalLeader>p",
      help = "g?",
    },
  },
  agent = "",
}

---Options with few values.
---@type table<string, string[]>
local values =
  { badge = { "auto", "compose", "off" }, picker = { "auto", "select", "snacks", "telescope", "fzf_lua", "mini" } }

---@type table?
local from_setup

---@type divisi.Config?
local merged

---Compares a value with the default of its place.
---@param value any
---@param default any
---@param place string
---@param problems string[]
---@return any valid the value, or the default where it is of no use
local function checked(value, default, place, problems)
  if type(default) ~= "table" then
    if type(value) ~= type(default) then
      table.insert(problems, ("%s is a %s, expected a %s"):format(place, type(value), type(default)))
      return default
    end
    return value
  end
  if type(value) ~= "table" then
    table.insert(problems, ("%s is a %s, expected a table"):format(place, type(value)))
    return default
  end
  local result = {}
  for key, inner in pairs(default) do
    if value[key] == nil then
      result[key] = inner
    else
      result[key] = checked(value[key], inner, place .. "." .. key, problems)
    end
  end
  for key in pairs(value) do
    if default[key] == nil then
      table.insert(problems, ("%s.%s is not an option"):format(place, tostring(key)))
    end
  end
  return result
end

---What the user said, and what is wrong with it.
---@return divisi.Config config
---@return string[] problems
function M.load()
  local problems = {} ---@type string[]
  local given = vim.g.divisi
  if type(given) == "function" then
    local ok, result = pcall(given)
    if not ok then
      table.insert(problems, "vim.g.divisi failed: " .. tostring(result))
    end
    given = ok and result or {}
  end
  local config = checked(given == nil and {} or given, defaults, "vim.g.divisi", problems)
  if from_setup ~= nil then
    config = checked(from_setup, config, "setup()", problems)
  end
  for option, allowed in pairs(values) do
    if not vim.tbl_contains(allowed, config[option]) then
      table.insert(
        problems,
        ("%s is %q, expected one of %s"):format(option, config[option], table.concat(allowed, ", "))
      )
      config[option] = defaults[option]
    end
  end
  return config, problems
end

---@return divisi.Config
function M.get()
  if not merged then
    local problems
    merged, problems = M.load()
    if problems[1] then
      require("divisi.errors").warn("configuration: " .. table.concat(problems, "; "))
    end
  end
  return merged
end

---@param opts table?
function M.set(opts)
  from_setup = opts
  merged = nil
end

return M
