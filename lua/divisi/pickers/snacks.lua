---snacks.nvim's picker.
local M = {}

function M.available()
  local ok, snacks = pcall(require, "snacks")
  return ok and type(snacks) == "table" and type(snacks.picker) == "table" and snacks.picker.pick ~= nil
end

---@param title string
---@param items divisi.PickItem[]
---@param done fun(item: divisi.PickItem?)
function M.open(title, items, done)
  local shown = {}
  for index, item in ipairs(items) do
    shown[index] = {
      idx = index,
      text = item.text,
      file = item.path,
      preview = { text = table.concat(item.preview, "\n"), ft = "markdown" },
      divisi = item,
    }
  end
  -- Theirs, not this file, which is called the same.
  local snacks = require("snacks") --[[@as any]]
  snacks.picker.pick({
    title = title,
    items = shown,
    format = function(item)
      return { { item.text } }
    end,
    preview = "preview",
    confirm = function(picker, item)
      picker:close()
      done(item and item.divisi)
    end,
    on_close = function()
      -- After `confirm`, whose choice counts first.
      vim.schedule(function()
        done(nil)
      end)
    end,
  })
end

return M
