---mini.pick.
local M = {}

function M.available()
  local ok, pick = pcall(require, "mini.pick")
  return ok and type(pick) == "table" and pick.start ~= nil
end

---@param title string
---@param items divisi.PickItem[]
---@param done fun(item: divisi.PickItem?)
function M.open(title, items, done)
  local chosen ---@type divisi.PickItem?
  ---@diagnostic disable-next-line: unresolved-require (mini.nvim, when it is there)
  require("mini.pick").start({
    source = {
      name = title,
      items = items,
      preview = function(buf, item)
        vim.api.nvim_buf_set_lines(buf, 0, -1, false, item.preview)
      end,
      choose = function(item)
        chosen = item
      end,
    },
  })
  -- It returns when it is closed.
  done(chosen)
end

return M
