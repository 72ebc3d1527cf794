-- For those who want only the language server: `vim.lsp.enable("divisi")` (Neovim 0.11 and newer). It starts in every buffer of a git
-- repository and coexists with the plugin: the plugin shows, this offers code actions and diagnostics.
---@type vim.lsp.Config
return {
  -- The binary that the plugin would use: an option, $DIVISI_BIN, one that `:Divisi build` made, PATH.
  cmd = { require("divisi.host").find() or "divisi", "lsp" },
  root_markers = { ".git" },
  workspace_required = true,
  init_options = { divisi = { told = true } },
  handlers = {
    ["window/showMessage"] = function(_, params)
      return require("divisi.lsp").message(params)
    end,
    ["divisi/told"] = function(_, params)
      return require("divisi.lsp").told(params)
    end,
    ["$/progress"] = function(...)
      return require("divisi.lsp").progress(...)
    end,
  },
}
