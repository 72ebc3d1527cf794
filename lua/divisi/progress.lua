---Progress of running turns, as Neovim 0.12 shows it: progress messages and busy buffers. Before, nothing.
local M = {}

local api = vim.api
local config = require("divisi.config")
local errors = require("divisi.errors")

---Sessions whose progress is shown, and whether their buffer is marked.
---@type table<string, boolean>
local running = {}

---@return boolean
local function supported()
  return vim.fn.has("nvim-0.12") == 1 and config.get().progress
end

---@param row divisi.Row
---@param status 'running'|'success'|'failed'|'cancel'
local function echo(row, status)
  local text = vim.fn.strcharpart(("%s %s"):format(row.name, row.state), 0, math.max(20, vim.v.echospace - 20))
  local ok, err = pcall(api.nvim_echo, { { text } }, false, {
    kind = "progress",
    id = "divisi." .. row.id,
    source = "divisi",
    title = "divisi",
    status = status,
  })
  if not ok then
    errors.log("no progress message: " .. tostring(err))
  end
end

---@param row divisi.Row
---@param by integer
local function mark(row, by)
  for _, buf in ipairs(api.nvim_list_bufs()) do
    if vim.b[buf].divisi_session == row.id and vim.b[buf].divisi then
      pcall(function()
        vim.bo[buf].busy = math.max(0, vim.bo[buf].busy + by)
      end)
    end
  end
end

---A session is new or changed.
---@param row divisi.Row
function M.update(row)
  if not supported() then
    return
  end
  local works = row.state == "running"
  if works and not running[row.id] then
    running[row.id] = true
    mark(row, 1)
    -- The command line is the person's while they type in it.
    if not api.nvim_get_mode().mode:match("^[cr]") then
      echo(row, "running")
    end
  elseif not works and running[row.id] and row.state ~= "awaiting_input" then
    running[row.id] = nil
    mark(row, -1)
    if not api.nvim_get_mode().mode:match("^[cr]") then
      echo(row, row.state == "failed" and "failed" or row.state == "interrupted" and "cancel" or "success")
    end
  end
end

---A session is gone.
---@param id string
function M.forget(id)
  running[id] = nil
end

return M
