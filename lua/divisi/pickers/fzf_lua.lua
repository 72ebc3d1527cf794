---fzf-lua.
local M = {}

function M.available()
  return (pcall(require, "fzf-lua"))
end

---@param title string
---@param items divisi.PickItem[]
---@param done fun(item: divisi.PickItem?)
function M.open(title, items, done)
  local lines = {} ---@type string[]
  for index, item in ipairs(items) do
    lines[index] = ("%d\t%s"):format(index, (item.text:gsub("[\r\n\t]", " ")))
  end
  ---@param line string?
  ---@return divisi.PickItem?
  local function chosen(line)
    local number = tonumber((line or ""):match("^(%d+)\t"))
    return number and items[number] or nil
  end
  ---@diagnostic disable-next-line: unresolved-require (fzf-lua, when it is there)
  require("fzf-lua").fzf_exec(lines, {
    prompt = title .. "> ",
    fzf_opts = { ["--delimiter"] = "\t", ["--with-nth"] = "2.." },
    -- A function's result is shown as text; nothing of it is run.
    preview = function(selected)
      local item = chosen(selected[1])
      return item and table.concat(item.preview, "\n") or ""
    end,
    actions = {
      ["default"] = function(selected)
        done(chosen(selected and selected[1]))
      end,
    },
  })
end

return M
