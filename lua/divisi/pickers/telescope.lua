---telescope.nvim.
local M = {}

function M.available()
  return (pcall(require, "telescope.pickers"))
end

---@param title string
---@param items divisi.PickItem[]
---@param done fun(item: divisi.PickItem?)
function M.open(title, items, done)
  local actions = require("telescope.actions")
  local state = require("telescope.actions.state")
  require("telescope.pickers")
    .new({}, {
      prompt_title = title,
      finder = require("telescope.finders").new_table({
        results = items,
        entry_maker = function(item)
          return { value = item, display = item.text, ordinal = item.text, path = item.path }
        end,
      }),
      sorter = require("telescope.config").values.generic_sorter({}),
      previewer = require("telescope.previewers").new_buffer_previewer({
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
