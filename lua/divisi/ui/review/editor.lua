---A small float in which a text is written and saved like a file: for comments and for what is said with a round.
local M = {}

local api = vim.api

M.kinds = { "issue", "suggestion", "question", "nit" }

local number = 0

---@class divisi.EditorSpec
---@field title string
---@field hint string
---@field text string
---@field kind string? cycled with <Tab>
---@field save fun(text: string, kind: string?)
---@field insert boolean? begin in insert mode

---@return 'single'? border
local function border()
  if vim.fn.exists("+winborder") == 1 and vim.o.winborder ~= "" then
    return nil
  end
  return "single"
end

---@param spec divisi.EditorSpec
function M.open(spec)
  number = number + 1
  local buf = api.nvim_create_buf(false, false)
  api.nvim_buf_set_name(buf, ("divisi://text/%d"):format(number))
  vim.b[buf].divisi = "text"
  vim.bo[buf].buftype = "acwrite"
  vim.bo[buf].bufhidden = "wipe"
  vim.bo[buf].swapfile = false
  vim.bo[buf].modeline = false
  local kind = spec.kind
  api.nvim_buf_set_lines(buf, 0, -1, false, vim.split(spec.text, "\n", { plain = true }))
  vim.bo[buf].modified = false
  local width = math.min(72, math.max(20, vim.o.columns - 6))
  local height = math.min(6, math.max(2, vim.o.lines - 8))
  local function title()
    local text = (kind and kind .. ": " or "") .. spec.title
    return { { " " .. vim.fn.strcharpart(text, 0, width - 2) .. " ", "DivisiReviewComment" } }
  end
  local footer = { { " " .. vim.fn.strcharpart(spec.hint, 0, width - 2) .. " ", "DivisiQuiet" } }
  local has_border = not (vim.fn.exists("+winborder") == 1 and vim.o.winborder == "none")
  local win = api.nvim_open_win(buf, true, {
    relative = "cursor",
    row = 1,
    col = 0,
    width = width,
    height = height,
    border = border(),
    title = has_border and title() or nil,
    footer = has_border and footer or nil,
    style = "minimal",
    zindex = 60,
  })
  vim.wo[win][0].wrap = true
  vim.bo[buf].filetype = "markdown"
  local function close()
    if api.nvim_get_mode().mode:match("^i") then
      vim.cmd.stopinsert()
    end
    if api.nvim_win_is_valid(win) then
      api.nvim_win_close(win, true)
    end
  end
  local function save()
    local text = vim.trim(table.concat(api.nvim_buf_get_lines(buf, 0, -1, false), "\n"))
    vim.bo[buf].modified = false
    local said = text:match("^(%a+):")
    if kind and said and vim.tbl_contains(M.kinds, said:lower()) then
      kind = said:lower()
      text = vim.trim(text:sub(#said + 2))
    end
    vim.schedule(function()
      close()
      spec.save(text, kind)
    end)
  end
  api.nvim_create_autocmd("BufWriteCmd", { buffer = buf, callback = save })
  local function map(mode, lhs, run, desc)
    vim.keymap.set(mode, lhs, run, { buffer = buf, nowait = true, desc = "divisi: " .. desc })
  end
  map({ "n", "i" }, "<C-s>", save, "save")
  map("n", "q", function()
    if vim.bo[buf].modified then
      require("divisi.errors").notify("not saved; :w saves, :q! throws it away")
    else
      close()
    end
  end, "close")
  if kind then
    map("n", "<Tab>", function()
      for index, name in ipairs(M.kinds) do
        if name == kind then
          kind = M.kinds[index % #M.kinds + 1]
          break
        end
      end
      if has_border then
        api.nvim_win_set_config(win, { title = title() })
      end
    end, "another kind of comment")
  end
  if spec.insert then
    vim.cmd.startinsert()
  end
end

return M
