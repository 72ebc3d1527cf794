---Getting the binary: built with cargo in the plugin's directory, or downloaded and checked. Nothing without being asked for.
local M = {}

local config = require("divisi.config")
local errors = require("divisi.errors")

---How many downloaded versions stay, the one in use among them.
local KEEP = 3
local DOWNLOAD_MS = 10 * 60 * 1000
local BUILD_MS = 60 * 60 * 1000

---@alias divisi.Installed fun(path: string?, problem: string?)

---The plugin's own directory.
---@return string
function M.root()
  return vim.fn.fnamemodify(assert(debug.getinfo(1, "S")).source:sub(2), ":p:h:h:h")
end

---Where downloaded binaries are.
---@return string
local function directory()
  return vim.fs.joinpath(vim.fn.stdpath("data") --[[@as string]], "divisi", "bin")
end

---@return divisi.Version
local function pinned()
  return require("divisi.version")
end

---Where this version's downloaded binary is, or would be.
---@return string
function M.managed()
  return vim.fs.joinpath(directory(), "divisi-" .. pinned().version)
end

---This machine as Rust names it.
---@return string
function M.target()
  local uname = vim.uv.os_uname()
  local machine = ({ arm64 = "aarch64", amd64 = "x86_64" })[uname.machine:lower()] or uname.machine:lower()
  local system = uname.sysname == "Darwin" and "apple-darwin" or "unknown-linux-musl"
  return machine .. "-" .. system
end

---@return string
local function release()
  local own = config.get().release
  return own ~= "" and own or pinned().release
end

---What would be downloaded; nil, and why, when nothing can be.
---@return { url: string, sha256: string }?
---@return string? problem
function M.offer()
  local target = M.target()
  local sha256 = pinned().sha256[target]
  if release() == "" or not sha256 then
    return nil, ("this commit of the plugin names no released binary for %s; :Divisi build makes one"):format(target)
  end
  local version = pinned().version
  return {
    url = ("%s/%s/divisi-%s-%s"):format((release():gsub("/+$", "")), version, version, target),
    sha256 = sha256,
  }
end

---Runs programs one after the other, without waiting in the editor.
---@param command string[]
---@param options table
---@param done fun(result: vim.SystemCompleted)
local function run(command, options, done)
  local ok, err = pcall(vim.system, command, vim.tbl_extend("keep", options, { text = true }), function(result)
    vim.schedule(function()
      done(result)
    end)
  end)
  if not ok then
    done({ code = 127, signal = 0, stdout = "", stderr = tostring(err) })
  end
end

