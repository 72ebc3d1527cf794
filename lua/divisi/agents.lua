---Agents in `:checkhealth divisi`: where they are, their versions, their logins, and what to do.
local M = {}

local health = vim.health

---@param value any
---@return string?
local function text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

---@param agent table an AgentView of the daemon
local function check(agent)
  local line = ("%s: %s"):format(tostring(agent.name), tostring(agent.description))
  if text(agent.ignored) then
    health.warn(("%s: a definition is not used"):format(tostring(agent.name)), { agent.ignored })
    if agent.installed ~= true then
      return
    end
  end
  if agent.installed ~= true then
    health.info(line .. " (not installed" .. (text(agent.install_hint) and "; " .. agent.install_hint or "") .. ")")
    return
  end
  local probe = type(agent.probe) == "table" and agent.probe or {}
  local login = type(agent.login) == "table" and agent.login or {}
  local facts = {}
  if text(probe.version) then
    table.insert(facts, "version " .. probe.version)
  end
  if login.state == "yes" then
    table.insert(facts, "logged in: " .. (text(login.because) or "yes"))
  elseif login.state == "unknown" then
    table.insert(facts, "login unknown")
  end
  if text(agent.profile) then
    table.insert(facts, "profile " .. agent.profile)
  end
  line = line .. (#facts > 0 and " (" .. table.concat(facts, ", ") .. ")" or "")
  for _, problem in ipairs(type(probe.problems) == "table" and probe.problems or {}) do
    health.warn(
      ("%s %s is known to be bad (%s): %s"):format(
        tostring(agent.name),
        tostring(probe.version),
        tostring(problem.versions),
        tostring(problem.what)
      ),
      { tostring(problem.remedy) }
    )
  end
  if text(probe.fault) then
    health.warn(("%s: %s"):format(tostring(agent.name), probe.fault))
  end
  if login.state == "no" then
    health.warn(line .. ": not logged in", { text(login.hint) or "log in" })
  else
    health.ok(line)
  end
end

---@param agents table[] as `agent/list` answers
function M.check(agents)
  for _, agent in ipairs(agents) do
    if type(agent) == "table" then
      check(agent)
    end
  end
end

return M
