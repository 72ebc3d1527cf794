-- Prompts are markdown, with references of their own (lua/divisi/ui/prompt.lua).
if vim.b.did_ftplugin then
  return
end
vim.b.did_ftplugin = true
if vim.fn.has("nvim-0.11") == 1 then
  -- After the first words are on the screen: the parser and its queries take longer to load than the words.
  local buf = vim.api.nvim_get_current_buf()
  vim.schedule(function()
    if vim.api.nvim_buf_is_loaded(buf) then
      pcall(vim.treesitter.start, buf, "markdown")
    end
  end)
end
