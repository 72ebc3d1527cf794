---A language server inside this editor, for prompt buffers: completion and hover of references, so that every completion plugin
---offers them without knowing of divisi.
local M = {}

local api = vim.api
local context = require("divisi.context")

---Paths of a checkout at most.
local MOST_FILES = 20000
---Items of one answer at most; what is typed on narrows them down.
local MOST_ITEMS = 200
---How long a list of paths is used again.
local FRESH_MS = 5000

---@class divisi.PromptSource
---@field target fun(): divisi.Target
---@field commands fun(): { name: string, description: string? }[]

---What prompt buffers offer, by buffer.
---@type table<integer, divisi.PromptSource?>
local sources = {}

---@type table<string, { at: integer, paths: string[] }?>
local listed = {}

---The paths of a checkout, without what git ignores; runs no program that the repository names.
---@param root string
---@param done fun(paths: string[])
local function files(root, done)
  local known = listed[root]
  if known and vim.uv.now() - known.at < FRESH_MS then
    done(known.paths)
    return
  end
  local command = { "git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-C", root }
  vim.list_extend(command, { "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate" })
  local ok = pcall(vim.system, command, { timeout = 5000 }, function(result)
    local paths = {} ---@type string[]
    for path in (result.stdout or ""):gmatch("[^%z]+") do
      if #paths < MOST_FILES and not path:find("%c") then
        table.insert(paths, path)
      end
    end
    vim.schedule(function()
      listed[root] = { at = vim.uv.now(), paths = paths }
      done(paths)
    end)
  end)
  if not ok then
    done({})
  end
end

---@param line string
---@param column integer zero-based byte
---@return string? word with its sign
---@return integer? start zero-based
local function word_before(line, column)
  local before = line:sub(1, column)
  local start, _, word = before:find("(@[^%s@`\"'<>|,;()%[%]{}]*)$")
  if start and (start == 1 or before:sub(start - 1, start - 1):find("[%s(%[{\"']")) then
    return word, start - 1
  end
end

---@param params table
---@param done fun(items: table[])
local function complete(params, done)
  local buf = vim.uri_to_bufnr(params.textDocument.uri)
  local source = sources[buf]
  local row, column = params.position.line, params.position.character
  local line = source and api.nvim_buf_get_lines(buf, row, row + 1, false)[1]
  if not source or not line then
    done({})
    return
  end
  ---@param start integer
  ---@param text string
  ---@param kind integer
  ---@param detail string?
  local function item(start, text, kind, detail)
    local range = { start = { line = row, character = start }, ["end"] = { line = row, character = column } }
    local edit = { range = range, newText = text }
    return { label = text, filterText = text, kind = kind, detail = detail, textEdit = edit }
  end
  if row == 0 and line:sub(1, column):match("^/%S*$") then
    local items = {}
    for _, command in ipairs(source.commands()) do
      local text = "/" .. command.name
      if vim.startswith(text, line:sub(1, column)) then
        table.insert(items, item(0, text, 14, command.description))
      end
    end
    done(items)
    return
  end
  local word, start = word_before(line, column)
  if not word or not start then
    done({})
    return
  end
  local items = {}
  for _, kind in ipairs(context.kinds) do
    if vim.startswith("@" .. kind.name, word) then
      table.insert(items, item(start, "@" .. kind.name, 14, kind.help))
    end
  end
  local target = source.target()
  local root = target.row and target.row.path or context.root(vim.fn.getcwd() .. "/.") or vim.fn.getcwd()
  local wanted = word:sub(2):lower()
  files(root, function(paths)
    for _, path in ipairs(paths) do
      if #items >= MOST_ITEMS then
        break
      end
      if path:lower():find(wanted, 1, true) then
        table.insert(items, item(start, "@" .. path, 17))
      end
    end
    done(items)
  end)
end

---@param params table
---@param done fun(result: table?)
local function hover(params, done)
  local buf = vim.uri_to_bufnr(params.textDocument.uri)
  local source = sources[buf]
  local line = api.nvim_buf_get_lines(buf, params.position.line, params.position.line + 1, false)[1] or ""
  for _, reference in ipairs(source and context.find(line) or {}) do
    local column = params.position.character + 1
    if source and column >= reference.first and column <= reference.last then
      context.meaning(reference.text, source.target(), function(meaning)
        local value = meaning and (meaning.block or meaning.label)
        done(value and { contents = { kind = "markdown", value = value } } or nil)
      end)
      return
    end
  end
  done(nil)
end

---@type table<string, fun(params: table, done: fun(result: any))>
local handlers = {
  initialize = function(_, done)
    done({
      serverInfo = { name = "divisi" },
      capabilities = {
        positionEncoding = "utf-8",
        textDocumentSync = 0,
        completionProvider = { triggerCharacters = { "@", "/", ":" } },
        hoverProvider = true,
      },
    })
  end,
  shutdown = function(_, done)
    done(vim.NIL)
  end,
  ["textDocument/completion"] = function(params, done)
    complete(params, function(items)
      -- More may match than was sent.
      done({ isIncomplete = true, items = items })
    end)
  end,
  ["textDocument/hover"] = hover,
}

---The server: answers come later, as from another process.
---@param dispatchers table
---@return table
local function serve(dispatchers)
  local closing, number = false, 0
  return {
    request = function(method, params, callback, sent)
      number = number + 1
      local id = number
      vim.schedule(function()
        if sent then
          sent(id)
        end
        local handler = handlers[method]
        if not handler then
          callback({ code = -32601, message = "not offered: " .. method }, nil)
          return
        end
        local ok, problem = xpcall(handler, debug.traceback, params, function(result)
          callback(nil, result)
        end)
        if not ok then
          require("divisi.errors").internal(tostring(problem))
          callback({ code = -32603, message = "a fault of the plugin" }, nil)
        end
      end)
      return true, id
    end,
    notify = function(method)
      if method == "exit" and not closing then
        closing = true
        dispatchers.on_exit(0, 0)
      end
      return true
    end,
    is_closing = function()
      return closing
    end,
    terminate = function()
      if not closing then
        closing = true
        dispatchers.on_exit(0, 15)
      end
    end,
  }
end

---Whether something else shows completions as one types.
---@return boolean
local function has_plugin()
  return package.loaded["cmp"] ~= nil or package.loaded["blink.cmp"] ~= nil or package.loaded["mini.completion"] ~= nil
end

---Shows completions without being asked where nothing else does; before 0.11 |i_CTRL-X_CTRL-O| asks for them.
---@param buf integer
---@param client integer
local function as_one_types(buf, client)
  if vim.fn.has("nvim-0.11") == 1 and require("divisi.config").get().prompt.complete and not has_plugin() then
    vim.bo[buf].completeopt = "menuone,noselect,popup"
    vim.lsp.completion.enable(true, client, buf, { autotrigger = true })
  end
end

---Offers completion in a prompt buffer.
---@param buf integer
---@param source divisi.PromptSource
function M.attach(buf, source)
  sources[buf] = source
  api.nvim_create_autocmd("BufWipeout", {
    buffer = buf,
    once = true,
    callback = function()
      sources[buf] = nil
    end,
  })
  api.nvim_create_autocmd("LspAttach", {
    buffer = buf,
    callback = function(args)
      local client = vim.lsp.get_client_by_id(args.data.client_id)
      if client and client.name == "divisi" then
        as_one_types(buf, client.id)
      end
    end,
  })
  vim.lsp.start({ name = "divisi", cmd = serve }, {
    bufnr = buf,
    silent = true,
    reuse_client = function(client)
      return client.name == "divisi" and not client.is_stopped(client)
    end,
  })
end

return M
