---Texts that were not sent yet, and those that were: files of this editor's state directory, so that a crash loses nothing.
local M = {}

---Sent prompts that are remembered.
local MOST = 200

---0700
local PRIVATE = 448

---@param name string
---@return string
local function path(name)
  local folder = vim.fs.joinpath(vim.fn.stdpath("state") --[[@as string]], "divisi")
  -- Prompts quote code: nobody else's business.
  vim.fn.mkdir(folder, "p", PRIVATE --[[@as any]])
  return vim.fs.joinpath(folder, (name:gsub("[^%w_.-]", "_")))
end

---@param file string
---@return string?
local function read(file)
  local handle = io.open(file, "rb")
  local text = handle and handle:read("*a")
  if handle then
    handle:close()
  end
  return text
end

---Whole or not at all, whatever happens meanwhile.
---@param file string
---@param text string
local function write(file, text)
  local fresh = ("%s.%d"):format(file, vim.fn.getpid())
  local handle, problem = io.open(fresh, "wb")
  if handle then
    handle:write(text)
    handle:close()
    local ok
    ok, problem = vim.uv.fs_rename(fresh, file)
    if ok then
      return
    end
  end
  require("divisi.errors").warn(("the draft is not kept: %s"):format(problem))
end

---The text that waits to be sent to a session; empty when there is none.
---@param key string a session's id, or "new"
---@return string
function M.load(key)
  return read(path("draft." .. key)) or ""
end

---@param key string
---@param text string
function M.save(key, text)
  local file = path("draft." .. key)
  if vim.trim(text) == "" then
    os.remove(file)
  else
    write(file, text)
  end
end

---Sent prompts, the newest first.
---@return string[]
function M.history()
  local texts = {} ---@type string[]
  for line in vim.gsplit(read(path("history")) or "", "\n", { plain = true }) do
    local ok, text = pcall(vim.json.decode, line)
    if ok and type(text) == "string" then
      table.insert(texts, 1, text)
    end
  end
  return texts
end

---@param text string
function M.remember(text)
  local texts = vim.tbl_filter(function(known)
    return known ~= text
  end, M.history())
  table.insert(texts, 1, text)
  local lines = {} ---@type string[]
  for index = math.min(#texts, MOST), 1, -1 do
    table.insert(lines, vim.json.encode(texts[index]))
  end
  write(path("history"), table.concat(lines, "\n") .. "\n")
end

return M
