-- Prompts are markdown, with references of their own (lua/divisi/ui/prompt.lua).
if vim.b.did_ftplugin then
  return
end
vim.b.did_ftplugin = true
if vim.fn.has("nvim-0.11") == 1 then
  pcall(vim.treesitter.start, 0, "markdown")
end
