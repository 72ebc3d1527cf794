---References in a prompt (`@src/a.lua:3-9`, `@diagnostics`, …): what they mean, and the text that is sent in their place.
local M = {}

local api = vim.api
local mirror = require("divisi.mirror")

---@class divisi.Target
---@field row divisi.Row? the session that is asked; absent for a new one
---@field places table<string, string> absolute paths of references that were put in for the person, by reference

---@class divisi.Reference
---@field first integer byte, one-based
---@field last integer byte
---@field text string with the @

---@class divisi.Meaning
---@field label string what stands in the sentence
---@field block string? what follows the prompt
---@field hint string how much that is

---What a diff may bring into a prompt, in bytes.
local MOST_DIFF = 200000
---Diagnostics and quickfix entries at most.
local MOST_ENTRIES = 200

---@type { name: string, help: string }[]
M.kinds = {
  { name = "file", help = "the current file’s path" },
  { name = "selection", help = "the lines selected last in the current file" },
  { name = "diagnostics", help = "diagnostics of the current file, else of all" },
  { name = "quickfix", help = "the quickfix list" },
  { name = "diff", help = "what the session changed; @diff:NAME another one’s" },
}

---The root of the checkout a path is in: a session's worktree or a repository.
---@param path string absolute
---@return string?
function M.root(path)
  local owner = mirror.owner(path)
  return owner and owner.path or vim.fs.root(path, ".git")
end

