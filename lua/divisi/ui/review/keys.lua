---Keys of a review. In a file they are there only while the cursor is in the review's window; what a person had there comes back.
local M = {}

local api = vim.api

---@class divisi.ReviewKey
---@field name string of the option in `review.keys`
---@field plug string
---@field modes string[]
---@field expr boolean?
---@field help string
---@field run fun(review: divisi.Review): string?

---@param name string
---@return table
local function lazy(name)
  return require("divisi.ui.review" .. name)
end

---@type divisi.ReviewKey[]
M.list = {
  {
    name = "next",
    plug = "Next",
    modes = { "n" },
    help = "next hunk that waits for a decision",
    run = function(r)
      lazy(".move").next_undecided(r, 1)
    end,
  },
  {
    name = "previous",
    plug = "Previous",
    modes = { "n" },
    help = "the one before",
    run = function(r)
      lazy(".move").next_undecided(r, -1)
    end,
  },
  {
    name = "next_file",
    plug = "NextFile",
    modes = { "n" },
    help = "next file",
    run = function(r)
      lazy(".move").next_file(r, 1)
    end,
  },
  {
    name = "previous_file",
    plug = "PreviousFile",
    modes = { "n" },
    help = "the file before",
    run = function(r)
      lazy(".move").next_file(r, -1)
    end,
  },
  {
    name = "accept",
    plug = "Accept",
    modes = { "n", "x" },
    expr = true,
    help = "accept the hunk, or the lines selected; . again",
    run = function()
      return lazy(".decide").keys("accept", api.nvim_get_mode().mode == "n" and "l" or "")
    end,
  },
  {
    name = "reject",
    plug = "Reject",
    modes = { "n", "x" },
    expr = true,
    help = "take the hunk out, or the lines selected; . again",
    run = function()
      return lazy(".decide").keys("reject", api.nvim_get_mode().mode == "n" and "l" or "")
    end,
  },
  {
    name = "accept_motion",
    plug = "AcceptMotion",
    modes = { "n" },
    expr = true,
    help = "accept what changed on the lines of a {motion}",
    run = function()
      return lazy(".decide").keys("accept", "")
    end,
  },
  {
    name = "reject_motion",
    plug = "RejectMotion",
    modes = { "n" },
    expr = true,
    help = "take out what changed on the lines of a {motion}",
    run = function()
      return lazy(".decide").keys("reject", "")
    end,
  },
  {
    name = "undo",
    plug = "Undo",
    modes = { "n" },
    help = "take the decision here back, or the newest",
    run = function(r)
      lazy(".decide").undo(r)
    end,
  },
  {
    name = "comment",
    plug = "Comment",
    modes = { "n" },
    help = "comment on the line, or change the comment",
    run = function(r)
      lazy(".comment").here(r)
    end,
  },
  {
    name = "comment",
    plug = "Comment",
    modes = { "x" },
    expr = true,
    help = "comment on the selection",
    run = function()
      return lazy(".comment").keys()
    end,
  },
  {
    name = "comment_motion",
    plug = "CommentMotion",
    modes = { "n" },
    expr = true,
    help = "comment on the lines of a {motion}",
    run = function()
      return lazy(".comment").keys()
    end,
  },
  {
    name = "viewed",
    plug = "Viewed",
    modes = { "n" },
    help = "mark the file as viewed, or not",
    run = function(r)
      lazy("").toggle_viewed(r, (lazy("").file(r, r.path)))
    end,
  },
  {
    name = "side",
    plug = "Side",
    modes = { "n" },
    help = "side by side, or inline",
    run = function(r)
      lazy("").toggle_side(r)
    end,
  },
  {
    name = "range",
    plug = "Range",
    modes = { "n" },
    help = "since the last round, or everything",
    run = function(r)
      lazy("").toggle_range(r)
    end,
  },
  {
    name = "quickfix",
    plug = "Quickfix",
    modes = { "n" },
    help = "hunks as a new quickfix list",
    run = function(r)
      lazy("").quickfix(r)
    end,
  },
  {
    name = "send",
    plug = "Send",
    modes = { "n" },
    help = "send comments and rejections as a round",
    run = function(r)
      lazy(".comment").send(r)
    end,
  },
  {
    name = "land",
    plug = "Land",
    modes = { "n" },
    help = "land the session",
    run = function(r)
      require("divisi.ui.land").land(r.row)
    end,
  },
  {
    name = "panel",
    plug = "Panel",
    modes = { "n" },
    help = "go to the list of files",
    run = function(r)
      if api.nvim_win_is_valid(r.panel_win) then
        api.nvim_set_current_win(r.panel_win)
      end
    end,
  },
  {
    name = "help",
    plug = "Help",
    modes = { "n" },
    help = "this",
    run = function()
      M.help()
    end,
  },
}

---@param key divisi.ReviewKey
---@return fun(): string?
local function runner(key)
  return function()
    local review = require("divisi.ui.review").current()
    if review then
      return key.run(review)
    end
    return key.expr and "" or nil
  end
end

---`<Plug>(DivisiReview...)`, once.
function M.plugs()
  for _, key in ipairs(M.list) do
    local lhs = ("<Plug>(DivisiReview%s)"):format(key.plug)
    vim.keymap.set(key.modes, lhs, runner(key), { expr = key.expr, desc = "divisi review: " .. key.help })
  end
end

---What a person pressed for `<LocalLeader>`.
---@param lhs string
---@return string
local function spelled(lhs)
  local leader = type(vim.g.maplocalleader) == "string" and vim.g.maplocalleader ~= "" and vim.g.maplocalleader or "\\"
  return (lhs:gsub("<[Ll]ocal[Ll]eader>", function()
    return leader
  end))
