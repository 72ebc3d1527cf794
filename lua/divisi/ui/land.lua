---Landing and removing: what would happen is shown first, then asked.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local rpc = require("divisi.rpc")
local window = require("divisi.ui.window")

---@param number integer
---@param word string
---@return string
local function counted(number, word)
  return ("%d %s%s"):format(number, word, number == 1 and "" or "s")
end

---Shows lines in a float that takes no focus, for as long as a question is open.
---@param title string
---@param lines string[]
---@return fun() close
local function beside(title, lines)
  local buf = api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = "wipe"
  local shown = { title }
  for _, line in ipairs(lines) do
    table.insert(shown, "  " .. line:gsub("[\r\n]", " "))
  end
  api.nvim_buf_set_lines(buf, 0, -1, false, shown)
  local width = 1
  for _, line in ipairs(shown) do
    width = math.max(width, vim.fn.strdisplaywidth(line))
  end
  local ok, win = pcall(api.nvim_open_win, buf, false, {
    relative = "editor",
    row = 1,
    col = 2,
    width = math.min(width + 2, math.max(20, vim.o.columns - 6)),
    height = math.min(#shown, math.max(3, vim.o.lines - 12)),
    focusable = false,
    style = "minimal",
    zindex = 45,
    noautocmd = true,
  })
  if not ok then
    return function() end
  end
  vim.wo[win][0].wrap = false
  vim.wo[win][0].winhighlight = "NormalFloat:DivisiFloat"
  vim.cmd.redraw()
  return function()
    if api.nvim_win_is_valid(win) then
      api.nvim_win_close(win, true)
    end
  end
end

---@param title string
---@param lines string[]
---@param choices { text: string, run: fun() }[]
local function ask(title, lines, choices)
  if not window.can_change_layout() then
    return
  end
  local close = beside(title, lines)
  local ok, err = pcall(vim.ui.select, choices, {
    prompt = title,
    kind = "divisi_confirm",
    format_item = function(choice)
      return choice.text
    end,
  }, function(choice)
    close()
    if choice then
      choice.run()
    end
  end)
  if not ok then
    close()
    -- An interrupted question is an answer too.
    if not tostring(err):match("Keyboard interrupt") then
      error(err, 0)
    end
  end
end

---A landing that stopped at conflicts: go on or give up.
---@param row divisi.Row
local function resume(row)
  local function command(method)
    return function()
      rpc.request(method, { session = row.id }, function(_, refusal)
        if refusal then
          errors.refused(refusal)
        end
      end)
    end
  end
  ask(row.name .. " has conflicts in its worktree", { row.path or "" }, {
    {
      text = "Look at the worktree",
      run = function()
        require("divisi.ui.switch").tab(row)
      end,
    },
    { text = "Continue, they are resolved", run = command("landing/continue") },
    { text = "Give the landing up", run = command("landing/abort") },
  })
end

---Shows what would land, with the message; writing that buffer lands.
---@param row divisi.Row
function M.land(row)
  if row.landing == "conflicted" then
    resume(row)
  else
    require("divisi.ui.land_buffer").open(row)
  end
end

---Shows what would be lost, asks, removes. What is not landed is kept under a ref in any case.
---@param row divisi.Row
function M.remove(row)
  rpc.request("session/preflight", { session = row.id }, function(found, refusal)
    local lines = {} ---@type string[]
    local unlanded = true
    if refusal or type(found) ~= "table" then
      table.insert(lines, "what it holds is not known: " .. (refusal and refusal.message or "no answer"))
    else
      unlanded = (found.files or 0) > 0 or found.dirty == true
      if (found.files or 0) > 0 then
        table.insert(
          lines,
          ("not landed: %s, %s, +%d −%d"):format(
            counted(found.ahead, "commit"),
            counted(found.files, "file"),
            found.added,
            found.removed
          )
        )
      end
      if found.dirty then
        table.insert(lines, "uncommitted changes")
      end
    end
    if row.state == "running" or row.state == "awaiting_input" then
      table.insert(lines, "its turn still runs and is stopped")
    end
    if unlanded then
      table.insert(
        lines,
        ("kept under refs/divisi/preserved/%s; `divisi restore %s` brings it back"):format(row.id, row.name)
      )
    else
      table.insert(lines, "nothing is lost")
    end
    ask(("Remove %s"):format(row.name), lines, {
      { text = "Keep it", run = function() end },
      {
        text = unlanded and "Remove, with what is not landed" or "Remove",
        run = function()
          rpc.request("session/remove", { session = row.id, discard = unlanded }, function(_, problem)
            if problem then
              errors.refused(problem)
            else
              errors.notify(row.name .. " removed")
            end
          end)
        end,
      },
    })
  end)
end

return M