---@param result vim.SystemCompleted
---@return string
local function last_line(result)
  local lines = vim.split(vim.trim((result.stderr or "") .. "\n" .. (result.stdout or "")), "\n")
  return lines[#lines] ~= "" and lines[#lines] or ("code " .. result.code)
end

---@param path string
---@param url string
---@return string[]?
local function downloader(path, url)
  if vim.fn.executable("curl") == 1 then
    local only = vim.startswith(url, "https:") and "=https" or "=http,https"
    return { "curl", "--fail", "--silent", "--show-error", "--location", "--proto", only, "--output", path, url }
  elseif vim.fn.executable("wget") == 1 then
    return { "wget", "--quiet", "--output-document", path, url }
  end
end

---@param path string
---@return string[]?
local function summer(path)
  for _, command in ipairs({
    { "sha256sum", path },
    { "shasum", "-a", "256", path },
    { "openssl", "dgst", "-r", "-sha256", path },
  }) do
    if vim.fn.executable(command[1]) == 1 then
      return command
    end
  end
end

---Removes what is left of downloads and all but the newest versions.
local function tidy()
  local versions = {} ---@type { path: string, at: integer }[]
  for name, kind in vim.fs.dir(directory()) do
    local path = vim.fs.joinpath(directory(), name)
    local stat = vim.uv.fs_stat(path)
    if kind == "file" and stat then
      if name:match("%.part$") and os.time() - stat.mtime.sec > 3600 then
        vim.uv.fs_unlink(path)
      elseif name:match("^divisi%-[^/]+$") and not name:match("%.part$") then
        table.insert(versions, { path = path, at = stat.mtime.sec })
      end
    end
  end
  table.sort(versions, function(a, b)
    return a.at > b.at
  end)
  local kept = 0
  for _, version in ipairs(versions) do
    kept = kept + 1
    if kept > KEEP and version.path ~= M.managed() then
      vim.uv.fs_unlink(version.path)
    end
  end
end

---Downloads this version's binary, checks it and puts it in its place in one step. Whoever calls this was asked for it.
---@param done divisi.Installed
function M.download(done)
  local offer, problem = M.offer()
  if not offer then
    done(nil, problem)
    return
  end
  ---@diagnostic disable-next-line: param-type-mismatch (the annotation says string; a number it is)
  vim.fn.mkdir(directory(), "p", tonumber("700", 8))
  local part = ("%s.%d.part"):format(M.managed(), vim.uv.os_getpid())
  local fetch, sum = downloader(part, offer.url), summer(part)
  if not fetch or not sum then
    done(nil, "downloading needs curl or wget, and sha256sum, shasum or openssl")
    return
  end
  ---@param why string
  local function failed(why)
    vim.uv.fs_unlink(part)
    done(nil, why)
  end
  run(fetch, { timeout = DOWNLOAD_MS }, function(fetched)
    if fetched.code ~= 0 then
      failed(("not downloaded: %s (%s)"):format(last_line(fetched), offer.url))
      return
    end
    run(sum, { timeout = DOWNLOAD_MS }, function(summed)
      local found = (summed.stdout or ""):match("^\\?(%x+)")
      if found ~= offer.sha256 then
        local seen = (found or "none"):sub(1, 12)
        failed(
          ("not the released binary: sha256 %s… instead of %s… (%s)"):format(
            seen,
            offer.sha256:sub(1, 12),
            offer.url
          )
        )
        return
      end
      vim.uv.fs_chmod(part, tonumber("755", 8) --[[@as integer]])
      run({ part, "--version" }, { timeout = 10000 }, function(ran)
        local said = vim.trim(ran.stdout or "")
        if ran.code ~= 0 or said ~= "divisi " .. pinned().version then
          failed(("the downloaded binary does not run here: %s"):format(ran.code == 0 and said or last_line(ran)))
          return
        end
        local ok, why = vim.uv.fs_rename(part, M.managed())
        if not ok then
          failed("the binary cannot be put in its place: " .. tostring(why))
          return
        end
        tidy()
        done(M.managed())
      end)
    end)
  end)
end

---Builds the binary in the plugin's directory.
---@param done divisi.Installed
function M.build(done)
  if vim.fn.executable("cargo") ~= 1 then
    done(nil, "building needs cargo, which comes with Rust; :Divisi install downloads a binary where there is one")
    return
  end
  if not vim.uv.fs_stat(vim.fs.joinpath(M.root(), "Cargo.toml")) then
    done(nil, M.root() .. " has no Cargo.toml to build from")
    return
  end
  run({ "cargo", "build", "--release", "--locked" }, { cwd = M.root(), timeout = BUILD_MS }, function(result)
    local path = vim.fs.joinpath(vim.env.CARGO_TARGET_DIR or vim.fs.joinpath(M.root(), "target"), "release", "divisi")
    if result.code ~= 0 then
      errors.log("cargo build failed:\n" .. (result.stderr or ""))
      done(nil, ("cargo build failed: %s (:Divisi log)"):format(last_line(result)))
    elseif vim.fn.executable(path) ~= 1 then
      done(nil, "cargo built no " .. path)
    else
      done(path)
    end
  end)
end

---The new binary takes over in this editor; agents and the daemon go on.
---@param path string
---@param what string
local function use(path, what)
  errors.notify(("%s: %s"):format(what, path))
  local host = require("divisi.host")
  if host.running() then
    host.restart()
  end
end

---@param what string
---@param start fun(done: divisi.Installed)
local function carry_out(what, start)
  errors.notify(what .. " …")
  start(function(path, problem)
    if path then
      use(path, what .. " done")
    else
      errors.error(problem or what .. " failed")
    end
  end)
end

---`:Divisi build`.
function M.run_build()
  carry_out("building with cargo", M.build)
end

---`:Divisi install`: says what would be downloaded, then asks; with ! it was asked already.
---@param sure boolean
function M.run_install(sure)
  local offer, problem = M.offer()
  if not offer then
    errors.warn(problem or "nothing to install")
    return
  end
  if sure then
    carry_out("downloading", M.download)
    return
  end
  vim.ui.select({ "Download", "Leave it" }, {
    prompt = ("%s, checked against this commit’s sha256"):format(offer.url),
    kind = "divisi_confirm",
  }, function(_, choice)
    if choice == 1 then
      carry_out("downloading", M.download)
    end
  end)
end

---`:Divisi update`: gets the binary again that belongs to this commit, the way the present one was got.
---@param sure boolean
function M.run_update(sure)
  local bin, place = require("divisi.host").find()
  local target = vim.fs.joinpath(M.root(), "target") .. "/"
  if not bin or vim.startswith(bin, target) then
    M.run_build()
  elseif vim.startswith(bin, directory() .. "/") then
    M.run_install(sure)
  else
    errors.notify(("%s is yours (from %s): update it the way you installed it"):format(bin, place))
  end
end

local asked = false

---There is no binary: asks once per editor what to do about it.
---@param again fun() called when there is one
function M.ask(again)
  -- Not over a command line that is being completed.
  if asked or #vim.api.nvim_list_uis() == 0 or vim.api.nvim_get_mode().mode ~= "n" then
    errors.error("no divisi binary found: :Divisi build, or set vim.g.divisi.bin (:checkhealth divisi)")
    return
  end
  asked = true
  local choices = {} ---@type { text: string, start: fun(done: divisi.Installed)? }[]
  if vim.fn.executable("cargo") == 1 then
    table.insert(choices, { text = "Build it with cargo, in " .. M.root(), start = M.build })
  end
  local offer = M.offer()
  if offer then
    table.insert(choices, { text = "Download " .. offer.url, start = M.download })
  end
  table.insert(choices, { text = "I will see to it (:help divisi-bin)" })
  vim.ui.select(choices, {
    prompt = "divisi has no binary yet",
    kind = "divisi_confirm",
    format_item = function(choice)
      return choice.text
    end,
  }, function(choice)
    if not choice or not choice.start then
      return
    end
    errors.notify("getting the binary …")
    choice.start(function(path, problem)
      if path then
        errors.notify("got " .. path)
        again()
      else
        errors.error(problem or "no binary")
      end
    end)
  end)
end

---For plugin managers: builds and waits. `tell` is called with a line now and then, from the coroutine it is called in.
---@param tell? fun(line: string)
---@return string? path
---@return string? problem
function M.build_and_wait(tell)
  local path, problem
  local over = false
  M.build(function(built, why)
    path, problem, over = built, why, true
  end)
  local began = vim.uv.now()
  while not over do
    vim.wait(200, function()
      return over
    end, 20)
    if tell and not over then
      tell(("cargo build --release (%d s)"):format(math.floor((vim.uv.now() - began) / 1000)))
    end
  end
  return path, problem
end

return M
