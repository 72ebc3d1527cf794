---`divisi://compare/{sessions}`: what several sessions made of the same task; pick one, or files and hunks of several.
local M = {}

local api = vim.api
local errors = require("divisi.errors")
local mirror = require("divisi.mirror")
local rpc = require("divisi.rpc")
local tab = require("divisi.ui.tab")
local window = require("divisi.ui.window")

local namespace = api.nvim_create_namespace("divisi.compare")
local marks = api.nvim_create_namespace("divisi.compare.picks")

---@class divisi.ComparedRow
---@field kind 'candidate'|'file'|'hunk'|'line'|'blank'
---@field text string
---@field group string
---@field candidate integer?
---@field path string?
---@field hunk string?
---@field owners integer[]?

---@class divisi.Compared
---@field candidates { session: string, name: string }[]
---@field rows divisi.ComparedRow[]
---@field picks table<integer, integer[]> numbers of candidates by row
---@field ids string[]

---@type table<integer, divisi.Compared>
local views = {}

---@param buf integer
local function draw_picks(buf)
  local view = views[buf]
  api.nvim_buf_clear_namespace(buf, marks, 0, -1)
  for index, numbers in pairs(view.picks) do
    local names = vim.tbl_map(function(number)
      local candidate = view.candidates[number]
      return candidate and candidate.name or "?"
    end, numbers)
    api.nvim_buf_set_extmark(buf, marks, index - 1, 0, {
      sign_text = "✓",
      sign_hl_group = "DivisiAdded",
      virt_text = { { " ✓ " .. table.concat(names, ", "), "DivisiAdded" } },
      virt_text_pos = "right_align",
    })
  end
end

---Takes a line from a candidate, or leaves it.
---@param buf integer
---@param index integer
---@param number integer?
local function toggle(buf, index, number)
  local view = views[buf]
  -- On a line of a hunk the hunk is meant.
  while index > 0 and view.rows[index] and view.rows[index].kind == "line" do
    index = index - 1
  end
  local row = view.rows[index]
  if not row or row.kind == "blank" then
    return
  end
  if row.kind == "candidate" then
    number = row.candidate
  else
    local owners = row.owners or {}
    number = number or owners[1]
    if not vim.tbl_contains(owners, number) then
      local other = number and view.candidates[number]
      errors.notify(("%s did not change this"):format(other and other.name or "nobody"))
      return
    end
  end
  local picks = view.picks[index] or {}
  local at ---@type integer?
  for place, known in ipairs(picks) do
    at = known == number and place or at
  end
  if at then
    table.remove(picks, at)
  elseif row.kind == "candidate" then
    table.insert(picks, number)
  else
    -- A change is taken once, from whomever.
    picks = { number }
  end
  view.picks[index] = #picks > 0 and picks or nil
  draw_picks(buf)
end

---What is picked, as `session/combine` takes it, in the order of the candidates.
---@param view divisi.Compared
---@return table[]
local function picks_of(view)
  local whole, parts = {}, {} ---@type table<integer, boolean>, table<integer, { hunks: string[], files: string[] }?>
  local indexes = vim.tbl_keys(view.picks)
  table.sort(indexes)
  for _, index in ipairs(indexes) do
    local row = view.rows[index]
    for _, number in ipairs(view.picks[index]) do
      if not row then
        break
      elseif row.kind == "candidate" then
        whole[number] = true
      else
        parts[number] = parts[number] or { hunks = {}, files = {} }
        table.insert(
          row.kind == "file" and parts[number].files or parts[number].hunks,
          row.path and row.hunk or row.path
        )
      end
    end
  end
  local picks = {}
  for number, candidate in ipairs(view.candidates) do
    if whole[number] then
      table.insert(picks, { session = candidate.session })
    elseif parts[number] then
      local pick = { session = candidate.session } ---@type table<string, any>
      for key, list in pairs(parts[number]) do
        -- An empty Lua table would be a map on the wire.
        pick[key] = list[1] and list or nil
      end
      table.insert(picks, pick)
    end
  end
  return picks
