---Layouts of worktrees: which files stood where in a worktree's tab, kept over restarts.
local M = {}

local api = vim.api
local errors = require("divisi.errors")

---How many worktrees' layouts are kept.
local MOST = 200

---@class divisi.LayoutLeaf
---@field path string relative to the worktree
---@field line integer
---@field column integer
---@field width integer
---@field height integer
---@field current boolean?

---@class divisi.Layout
---@field kind 'leaf'|'row'|'col'
---@field leaf divisi.LayoutLeaf?
---@field children divisi.Layout[]?

---@type table<string, { at: integer, layout: divisi.Layout }>?
local known

---@return string
local function file()
  return vim.fs.joinpath(vim.fn.stdpath("state") --[[@as string]], "divisi", "layouts.json")
end

---@return table<string, { at: integer, layout: divisi.Layout }>
local function load()
  if not known then
    known = {}
    local handle = io.open(file())
    if handle then
      local ok, stored = pcall(vim.json.decode, (handle:read("*a")))
      handle:close()
      known = ok and type(stored) == "table" and stored or {}
    end
  end
  return known
end

---@param tree table of winlayout()
---@param root string
---@param current integer
---@return divisi.Layout?
local function captured(tree, root, current)
  if tree[1] == "leaf" then
    local win = tree[2]
    local buf = api.nvim_win_get_buf(win)
    local name = vim.fs.normalize(api.nvim_buf_get_name(buf))
    if vim.bo[buf].buftype ~= "" or not vim.startswith(name, root .. "/") or vim.w[win].divisi then
      return nil
    end
    local cursor = api.nvim_win_get_cursor(win)
    return {
      kind = "leaf",
      leaf = {
        path = name:sub(#root + 2),
        line = cursor[1],
        column = cursor[2],
        width = api.nvim_win_get_width(win),
        height = api.nvim_win_get_height(win),
        current = win == current or nil,
      },
    }
  end
  local children = {} ---@type divisi.Layout[]
  for _, inner in ipairs(tree[2]) do
    local child = captured(inner, root, current)
    if child then
      table.insert(children, child)
    end
  end
  if #children <= 1 then
    return children[1]
  end
  return { kind = tree[1], children = children }
end

---Remembers what a tab shows of a worktree.
---@param tab integer
---@param root string the worktree
function M.capture(tab, root)
  root = vim.fs.normalize(root)
  local tree = vim.fn.winlayout(api.nvim_tabpage_get_number(tab))
  local layout = tree[1] and captured(tree, root, api.nvim_tabpage_get_win(tab))
  if layout then
    load()[root] = { at = os.time(), layout = layout }
  end
end

---Writes what is remembered, for the next Neovim. Another Neovim's newer layouts stay.
function M.save()
  if not known or next(known) == nil then
    return
  end
  local mine = known
  known = nil
  local all = load()
  for root, entry in pairs(mine) do
    if not all[root] or (tonumber(all[root].at) or 0) <= entry.at then
      all[root] = entry
    end
  end
  local roots = vim.tbl_filter(function(root)
    return vim.uv.fs_stat(root) ~= nil
  end, vim.tbl_keys(all))
  table.sort(roots, function(a, b)
    return (tonumber(all[a].at) or 0) > (tonumber(all[b].at) or 0)
  end)
  local kept = {}
  for index = 1, math.min(#roots, MOST) do
    kept[roots[index]] = all[roots[index]]
  end
  known = kept
  local path = file()
  vim.fn.mkdir(vim.fs.dirname(path), "p")
  local temporary = ("%s.%d"):format(path, vim.uv.os_getpid())
  local handle = io.open(temporary, "w")
  if handle then
    handle:write(vim.json.encode(kept))
    handle:close()
    vim.uv.fs_rename(temporary, path)
  else
    errors.log("failed to write " .. temporary)
  end
end

---@param root string
function M.forget(root)
  load()[vim.fs.normalize(root)] = nil
end

---The path of a leaf when it is a file of the worktree and nothing else: what is stored may have been written by anybody.
---@param root string
---@param leaf any
---@return string?
local function usable(root, leaf)
  if type(leaf) ~= "table" or type(leaf.path) ~= "string" or ("/" .. leaf.path .. "/"):find("/../", 1, true) then
    return nil
  end
  local full = vim.fs.joinpath(root, leaf.path)
  local stat = vim.uv.fs_stat(full)
  return stat and stat.type == "file" and full or nil
end

---Removes leaves whose file is gone.
---@param root string
---@param layout any
---@return divisi.Layout?
local function pruned(root, layout)
  if type(layout) ~= "table" then
    return nil
  elseif layout.kind == "leaf" then
    return usable(root, layout.leaf) and layout or nil
  end
  local children = {}
  for _, child in ipairs(type(layout.children) == "table" and layout.children or {}) do
    local left = pruned(root, child)
    if left then
      table.insert(children, left)
    end
  end
  if #children <= 1 then
    return children[1]
  end
  return { kind = layout.kind == "row" and "row" or "col", children = children }
end

---The layout of a worktree, without what is gone.
---@param root string
---@return divisi.Layout?
function M.of(root)
  root = vim.fs.normalize(root)
  local entry = load()[root]
  return type(entry) == "table" and pruned(root, entry.layout) or nil
end

---A number of a stored layout, which may be anything.
---@param stored any
---@param least integer also for what is no number
---@return integer
local function whole(stored, least)
  return math.max(least, math.floor(tonumber(stored) or least))
end

---Builds a layout in the windows of this tab, beginning with one window.
---@param root string
---@param layout divisi.Layout
---@param win integer
---@param load_file fun(path: string): integer
---@return integer current the window that was the current one
function M.build(root, layout, win, load_file)
  local current = win
  local leaves = {} ---@type { win: integer, leaf: divisi.LayoutLeaf }[]
  ---@param tree divisi.Layout
  ---@param at integer
  local function fill(tree, at)
    if tree.kind == "leaf" then
      local leaf = tree.leaf --[[@as divisi.LayoutLeaf]]
      local ok, buf = pcall(load_file, vim.fs.joinpath(root, leaf.path))
      if ok then
        api.nvim_win_set_buf(at, buf)
        local line = math.min(whole(leaf.line, 1), api.nvim_buf_line_count(buf))
        pcall(api.nvim_win_set_cursor, at, { line, whole(leaf.column, 0) })
      end
      table.insert(leaves, { win = at, leaf = leaf })
      if leaf.current then
        current = at
      end
      return
    end
    local windows = { at }
    local children = tree.children or {}
    for _ = 2, #children do
      local ok, made = pcall(api.nvim_open_win, api.nvim_win_get_buf(at), false, {
        split = tree.kind == "row" and "right" or "below",
        win = windows[#windows],
      })
      if ok then
        table.insert(windows, made)
      end
    end
    for index, child in ipairs(children) do
      local inner = windows[index]
      if inner then
        fill(child, inner)
      end
    end
  end
  fill(layout, win)
  for _, placed in ipairs(leaves) do
    pcall(api.nvim_win_set_width, placed.win, whole(placed.leaf.width, 1))
    pcall(api.nvim_win_set_height, placed.win, whole(placed.leaf.height, 1))
  end
  return current
end

return M
