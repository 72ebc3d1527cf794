//! The work itself: start, send, stop, diff, switch, land, remove, and files that change.

use serde_json::{Value, json};

use super::editor::{Scene, wait_until, write};
use super::in_every_neovim;

async fn called(scene: &Scene, method: &str) -> Value {
    wait_until(method, || !scene.fake.called(method).is_empty()).await;
    scene.fake.called(method).last().unwrap().clone()
}

fn changed(path: &str, status: &str) -> Value {
    json!({ "path": path, "status": status, "binary": false, "added": 1, "removed": 1 })
}

fn preflight(ready: bool) -> Value {
    json!({
        "session": "aaaaaaaaaa", "head": "c".repeat(40), "onto": "refs/heads/main", "onto_commit": "o".repeat(40), "behind": 2,
        "ahead": 1, "dirty": true, "stat": { "files": 2, "added": 5, "removed": 1 }, "conflicts": [], "overlaps": [],
        "ready": ready, "blockers": if ready { json!([]) } else { json!(["the base moved"]) },
    })
}

in_every_neovim! {
    async fn new_sends_the_prompt_and_the_range(scene) {
        scene.editor.ex("edit src/a.lua").await;
        scene.editor.ex("1,2Divisi new --name fix --agent acp why is b two").await;
        let sent = called(&scene, "session/create").await;
        assert_eq!((&sent["name"], &sent["agent"]), (&json!("fix"), &json!("acp")));
        assert_eq!(sent["prompt"], "why is b two\n\nsrc/a.lua:1-2\n```lua\nlocal a = 1\nlocal b = 2\n```");
        assert_eq!(sent["repository"], scene.repository().join("src").display().to_string());
        assert_eq!(scene.fake.called("agent/variables").last().unwrap()["agent"], "acp");
        assert!(sent["caller"]["HOME"].is_string() && sent["caller"]["NOT_SET_HERE"].is_null(), "{sent}");
        assert!(sent["caller"].as_object().unwrap().contains_key("NOT_SET_HERE"), "what is not set is said to be so: {sent}");
        scene.editor.until("#_G.notices == 1").await;
        scene.editor.ex("Divisi new --nme x y").await;
        scene.editor.until("_G.told('--nme is not an option')").await;
        assert_eq!(scene.fake.called("session/create").len(), 1);
        scene.editor.assert_calm().await;
    }

    async fn a_refusal_is_one_line_with_its_hint(scene) {
        scene.fake.refuses("session/create", "user", "no agent is called x");
        scene.editor.ex("Divisi new --agent x do it").await;
        scene.editor.until("#_G.notices == 1").await;
        assert_eq!(scene.editor.notices().await, ["divisi: no agent is called x (try something else)"]);
    }

    async fn send_and_stop_reach_the_session(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.ex("Divisi send fix and   then this").await;
        let sent = called(&scene, "session/send").await;
        assert_eq!((&sent["session"], &sent["text"]), (&json!("aaaaaaaaaa"), &json!("and   then this")));
        scene.editor.ex("Divisi stop fix").await;
        assert_eq!(called(&scene, "session/stop").await["session"], "aaaaaaaaaa");
        scene.editor.ex("Divisi send nobody x").await;
        scene.editor.until("_G.told('no session \"nobody\"')").await;
        scene.editor.assert_calm().await;
    }

    async fn keys_of_the_list_act_on_the_row(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.ex("Divisi list").await;
        scene.editor.shows("divisi://sessions", "fix").await;
        scene.editor.keys("icarry on<Esc><CR>").await;
        assert_eq!(called(&scene, "session/send").await["text"], "carry on");
        scene.editor.keys("q").await;
        scene.editor.until("vim.bo.filetype == 'divisi-sessions'").await;
        scene.editor.keys("s").await;
        assert_eq!(called(&scene, "session/stop").await["session"], "aaaaaaaaaa");
        scene.editor.keys("g?").await;
        scene.editor.until("table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), ' '):find('dd    remove')").await;
        scene.editor.keys("q").await;
        scene.editor.until("vim.bo.filetype == 'divisi-sessions'").await;
        scene.editor.keys("<CR>").await;
        scene.editor.until("vim.bo.filetype == 'divisi-transcript'").await;
        scene.editor.assert_calm().await;
    }

    async fn from_the_list_a_tab_is_switched_or_opened(scene) {
        scene.session("aaaaaaaaaa", "fix", "review");
        let tree = scene.worktree("fix").display().to_string();
        scene.editor.ex("edit src/a.lua").await;
        scene.editor.ex("Divisi list").await;
        scene.editor.shows("divisi://sessions", "fix").await;
        scene.editor.keys("o").await;
        scene.editor.until("#vim.api.nvim_list_tabpages() == 2").await;
        assert_eq!(scene.editor.lua("return { vim.fn.expand('%:p'), vim.fn.getcwd() }").await, json!([format!("{tree}/src/a.lua"), tree]));
        scene.editor.ex("tabclose").await;
        assert_eq!(scene.editor.lua("return { vim.bo.filetype, vim.fn.getcwd() }").await, json!(["divisi-sessions", scene.repository().display().to_string()]));
        scene.editor.keys("W").await;
        scene.editor.until("vim.t.divisi_session == 'aaaaaaaaaa'").await;
        // The file beside the list went along, the list stayed where it is.
        let wins = scene.editor.lua("return vim.tbl_map(function(w) return vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(w)) end, vim.api.nvim_tabpage_list_wins(0))").await;
        assert_eq!(wins, json!([format!("{tree}/src/a.lua"), "divisi://sessions"]));
        assert_eq!(scene.editor.lua("return { vim.fn.getcwd(), vim.bo.filetype }").await, json!([tree, "divisi-sessions"]));
        scene.editor.assert_calm().await;
    }

    async fn diff_opens_a_tab_of_its_own(scene) {
        scene.session("aaaaaaaaaa", "fix", "review");
        scene.fake.answers("session/diff", json!({ "stat": {}, "files": [changed("src/a.lua", "modified"), changed("gone.txt", "deleted")] }));
        scene.fake.answers("session/base_file", json!({ "text": "local a = 1\nlocal b = 2\nreturn a + b\n" }));
        scene.editor.ex("edit src/only_here.lua").await;
        scene.editor.will_choose(&["M src/a.lua"]).await;
        scene.editor.ex("Divisi diff fix").await;
        scene.editor.until("#vim.api.nvim_list_tabpages() == 2").await;
        scene.editor.until("vim.t.divisi_diff == 'src/a.lua' and #vim.api.nvim_tabpage_list_wins(0) == 2").await;
        let wins = scene.editor.lua("return vim.tbl_map(function(w) local b = vim.api.nvim_win_get_buf(w) return { vim.api.nvim_buf_get_name(b), vim.wo[w].diff, vim.bo[b].modifiable, vim.api.nvim_buf_get_lines(b, 1, 2, false)[1], vim.bo[b].filetype } end, vim.api.nvim_tabpage_list_wins(0))").await;
        let real = scene.worktree("fix").join("src/a.lua").display().to_string();
        assert_eq!(wins, json!([
            ["divisi://base/fix/src/a.lua", true, false, "local b = 2", "lua"],
            [real, true, true, "local b = 3", "lua"],
        ]));
        assert_eq!(scene.editor.lua("return vim.fn.getcwd()").await, scene.worktree("fix").display().to_string());
        scene.editor.keys("<C-w>h").await;
        scene.editor.keys("q").await;
        scene.editor.until("#vim.api.nvim_list_tabpages() == 1").await;
        assert_eq!(scene.editor.lua("return { vim.fn.expand('%:t'), vim.wo.diff, vim.fn.getcwd() }").await, json!(["only_here.lua", false, scene.repository().display().to_string()]));
        assert_eq!(scene.editor.lua("return vim.fn.bufexists('divisi://base/fix/src/a.lua')").await, 0);
        // A deleted file against nothing, by name.
        scene.editor.ex("Divisi diff fix gone.txt").await;
        scene.editor.until("vim.t.divisi_diff == 'gone.txt'").await;
        scene.editor.assert_calm().await;
    }

    async fn switch_takes_the_file_along(scene) {
        scene.session("aaaaaaaaaa", "fix", "review");
        let here = "return { vim.api.nvim_buf_get_name(0), vim.fn.getcwd(), #vim.api.nvim_list_tabpages(), vim.fn.line('.') }";
        let (main, tree) = (scene.repository(), scene.worktree("fix"));
        let file = |root: &std::path::Path| root.join("src/a.lua").display().to_string();
        scene.editor.ex("edit +2 src/a.lua").await;
        scene.editor.ex("Divisi switch fix").await;
        scene.editor.until("#vim.api.nvim_list_tabpages() == 2 and vim.t.divisi_session == 'aaaaaaaaaa'").await;
        assert_eq!(scene.editor.lua(here).await, json!([file(&tree), tree.display().to_string(), 2, 2]));
        // The same again goes to that tab.
        scene.editor.ex("tabfirst").await;
        assert_eq!(scene.editor.lua("return vim.fn.getcwd()").await, main.display().to_string());
        scene.editor.ex("Divisi switch fix").await;
        scene.editor.until("vim.fn.tabpagenr() == 2").await;
        // Without a session this tab goes back.
        scene.editor.ex("Divisi switch").await;
        scene.editor.until("vim.t.divisi_session == nil").await;
        assert_eq!(scene.editor.lua(here).await, json!([file(&main), main.display().to_string(), 2, 2]));
        // With ! this tab goes there, and says when the file is not there.
        scene.editor.ex("edit src/only_here.lua").await;
        scene.editor.ex("Divisi! switch fix").await;
        scene.editor.until("vim.t.divisi_session == 'aaaaaaaaaa'").await;
        scene.editor.until("_G.told('only_here.lua is not in')").await;
        assert_eq!(scene.editor.lua("return { vim.fn.expand('%:t'), vim.fn.getcwd() }").await, json!(["only_here.lua", tree.display().to_string()]));
        scene.editor.assert_calm().await;
    }

    async fn landing_is_a_buffer_that_is_written(scene) {
        scene.session("aaaaaaaaaa", "fix", "review");
        let clean = |ready: bool| { let mut found = preflight(ready); found["dirty"] = json!(false); found };
        scene.fake.answers("session/preflight", clean(true));
        scene.fake.answers("review/show", json!({ "message": "fix it\n", "diff": { "files": [] } }));
        scene.editor.ex("Divisi land fix").await;
        scene.editor.until("vim.api.nvim_buf_get_name(0) == 'divisi://land/fix'").await;
        assert!(scene.fake.called("landing/start").is_empty());
        scene.editor.keys("<Tab>").await;
        scene.editor.until("table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false)):find('# strategy  rebase', 1, true)").await;
        scene.editor.ex("write").await;
        let sent = called(&scene, "landing/start").await;
        assert_eq!((&sent["session"], &sent["strategy"], &sent["expect"]), (&json!("aaaaaaaaaa"), &json!("rebase"), &json!("c".repeat(40))));
        scene.editor.until("#vim.api.nvim_list_wins() == 1").await;
        // What is uncommitted has no commit yet that could be named.
        scene.fake.answers("session/preflight", preflight(true));
        scene.editor.ex("Divisi land fix").await;
        scene.editor.until("vim.api.nvim_buf_get_name(0) == 'divisi://land/fix'").await;
        scene.editor.ex("write").await;
        scene.editor.until("#vim.api.nvim_list_wins() == 1").await;
        assert_eq!(scene.fake.called("landing/start")[1].get("expect"), None);
        scene.fake.answers("session/preflight", clean(false));
        scene.editor.ex("Divisi land fix").await;
        scene.editor.until("vim.api.nvim_buf_get_name(0) == 'divisi://land/fix'").await;
        scene.editor.ex("write").await;
        scene.editor.until("_G.told('cannot land: the base moved')").await;
        assert_eq!(scene.fake.called("landing/start").len(), 2);
        scene.editor.assert_calm().await;
    }

    async fn a_conflicted_landing_is_continued_or_given_up(scene) {
        scene.session("aaaaaaaaaa", "fix", "review");
        scene.fake.set("aaaaaaaaaa", json!({ "landing": { "state": "conflicted", "paths": ["src/a.lua"] } }));
        for (choice, method) in [("Continue", "landing/continue"), ("Give the landing up", "landing/abort")] {
            scene.fake.answers(method, json!({ "outcome": { "outcome": "done" } }));
            scene.editor.will_choose(&[choice]).await;
            scene.editor.ex("Divisi land fix").await;
            assert_eq!(called(&scene, method).await["session"], "aaaaaaaaaa");
        }
        scene.editor.will_choose(&["Look at the worktree"]).await;
        scene.editor.ex("Divisi land fix").await;
        scene.editor.until("vim.t.divisi_session == 'aaaaaaaaaa'").await;
        assert!(scene.fake.called("landing/start").is_empty());
        scene.editor.assert_calm().await;
    }

    async fn remove_says_what_would_be_lost(scene) {
        scene.session("aaaaaaaaaa", "fix", "review");
        scene.fake.answers("session/preflight", preflight(true));
        scene.editor.ex("Divisi list").await;
        scene.editor.shows("divisi://sessions", "fix").await;
        scene.editor.lua("_G.shown = nil vim.ui.select = function(items, opts, done)
            for _, w in ipairs(vim.api.nvim_list_wins()) do
              if vim.api.nvim_win_get_config(w).relative ~= '' then _G.shown = table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(w), 0, -1, false), '\\n') end
            end
            _G.first = opts.format_item(items[1])
            done(items[2], 2) end").await;
        scene.editor.keys("dd").await;
        let sent = called(&scene, "session/remove").await;
        assert_eq!((&sent["session"], &sent["discard"]), (&json!("aaaaaaaaaa"), &json!(true)));
        let shown = scene.editor.lua("return _G.shown").await;
        let shown = shown.as_str().unwrap();
        assert!(shown.contains("not landed: 1 commit, 2 files, +5 −1") && shown.contains("uncommitted changes") && shown.contains("refs/divisi/preserved/aaaaaaaaaa"), "{shown}");
        assert_eq!(scene.editor.lua("return _G.first").await, "Keep it");
        scene.editor.assert_calm().await;
    }

    async fn files_that_agents_change_are_reloaded_and_edits_are_kept(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        let (clean, dirty) = (scene.worktree("fix").join("src/a.lua"), scene.worktree("fix").join("src/dirty.lua"));
        write(&dirty, "mine\n");
        scene.editor.attach().await;
        scene.editor.ex("set noautoread").await;
        scene.editor.ex(&format!("edit {}", dirty.display())).await;
        scene.editor.keys("omore<Esc>").await;
        scene.editor.until("vim.bo.modified").await;
        scene.editor.ex(&format!("split {}", clean.display())).await;
        write(&clean, "return 'from the agent, longer than before'\n");
        write(&dirty, "theirs, and longer\n");
        scene.fake.set("aaaaaaaaaa", json!({ "state": "review" }));
        scene.fake.emit("aaaaaaaaaa", "turn.ended", json!({ "turn": "aaaaaaaaaa.t1", "head": "x" }));
        scene.editor.until("vim.fn.getline(1):find('from the agent')").await;
        let kept = scene.editor.lua(&format!("local b = vim.fn.bufnr({:?}) return {{ vim.api.nvim_buf_get_lines(b, 0, -1, false), vim.bo[b].modified }}", dirty.display().to_string())).await;
        assert_eq!(kept, json!([["mine", "more"], true]));
        scene.editor.until("_G.told('fix review')").await;
        scene.editor.assert_calm().await;
    }
}
