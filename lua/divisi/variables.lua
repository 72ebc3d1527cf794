---Variables of this Neovim that a new session has a use for: proxies, certificates, the credentials of its agent.
---They travel over the user's own socket and are stored by nobody.
local M = {}

---@param agent string?
---@param profile string?
---@param done fun(values: table<string, string|vim.NIL>)
function M.of_caller(agent, profile, done)
  require("divisi.rpc").request("agent/variables", { agent = agent, profile = profile }, function(names, refusal)
    -- What is wrong with agent or profile is said when the session is refused.
    if refusal or type(names) ~= "table" then
      done({})
      return
    end
    local values = {}
    for _, name in ipairs(names) do
      if type(name) == "string" then
        values[name] = vim.uv.os_getenv(name, 65536) or vim.NIL
      end
    end
    done(values)
  end)
end

return M
