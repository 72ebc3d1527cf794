---`divisi://batch/{id}`: a batch and its runs, live; `divisi://batches`: all of them.
local M = {}

local api = vim.api
local board = require("divisi.ui.board")
local errors = require("divisi.errors")
local mirror = require("divisi.mirror")
local rpc = require("divisi.rpc")
local window = require("divisi.ui.window")

---@class divisi.RunLine: divisi.BoardLine
---@field number integer
---@field task string
---@field prompt string
---@field repository string
---@field agent string
---@field state string
---@field reason string?
---@field session_name string?
---@field again boolean? it is over and did not pass

---@param line divisi.RunLine
---@return string
local function name_of(line)
  return ("run %d, %s by %s"):format(line.number, line.title, line.agent)
end

---The transcript of the newest attempt; also of one whose session is removed: what it said is kept.
---@param line divisi.RunLine
local function transcript(line)
  local id = line.session
  if not id then
    errors.notify(name_of(line) .. " has not begun")
    return
  end
  local row = mirror.sessions[id] or { id = id, name = line.session_name or id }
  require("divisi.ui.transcript").open(row --[[@as divisi.Row]])
end

---@param line divisi.RunLine
local function review(line)
  local row = line.session and mirror.sessions[line.session]
  if row then
    require("divisi.ui.review").open(row)
  elseif line.session then
    errors.notify(("%s has no worktree any more: refs/divisi/preserved/%s"):format(name_of(line), line.session))
  else
    errors.notify(name_of(line) .. " has not begun")
  end
end

---@param view divisi.Board
---@param runs string[]
---@param what string
local function send_retry(view, runs, what)
  -- An empty Lua table would be a map on the wire.
  local params = { batch = view.about.id, runs = runs[1] and runs or nil }
  rpc.request("batch/retry", params, function(_, refusal)
    if refusal then
      errors.refused(refusal)
    else
      errors.notify(what .. " waits again")
    end
  end)
end

---A run again; on a line of no run everything that did not pass, after a question.
---@param line divisi.RunLine?
---@param view divisi.Board
local function retry(line, view)
  if line then
    send_retry(view, { line.id }, name_of(line))
    return
  end
  local count = 0
  for _, other in
    ipairs(board.entries(view) --[[@as divisi.RunLine[] ]])
  do
    count = count + (other.again and 1 or 0)
  end
  if count == 0 then
    errors.notify("nothing to run again")
    return
  end
  vim.ui.select({ count == 1 and "Run it again" or ("Run all %d again"):format(count), "Leave as it is" }, {
    prompt = ("%s: what did not pass"):format(view.about.name),
    kind = "divisi_confirm",
  }, function(_, choice)
    if choice == 1 then
      send_retry(view, {}, "what did not pass")
    end
  end)
end

---@param view divisi.Board
local function pause(_, view)
  local paused = view.about.state == "paused"
  rpc.request(paused and "batch/resume" or "batch/pause", { batch = view.about.id }, function(_, refusal)
    if refusal then
      errors.refused(refusal)
    else
      errors.notify(view.about.name .. (paused and " goes on" or " is paused; what runs goes on"))
    end
  end)
end

---The concurrency that is wanted, and the one that was asked for and not answered yet.
---@type { batch: string, number: integer, until_ms: integer, asked: integer? }?
local wanted

---Asks for what is wanted. One request at a time: two on their way could overtake each other, and the older number would stay.
local function ask_concurrency()
  local one = wanted
  if not one or one.asked then
    return
  end
  one.asked = one.number
  rpc.request("batch/concurrency", { batch = one.batch, concurrency = one.number }, function(_, refusal)
    local asked = one.asked
    one.asked = nil
    if refusal then
      wanted = nil
      errors.refused(refusal)
    elseif one.number ~= asked then
      ask_concurrency()
    end
  end)
end

