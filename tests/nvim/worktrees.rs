//! Tabs of worktrees: layouts that come back, badges, hidden language servers, and what goes with a removed worktree.

use serde_json::json;

use super::editor::write;
use super::in_every_neovim;

const FILES: &str = "return vim.tbl_map(function(w) return vim.fn.fnamemodify(vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(w)), ':t') end, vim.api.nvim_tabpage_list_wins(0))";
/// A language server of the directory in `_G.tree`, inside Neovim.
const SERVER: &str = "_G.server = vim.lsp.start({ name = 'inside', root_dir = _G.tree, cmd = function(dispatchers)
    local closing = false
    return { request = function(method, _, done) if done then done(nil, method == 'initialize' and { capabilities = {} } or vim.NIL) end return true, 1 end,
      notify = function(method) if method == 'exit' then closing = true dispatchers.on_exit(0, 0) end return true end,
      is_closing = function() return closing end, terminate = function() closing = true end } end })";

in_every_neovim! {
    async fn a_worktrees_layout_comes_back_with_its_tab(scene) {
        scene.session("aaaaaaaaaa", "fix", "review");
        let tree = scene.worktree("fix");
        for file in ["b.lua", "c.lua"] {
            write(&tree.join("src").join(file), "one\ntwo\nthree\n");
        }
        scene.editor.ex("edit src/only_here.lua").await;
        scene.editor.ex("Divisi switch fix").await;
        scene.editor.until("vim.t.divisi_session == 'aaaaaaaaaa'").await;
        scene.editor.ex("edit src/a.lua").await;
        scene.editor.ex("belowright split src/b.lua").await;
        scene.editor.ex("belowright vsplit +3 src/c.lua").await;
        scene.editor.ex("tabclose").await;
        scene.editor.ex("Divisi switch fix").await;
        scene.editor.until("vim.t.divisi_session == 'aaaaaaaaaa'").await;
        assert_eq!(scene.editor.lua(FILES).await, json!(["a.lua", "b.lua", "c.lua"]));
        assert_eq!(scene.editor.lua("return { vim.fn.expand('%:t'), vim.fn.line('.'), vim.fn.winlayout()[1] }").await, json!(["c.lua", 3, "col"]));
        // The next Neovim knows it too; the file the person comes from is the current one there.
        scene.editor.lua("require('divisi.ui.layout').capture(0, vim.t.divisi_worktree) require('divisi.ui.layout').save()").await;
        let other = scene.another().await;
        other.ex("edit +2 src/a.lua").await;
        other.ex("Divisi switch fix").await;
        other.until("vim.t.divisi_session == 'aaaaaaaaaa'").await;
        assert_eq!(other.lua(FILES).await, json!(["a.lua", "b.lua", "c.lua"]));
        assert_eq!(other.lua("return { vim.api.nvim_buf_get_name(0), vim.fn.line('.') }").await, json!([tree.join("src/a.lua"), 2]));
        // What was written by somebody else into the file of layouts leads nowhere outside of the worktree.
        let stored = other.lua("return vim.fn.stdpath('state') .. '/divisi/layouts.json'").await;
        let outside = json!({ tree.display().to_string(): { "at": 1, "layout": { "kind": "leaf", "leaf": { "path": "../../src/a.lua", "line": 1 } } } });
        std::fs::write(stored.as_str().unwrap(), outside.to_string()).unwrap();
        let third = scene.another().await;
        assert_eq!(third.lua(&format!("return require('divisi.ui.layout').of({:?}) == nil", tree.display().to_string())).await, true);
        scene.editor.assert_calm().await;
        other.assert_calm().await;
    }

    async fn all_windows_go_along_when_that_is_wanted(scene) {
        scene.session("aaaaaaaaaa", "fix", "review");
        scene.editor.lua("vim.g.divisi = { switch = { all_windows = true } }").await;
        scene.editor.ex("edit src/only_here.lua").await;
        scene.editor.ex("split src/a.lua").await;
        scene.editor.ex("split src/a.lua").await;
        scene.editor.ex("Divisi! switch fix").await;
        scene.editor.until("vim.t.divisi_session == 'aaaaaaaaaa'").await;
        let tree = scene.worktree("fix");
        let names = scene.editor.lua("return vim.tbl_map(function(w) return vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(w)) end, vim.api.nvim_tabpage_list_wins(0))").await;
        assert_eq!(names, json!([tree.join("src/a.lua"), tree.join("src/a.lua"), scene.repository().join("src/only_here.lua")]));
    }

    async fn a_file_of_a_worktree_carries_a_badge_and_nothing_else_does(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        let tree = scene.worktree("fix");
        let bar = "vim.api.nvim_eval_statusline(vim.wo.winbar, { winid = 0, use_winbar = true }).str";
        // It was open before anything was known of sessions.
        scene.editor.ex(&format!("edit {}", tree.join("src/a.lua").display())).await;
        assert_eq!(scene.editor.lua("return vim.wo.winbar").await, "");
        scene.editor.attach().await;
        scene.editor.until(&format!("{bar}:find('fix', 1, true) and {bar}:find('running', 1, true)")).await;
        scene.fake.set("aaaaaaaaaa", json!({ "state": "review" }));
        scene.fake.emit("aaaaaaaaaa", "turn.ended", json!({ "turn": "aaaaaaaaaa.t1", "head": "x" }));
        scene.editor.until(&format!("{bar}:find('review', 1, true)")).await;
        // The same window with a file of the repository has none; back again it has.
        scene.editor.ex("edit src/only_here.lua").await;
        assert_eq!(scene.editor.lua("return { vim.wo.winbar, vim.b.divisi_session == nil }").await, json!(["", true]));
        scene.editor.ex("buffer #").await;
        scene.editor.until(&format!("{bar}:find('review', 1, true)")).await;
        // A winbar of the person's own stays.
        scene.editor.ex("setlocal winbar=mine").await;
        scene.editor.ex("split | edit").await;
        assert_eq!(scene.editor.lua("return vim.wo.winbar").await, "mine");
        scene.editor.lua("require('divisi').setup({ badge = 'compose' }) require('divisi.ui.badge').update_all()").await;
        scene.editor.until(&format!("{bar}:find('fix', 1, true) and {bar}:find('mine', 1, true)")).await;
        scene.editor.lua("require('divisi').setup({ badge = 'off' }) require('divisi.ui.badge').update_all()").await;
        assert_eq!(scene.editor.lua("return vim.wo.winbar").await, "mine");
        scene.editor.lua("require('divisi').setup({ badge = 'always' }) return require('divisi.config').get().badge").await;
        scene.editor.until("_G.told('badge is \"always\", expected one of')").await;
        scene.editor.assert_calm().await;
    }

    async fn a_name_with_percent_signs_is_only_text_in_the_badge(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.set("aaaaaaaaaa", json!({ "name": "%{execute('let g:owned=1')}%#Error#x" }));
        scene.editor.ex(&format!("edit {}", scene.worktree("fix").join("src/a.lua").display())).await;
        scene.editor.attach().await;
        scene.editor.until("vim.wo.winbar ~= ''").await;
        let bar = scene.editor.lua("return vim.api.nvim_eval_statusline(vim.wo.winbar, { winid = 0, use_winbar = true }).str").await;
        assert!(bar.as_str().unwrap().contains("%{execute('let g:owned=1')}%#Error#x"), "{bar}");
        assert_eq!(scene.editor.lua("return vim.g.owned == nil").await, true);
    }

    async fn language_servers_of_a_hidden_worktree_end_after_a_while(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        let tree = scene.worktree("fix").display().to_string();
        scene.editor.lua(&format!("vim.g.divisi = {{ lsp_stop = 0.002 }} _G.tree = {tree:?}")).await;
        scene.editor.attach().await;
        scene.editor.ex(&format!("edit {tree}/src/a.lua")).await;
        scene.editor.lua(SERVER).await;
        scene.editor.until("#vim.lsp.get_clients({ name = 'inside' }) == 1").await;
        // A server of the repository itself is none of our business.
        scene.editor.ex("tabnew src/a.lua").await;
        scene.editor.lua(&format!("_G.tree = {:?} {}", scene.repository().display().to_string(), SERVER.replace("'inside'", "'outside'"))).await;
        scene.editor.ex("tabonly").await;
        scene.editor.until("#vim.lsp.get_clients({ name = 'inside' }) == 0").await;
        assert_eq!(scene.editor.lua("return #vim.lsp.get_clients({ name = 'outside' })").await, 1);
        // Whoever looks again gets it again from what starts servers.
        scene.editor.lua("vim.api.nvim_create_autocmd('FileType', { group = vim.api.nvim_create_augroup('nvim.lsp.enable', {}), callback = function(a) _G.started = a.buf end })").await;
        scene.editor.ex(&format!("tabnew {tree}/src/a.lua")).await;
        scene.editor.until("_G.started == vim.fn.bufnr()").await;
        scene.editor.assert_calm().await;
    }

    async fn before_a_worktree_goes_its_buffers_go_but_for_unsaved_ones(scene) {
        scene.session("aaaaaaaaaa", "fix", "review");
        let (tree, main) = (scene.worktree("fix"), scene.repository());
        write(&tree.join("src/dirty.lua"), "mine\n");
        scene.editor.attach().await;
        scene.editor.ex(&format!("edit {}", tree.join("src/dirty.lua").display())).await;
        scene.editor.keys("omore<Esc>").await;
        scene.editor.until("vim.bo.modified").await;
        scene.editor.ex(&format!("split +2 {}", tree.join("src/a.lua").display())).await;
        scene.editor.ex("Divisi switch fix").await;
        scene.editor.until("#vim.api.nvim_list_tabpages() == 2").await;
        scene.fake.emit("aaaaaaaaaa", "worktree.changed", json!({ "state": "removing" }));
        scene.editor.until("_G.told('unsaved here and kept: dirty.lua')").await;
        // Its tab is closed, the window that showed a file of it shows the repository's, the edited one is untouched.
        let wins = scene.editor.lua("return vim.tbl_map(function(w) return { vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(w)), vim.api.nvim_win_get_cursor(w)[1] } end, vim.api.nvim_tabpage_list_wins(0))").await;
        assert_eq!(wins, json!([[main.join("src/a.lua"), 2], [tree.join("src/dirty.lua"), 2]]));
        assert_eq!(scene.editor.lua(&format!("return {{ #vim.api.nvim_list_tabpages(), vim.fn.bufexists({:?}) }}", tree.join("src/a.lua").display().to_string())).await, json!([1, 0]));
        assert_eq!(scene.editor.lua(&format!("return vim.api.nvim_buf_get_lines(vim.fn.bufnr({:?}), 0, -1, false)", tree.join("src/dirty.lua").display().to_string())).await, json!(["mine", "more"]));
        scene.editor.assert_calm().await;
    }
}
