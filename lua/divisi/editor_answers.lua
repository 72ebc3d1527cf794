---Answers what an agent asks of this editor. All of it is about files of its own worktree; nothing here waits for a person.
local M = {}

local api = vim.api

---More diagnostics of a file tell an agent nothing.
local MOST_DIAGNOSTICS = 200

local ns = api.nvim_create_namespace("divisi.editor")

---@type table<integer, string>
local severities = { "error", "warning", "info", "hint" }

---The file's place inside of a worktree, with links resolved; nil when it is outside.
---@param row divisi.Row
---@param path any
---@return string?
function M.inside(row, path)
  if type(path) ~= "string" or path:find("%z") then
    return
  end
  local root = vim.uv.fs_realpath(row.path or "")
  -- What does not exist yet is where its directory is.
  local real = vim.uv.fs_realpath(path)
  if not real then
    local directory = vim.uv.fs_realpath(vim.fs.dirname(path))
    real = directory and vim.fs.joinpath(directory, vim.fs.basename(path))
  end
  if root and real and vim.startswith(real, root .. "/") then
    return real
  end
end

---The loaded buffer of a file.
---@param row divisi.Row
---@param path any
---@return integer?
local function buffer_of(row, path)
  local real = M.inside(row, path)
  for _, buf in ipairs(real and api.nvim_list_bufs() or {}) do
    local name = api.nvim_buf_get_name(buf)
    if api.nvim_buf_is_loaded(buf) and vim.bo[buf].buftype == "" and name ~= "" then
      if name == path or name == real or vim.uv.fs_realpath(name) == real then
        return buf
      end
    end
  end
end

---Loaded files of the worktree.
---@param row divisi.Row
---@return { buf: integer, path: string }[]
local function files(row)
  local found = {}
  for _, buf in ipairs(api.nvim_list_bufs()) do
    local name = api.nvim_buf_get_name(buf)
    if api.nvim_buf_is_loaded(buf) and vim.bo[buf].buftype == "" and vim.startswith(name, (row.path or "") .. "/") then
      table.insert(found, { buf = buf, path = name })
    end
  end
  return found
end

---@param buf integer
---@param line integer
---@param column integer
---@return divisi.Position
local function position(buf, line, column)
  local text = api.nvim_buf_get_lines(buf, line, line + 1, false)[1] or ""
  return { line = line, character = vim.fn.strutf16len(text:sub(1, column)) }
end

---@param buf integer
---@return table[]
local function diagnostics_of(buf)
  local found = {} ---@type table[]
  for _, item in ipairs(vim.diagnostic.get(buf)) do
    if #found >= MOST_DIAGNOSTICS then
      break
    end
    table.insert(found, {
      message = item.message,
      severity = severities[item.severity] or "error",
      start = position(buf, item.lnum, item.col),
      ["end"] = position(buf, item.end_lnum or item.lnum, item.end_col or item.col),
      source = item.source,
      code = item.code and tostring(item.code) or nil,
    })
  end
  return found
end

---@param row divisi.Row
---@param ask table
---@return any value
---@return string? problem
local function diagnostics(row, ask)
  if ask.path then
    local buf = buffer_of(row, ask.path)
    return { { path = ask.path, diagnostics = buf and diagnostics_of(buf) or {} } }
  end
  local all = {} ---@type table[]
  for _, file in ipairs(files(row)) do
    local found = diagnostics_of(file.buf)
    if found[1] then
      table.insert(all, { path = file.path, diagnostics = found })
    end
  end
  return all
end

---The tab that is about a session: this one before others.
---@param row divisi.Row
---@return integer?
function M.tab_of(row)
  local tabs = api.nvim_list_tabpages()
  table.insert(tabs, 1, api.nvim_get_current_tabpage())
  for _, tab in ipairs(tabs) do
    if require("divisi.editor").sessions_of(tab)[row.id] then
      return tab
    end
  end
end

