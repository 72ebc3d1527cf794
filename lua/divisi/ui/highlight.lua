---Highlight groups: links by default, so that a colour scheme or the person decides.
local M = {}

---@type table<string, string>
M.links = {
  DivisiAwaitingInput = "DiagnosticWarn",
  DivisiFailed = "DiagnosticError",
  DivisiInterrupted = "DiagnosticWarn",
  DivisiReview = "DiagnosticInfo",
  DivisiRunning = "DiagnosticOk",
  DivisiPassed = "DiagnosticOk",
  DivisiBusy = "DiagnosticInfo",
  DivisiQuiet = "Comment",
  DivisiUnread = "Special",
  DivisiName = "Title",
  DivisiAdded = "Added",
  DivisiRemoved = "Removed",
  DivisiTurn = "Title",
  DivisiThought = "Comment",
  DivisiTool = "Identifier",
  DivisiToolFailed = "DiagnosticError",
  DivisiNotice = "Comment",
  DivisiAsk = "DiagnosticWarn",
  DivisiFloat = "NormalFloat",
  DivisiGroup = "Directory",
  DivisiReference = "Special",
  DivisiReviewAdded = "DiffAdd",
  DivisiReviewRemoved = "DiffDelete",
  DivisiReviewAddedDone = "CursorLine",
  DivisiReviewRemovedDone = "Comment",
  DivisiReviewDone = "DiagnosticOk",
  DivisiReviewRejected = "DiagnosticWarn",
  DivisiReviewComment = "DiagnosticInfo",
  DivisiReviewCommentText = "Normal",
  DivisiReviewCurrent = "Title",
  DivisiBadge = "Visual",
  DivisiConflict = "DiagnosticWarn",
  DivisiPointed = "Visual",
}

---@type table<string, string>
local states = {
  awaiting_input = "DivisiAwaitingInput",
  failed = "DivisiFailed",
  interrupted = "DivisiInterrupted",
  review = "DivisiReview",
  running = "DivisiRunning",
  evaluating = "DivisiRunning",
}

---@param state string
---@return string
function M.of_state(state)
  return states[state] or "DivisiQuiet"
end

local function define()
  for name, target in pairs(M.links) do
    vim.api.nvim_set_hl(0, name, { default = true, link = target })
  end
end

function M.setup()
  define()
  vim.api.nvim_create_autocmd("ColorScheme", {
    group = vim.api.nvim_create_augroup("divisi.highlight", {}),
    callback = define,
  })
end

return M
