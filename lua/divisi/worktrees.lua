---Buffers, tabs and language servers of sessions' worktrees: whose a buffer is, what a hidden worktree costs, what goes with it.
local M = {}

local api = vim.api
local config = require("divisi.config")
local errors = require("divisi.errors")
local events = require("divisi.events")
local mirror = require("divisi.mirror")

---Where worktrees are, also of sessions that the mirror has forgotten since.
---@type table<string, { path: string, name: string, repository: string? }?>
local known = {}

---@param buf integer
---@return string? path
local function file_of(buf)
  if not api.nvim_buf_is_valid(buf) or vim.bo[buf].buftype ~= "" then
    return nil
  end
  local name = api.nvim_buf_get_name(buf)
  return name ~= "" and vim.fs.normalize(name) or nil
end

---@param path string
---@param root string
---@return boolean
local function below(path, root)
  return path == root or vim.startswith(path, root .. "/")
end

---Marks a buffer as the copy of a session, or as nobody's.
---@param buf integer
---@return divisi.Row?
function M.mark(buf)
  local path = file_of(buf)
  if not path or vim.b[buf].divisi then
    return nil
  end
  local row = mirror.owner(path)
  local before = vim.b[buf].divisi_session
  local now = row and row.id or nil
  if before ~= now then
    vim.b[buf].divisi_session = now
    require("divisi.ui.badge").update_all(buf)
  end
  if row then
    require("divisi.live").watch(buf)
  end
  return row
end

---Buffers with files of a worktree.
---@param root string
---@return integer[]
function M.buffers(root)
  root = vim.fs.normalize(root)
  return vim.tbl_filter(function(buf)
    local path = file_of(buf)
    return path ~= nil and below(path, root)
  end, api.nvim_list_bufs())
end