end

---@param buf integer
local function combine(buf)
  local picks = picks_of(views[buf])
  if not picks[1] then
    errors.notify("pick something first: x on a session, a file or a hunk")
    return
  end
  vim.ui.input({ prompt = "Name of the new session (empty: made up): " }, function(name)
    if not name then
      return
    end
    local params = { picks = picks, name = vim.trim(name) ~= "" and vim.trim(name) or nil }
    rpc.request("session/combine", params, function(receipt, refusal)
      if refusal then
        errors.refused(refusal)
        return
      end
      local outcome = require("divisi.commands").outcome(receipt or {})
      errors.notify(("%s holds what you picked; :Divisi switch %s"):format(outcome.name or "?", outcome.name or "?"))
    end)
  end)
end

---The file of a line as every session has it, and the base, side by side in a tab of our own.
---@param buf integer
---@param index integer
local function side_by_side(buf, index)
  local view = views[buf]
  while index > 0 and view.rows[index] and not view.rows[index].path do
    index = index - 1
  end
  local row = view.rows[index]
  if not row or not row.path then
    return
  end
  local path = row.path --[[@as string]]
  local first = view.candidates[1]
  if not first then
    return
  end
  rpc.request("session/base_file", { session = first.session, path = path }, function(answer, refusal)
    if refusal then
      errors.refused(refusal)
      return
    elseif not window.can_change_layout() then
      return
    end
    local base = api.nvim_create_buf(false, true)
    pcall(api.nvim_buf_set_name, base, ("divisi://base/%s/%s#%d"):format(first.name, path, base))
    vim.b[base].divisi = "base"
    vim.bo[base].bufhidden = "wipe"
    local text = type(answer) == "table" and type(answer.text) == "string" and answer.text or ""
    api.nvim_buf_set_lines(base, 0, -1, false, vim.split((text:gsub("\n$", "")), "\n", { plain = true }))
    vim.bo[base].modifiable = false
    vim.bo[base].filetype = vim.filetype.match({ filename = path }) or ""
    vim.cmd("tab sbuffer " .. base)
    local page = api.nvim_get_current_tabpage()
    vim.t.divisi_diff = path
    local wins = { api.nvim_get_current_win() }
    -- Neovim compares at most eight buffers.
    for _, candidate in ipairs(vim.list_slice(view.candidates, 1, 7)) do
      local known = mirror.sessions[candidate.session]
      local full = known and known.path and vim.fs.joinpath(known.path, path)
      if full and vim.uv.fs_stat(full) then
        local ok, loaded = pcall(window.load_file, full)
        if ok then
          table.insert(wins, api.nvim_open_win(loaded, false, { split = "right", win = wins[#wins] }))
        end
      end
    end
    for _, win in ipairs(wins) do
      vim.w[win].divisi = "diff"
      api.nvim_win_call(win, vim.cmd.diffthis)
    end
    for position = 2, #wins do
      local owner = mirror.owner(api.nvim_buf_get_name(api.nvim_win_get_buf(wins[position])))
      vim.wo[wins[position]][0].winbar = owner and " " .. owner.name:gsub("%%", "%%%%") or ""
    end
    vim.wo[wins[1]][0].winbar = " base"
    vim.cmd("wincmd =")
    vim.keymap.set("n", "q", function()
      if api.nvim_tabpage_is_valid(page) and #api.nvim_list_tabpages() > 1 then
        vim.cmd.tabclose(api.nvim_tabpage_get_number(page))
      end
    end, { buffer = base, desc = "divisi: close the comparison" })
  end)
end

---@param buf integer
---@param answer table
local function draw(buf, answer)
  local view = views[buf]
  view.candidates, view.rows, view.picks = answer.candidates, answer.rows, {}
  window.set_lines(
    buf,
    vim.tbl_map(function(row)
      return row.text
    end, view.rows)
  )
  api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  for index, row in ipairs(view.rows) do
    if row.group ~= "" then
      api.nvim_buf_set_extmark(buf, namespace, index - 1, 0, { end_col = #row.text, hl_group = row.group })
    end
  end
  draw_picks(buf)
end

---@param buf integer
local function refresh(buf)
  rpc.request("session/compare", { sessions = views[buf].ids }, function(answer, refusal)
    if not api.nvim_buf_is_valid(buf) then
      return
    elseif refusal then
      errors.refused(refusal)
    elseif type(answer) == "table" and type(answer.rows) == "table" then
      draw(buf, answer)
    end
  end)
end

---A fold per file: its line is the fold's first.
---@return string
function M.fold()
  local view = views[api.nvim_get_current_buf()]
  local row = view and view.rows and view.rows[vim.v.lnum]
  if not row or row.kind == "candidate" or row.kind == "blank" then
    return "0"
  end
  return row.kind == "file" and ">1" or row.kind == "hunk" and ">2" or "="
end

local HELP = {
  "x, <Space>  take the session, file or hunk (2x: from the second)",
  "c           make a session of what is taken",
  "<CR>        the file side by side, base at the left",
  "]] [[       next, previous file     zM zR  close, open all",
  "R           refresh                 q      close",
}

---@param buf integer
local function make(buf)
  window.make_scratch(buf, "divisi-compare")
  ---@param key string
  ---@param desc string
  ---@param run fun(line: integer)
  local function map(key, desc, run)
    vim.keymap.set("n", key, function()
      run(api.nvim_win_get_cursor(0)[1])
    end, { buffer = buf, nowait = true, desc = "divisi: " .. desc })
  end
  for _, key in ipairs({ "x", "<Space>" }) do
    map(key, "take or leave", function(index)
      toggle(buf, index, vim.v.count > 0 and vim.v.count or nil)
    end)
  end
  map("c", "combine", function()
    combine(buf)
  end)
  map("<CR>", "side by side", function(index)
    side_by_side(buf, index)
  end)
  map("R", "refresh", function()
    refresh(buf)
  end)
  for key, step in pairs({ ["]]"] = 1, ["[["] = -1 }) do
    map(key, "file", function(index)
      local rows = views[buf].rows
      local at = index + step
      while rows[at] and rows[at].kind ~= "file" do
        at = at + step
      end
      if rows[at] then
        api.nvim_win_set_cursor(0, { at, 0 })
      end
    end)
  end
  map("q", "close", function()
    tab.close()
  end)
  map("g?", "help", function()
    window.help(HELP)
  end)
  api.nvim_create_autocmd("BufWipeout", {
    buffer = buf,
    once = true,
    callback = function()
      views[buf] = nil
    end,
  })
end

---Opens a comparison of at least two sessions.
---@param rows divisi.Row[]
function M.open(rows)
  if #rows < 2 then
    errors.warn("name at least two sessions: :Divisi compare a b")
    return
  end
  local ids, names = {}, {}
  for _, row in ipairs(rows) do
    table.insert(ids, row.id)
    table.insert(names, row.name)
  end
  local buf = window.buffer("divisi://compare/" .. table.concat(names, ","), make)
  views[buf] = views[buf] or { candidates = {}, rows = {}, picks = {}, ids = ids }
  -- Half of a tab in which a view is already is too narrow to read.
  local win = tab.is_taken() and tab.open(buf, "compare")
    or window.open(buf, "compare", "right", math.floor(vim.o.columns / 2))
  if win then
    vim.wo[win][0].wrap = false
    vim.wo[win][0].number = false
    vim.wo[win][0].relativenumber = false
    vim.wo[win][0].signcolumn = "yes"
    vim.wo[win][0].foldmethod = "expr"
    vim.wo[win][0].foldexpr = "v:lua.require'divisi.ui.compare'.fold()"
    vim.wo[win][0].foldlevel = 9
    vim.wo[win][0].winfixbuf = true
  end
  refresh(buf)
end

return M
