---An agent's own interface in a terminal buffer. The job is `divisi open SESSION --terminal`: closing the window detaches, nothing else.
local M = {}

local api = vim.api
local errors = require("divisi.errors")

---The terminal buffers of this Neovim, by session.
---@type table<string, integer>
local buffers = {}

---Shows the buffer where it is shown already.
---@param buf integer
---@return boolean
local function focus(buf)
  local win = vim.fn.win_findbuf(buf)[1]
  if win then
    api.nvim_set_current_win(win)
    vim.cmd.startinsert()
  end
  return win ~= nil
end

---A buffer that nobody sees would still decide how small the others' terminals are: it goes with its last window.
---@param id string
---@param buf integer
local function forget_when_hidden(id, buf)
  api.nvim_create_autocmd({ "BufHidden", "BufWipeout" }, {
    buffer = buf,
    callback = vim.schedule_wrap(function()
      if api.nvim_buf_is_valid(buf) then
        if #vim.fn.win_findbuf(buf) > 0 then
          return
        end
        api.nvim_buf_delete(buf, { force = true })
      end
      if buffers[id] == buf then
        buffers[id] = nil
      end
    end),
  })
end

---Starts a program in the current buffer as a terminal.
---@param command string[]
---@param options table
---@return integer job
function M.start(command, options)
  if vim.fn.has("nvim-0.11") == 1 then
    options.term = true
    return vim.fn.jobstart(command, options)
  end
  ---@diagnostic disable-next-line: deprecated
  return vim.fn.termopen(command, options)
end

---Attaches to the terminal of a session's agent, in a tab of its own or in a window below this one.
---@param row divisi.Row
---@param below boolean?
function M.open(row, below)
  local known = buffers[row.id]
  if known and api.nvim_buf_is_valid(known) and vim.b[known].divisi_attached and focus(known) then
    return
  end
  if not require("divisi.ui.window").can_change_layout() then
    return
  end
  local bin = require("divisi.host").find()
  if not bin then
    errors.error("no divisi binary found (:checkhealth divisi)")
    return
  end
  local buf = api.nvim_create_buf(false, true)
  vim.cmd((below and "belowright" or "tab") .. " sbuffer " .. buf)
  local win = api.nvim_get_current_win()
  for option, value in pairs({
    number = false,
    relativenumber = false,
    signcolumn = "no",
    foldcolumn = "0",
    list = false,
  }) do
    vim.wo[win][0][option] = value
  end
  local directory = row.path and vim.uv.fs_stat(row.path) and row.path or nil
  local job = M.start({ bin, "open", row.id, "--terminal", "--detach-key", "none" }, {
    cwd = directory,
    on_exit = function()
      if api.nvim_buf_is_valid(buf) then
        vim.b[buf].divisi_attached = nil
      end
    end,
  })
  if job <= 0 then
    errors.error(("failed to start %s open %s --terminal"):format(bin, row.name))
    api.nvim_buf_delete(buf, { force = true })
    return
  end
  vim.bo[buf].buflisted = false
  vim.b[buf].divisi_session = row.id
  vim.b[buf].divisi_attached = job
  buffers[row.id] = buf
  forget_when_hidden(row.id, buf)
  vim.cmd.startinsert()
end

return M
