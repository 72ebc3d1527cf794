---telescope.nvim.
local M = {}

function M.available()
  return (pcall(require, "telescope.pickers"))
end

---@param title string
---@param items divisi.PickItem[]
---@param done fun(item: divisi.PickItem?)
function M.open(title, items, done)
  ---@diagnostic disable: unresolved-require (telescope.nvim, when it is there)
  local actions = require("telescope.actions")
  local state = require("telescope.actions.state")
  local pickers = require("telescope.pickers")
  local finders = require("telescope.finders")
  local values = require("telescope.config").values
  local previewers = require("telescope.previewers")
  ---@diagnostic enable: unresolved-require
  pickers
    .new({}, {
      prompt_title = title,
      finder = finders.new_table({
        results = items,
        entry_maker = function(item)
          return { value = item, display = item.text, ordinal = item.text, path = item.path }
        end,
      }),
      sorter = values.generic_sorter({}),
      previewer = previewers.new_buffer_previewer({
        title = "divisi",
        define_preview = function(self, entry)
          vim.api.nvim_buf_set_lines(self.state.bufnr, 0, -1, false, entry.value.preview)
          vim.bo[self.state.bufnr].filetype = "markdown"
        end,
      }),
      attach_mappings = function(prompt)
        actions.select_default:replace(function()
          local entry = state.get_selected_entry()
          actions.close(prompt)
          done(entry and entry.value)
        end)
        return true
      end,
    })
    :find()
end

return M