---A path below its checkout, the same in every worktree.
---@param path string
---@return string
function M.relative(path)
  path = vim.fs.normalize(vim.fn.fnamemodify(path, ":p"))
  local root = M.root(path)
  if root and vim.startswith(path, root .. "/") then
    return path:sub(#root + 2)
  end
  return vim.fn.fnamemodify(path, ":~")
end

---The file the person works on in this tab.
---@return integer? buf
function M.current()
  local win = require("divisi.ui.window").normal_window()
  local buf = win and api.nvim_win_get_buf(win)
  return buf and api.nvim_buf_get_name(buf) ~= "" and buf or nil
end

---Control characters of files would reach a terminal through an agent that prints its prompt.
---@param text string
---@return string
local function plain(text)
  return (text:gsub("[%z\1-\8\11-\31\127]", "?"))
end

---@param title string
---@param lines string[]
---@param filetype string
---@return string
function M.fenced(title, lines, filetype)
  local fence = "```"
  for _, line in ipairs(lines) do
    local ticks = line:match("^%s*(`+)")
    if ticks and #ticks >= #fence then
      fence = ticks .. "`"
    end
  end
  local all = { title, fence .. filetype }
  vim.list_extend(all, vim.tbl_map(plain, lines))
  table.insert(all, fence)
  return table.concat(all, "\n")
end

---@param path string absolute
---@return string[]?
local function lines_of(path)
  local buf = vim.fn.bufnr(vim.fn.fnameescape(path))
  if buf > 0 and api.nvim_buf_is_loaded(buf) then
    return api.nvim_buf_get_lines(buf, 0, -1, false)
  end
  local ok, lines = pcall(vim.fn.readfile, path)
  return ok and lines or nil
end

---The absolute path a reference means: where it was taken from, in the session's worktree, in this tab's checkout.
---@param path string
---@param target divisi.Target
---@param reference string
---@return string?
local function resolve(path, target, reference)
  local roots = { target.row and target.row.path, M.root(vim.fn.getcwd() .. "/."), vim.fn.getcwd() }
  local candidates = { target.places[reference] }
  for index = 1, 3 do
    if roots[index] then
      table.insert(candidates, vim.fs.joinpath(roots[index], path))
    end
  end
  if vim.startswith(path, "/") or vim.startswith(path, "~") then
    table.insert(candidates, vim.fs.normalize(path))
  end
  for _, candidate in ipairs(candidates) do
    if vim.uv.fs_stat(candidate) then
      return candidate
    end
  end
end

---@param first integer
---@param last integer
---@return string
local function span(first, last)
  return first == last and tostring(first) or ("%d-%d"):format(first, last)
end

---@param path string
---@param first integer
---@param last integer
---@return divisi.Meaning
local function quoted(path, first, last)
  local lines = vim.list_slice(lines_of(path) or {}, first, last)
  local title = ("%s:%s"):format(M.relative(path), span(first, last))
  local filetype = vim.filetype.match({ filename = path }) or ""
  return {
    label = "`" .. title .. "`",
    block = M.fenced(title, lines, filetype),
    hint = #lines == 1 and "1 line" or ("%d lines"):format(#lines),
  }
end

---@return divisi.Meaning
local function selection()
  local buf = M.current()
  local first = buf and api.nvim_buf_get_mark(buf, "<")[1] or 0
  local last = buf and api.nvim_buf_get_mark(buf, ">")[1] or 0
  if not buf or first == 0 or last < first then
    return { label = "(nothing is selected)", hint = "nothing is selected" }
  end
  return quoted(api.nvim_buf_get_name(buf), first, last)
end

---@param count integer
---@param word string
---@return string
local function counted(count, word)
  return ("%d %s"):format(count, word)
end

---@type table<integer, string?>
local severities = { "error", "warn", "info", "hint" }

---@return divisi.Meaning
local function diagnostics()
  local buf = M.current()
  local found = vim.diagnostic.get(buf)
  if #found == 0 then
    found = vim.diagnostic.get()
  end
  local lines = {} ---@type string[]
  for index, item in ipairs(found) do
    if index > MOST_ENTRIES then
      table.insert(lines, ("… and %d more"):format(#found - MOST_ENTRIES))
      break
    end
    local severity = severities[item.severity] or "?"
    local message = item.message:gsub("%s*\n%s*", " ")
    local name = item.bufnr and M.relative(api.nvim_buf_get_name(item.bufnr)) or "?"
    local source = item.source and (" (%s)"):format(item.source) or ""
    table.insert(lines, ("%s:%d:%d: %s: %s%s"):format(name, item.lnum + 1, item.col + 1, severity, message, source))
  end
  if #lines == 0 then
    return { label = "diagnostics (there are none)", hint = "none" }
  end
  local hint = counted(#found, "diagnostics")
  return { label = "the diagnostics below", block = M.fenced("Diagnostics:", lines, ""), hint = hint }
end

---@return divisi.Meaning
local function quickfix()
  local list = vim.fn.getqflist({ items = 1, title = 1 })
  local lines = {} ---@type string[]
  for index, item in ipairs(list.items) do
    if index > MOST_ENTRIES then
      table.insert(lines, ("… and %d more"):format(#list.items - MOST_ENTRIES))
      break
    end
    local name = item.bufnr > 0 and M.relative(api.nvim_buf_get_name(item.bufnr)) or ""
    local place = item.lnum > 0 and ("%s:%d:%d: "):format(name, item.lnum, math.max(1, item.col)) or ""
    table.insert(lines, place .. vim.trim((item.text or ""):gsub("%s*\n%s*", " ")))
  end
  if #lines == 0 then
    return { label = "the quickfix list (it is empty)", hint = "empty" }
  end
  local title = list.title ~= "" and ("Quickfix list, %s:"):format(list.title) or "Quickfix list:"
  local hint = counted(#list.items, "entries")
  return { label = "the quickfix list below", block = M.fenced(title, lines, ""), hint = hint }
end

---@param target divisi.Target
---@param name string?
---@param done fun(meaning: divisi.Meaning)
local function diff(target, name, done)
  local row = target.row
  if name then
    row = mirror.find(name)
  end
  if not row then
    done({ label = name and ("(no session %s)"):format(name) or "(no session to show a diff of)", hint = "no session" })
    return
  end
  require("divisi.rpc").request("session/patch", { session = row.id, of = "session" }, function(found, refusal)
    local patch = type(found) == "table" and found.patch or ""
    if refusal then
      done({ label = ("(the diff of %s is not known)"):format(row.name), hint = refusal.message })
    elseif patch == "" then
      done({ label = ("the diff of %s (it is empty)"):format(row.name), hint = "empty" })
    else
      local lines = vim.split(patch:sub(1, MOST_DIFF), "\n", { plain = true })
      if #patch > MOST_DIFF then
        table.insert(lines, "… the rest is left out")
      end
      local title = ("What %s changed:"):format(row.name)
      local hint = counted(#lines, "lines")
      done({ label = ("the diff of %s below"):format(row.name), block = M.fenced(title, lines, "diff"), hint = hint })
    end
  end)
end

---What could be a reference in a text.
---@param text string
---@return divisi.Reference[]
function M.find(text)
  local found = {} ---@type divisi.Reference[]
  local from = 1
  while true do
    local first, last = text:find("@[^%s@`\"'<>|,;()%[%]{}]+", from)
    if not first or not last then
      return found
    end
    local before = first > 1 and text:sub(first - 1, first - 1) or " "
    if before:find("[%s(%[{\"']") then
      -- A sentence's full stop is not a part of the path before it.
      local word = text:sub(first, last):gsub("[.:!?]+$", "")
      if #word > 1 then
        table.insert(found, { first = first, last = first + #word - 1, text = word })
      end
    end
    from = last + 1
  end
end

---What a reference means; nil when it is none. `done` may be called at once or later.
---@param reference string
---@param target divisi.Target
---@param done fun(meaning: divisi.Meaning?)
function M.meaning(reference, target, done)
  local word = reference:sub(2)
  if word == "selection" then
    done(selection())
  elseif word == "diagnostics" then
    done(diagnostics())
  elseif word == "quickfix" then
    done(quickfix())
  elseif word == "diff" or word:find("^diff:.") then
    diff(target, word:match("^diff:(.+)$"), done)
  elseif word == "file" then
    local buf = M.current()
    local path = buf and M.relative(api.nvim_buf_get_name(buf))
    done({ label = path and ("`" .. path .. "`") or "(no file is open)", hint = path or "no file is open" })
  else
    local path, first, last = word:match("^(.-):(%d+)%-?(%d*)$")
    local absolute = resolve(path or word, target, reference)
    if not absolute then
      done(nil)
    elseif path then
      local from = math.floor(tonumber(first) or 1)
      done(quoted(absolute, from, math.floor(tonumber(last) or from)))
    else
      done({ label = "`" .. M.relative(absolute) .. "`", hint = "path" })
    end
  end
end

---The text that is sent: references became words, and what they bring follows, each once.
---@param text string
---@param target divisi.Target
---@param done fun(text: string)
function M.expand(text, target, done)
  local references = M.find(text)
  local meanings, waiting = {}, #references ---@type table<integer, divisi.Meaning?>, integer
  local function finish()
    local parts, blocks, seen, from = {}, {}, {}, 1 ---@type string[], string[], table<string, boolean>, integer
    for index, reference in ipairs(references) do
      local meaning = meanings[index]
      if meaning then
        table.insert(parts, text:sub(from, reference.first - 1) .. meaning.label)
        from = reference.last + 1
        if meaning.block and not seen[meaning.block] then
          seen[meaning.block] = true
          table.insert(blocks, meaning.block)
        end
      end
    end
    table.insert(parts, text:sub(from))
    local sentence = table.concat(parts)
    done(#blocks > 0 and sentence:gsub("%s+$", "") .. "\n\n" .. table.concat(blocks, "\n\n") or sentence)
  end
  if waiting == 0 then
    finish()
  end
  for index, reference in ipairs(references) do
    M.meaning(reference.text, target, function(meaning)
      meanings[index] = meaning
      waiting = waiting - 1
      if waiting == 0 then
        finish()
      end
    end)
  end
end

return M
