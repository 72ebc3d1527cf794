---The host process, `divisi nvim`: found, started, started again when it dies.
local M = {}

local errors = require("divisi.errors")

---@type integer?
local job
---Starts since the last one that lasted.
local failures = 0
local leaving = false

---The plugin's own directory.
---@return string
local function root()
  local info = assert(debug.getinfo(1, "S"))
  local file = info.source:sub(2)
  return vim.fn.fnamemodify(file, ":p:h:h:h")
end

---Where the binary is looked for, in order.
---@return { place: string, path: string }[]
function M.places()
  local places = {}
  local function add(place, path)
    if path and path ~= "" then
      table.insert(places, { place = place, path = vim.fs.normalize(path) })
    end
  end
  add("the option bin", require("divisi.config").get().bin)
  add("$DIVISI_BIN", vim.env.DIVISI_BIN)
  local builds = {
    { place = "the plugin directory, release build", path = vim.fs.joinpath(root(), "target/release/divisi") },
    { place = "the plugin directory, debug build", path = vim.fs.joinpath(root(), "target/debug/divisi") },
  }
  -- Whoever has both built the newer one last, and means that one.
  local function built(build)
    local stat = vim.uv.fs_stat(build.path)
    return stat and stat.mtime.sec + stat.mtime.nsec / 1e9 or 0
  end
  if built(builds[2]) > built(builds[1]) then
    builds = { builds[2], builds[1] }
  end
  for _, build in ipairs(builds) do
    add(build.place, build.path)
  end
  add("downloaded by :Divisi install", require("divisi.install").managed())
  add("$PATH", vim.fn.exepath("divisi"))
  return places
end

---The binary that is used, and where it was found.
---@return string? path
---@return string? place
function M.find()
  for _, candidate in ipairs(M.places()) do
    if vim.fn.executable(candidate.path) == 1 then
      return candidate.path, candidate.place
    end
  end
end

---What the two sides speak with each other has a number; another one is said once, in so many words.
---@param bin string
function M.greet(bin)
  local version = require("divisi.version")
  require("divisi.rpc").request("host/status", nil, function(status, refusal)
    local theirs = type(status) == "table" and tonumber(status.plugin) or nil
    if refusal or theirs == version.plugin then
      return
    end
    local older = not theirs or theirs < version.plugin
    errors.error(
      ("the %s is too old for the %s (protocols %s and %d): %s; %s is version %s"):format(
        older and "binary" or "plugin",
        older and "plugin" or "binary",
        theirs or "none",
        version.plugin,
        older and ":Divisi update" or "update the plugin",
        bin,
        type(status) == "table" and tostring(status.version) or "?"
      )
    )
  end)
end

---@param bin string
local function spawn(bin)
  local started = vim.uv.now()
  local ok, id = pcall(vim.fn.jobstart, { bin, "nvim" }, {
    rpc = true,
    on_stderr = function(_, lines)
      local text = vim.trim(table.concat(lines, "\n"))
      if text ~= "" then
        errors.log(text)
      end
    end,
    on_exit = function(_, code)
      job = nil
      require("divisi.rpc").use_channel(nil)
      if vim.v.exiting ~= vim.NIL then
        return
      end
      if leaving then
        require("divisi.mirror").detached("by the person")
        return
      end
      require("divisi.mirror").detached("the host process ended with code " .. code)
      failures = vim.uv.now() - started > 10000 and 1 or failures + 1
      if failures > 4 then
        errors.error(
          ("%s nvim ended %d times, last with code %d; see :Divisi log and :checkhealth divisi"):format(
            bin,
            failures,
            code
          )
        )
        return
      end
      vim.defer_fn(function()
        if not job and not leaving then
          spawn(bin)
        end
      end, math.floor(100 * 2 ^ failures))
    end,
  })
  if not ok or id <= 0 then
    errors.error(("failed to start %s nvim: %s"):format(bin, ok and "it cannot be run" or tostring(id)))
    return false
  end
  job = id
  require("divisi.rpc").use_channel(id)
  require("divisi.events").emit("started", {})
  M.greet(bin)
  return true
end

---Starts the host process unless it runs; false, with a message, when that is impossible.
---@return boolean
function M.start()
  if job then
    return true
  end
  local bin = M.find()
  if not bin then
    require("divisi.install").ask(M.start)
    return false
  end
  require("divisi")._wire()
  failures = 0
  leaving = false
  return spawn(bin)
end

---@return boolean
function M.running()
  return job ~= nil
end

---Starts the host process anew, with the binary that is found now.
function M.restart()
  if not job then
    M.start()
    return
  end
  leaving = true
  local old = job
  vim.fn.jobstop(old)
  vim.fn.jobwait({ old }, 2000)
  vim.schedule(M.start)
end

---Ends the host process; the daemon and its agents go on.
function M.stop()
  leaving = true
  if job then
    vim.fn.jobstop(job)
  end
end

return M
