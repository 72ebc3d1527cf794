-- For those who want only the language server: `vim.lsp.enable("divisi")` (Neovim 0.11 and newer). It starts in every buffer of a git
-- repository and coexists with the plugin: the plugin shows, this offers code actions and diagnostics.
---@type vim.lsp.Config
return {
  cmd = { "divisi", "lsp" },
  root_markers = { ".git" },
  workspace_required = true,
}
