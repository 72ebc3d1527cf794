---`:checkhealth divisi`.
local M = {}

---The protocols this plugin's host speaks are the host's; only the version of the two parts is compared here.
local OLDEST = "0.10"
local WAIT_MS = 5000

local health = vim.health

local function check_neovim()
  health.start("Neovim")
  local text = vim.fn.matchstr(vim.fn.execute("version"), [[NVIM v\zs[0-9a-zA-Z.+-]*]])
  if vim.fn.has("nvim-" .. OLDEST) == 1 then
    health.ok("Neovim " .. text)
  else
    health.error("Neovim " .. text .. " is too old", { "divisi needs " .. OLDEST .. " or newer" })
  end
  if pcall(vim.treesitter.language.add, "markdown") then
    health.ok("the markdown parser is there")
  else
    health.info("no markdown parser: transcripts use the older syntax highlighting")
  end
end

local function check_configuration()
  health.start("Configuration")
  local _, problems = require("divisi.config").load()
  if #problems == 0 then
    health.ok("nothing wrong with vim.g.divisi and setup()")
  end
  for _, problem in ipairs(problems) do
    health.warn(problem, { "see :help divisi-options" })
  end
end

---@return boolean found
local function check_binary()
  health.start("Binary")
  local bin, place = require("divisi.host").find()
  for _, candidate in ipairs(require("divisi.host").places()) do
    if candidate.path ~= bin then
      health.info(("not used: %s (%s)"):format(candidate.path, candidate.place))
    end
  end
  if not bin then
    health.error("no divisi binary found", {
      ":Divisi build builds it with cargo",
      'or set vim.g.divisi = { bin = "/path/to/divisi" }',
    })
    return false
  end
  health.ok(("%s (from %s)"):format(bin, place))
  local offer, why = require("divisi.install").offer()
  health.info(offer and ":Divisi install would download " .. offer.url or why or "nothing to download")
  return true
end

---Asks and waits; checkhealth is the one place where that is right.
---@param method string
---@param params table?
---@return any value
---@return divisi.Refusal? refusal
local function ask(method, params)
  local value, refusal, over
  require("divisi.rpc").request(method, params, function(answer, problem)
    value, refusal, over = answer, problem, true
  end)
  vim.wait(WAIT_MS, function()
    return over == true
  end, 10)
  if not over then
    refusal = { kind = "environment", message = ("no answer to %s in %d s"):format(method, WAIT_MS / 1000), hints = {} }
  end
  return value, refusal
end

local function check_daemon()
  health.start("Daemon")
  if not require("divisi.host").start() then
    health.error("the host process cannot be started", { "see :Divisi log" })
    return
  end
  local mirror = require("divisi.mirror")
  vim.wait(WAIT_MS, function()
    return mirror.connection.state ~= "none"
  end, 10)
  local status, refusal = ask("host/status")
  if refusal then
    health.error(refusal.message, { "see :Divisi log" })
    return
  end
  local version = require("divisi.version")
  if tonumber(status.plugin) == version.plugin then
    health.ok("the host process answers, version " .. tostring(status.version))
  else
    health.error(
      ("the binary speaks plugin protocol %s, the plugin %d"):format(tostring(status.plugin), version.plugin),
      { ":Divisi update, or update the plugin, whichever is older" }
    )
  end
  if not status.connected or type(status.daemon) ~= "table" then
    health.error(
      "no connection to the daemon: " .. (mirror.connection.message or "no answer"),
      { "try `divisi daemon status`" }
    )
    return
  end
  local daemon = status.daemon
  if daemon.version == status.version then
    health.ok(("daemon %s, protocol %s"):format(daemon.version, daemon.protocol))
  else
    health.warn(
      ("the daemon is version %s, the plugin’s binary %s (protocol %s)"):format(
        daemon.version,
        status.version,
        daemon.protocol
      ),
      {
        "`divisi daemon restart` when no agent works; agents survive it",
      }
    )
  end
  local stat = type(daemon.socket) == "string" and vim.uv.fs_stat(daemon.socket) or nil
  local others = tonumber("077", 8) --[[@as integer]]
  if stat and bit.band(stat.mode, others) ~= 0 then
    health.error("the socket " .. daemon.socket .. " can be used by others", { "chmod 600 " .. daemon.socket })
  else
    health.ok("socket " .. tostring(daemon.socket))
  end
  health.info(("%d sessions, %d open approvals"):format(vim.tbl_count(mirror.sessions), #mirror.approvals))
  health.start("Agents")
  local agents, problem = ask("agent/list", { probe = true, set = vim.tbl_keys(vim.fn.environ()) })
  if problem or type(agents) ~= "table" then
    health.warn("the agents cannot be listed: " .. (problem and problem.message or "no answer"))
    return
  end
  require("divisi.agents").check(agents)
end

---What may be missing and what that changes.
local function check_pickers()
  health.start("Pickers")
  local picker, name = require("divisi.pick").adapter()
  local wanted = require("divisi.config").get().picker
  if picker then
    health.ok("lists are chosen from with " .. tostring(name))
  elseif wanted == "auto" or wanted == "select" then
    health.ok("lists are chosen from with vim.ui.select")
  else
    health.warn(("the picker %s is not there; vim.ui.select is used"):format(wanted), { "see :help divisi-options" })
  end
end

local function check_git()
  health.start("git")
  if vim.fn.executable("git") ~= 1 then
    health.error("git is not on $PATH", { "install git" })
    return
  end
  local result = vim.system({ "git", "--version" }, { text = true }):wait(WAIT_MS)
  local text = vim.trim(result.stdout or "git")
  local major, minor = text:match("(%d+)%.(%d+)")
  if major and (tonumber(major) > 2 or (tonumber(major) == 2 and tonumber(minor) >= 38)) then
    health.ok(text)
  else
    health.error(text .. " is too old", { "divisi needs 2.38 or newer" })
  end
  local inside = vim
    .system({ "git", "rev-parse", "--is-inside-work-tree" }, { text = true, cwd = vim.fn.getcwd() })
    :wait(WAIT_MS)
  if inside.code == 0 then
    health.ok("the current directory is in a repository")
  else
    health.info("the current directory is in no repository: sessions are started from a file of one")
  end
end

---Plugin managers make the tags; a plain 'runtimepath' does not, and `:help divisi` then finds something else.
local function check_help()
  health.start("Help")
  for _, file in ipairs(vim.api.nvim_get_runtime_file("doc/divisi.txt", true)) do
    local directory = vim.fs.dirname(file)
    if vim.uv.fs_stat(vim.fs.joinpath(directory, "tags")) then
      health.ok(":help divisi")
      return
    end
    health.info((":help divisi needs tags, once: `:helptags %s`"):format(vim.fn.fnameescape(directory)))
  end
end

function M.check()
  check_neovim()
  check_help()
  check_configuration()
  check_git()
  check_pickers()
  if check_binary() then
    check_daemon()
  end
  health.info("log: " .. require("divisi.errors").log_path())
end

return M
