//! Ways in: pickers, statusline, the Lua API, progress.

use serde_json::json;

use super::editor::wait_until;
use super::in_every_neovim;

const TWO: [(&str, &str, &str); 2] = [("aaaaaaaaaa", "fix", "review"), ("bbbbbbbbbb", "other", "running")];
/// Stands for snacks.nvim: shows nothing, chooses the item with `_G.wanted` in its text.
const SNACKS: &str = "package.loaded['snacks'] = { picker = { pick = function(opts)
    _G.picked = { title = opts.title, texts = vim.tbl_map(function(i) return opts.format(i)[1][1] end, opts.items), preview = opts.items[1].preview.text }
    for _, i in ipairs(opts.items) do if i.text:find(_G.wanted, 1, true) then opts.confirm({ close = function() opts.on_close() end }, i) return end end
    opts.on_close() end } }";
const TELESCOPE: &str = "package.loaded['telescope.pickers'] = { new = function(_, opts) return { find = function()
      _G.picked = { title = opts.prompt_title, texts = vim.tbl_map(function(i) return i.display end, opts.finder) }
      for _, e in ipairs(opts.finder) do if e.display:find(_G.wanted, 1, true) then _G.entry = e end end
      opts.attach_mappings(1) _G.take() end } end }
    package.loaded['telescope.finders'] = { new_table = function(o) return vim.tbl_map(o.entry_maker, o.results) end }
    package.loaded['telescope.config'] = { values = { generic_sorter = function() return 1 end } }
    package.loaded['telescope.previewers'] = { new_buffer_previewer = function(o) return o end }
    package.loaded['telescope.actions.state'] = { get_selected_entry = function() return _G.entry end }
    package.loaded['telescope.actions'] = { close = function() end, select_default = { replace = function(_, f) _G.take = f end } }";
const FZF: &str = "package.loaded['fzf-lua'] = { fzf_exec = function(lines, opts)
    _G.picked = { title = opts.prompt, texts = lines, preview = opts.preview({ lines[1] }) }
    for _, l in ipairs(lines) do if l:find(_G.wanted, 1, true) then opts.actions['default']({ l }) end end end }";
const MINI: &str = "package.loaded['mini.pick'] = { start = function(opts)
    _G.picked = { title = opts.source.name, texts = vim.tbl_map(function(i) return i.text end, opts.source.items) }
    for _, i in ipairs(opts.source.items) do if i.text:find(_G.wanted, 1, true) then opts.source.choose(i) end end end }";

