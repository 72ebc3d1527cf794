---One quickfix entry per hunk, for people who stay in their own layout. A new list; those that exist stay in the history.
local M = {}

---@param row divisi.PlacedRow
---@param data divisi.ReviewData
---@return integer count
function M.fill(row, data)
  local items = {} ---@type table[]
  for _, file in ipairs(data.files) do
    for _, hunk in ipairs(file.hunks) do
      if file.openable then
        table.insert(items, {
          filename = vim.fs.joinpath(row.path, file.path),
          lnum = hunk.first,
          type = hunk.decision and "I" or "W",
          text = ("%s +%d −%d %s"):format(hunk.decision or "undecided", hunk.added, hunk.removed, hunk.heading or ""),
          user_data = { session = row.id, hunk = hunk.id },
        })
      end
    end
  end
  vim.fn.setqflist({}, " ", { title = "divisi review " .. row.name, items = items })
  return #items
end

return M
