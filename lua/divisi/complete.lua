---Completion of `:Divisi`.
local M = {}

---@param items string[]
---@param lead string
---@return string[]
local function matching(items, lead)
  return vim.tbl_filter(function(item)
    return vim.startswith(item, lead)
  end, items)
end

---@return string[]
local function names()
  return vim.tbl_map(function(row)
    return row.name
  end, require("divisi.mirror").sorted())
end

---@param lead string
---@param line string
---@param position integer
---@return string[]
function M.complete(lead, line, position)
  local commands = require("divisi.commands")
  local before = line:sub(1, position):gsub("^.-Divisi!?%s+", "")
  local words = vim.split(before, "%s+", { trimempty = true })
  local verb = words[1]
  if #words == 0 or (#words == 1 and lead ~= "") then
    return matching(commands.verbs(), lead)
  end
  local spec = commands.spec(verb or "")
  if not spec then
    return {}
  end
  if spec.complete then
    local done = vim.list_slice(words, 2, lead == "" and #words or #words - 1)
    return matching(spec.complete(done, lead), lead)
  end
  if spec.flags and vim.startswith(lead, "-") then
    return matching(spec.flags, lead)
  end
  local argument = #words + (lead == "" and 1 or 0)
  if spec.words and argument == 2 then
    return matching(spec.words, lead)
  end
  if spec.session and (argument == 2 or spec.sessions) then
    -- The names are known once there is a connection; asking for it now makes the next key press complete.
    require("divisi.host").start()
    return matching(names(), lead)
  end
  return {}
end

return M