---Names of files in a worktree that have unsaved changes here.
---@param root string
---@return string[]
function M.unsaved(root)
  local names = {}
  for _, buf in ipairs(M.buffers(root)) do
    if vim.bo[buf].modified then
      table.insert(names, (vim.fs.normalize(api.nvim_buf_get_name(buf)):sub(#root + 2)))
    end
  end
  return names
end

-- Language servers of worktrees that nobody looks at ---------------------------------------------------------------------------

---Since when a worktree is hidden, by its path, in milliseconds of the loop's clock.
---@type table<string, integer>
local hidden = {}
---Names of buffers whose server was stopped, by worktree.
---@type table<string, table<integer, boolean>?>
local stopped = {}
local timer ---@type uv.uv_timer_t?

---@param root string
---@return boolean
local function visible(root)
  for _, tab in ipairs(api.nvim_list_tabpages()) do
    if below(vim.fs.normalize(vim.fn.getcwd(-1, api.nvim_tabpage_get_number(tab))), root) then
      return true
    end
    for _, win in ipairs(api.nvim_tabpage_list_wins(tab)) do
      local path = file_of(api.nvim_win_get_buf(win))
      if path and below(path, root) then
        return true
      end
    end
  end
  return false
end

---@param client vim.lsp.Client
---@return string?
local function root_of(client)
  local root = client.root_dir or (client.config and client.config.root_dir)
  return type(root) == "string" and vim.fs.normalize(root) or nil
end

---Clients that work in a worktree and nowhere else.
---@param root string
---@return vim.lsp.Client[]
local function clients(root)
  return vim.tbl_filter(function(client)
    local own = root_of(client)
    if not own or not below(own, root) then
      return false
    end
    for _, folder in ipairs(client.workspace_folders or {}) do
      if not below(vim.fs.normalize(vim.uri_to_fname(folder.uri)), root) then
        return false
      end
    end
    return true
  end, vim.lsp.get_clients())
end

---@param root string
local function stop_clients(root)
  for _, client in ipairs(clients(root)) do
    stopped[root] = stopped[root] or {}
    for buf in pairs(client.attached_buffers or {}) do
      stopped[root][buf] = true
    end
    if vim.fn.has("nvim-0.11") == 1 then
      client:stop()
    else
      ---@diagnostic disable-next-line: missing-parameter, param-type-mismatch
      client.stop()
    end
    errors.log(("stopped the language server %s of the hidden worktree %s"):format(client.name, root))
  end
end

---Lets what starts language servers start them again.
---@param root string
local function start_clients(root)
  local buffers = stopped[root]
  stopped[root] = nil
  for buf in pairs(buffers or {}) do
    if api.nvim_buf_is_valid(buf) and api.nvim_buf_is_loaded(buf) then
      for _, group in ipairs({ "nvim.lsp.enable", "lspconfig" }) do
        pcall(api.nvim_exec_autocmds, "FileType", { group = group, buffer = buf, modeline = false })
      end
      events.autocmd("WorktreeShown", { buf = buf, path = root })
    end
  end
end

---Looks which worktrees are hidden, stops the servers of those that are for long enough, and comes back when the next one is due.
function M.look()
  local minutes = config.get().lsp_stop
  local now = vim.uv.now()
  local next_due ---@type integer?
  for id, place in pairs(known) do
    local root = place.path
    if visible(root) then
      hidden[root] = nil
      if stopped[root] then
        start_clients(root)
      end
    elseif minutes > 0 and #clients(root) > 0 then
      hidden[root] = hidden[root] or now
      local due = hidden[root] + math.floor(minutes * 60000)
      if due <= now then
        stop_clients(root)
        hidden[root] = nil
      else
        next_due = math.min(next_due or due, due)
      end
    elseif not mirror.sessions[id] then
      hidden[root] = nil
    end
  end
  if timer then
    timer:stop()
  end
  if next_due then
    timer = timer or assert(vim.uv.new_timer())
    timer:start(math.max(1, next_due - now), 0, vim.schedule_wrap(M.look))
  end
end

local looking = false
---Looks soon; several reasons in one moment are one look.
local function look_soon()
  if not looking then
    looking = true
    vim.schedule(function()
      looking = false
      M.look()
    end)
  end
end

-- A worktree goes ---------------------------------------------------------------------------------------------------------------

---Shows something else in the windows of a buffer that is about to go: the same file of the repository, else an empty buffer.
---@param buf integer
---@param place { path: string, repository: string? }
local function replace(buf, place)
  local path = file_of(buf) or ""
  local other = place.repository and vim.fs.joinpath(place.repository, path:sub(#place.path + 2))
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local target ---@type integer?
    if other and vim.uv.fs_stat(other) then
      local ok, loaded = pcall(require("divisi.ui.window").load_file, other)
      target = ok and loaded or nil
    end
    local cursor = api.nvim_win_get_cursor(win)
    vim.wo[win][0].winfixbuf = false
    api.nvim_win_set_buf(win, target or api.nvim_create_buf(true, false))
    if target then
      pcall(api.nvim_win_set_cursor, win, { math.min(cursor[1], api.nvim_buf_line_count(target)), cursor[2] })
    end
  end
end

---@param id string
---@param place { path: string, name: string, repository: string? }
local function leave(id, place)
  -- A layout changes only while nobody is in the middle of something.
  local mode = api.nvim_get_mode()
  if mode.blocking or mode.mode:sub(1, 1) ~= "n" or #mode.mode > 1 or vim.fn.getcmdwintype() ~= "" then
    vim.defer_fn(function()
      leave(id, place)
    end, 200)
    return
  end
  stop_clients(place.path)
  stopped[place.path] = nil
  hidden[place.path] = nil
  require("divisi.ui.layout").forget(place.path)
  for _, tab in ipairs(api.nvim_list_tabpages()) do
    local own = vim.t[tab].divisi_worktree == place.path
    local keeps = #api.nvim_list_tabpages() == 1
      or not vim.t[tab].divisi_made
      or #vim.tbl_filter(function(win)
          return vim.bo[api.nvim_win_get_buf(win)].modified
        end, api.nvim_tabpage_list_wins(tab))
        > 0
    if own and not keeps then
      pcall(vim.cmd.tabclose, api.nvim_tabpage_get_number(tab))
    elseif own or below(vim.fs.normalize(vim.fn.getcwd(-1, api.nvim_tabpage_get_number(tab))), place.path) then
      vim.t[tab].divisi_worktree = nil
      vim.t[tab].divisi_session = nil
      if place.repository then
        api.nvim_win_call(api.nvim_tabpage_get_win(tab), function()
          pcall(vim.cmd.tcd, { args = { vim.fn.fnameescape(place.repository) }, mods = { silent = true } })
        end)
      end
    end
  end
  local kept = {}
  for _, buf in ipairs(M.buffers(place.path)) do
    if vim.bo[buf].modified then
      table.insert(kept, vim.fs.basename(api.nvim_buf_get_name(buf)))
    else
      replace(buf, place)
      pcall(api.nvim_buf_delete, buf, { force = true })
    end
  end
  if kept[1] then
    local shown = #kept > 3 and ("%d buffers"):format(#kept) or table.concat(kept, ", ")
    errors.warn(
      ("%s is being removed; unsaved here and kept: %s (:saveas keeps it elsewhere)"):format(place.name, shown)
    )
  end
end

---A session's worktree is about to go, or gone: its buffers go too, except those with unsaved changes.
---@param id string
function M.leaves(id)
  local place = known[id]
  if place then
    known[id] = nil
    leave(id, place)
  end
end

---Follows what happens; called once.
function M.setup()
  local group = api.nvim_create_augroup("divisi.worktrees", {})
  api.nvim_create_autocmd({ "BufReadPost", "BufNewFile", "BufFilePost" }, {
    group = group,
    callback = function(args)
      M.mark(args.buf)
    end,
  })
  api.nvim_create_autocmd("BufWinEnter", {
    group = group,
    callback = function(args)
      require("divisi.ui.badge").update_all(args.buf)
      look_soon()
    end,
  })
  api.nvim_create_autocmd({ "TabEnter", "TabClosed", "WinClosed", "LspAttach", "DirChanged" }, {
    group = group,
    callback = look_soon,
  })
  local closing = false
  local function capture()
    if vim.t.divisi_worktree then
      require("divisi.ui.layout").capture(api.nvim_get_current_tabpage(), vim.t.divisi_worktree)
    end
  end
  api.nvim_create_autocmd("TabLeave", {
    group = group,
    callback = function()
      if not closing then
        capture()
      end
    end,
  })
  -- A tab is closed window by window: what it showed is what it showed before the first of them.
  api.nvim_create_autocmd("WinClosed", {
    group = group,
    callback = function()
      if closing then
        return
      end
      capture()
      closing = true
      local tab = api.nvim_get_current_tabpage()
      vim.schedule(function()
        closing = false
        if api.nvim_get_current_tabpage() == tab then
          capture()
        end
      end)
    end,
  })
  api.nvim_create_autocmd("VimLeavePre", {
    group = group,
    callback = function()
      for _, tab in ipairs(api.nvim_list_tabpages()) do
        if vim.t[tab].divisi_worktree then
          require("divisi.ui.layout").capture(tab, vim.t[tab].divisi_worktree)
        end
      end
      require("divisi.ui.layout").save()
    end,
  })
  events.on("sessions", function(data)
    local moved = false
    for _, row in ipairs(data.changed) do
      local before = known[row.id]
      if row.path and (not before or before.path ~= row.path) then
        known[row.id] = { path = vim.fs.normalize(row.path), name = row.name, repository = row.repository }
        moved = true
      end
    end
    if moved then
      for _, buf in ipairs(api.nvim_list_bufs()) do
        M.mark(buf)
      end
    end
    require("divisi.ui.badge").redraw()
    for _, id in ipairs(data.removed) do
      M.leaves(id)
    end
  end)
  events.on("event", function(data)
    if data.type == "worktree.changed" and data.state == "removing" and data.session then
      M.leaves(data.session)
    end
  end)
end

return M
