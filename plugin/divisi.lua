-- Nothing is required here: the first use of the command, a mapping or a divisi:// buffer loads what it needs.
if vim.g.loaded_divisi then
  return
end
vim.g.loaded_divisi = true

vim.api.nvim_create_user_command("Divisi", function(command)
  require("divisi.commands").run(command)
end, {
  nargs = "*",
  range = true,
  bang = true,
  desc = "Agents in worktrees: start, watch, answer, look, land",
  complete = function(lead, line, position)
    return require("divisi.complete").complete(lead, line, position)
  end,
})

vim.api.nvim_create_autocmd("BufReadCmd", {
  group = vim.api.nvim_create_augroup("divisi.buffers", {}),
  pattern = "divisi://*",
  callback = function(args)
    require("divisi.ui.window").read(args.buf, args.match)
  end,
})

for verb, name in pairs({ list = "List", approvals = "Approvals", switch = "Switch", attention = "Attention" }) do
  vim.keymap.set("n", "<Plug>(Divisi" .. name .. ")", "<Cmd>Divisi " .. verb .. "<CR>", { desc = "divisi: " .. verb })
end

-- From the agent's terminal too.
vim.keymap.set({ "n", "t" }, "<Plug>(DivisiProposal)", "<Cmd>Divisi proposal<CR>", { desc = "divisi: proposal" })

vim.keymap.set({ "n", "x" }, "<Plug>(DivisiAsk)", function()
  return require("divisi.operator").expr()
end, { expr = true, desc = "divisi: put what a motion covers into a prompt" })
vim.keymap.set("n", "<Plug>(DivisiAskLine)", function()
  return require("divisi.operator").expr() .. "_"
end, { expr = true, desc = "divisi: put this line into a prompt" })
