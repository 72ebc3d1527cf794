//! What is not divisi's stays as it is: options, mappings, windows, lists, modes.

use serde_json::{Value, json};

use super::editor::Scene;
use super::in_every_neovim;

/// Global options, mappings of the person, and everything about the windows and lists that were there.
const OTHERS: &str = "(function()
    local all = {}
    local function add(...) table.insert(all, table.concat(vim.tbl_map(function(v) return type(v) == 'string' and v or vim.inspect(v) end, { ... }), ' ')) end
    for name, info in pairs(vim.api.nvim_get_all_options_info()) do
      -- Where the last operator leads is told by an option.
      if info.scope ~= 'buf' and name ~= 'operatorfunc' then
        local ok, value = pcall(vim.api.nvim_get_option_value, name, { scope = 'global' })
        if ok then add(name, value) end
      end
    end
    for _, mode in ipairs({ 'n', 'i', 'x', 'o', 'c', 't' }) do
      for _, map in ipairs(vim.api.nvim_get_keymap(mode)) do add(mode, map.lhs) end
    end
    for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
      if vim.w[win].theirs then
        add('window', win, vim.api.nvim_win_get_buf(win), vim.api.nvim_win_get_cursor(win))
        for _, option in ipairs({ 'winbar', 'foldmethod', 'foldlevel', 'winfixbuf', 'wrap', 'number', 'diff', 'list', 'signcolumn', 'spell', 'cursorline', 'winhighlight' }) do
          add('window', win, option, vim.wo[win][option])
        end
      end
    end
    add('quickfix', vim.fn.getqflist({ id = 0, size = 1, title = 1 }))
    table.sort(all)
    return all
  end)()";

/// What is in one list and not in the other.
fn changes(before: &Value, after: &Value) -> Vec<String> {
    let has = |list: &Value, item: &Value| list.as_array().unwrap().contains(item);
    let only = |one: &Value, other: &Value, sign: char| {
        let items = one.as_array().unwrap().iter();
        items.filter(|item| !has(other, item)).map(|item| format!("{sign}{item}")).collect::<Vec<_>>()
    };
    [only(before, after, '-'), only(after, before, '+')].concat()
}

/// A file, its quickfix list, a terminal and a float are open; the cursor is in the file.
async fn busy(scene: &Scene) {
    scene.session("aaaaaaaaaa", "fix", "running");
    scene.fake.turn("aaaaaaaaaa", 1, "look");
    scene.editor.attach().await;
    scene.editor.ex("edit src/a.lua").await;
    scene.editor.ex("set number list").await;
    scene.editor.ex("vimgrep /local/ src/*.lua | copen | belowright vsplit | terminal cat").await;
    scene.editor.lua("vim.api.nvim_open_win(vim.api.nvim_create_buf(false, true), false, { relative = 'editor', row = 1, col = 60, width = 9, height = 2 })
        for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do vim.w[win].theirs = true end").await;
    scene.editor.ex("1wincmd w").await;
}

in_every_neovim! {
    async fn views_come_and_go_and_nothing_else_changes(scene) {
        busy(&scene).await;
        let before = scene.editor.lua(&format!("return {OTHERS}")).await;
        for (command, filetype) in [("list", "sessions"), ("show fix", "transcript"), ("ask fix", "prompt"), ("approvals", "approvals"), ("new", "prompt")] {
            scene.editor.ex(&format!("Divisi {command}")).await;
            scene.editor.until(&format!("vim.bo.filetype == 'divisi-{filetype}'")).await;
            scene.editor.keys("<Esc>").await;
            scene.editor.until("vim.api.nvim_get_mode().mode == 'n'").await;
        }
        scene.fake.say("aaaaaaaaaa", "more\n");
        scene.fake.ask("ap1", "aaaaaaaaaa", "make");
        scene.editor.shows("divisi://approvals", "make").await;
        scene.editor.ex("1wincmd w").await;
        let open = changes(&before, &scene.editor.lua(&format!("return {OTHERS}")).await);
        assert!(open.is_empty(), "while they are open: {open:?}");
        scene.editor.lua("for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do if vim.w[win].divisi then vim.api.nvim_win_close(win, false) end end").await;
        scene.fake.answer("ap1", "once", "cli");
        scene.editor.until("#require('divisi.mirror').approvals == 0").await;
        let closed = changes(&before, &scene.editor.lua(&format!("return {OTHERS}")).await);
        assert!(closed.is_empty(), "afterwards: {closed:?}");
        scene.editor.assert_calm().await;
    }

    async fn updates_of_visible_views_disturb_no_mode(scene) {
        busy(&scene).await;
        scene.editor.ex("Divisi list").await;
        scene.editor.ex("Divisi show fix").await;
        scene.editor.until("vim.bo.filetype == 'divisi-transcript'").await;
        scene.editor.ex("1wincmd w").await;
        let here = "return { vim.api.nvim_get_mode().mode, vim.api.nvim_get_current_win(), vim.api.nvim_win_get_cursor(0), vim.fn.getcmdline(), vim.fn.getcmdwintype() }";
        for (number, (keys, mode)) in [("", "n"), ("ihello", "i"), ("<Esc>uR", "R"), ("<Esc>d", "no"), ("<Esc>v", "v"), ("<Esc>:echo 1", "c"), ("<Esc>q:", "n")].into_iter().enumerate() {
            scene.editor.keys(keys).await;
            scene.editor.until(&format!("vim.api.nvim_get_mode().mode == '{mode}'")).await;
            if keys.ends_with("q:") {
                scene.editor.until("vim.fn.getcmdwintype() == ':'").await;
            }
            let before = scene.editor.lua(here).await;
            scene.fake.say("aaaaaaaaaa", &format!("said {number}\n"));
            scene.fake.set("aaaaaaaaaa", json!({ "activity": format!("does {number}"), "said": format!("message {number}"), "policy": if number % 2 == 0 { "hold" } else { "ask" } }));
            scene.fake.emit("aaaaaaaaaa", "agent.plan", json!({ "entries": [] }));
            scene.editor.shows("divisi://session/fix", &format!("said {number}")).await;
            scene.editor.shows("divisi://sessions", &format!("does {number}")).await;
            assert_eq!(scene.editor.lua(here).await, before, "in mode {mode}");
        }
        // Where windows cannot be opened, a command says so and nothing happens.
        scene.editor.lua("_G.notices = {}").await;
        scene.editor.ex("Divisi ask fix").await;
        scene.editor.keys(":q<CR>").await;
        scene.editor.until("vim.fn.getcmdwintype() == ''").await;
        scene.editor.until("_G.told('not in the command-line window')").await;
        scene.editor.assert_calm().await;
    }
}