in_every_neovim! {
    async fn every_picker_that_is_there_chooses_sessions(scene) {
        for (id, name, state) in TWO {
            scene.session(id, name, state);
        }
        scene.editor.attach().await;
        for (adapter, module) in [("snacks", SNACKS), ("telescope", TELESCOPE), ("fzf_lua", FZF), ("mini", MINI)] {
            scene.editor.lua(&format!("{module} _G.wanted = 'other' _G.picked = nil require('divisi').setup({{ picker = {adapter:?} }})")).await;
            let used = scene.editor.lua("return select(2, require('divisi.pick').adapter())").await;
            assert_eq!(used, adapter, "{}", scene.editor.picture().await);
            scene.editor.ex("Divisi pick").await;
            scene.editor.until("vim.api.nvim_buf_get_name(0) == 'divisi://session/other'").await;
            let picked = scene.editor.lua("return _G.picked").await;
            assert!(picked["title"].as_str().unwrap().starts_with("Session"), "{picked}");
            assert_eq!(picked["texts"].as_array().unwrap().len(), 2, "{picked}");
            if let Some(preview) = picked["preview"].as_str() {
                assert!(preview.contains("# other") && preview.contains("do other"), "{preview}");
            }
            scene.editor.ex("quit").await;
            // Closed without a choice: nothing happens.
            scene.editor.lua("_G.wanted = 'nobody' _G.entry = nil").await;
            scene.editor.ex("Divisi pick").await;
            scene.editor.until("vim.api.nvim_buf_get_name(0) ~= 'divisi://session/other'").await;
        }
        scene.editor.assert_calm().await;
    }

    async fn a_picker_that_fails_gives_way_to_the_plain_one(scene) {
        for (id, name, state) in TWO {
            scene.session(id, name, state);
        }
        scene.editor.attach().await;
        scene.editor.lua("package.loaded['snacks'] = { picker = { pick = function() error('changed its ways') end } }").await;
        scene.editor.will_choose(&["fix"]).await;
        scene.editor.ex("Divisi pick worktrees").await;
        scene.editor.until("vim.t.divisi_session == 'aaaaaaaaaa'").await;
        scene.editor.ex("Divisi pick nonsense").await;
        scene.editor.until("_G.told('is none of approvals, batches, files, sessions, worktrees')").await;
        let words = scene.editor.lua("return vim.fn.getcompletion('Divisi pick ', 'cmdline')").await;
        assert_eq!(words, json!(["sessions", "worktrees", "approvals", "files", "batches"]));
        scene.editor.assert_calm().await;
    }

    async fn changed_files_of_all_sessions_are_one_list(scene) {
        for (id, name, state) in TWO {
            scene.session(id, name, state);
        }
        scene.fake.answers("session/diff", json!({ "stat": {}, "files": [{ "path": "src/a.lua", "status": "modified", "binary": false, "added": 1, "removed": 1 }] }));
        scene.fake.answers("session/base_file", json!({ "text": "local a = 1\n" }));
        scene.editor.attach().await;
        scene.editor.will_choose(&["other  src/a.lua"]).await;
        scene.editor.ex("Divisi pick files").await;
        scene.editor.until("vim.t.divisi_diff == 'src/a.lua' and vim.t.divisi_session == 'bbbbbbbbbb'").await;
        assert_eq!(scene.editor.lua("return #_G.asked[1].texts").await, 2);
        scene.editor.assert_calm().await;
    }

    async fn statusline_lualine_and_the_variable_say_the_same(scene) {
        let lualine = "package.loaded['lualine.component'] = { extend = function() return {} end }
            package.loaded['lualine.components.divisi'] = nil
            return require('lualine.components.divisi').update_status({})";
        assert_eq!(scene.editor.lua(lualine).await, "", "and nothing is loaded by it");
        assert_eq!(scene.editor.lua("return package.loaded['divisi'] == nil").await, true);
        for (id, name, state) in TWO {
            scene.session(id, name, state);
        }
        scene.editor.attach().await;
        scene.editor.until("require('divisi').statusline() == '1 review, 1 running'").await;
        assert_eq!(scene.editor.lua(lualine).await, "1 review, 1 running");
        scene.editor.until("vim.g.divisi_status.connection == 'attached'").await;
        assert_eq!(scene.editor.lua("return vim.g.divisi_status").await, json!({ "counts": { "review": 1, "running": 1 }, "approvals": 0, "batches": 0, "connection": "attached" }));
        scene.editor.assert_calm().await;
    }

    async fn lua_starts_sends_and_asks_whose_a_file_is(scene) {
        scene.session("aaaaaaaaaa", "fix", "review");
        scene.fake.answers("session/create", json!({ "outcome": { "outcome": "created", "session": "cccccccccc", "name": "made", "path": "/x" } }));
        scene.editor.attach().await;
        scene.editor.lua("require('divisi').new({ prompt = 'do it', agent = 'acp' }, function(made) _G.made = made end)").await;
        scene.editor.until("_G.made ~= nil").await;
        assert_eq!(scene.editor.lua("return _G.made.name").await, "made");
        assert_eq!(scene.fake.called("session/create")[0]["repository"], scene.repository().display().to_string());
        scene.editor.lua("require('divisi').send('fix', 'more', function(_, refusal) _G.sent = refusal == nil end)").await;
        scene.editor.until("_G.sent == true").await;
        assert_eq!(scene.fake.called("session/send")[0]["text"], "more");
        let file = scene.worktree("fix").join("src/a.lua").display().to_string();
        assert_eq!(scene.editor.lua(&format!("return require('divisi').session_of({file:?}).name")).await, "fix");
        assert_eq!(scene.editor.lua("return require('divisi').session_of(0) == nil").await, true);
        scene.editor.lua("require('divisi').run('timeline', 'fix')").await;
        wait_until("asked", || !scene.fake.called("session/timeline").is_empty()).await;
    }

    async fn a_running_turn_is_a_progress_message_where_neovim_has_them(scene) {
        let new = scene.editor.lua("return vim.fn.has('nvim-0.12')").await == 1;
        scene.session("aaaaaaaaaa", "fix", "review");
        scene.editor.attach().await;
        scene.editor.lua("_G.progress = {} pcall(vim.api.nvim_create_autocmd, 'Progress', { callback = function(a) table.insert(_G.progress, { a.data.id, a.data.status }) end })").await;
        scene.editor.ex("Divisi show fix").await;
        scene.editor.until("vim.b.divisi_session == 'aaaaaaaaaa'").await;
        for state in ["running", "review"] {
            scene.fake.set("aaaaaaaaaa", json!({ "state": state }));
            scene.fake.emit("aaaaaaaaaa", "turn.started", json!({ "turn": "aaaaaaaaaa.t1", "number": 1, "text": "x" }));
            scene.editor.until(&format!("require('divisi.mirror').sessions.aaaaaaaaaa.state == {state:?}")).await;
            if new {
                let busy = i32::from(state == "running");
                scene.editor.until(&format!("vim.bo.busy == {busy}")).await;
            }
        }
        let expected = if new { json!([["divisi.aaaaaaaaaa", "running"], ["divisi.aaaaaaaaaa", "success"]]) } else { json!([]) };
        assert_eq!(scene.editor.lua("return #_G.progress == 0 and vim.empty_dict() or _G.progress").await, if new { expected } else { json!({}) });
        scene.editor.assert_calm().await;
    }
}
