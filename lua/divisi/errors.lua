---What the person is told: one line, once, never so much that Neovim asks for a key.
local M = {}

---@class divisi.Refusal
---@field kind string `user`, `conflict`, `environment` or `internal`
---@field message string
---@field hints string[]

---@class divisi.Notice
---@field text string
---@field level integer

---@type divisi.Notice[]
local waiting = {}
---When the next look at them is; one that is long over was interrupted.
local due = 0
local LATE_MS = 1000

---@param text string
---@return string
local function one_line(text)
  return (tostring(text):gsub("%s*[\r\n]+%s*", " "))
end

---The part of a text that fits into the message area.
---@param text string
---@return string
local function fitted(text)
  local room = math.max(20, vim.v.echospace)
  if vim.fn.strdisplaywidth(text) <= room then
    return text
  end
  local short = vim.fn.strcharpart(text, 0, room - 1)
  while vim.fn.strdisplaywidth(short) > room - 1 do
    short = vim.fn.strcharpart(short, 0, vim.fn.strchars(short) - 1)
  end
  return short .. "…"
end

---True while a message would disturb: somebody types a command line or is asked something.
---@return boolean
local function busy()
  local mode = vim.api.nvim_get_mode()
  return mode.blocking or mode.mode:match("^[cr!]") ~= nil or vim.fn.getcmdwintype() ~= ""
end

local function flush()
  due = 0
  if #waiting == 0 then
    return
  end
  if busy() then
    due = vim.uv.now() + 200
    vim.defer_fn(flush, 200)
    return
  end
  local notices = waiting
  waiting = {}
  local texts, level = {}, vim.log.levels.INFO
  for _, notice in ipairs(notices) do
    table.insert(texts, notice.text)
    level = math.max(level, notice.level)
  end
  -- Without it two messages in a row would scroll the screen and ask for a key.
  pcall(vim.cmd.redraw)
  vim.notify(fitted("divisi: " .. table.concat(texts, " · ")), level, { title = "divisi" })
end

---Tells something; what is told in the same moment becomes one message.
---@param text string
---@param level? integer of vim.log.levels
function M.notify(text, level)
  local line = one_line(text)
  for _, notice in ipairs(waiting) do
    if notice.text == line then
      return
    end
  end
  table.insert(waiting, { text = line, level = level or vim.log.levels.INFO })
  if vim.uv.now() > due + LATE_MS then
    due = vim.uv.now()
    vim.schedule(flush)
  end
end

---@param text string
function M.warn(text)
  M.notify(text, vim.log.levels.WARN)
end

---@param text string
function M.error(text)
  M.notify(text, vim.log.levels.ERROR)
end

---A refusal of the daemon or the host process.
---@param refusal divisi.Refusal
function M.refused(refusal)
  local text = refusal.message or "refused without a reason"
  if type(refusal.hints) == "table" and refusal.hints[1] then
    text = text .. " (" .. refusal.hints[1] .. ")"
  end
  M.notify(text, (refusal.kind == "user" or refusal.kind == "conflict") and vim.log.levels.WARN or vim.log.levels.ERROR)
  M.log(text)
end

---A fault of the plugin itself: one line for the person, all of it in the log.
---@param text string
function M.internal(text)
  M.log(text)
  M.error("a fault of the plugin, see :Divisi log: " .. (tostring(text):match("^[^\n]*") or ""))
end

---The log's path.
---@return string
function M.log_path()
  return vim.fs.joinpath(vim.fn.stdpath("log") --[[@as string]], "divisi.log")
end

---@param text string
function M.log(text)
  vim.fn.mkdir(vim.fn.stdpath("log") --[[@as string]], "p")
  local path = M.log_path()
  local stat = vim.uv.fs_stat(path)
  if stat and stat.size > 1024 * 1024 then
    vim.uv.fs_rename(path, path .. ".old")
  end
  local file = io.open(path, "a")
  if file then
    file:write(os.date("%Y-%m-%d %H:%M:%S "), tostring(text), "\n")
    file:close()
  end
end

return M