---@param by integer
---@return fun(line: divisi.BoardLine?, view: divisi.Board)
local function concurrency(by)
  return function(_, view)
    local about = view.about
    local now = vim.uv.now()
    -- The next press counts on, however long the answer takes.
    if not wanted or wanted.batch ~= about.id or now >= wanted.until_ms then
      wanted = { batch = about.id, number = about.concurrency or 1, until_ms = 0 }
    end
    wanted.number = math.max(1, wanted.number + by * vim.v.count1)
    wanted.until_ms = now + 2000
    ask_concurrency()
  end
end

---@param view divisi.Board
local function cancel(_, view)
  vim.ui.select({ "Cancel it", "Let it run" }, {
    prompt = ("%s: stop what runs, give up what waits"):format(view.about.name),
    kind = "divisi_confirm",
  }, function(_, choice)
    if choice == 1 then
      rpc.request("batch/cancel", { batch = view.about.id })
    end
  end)
end

---What failed as a quickfix list: what evaluators found at its places, else a line that says why.
---@param view divisi.Board
local function failures(_, view)
  local runs = vim.tbl_filter(function(line)
    return line.failed == true
  end, board.entries(view)) --[[@as divisi.RunLine[] ]]
  if #runs == 0 then
    errors.notify("nothing failed")
    return
  end
  local items = {} ---@type table[]
  local function show()
    vim.fn.setqflist({}, " ", { title = "divisi batch " .. view.about.name, items = items })
    errors.notify(("%d failed, %d in the quickfix list"):format(#runs, #items))
    vim.cmd("botright copen")
  end
  ---@param index integer
  local function gather(index)
    local line = runs[index]
    if not line then
      show()
      return
    end
    local row = line.session and mirror.sessions[line.session]
    local head = {
      type = "E",
      text = name_of(line) .. (line.reason and ": " .. line.reason or " failed"),
      user_data = { run = line.id, session = line.session },
    }
    if not row then
      table.insert(items, head)
      gather(index + 1)
      return
    end
    -- Without a place of its own it leads to the transcript.
    head.filename, head.valid = "divisi://session/" .. row.name, true
    rpc.request("evaluation/list", { session = row.id }, function(all, refusal)
      local newest = not refusal and type(all) == "table" and all[#all] or nil
      local found = newest and require("divisi.evaluate").items(row, newest) or {}
      table.insert(items, head)
      vim.list_extend(items, found)
      gather(index + 1)
    end)
  end
  gather(1)
end

---What all agents made of the task under the cursor.
---@param line divisi.RunLine
---@param view divisi.Board
local function compare(line, view)
  local rows, gone = {}, 0 ---@type divisi.Row[], integer
  for _, other in ipairs(board.entries(view)) do
    ---@cast other divisi.RunLine
    local same = other.id
      and other.task == line.task
      and other.prompt == line.prompt
      and other.repository == line.repository
    if same and other.session then
      local row = mirror.sessions[other.session]
      if row then
        table.insert(rows, row)
      else
        gone = gone + 1
      end
    end
  end
  if #rows > 1 then
    require("divisi.ui.compare").open(vim.list_slice(rows, 1, 16))
  elseif gone > 0 then
    errors.notify(
      ("%d of the candidates for %s are removed; 'keep: all' in the plan keeps them"):format(gone, line.title)
    )
  else
    errors.notify(("there is one candidate for %s at most"):format(line.title))
  end
end

---How long a program that opens pages has to say that it cannot, milliseconds.
local OPENING = 2000

---Opens a page, or says where it is.
---@param path string
local function open_page(path)
  local function yourself(why)
    why = vim.trim(why ~= "" and why or "?")
    errors.notify(("nothing here opens it (%s): %s"):format(why, vim.fn.fnamemodify(path, ":~:.")))
  end
  local ok, opener, why = pcall(vim.ui.open, path)
  if not ok or not opener then
    yourself(tostring(not ok and opener or why or ""))
  elseif type(opener) == "table" then
    vim.defer_fn(function()
      -- One that is still at it shows it.
      local ended = opener:is_closing() and opener:wait()
      if ended and ended.code ~= 0 then
        yourself(("it ended with %d"):format(ended.code))
      end
    end, OPENING)
  end
end

---Writes the report and opens it.
---@param view divisi.Board
local function export(_, view)
  local path = vim.fs.joinpath(vim.fn.getcwd(), ("divisi-batch-%s.html"):format(view.about.id))
  vim.ui.input({ prompt = "Write the report to: ", default = path, completion = "file" }, function(chosen)
    if not chosen or vim.trim(chosen) == "" then
      return
    end
    chosen = vim.fs.normalize(vim.fn.fnamemodify(vim.trim(chosen), ":p"))
    local format = chosen:match("%.(%a+)$")
    format = vim.tbl_contains({ "html", "csv", "md", "jsonl" }, format) and format or "html"
    rpc.request("batch/export", { batch = view.about.id, format = format }, function(answer, refusal)
      if refusal then
        errors.refused(refusal)
        return
      end
      local file, problem = io.open(chosen, "w")
      if not file then
        errors.error(("failed to write %s: %s"):format(chosen, problem or "?"))
        return
      end
      file:write(answer.text)
      file:close()
      errors.notify("wrote " .. chosen)
      if format == "html" then
        open_page(chosen)
      end
    end)
  end)
end

---@param line divisi.RunLine
---@param view divisi.Board
local function details(line, view)
  rpc.request("board/run", { board = view.board, run = line.id }, function(lines, refusal)
    if refusal then
      errors.refused(refusal)
    elseif type(lines) == "table" then
      window.page(name_of(line), lines, "markdown")
    end
  end)
end

---@param view divisi.Board
local function plan(_, view)
  local path = view.about.path
  if type(path) ~= "string" or not vim.uv.fs_stat(path) then
    errors.notify("the plan's file is gone")
  elseif window.can_change_layout() then
    vim.cmd.tabedit(vim.fn.fnameescape(path))
  end
end

---@type divisi.BoardKey[]
local run_keys = {
  { "<CR>", "transcript of the newest attempt", transcript, line = true },
  { "K", "everything about the run", details, line = true },
  { "r", "review what it made", review, line = true },
  { "R", "run again; above the runs: all that did not pass", retry },
  { "C", "compare the candidates for this task", compare, line = true },
  {
    "m",
    "a table of task and agent, or a line for each run",
    function(_, view)
      board.turn(view)
    end,
  },
  { "p", "pause or go on", pause },
  { "+", "one more run at the same time ([count])", concurrency(1) },
  { "-", "one fewer", concurrency(-1) },
  { "X", "cancel", cancel },
  { "Q", "failures as a quickfix list", failures },
  { "E", "write the report and open it", export },
  { "gf", "the plan", plan },
}

---Makes a buffer the dashboard of a batch.
---@param buf integer
---@param id string
function M.make(buf, id)
  board.make(buf, "batch/" .. id, "divisi-batch", run_keys)
end

---Opens the dashboard of a batch.
---@param id string
function M.open(id)
  local buf = window.buffer("divisi://batch/" .. id, function(made)
    M.make(made, id)
  end)
  board.tab(buf)
end

---@type divisi.BoardKey[]
local list_keys = {
  {
    "<CR>",
    "its dashboard",
    function(line)
      M.open((line --[[@as divisi.BoardLine]]).id --[[@as string]])
    end,
    line = true,
  },
}

---Makes a buffer the list of batches.
---@param buf integer
function M.make_list(buf)
  board.make(buf, "batches", "divisi-batches", list_keys)
end

---Opens the list of batches.
function M.list()
  local buf = window.buffer("divisi://batches", M.make_list)
  local win = window.open(buf, "batches", "below", 12)
  if win then
    vim.wo[win][0].winfixbuf = true
    vim.wo[win][0].winfixheight = true
  end
end

---The id of the batch of the current buffer.
---@return string?
function M.here()
  local view = board.of(api.nvim_get_current_buf())
  return view and view.board:match("^batch/(.+)$")
end

return M