---A place of a text in a buffer.
---@param lines string[]
---@param text string
---@param after { [1]: integer, [2]: integer }?
---@return { [1]: integer, [2]: integer }? start
---@return { [1]: integer, [2]: integer }? finish
local function find(lines, text, after)
  local whole = table.concat(lines, "\n")
  local from = 1
  if after then
    for index = 1, after[1] - 1 do
      from = from + #lines[index] + 1
    end
    from = from + after[2]
  end
  local first, last = whole:find(text, from, true)
  if not first or not last then
    return
  end
  local function place(offset)
    local before = whole:sub(1, offset)
    local _, count = before:gsub("\n", "")
    return { count + 1, #before:match("[^\n]*$") }
  end
  return place(first - 1), place(last)
end

---Shows a file in a window of ours beside the others of the session's tab; the person stays where they are.
---@param row divisi.Row
---@param ask table
---@return any value
---@return string? problem
local function open_file(row, ask)
  local path = M.inside(row, ask.path)
  local stat = path and vim.uv.fs_stat(path)
  if not path then
    return nil, "the file is not in the session's worktree"
  elseif not stat or stat.type ~= "file" then
    return nil, "there is no such file"
  end
  local tab = M.tab_of(row)
  if not tab or vim.fn.getcmdwintype() ~= "" then
    return nil, "no file can be shown in the editor now"
  end
  local buf = require("divisi.ui.window").load_file(path)
  if ask.front then
    local win ---@type integer?
    for _, other in ipairs(api.nvim_tabpage_list_wins(tab)) do
      if api.nvim_win_get_buf(other) == buf then
        win = other
        break
      elseif vim.w[other].divisi == "pointed" then
        win = other
        api.nvim_win_set_buf(other, buf)
        break
      end
    end
    if not win then
      local beside = api.nvim_tabpage_get_win(tab)
      local ok, made = pcall(api.nvim_open_win, buf, false, { split = "above", win = beside })
      if not ok then
        return nil, "there is no room for the file in the editor"
      end
      win = made
      vim.w[win].divisi = "pointed"
    end
    api.nvim_buf_clear_namespace(buf, ns, 0, -1)
    local lines = api.nvim_buf_get_lines(buf, 0, -1, false)
    local start, finish = nil, nil
    if type(ask.from) == "string" then
      start, finish = find(lines, ask.from)
    end
    if start and type(ask["until"]) == "string" then
      local _, last = find(lines, ask["until"], start)
      finish = last or finish
    end
    if start and finish then
      -- A window of the person's keeps its cursor.
      if vim.w[win].divisi == "pointed" then
        api.nvim_win_set_cursor(win, start)
      end
      api.nvim_buf_set_extmark(buf, ns, start[1] - 1, start[2], {
        end_row = finish[1] - 1,
        end_col = finish[2],
        hl_group = "DivisiPointed",
      })
    end
  end
  return { language = vim.bo[buf].filetype, lines = api.nvim_buf_line_count(buf) }
end

---Saves a buffer, unless its file is another by now: Neovim would ask then.
---@param buf integer
---@return string? problem
local function save(buf)
  if not vim.bo[buf].modified then
    return
  end
  local live = require("divisi.live")
  local path = api.nvim_buf_get_name(buf)
  local base = live.base(buf)
  if vim.bo[buf].readonly or not vim.bo[buf].modifiable then
    return "it is read-only in the editor"
  elseif vim.b[buf].divisi_conflict or not base or base ~= live.read(path) then
    return "it was changed on disk too; the person has to decide"
  end
  local ok, err = pcall(api.nvim_buf_call, buf, function()
    vim.cmd("silent write")
  end)
  if not ok then
    return "it could not be written: " .. tostring(err):gsub("[\r\n].*", "")
  end
end

---@type table<string, fun(row: divisi.Row, ask: table): any, string?>
local answers = {
  open_file = open_file,
  diagnostics = diagnostics,
  selection = function(row)
    local selection = require("divisi.editor").selection()
    return selection and vim.startswith(selection.path, row.path .. "/") and selection or nil
  end,
  open_editors = function(row)
    local current = api.nvim_get_current_buf()
    return vim.tbl_map(function(file)
      return {
        path = file.path,
        language = vim.bo[file.buf].filetype,
        active = file.buf == current,
        dirty = vim.bo[file.buf].modified,
      }
    end, files(row))
  end,
  is_dirty = function(row, ask)
    local buf = buffer_of(row, ask.path)
    return { open = buf ~= nil, dirty = buf ~= nil and vim.bo[buf].modified }
  end,
  save = function(row, ask)
    local buf = buffer_of(row, ask.path)
    return { open = buf ~= nil, problem = buf and save(buf) or nil }
  end,
}

---Answers a question; a proposed change is shown and answered later.
---@param question integer
---@param row divisi.Row
---@param ask table
function M.answer(question, row, ask)
  local editor = require("divisi.editor")
  if ask.kind == "review_diff" then
    require("divisi.ui.proposal").add(question, row, ask)
    return
  end
  local answer = answers[ask.kind]
  if not answer then
    editor.answer(question, nil, "this editor is too old for that question")
    return
  end
  local value, problem = answer(row, ask)
  editor.answer(question, value, problem)
end

return M
