-- Where the ftplugin does not start the markdown parser. Markdown's own syntax file takes seconds for an agent's long lines,
-- so this is the part of it that shows, one line at a time wherever that is enough.
if vim.b.current_syntax then
  return
end
vim.bo.synmaxcol = 500
for _, rule in ipairs({
  [[match divisiHeading /^#\{1,6} .*/]],
  [[match divisiStrong /\*\*[^* ][^*]\+\*\*/]],
  [[match divisiCode /`[^`]\+`/]],
  [[region divisiFenced start=/^\z(`\{3,}\|\~\{3,}\)[^`]*$/ end=/^\z1\s*$/ keepend]],
  [[sync minlines=50 maxlines=200]],
}) do
  vim.cmd.syntax(rule)
end
for group, link in pairs({
  divisiHeading = "Title",
  divisiCode = "String",
  divisiFenced = "String",
}) do
  vim.api.nvim_set_hl(0, group, { link = link, default = true })
end
vim.api.nvim_set_hl(0, "divisiStrong", { bold = true, default = true })
vim.b.current_syntax = "divisi-transcript"
