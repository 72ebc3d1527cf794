---Prompts: where their text, their context and their options come from.
local M = {}

---Lines of the current buffer as a fenced block with their place.
---@param range { first: integer, last: integer }
---@return string
local function fenced(range)
  local buf = vim.api.nvim_get_current_buf()
  local lines = vim.api.nvim_buf_get_lines(buf, range.first - 1, range.last, false)
  local path = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buf), ":.")
  local fence = "```"
  for _, line in ipairs(lines) do
    local ticks = line:match("^%s*(`+)")
    if ticks and #ticks >= #fence then
      fence = ticks .. "`"
    end
  end
  local title = path ~= "" and ("%s:%d-%d"):format(path, range.first, range.last) or ""
  return table.concat(
    vim.list_extend(vim.list_extend({ title, fence .. vim.bo[buf].filetype }, lines), { fence }),
    "\n"
  )
end

---@param text string
---@param range { first: integer, last: integer }?
---@return string
function M.with_context(text, range)
  return range and (text .. "\n\n" .. fenced(range)) or text
end

---@param prompt string
---@param text string
---@param done fun(text: string)
function M.ask_text(prompt, text, done)
  if vim.trim(text) ~= "" then
    done(text)
    return
  end
  vim.ui.input({ prompt = prompt }, function(input)
    if input and vim.trim(input) ~= "" then
      done(input)
    end
  end)
end

---The directory whose repository is meant: the buffer's, else the tab's.
---@return string
function M.here()
  local name = vim.api.nvim_buf_get_name(0)
  if vim.bo.buftype == "" and name ~= "" and vim.fs.root(0, ".git") then
    return vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(name, ":p")))
  end
  return vim.fn.getcwd()
end

---Splits `--name x --agent y text` into options and text.
---@param rest string
---@return table<string, string> options
---@return string text
---@return string? problem
function M.options_of(rest)
  local options = {} ---@type table<string, string>
  local text = vim.trim(rest)
  while true do
    local flag, after = text:match("^%-%-(%S+)%s*(.*)$")
    if not flag then
      return options, text
    end
    local name, value = flag:match("^(%a+)=(.+)$")
    if not name then
      name = flag
      value, after = (after or ""):match("^(%S+)%s*(.*)$")
    end
    if not vim.tbl_contains({ "name", "agent", "base", "model", "mode", "profile" }, name) then
      return options,
        text,
        ("--%s is not an option; there are --name --agent --base --model --mode --profile"):format(name)
    elseif not value then
      return options, text, ("--%s needs a value"):format(name)
    end
    options[name] = value
    text = after or ""
  end
end

return M
