-- Where the ftplugin does not start the markdown parser.
if vim.b.current_syntax then
  return
end
vim.cmd.runtime({ "syntax/markdown.vim", bang = true })
vim.b.current_syntax = "divisi-transcript"
