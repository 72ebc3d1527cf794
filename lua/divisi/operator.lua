---Sends what a motion covers, or what is selected: it is put into a prompt as a reference, to be looked at before it goes.
local M = {}

---Lines of the current buffer as a reference in a prompt.
---@param first integer
---@param last integer
---@return string reference
---@return table<string, string> places
function M.reference(first, last)
  local path = vim.fs.normalize(vim.fn.fnamemodify(vim.api.nvim_buf_get_name(0), ":p"))
  local place = first == last and tostring(first) or ("%d-%d"):format(first, last)
  local reference = ("@%s:%s"):format(require("divisi.context").relative(path), place)
  return reference, { [reference] = path }
end

---Opens a prompt with lines of the current buffer: of the session that is meant here, else of the one that is chosen.
---@param first integer
---@param last integer
---@param name string?
---@param text string?
function M.ask(first, last, name, text)
  local errors = require("divisi.errors")
  if vim.api.nvim_buf_get_name(0) == "" or vim.bo.buftype ~= "" then
    errors.warn("only lines of a file can be sent; save it first")
    return
  end
  local reference, places = M.reference(first, last)
  local more = { text = (text and text ~= "" and text .. " " or "") .. reference .. " ", places = places }
  require("divisi.commands").with_prompt(name, more)
end

---'operatorfunc'
function M.run()
  local first = vim.api.nvim_buf_get_mark(0, "[")[1]
  local last = vim.api.nvim_buf_get_mark(0, "]")[1]
  M.ask(first, last)
end

---For an expression mapping: waits for a motion; repeats with |.|.
---@return string
function M.expr()
  vim.go.operatorfunc = "v:lua.require'divisi.operator'.run"
  return "g@"
end

return M
