-- For those who want only the language server: `vim.lsp.enable("divisi")` (Neovim 0.11 and newer). It starts in every buffer of a git
-- repository and coexists with the plugin: while the plugin's host runs in this Neovim, the plugin tells what happens and shows
-- progress, and this offers code actions, diagnostics and what else belongs to files.

---Keeps the server quiet while the plugin talks.
---@param client vim.lsp.Client
local function coexist(client)
  local found, events = pcall(require, "divisi.events")
  if not found then
    return
  end
  local quiet = false
  local function tell()
    vim.schedule(function()
      local talks = require("divisi.host").running()
      if talks ~= quiet and not client:is_stopped() then
        quiet = talks
        -- A method of divisi's own, of which Neovim's types know nothing.
        client:notify("divisi/quiet" --[[@as any]], { quiet = quiet })
      end
    end)
  end
  events.on("started", tell)
  events.on("detached", tell)
  tell()
end

---@type vim.lsp.Config
return {
  -- The binary that the plugin would use: an option, $DIVISI_BIN, one that `:Divisi build` made, PATH.
  cmd = { require("divisi.host").find() or "divisi", "lsp" },
  root_markers = { ".git" },
  workspace_required = true,
  on_init = coexist,
  handlers = {
    -- In one line, which never asks for a key.
    ["window/showMessage"] = function(_, params)
      return require("divisi.lsp").message(params)
    end,
  },
}
