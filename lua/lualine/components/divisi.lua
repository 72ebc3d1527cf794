---A component for lualine: `lualine_x = { 'divisi' }`. What waits for you, what runs; nothing while there is nothing to say.
---@diagnostic disable-next-line: unresolved-require (lualine loads this file)
local component = require("lualine.component"):extend()

function component.update_status()
  -- Not loaded by this: a session is shown once something was used.
  local divisi = package.loaded["divisi"]
  return divisi and divisi.statusline() or ""
end

return component
