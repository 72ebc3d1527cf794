---`divisi://bench/{run}`: a run of a benchmark and its cases; `divisi://benches`: all runs.
local M = {}

local api = vim.api
local board = require("divisi.ui.board")
local errors = require("divisi.errors")
local mirror = require("divisi.mirror")
local rpc = require("divisi.rpc")
local window = require("divisi.ui.window")

---@class divisi.CaseLine: divisi.BoardLine
---@field artefacts string?

---What is kept of an attempt, in a window beside.
---@param which 'log'|'patch'
---@return fun(line: divisi.BoardLine?, view: divisi.Board)
local function artefact(which)
  return function(line, view)
    ---@cast line divisi.CaseLine
    if not line.artefacts then
      errors.notify("nothing is kept of " .. line.title)
      return
    end
    local params = { path = view.about.path, artefacts = line.artefacts, which = which }
    rpc.request("bench/artefact", params, function(answer, refusal)
      if refusal then
        errors.refused(refusal)
        return
      end
      local lines = answer.lines ---@type string[]
      if #lines > 1 and lines[#lines] == "" then
        table.remove(lines)
      end
      if table.concat(lines) == "" then
        errors.notify(("%s: the %s is empty"):format(line.title, which))
        return
      end
      local name = ("divisi://bench-%s/%s/%s"):format(which, view.about.id, line.artefacts)
      local origin = api.nvim_get_current_win()
      local buf = window.buffer(name, function(made)
        window.make_scratch(made, which == "patch" and "diff" or "divisi-log")
        vim.keymap.set("n", "q", function()
          window.close(api.nvim_get_current_win())
          if api.nvim_win_is_valid(origin) then
            api.nvim_set_current_win(origin)
          end
        end, { buffer = made, nowait = true, desc = "divisi: close" })
      end)
      window.set_lines(buf, lines)
      local win = window.open(buf, "artefact", "right", math.floor(vim.o.columns / 2))
      if win and which == "log" then
        -- What decides stands at the end.
        api.nvim_win_set_cursor(win, { #lines, 0 })
      end
    end)
  end
end

---@param line divisi.BoardLine?
local function transcript(line)
  ---@cast line divisi.CaseLine
  if not line.session then
    errors.notify("no agent was at " .. line.title)
    return
  end
  local row = mirror.sessions[line.session] or { id = line.session, name = line.session }
  require("divisi.ui.transcript").open(row --[[@as divisi.Row]])
end

---@type divisi.BoardKey[]
local case_keys = {
  { "<CR>", "what the tests printed", artefact("log"), line = true },
  { "d", "the patch", artefact("patch"), line = true },
  { "t", "transcript of the agent", transcript, line = true },
}

---Makes a buffer the view of a run.
---@param buf integer
---@param run string its directory's name, or a path
function M.make(buf, run)
  board.make(buf, "bench/" .. run, "divisi-bench", case_keys)
end

---Opens the view of a run.
---@param run string
function M.open(run)
  local buf = window.buffer("divisi://bench/" .. run, function(made)
    M.make(made, run)
  end)
  board.tab(buf)
end

---@type divisi.BoardKey[]
local list_keys = {
  {
    "<CR>",
    "its cases",
    function(line)
      M.open((line --[[@as divisi.BoardLine]]).id --[[@as string]])
    end,
    line = true,
  },
}

---Makes a buffer the list of runs.
---@param buf integer
function M.make_list(buf)
  board.make(buf, "benches", "divisi-benches", list_keys)
end

---Opens the list of runs.
function M.list()
  local buf = window.buffer("divisi://benches", M.make_list)
  local win = window.open(buf, "benches", "below", 12)
  if win then
    vim.wo[win][0].winfixbuf = true
    vim.wo[win][0].winfixheight = true
  end
end

return M