end

---@type { buf: integer, maps: { mode: string, lhs: string, before: table? }[] }?
local attached

---Takes the keys away again.
function M.detach()
  local was = attached
  attached = nil
  if not was or not api.nvim_buf_is_valid(was.buf) then
    return
  end
  for _, map in ipairs(was.maps) do
    pcall(api.nvim_buf_del_keymap, was.buf, map.mode, map.lhs)
    if map.before then
      api.nvim_buf_call(was.buf, function()
        vim.fn.mapset(map.mode, false, map.before)
      end)
    end
  end
end

---Puts the keys on a buffer that the review's window shows.
---@param review divisi.Review
---@param buf integer
function M.attach(review, buf)
  if attached and attached.buf == buf then
    return
  end
  M.detach()
  local maps = {} ---@type { mode: string, lhs: string, before: table? }[]
  local keys = require("divisi.config").get().review.keys --[[@as table<string, string>]]
  for _, key in ipairs(M.list) do
    local lhs = spelled(keys[key.name] or "")
    if lhs ~= "" then
      for _, mode in ipairs(key.modes) do
        local before = api.nvim_buf_call(buf, function()
          return vim.fn.maparg(lhs, mode, false, true)
        end)
        table.insert(maps, { mode = mode, lhs = lhs, before = before.buffer == 1 and before or nil })
        vim.keymap.set(mode, lhs, runner(key), {
          buffer = buf,
          expr = key.expr,
          nowait = true,
          desc = "divisi review: " .. key.help,
        })
      end
    end
  end
  attached = { buf = buf, maps = maps }
  require("divisi.events").autocmd("ReviewAttached", { buf = buf, session = review.row.id })
end

---Shows the keys.
function M.help()
  local keys = require("divisi.config").get().review.keys --[[@as table<string, string>]]
  local lines = { " In the file", "" }
  for _, key in ipairs(M.list) do
    if key.modes[1] ~= "x" and keys[key.name] and keys[key.name] ~= "" then
      table.insert(lines, (" %-6s %s"):format(spelled(keys[key.name]), key.help))
    end
  end
  vim.list_extend(lines, { "", " In the list", "" })
  for _, key in ipairs(M.panel_keys) do
    table.insert(lines, (" %-6s %s"):format(key[1], key[2]))
  end
  require("divisi.ui.window").help(lines)
end

---@type { [1]: string, [2]: string, [3]: fun(review: divisi.Review, entry: divisi.PanelEntry) }[]
M.panel_keys = {
  {
    "<CR>",
    "open the file, comment or place",
    function(review, entry)
      local core = lazy("")
      local at = entry.comment or entry.rejected
      if entry.file then
        core.show(review, entry.file.path)
      elseif at then
        if core.file(review, at.path) then
          core.show(review, at.path, at.line)
        else
          require("divisi.errors").notify(at.shown .. " is not among the changes shown")
        end
      end
    end,
  },
  {
    "a",
    "accept what waits in the file",
    function(review, entry)
      if entry.file then
        lazy(".decide").whole(review, entry.file, "accept")
      end
    end,
  },
  {
    "x",
    "take what waits in the file out; a comment: remove",
    function(review, entry)
      if entry.file then
        lazy(".decide").whole(review, entry.file, "reject")
      elseif entry.comment then
        lazy(".comment").remove(review, entry.comment)
      end
    end,
  },
  {
    "u",
    "put a rejected hunk back",
    function(review, entry)
      if entry.rejected then
        lazy(".decide").undo_rejected(review, entry.rejected)
      else
        lazy(".decide").undo(review)
      end
    end,
  },
  {
    "c",
    "change the comment",
    function(review, entry)
      if entry.comment then
        lazy(".comment").edit(review, entry.comment)
      end
    end,
  },
  {
    "d",
    "settle the comment, or not",
    function(review, entry)
      if entry.comment then
        lazy(".comment").resolve(review, entry.comment)
      end
    end,
  },
  {
    "v",
    "mark the file as viewed, or not",
    function(review, entry)
      lazy("").toggle_viewed(review, entry.file)
    end,
  },
  {
    "n",
    "next hunk that waits",
    function(review)
      lazy(".move").next_undecided(review, 1)
    end,
  },
  {
    "t",
    "side by side, or inline",
    function(review)
      lazy("").toggle_side(review)
    end,
  },
  {
    "b",
    "since the last round, or everything",
    function(review)
      lazy("").toggle_range(review)
    end,
  },
  {
    "Q",
    "hunks as a new quickfix list",
    function(review)
      lazy("").quickfix(review)
    end,
  },
  {
    "s",
    "send comments and rejections as a round",
    function(review)
      lazy(".comment").send(review)
    end,
  },
  {
    "L",
    "land the session",
    function(review)
      require("divisi.ui.land").land(review.row)
    end,
  },
  {
    "R",
    "read everything again",
    function(review)
      lazy("").refresh(review)
    end,
  },
  {
    "q",
    "close the review",
    function(review)
      lazy("").close(review)
    end,
  },
  {
    "g?",
    "this",
    function()
      M.help()
    end,
  },
}

---Keys of the panel.
---@param review divisi.Review
function M.panel(review)
  for _, key in ipairs(M.panel_keys) do
    vim.keymap.set("n", key[1], function()
      local current = require("divisi.ui.review").current()
      if current then
        key[3](current, require("divisi.ui.review.panel").entry(current))
      end
    end, { buffer = review.panel, nowait = true, desc = "divisi review: " .. key[2] })
  end
end

return M
