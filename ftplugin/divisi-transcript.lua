-- Transcripts are close enough to markdown; without its parser the older syntax does.
if vim.b.did_ftplugin then
  return
end
vim.b.did_ftplugin = true
if not pcall(vim.treesitter.start, 0, "markdown") then
  vim.bo.syntax = "markdown"
end
vim.b.undo_ftplugin = "setlocal syntax<"
