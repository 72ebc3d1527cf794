//! Approvals: seen, never in the way, answered here or elsewhere.

use serde_json::json;

use super::editor::{Scene, wait_until};
use super::in_every_neovim;

const QUEUE: &str = "divisi://approvals";
/// The float, if it is there.
const FLOAT: &str = "(function() for _, w in ipairs(vim.api.nvim_list_wins()) do if vim.api.nvim_win_get_config(w).relative ~= '' then return w end end end)()";

/// An approval arrives while the editor is in a mode; mode, window and cursor stay as they were.
async fn undisturbed(scene: &Scene, id: &str, mode: &str) {
    let here = "return { vim.api.nvim_get_mode().mode, vim.api.nvim_get_current_win(), vim.api.nvim_win_get_cursor(0), vim.fn.getcmdline() }";
    scene.editor.until(&format!("vim.api.nvim_get_mode().mode == '{mode}'")).await;
    let before = scene.editor.lua(here).await;
    scene.fake.ask(id, "aaaaaaaaaa", "cargo test");
    scene.editor.until(FLOAT).await;
    assert_eq!(scene.editor.lua(here).await, before, "in mode {mode}");
    assert!(scene.fake.answer(id, "once", "cli"));
    scene.editor.until(&format!("not {FLOAT}")).await;
    assert_eq!(scene.editor.lua(here).await, before, "in mode {mode}, afterwards");
}

in_every_neovim! {
    async fn files_are_named_from_their_worktree_on(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.attach().await;
        let file = scene.worktree("fix").join("src/new.lua").display().to_string();
        let approval = json!({
            "id": "ap1", "session": "aaaaaaaaaa", "turn": "aaaaaaaaaa.t1", "job": "aaaaaaaaaa.j1", "key": "1", "kind": "permission",
            "tool": { "id": "c", "title": format!("Write {file}"), "kind": "edit", "status": "pending", "diffs": [{ "path": file, "new_text": "x\n" }] },
            "options": [{ "id": "y", "name": "Allow", "kind": "allow_once" }], "state": "open", "asked_at": 1,
        });
        scene.fake.emit("aaaaaaaaaa", "approval.requested", approval);
        scene.editor.ex("Divisi approvals").await;
        scene.editor.shows("divisi://approvals", "  edit: Write src/new.lua").await;
        scene.editor.shows("divisi://approvals", "creates src/new.lua +1").await;
        scene.editor.assert_calm().await;
    }

    async fn the_float_takes_no_focus_in_any_mode(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.ex("edit src/a.lua").await;
        scene.editor.attach().await;
        undisturbed(&scene, "ap1", "n").await;
        scene.editor.keys("ihello").await;
        undisturbed(&scene, "ap2", "i").await;
        scene.editor.keys("<Esc>:echo 12").await;
        undisturbed(&scene, "ap3", "c").await;
        scene.editor.keys("<Esc>d").await;
        undisturbed(&scene, "ap4", "no").await;
        scene.editor.keys("<Esc>Vj").await;
        undisturbed(&scene, "ap5", "V").await;
        scene.editor.keys("<Esc>u:tabnew | terminal cat<CR>i").await;
        undisturbed(&scene, "ap6", "t").await;
        scene.editor.keys("<C-\\><C-n>:bwipeout!<CR>").await;
        scene.editor.until("vim.fn.expand('%:t') == 'a.lua'").await;
        // The operator that was pending and everything else is as it was.
        scene.editor.until("vim.api.nvim_buf_get_lines(0, 0, -1, false)[1] == 'local a = 1'").await;
        scene.editor.assert_calm().await;
    }

    async fn in_the_command_line_window_the_float_waits(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.attach().await;
        scene.editor.keys("q:").await;
        scene.editor.until("vim.fn.getcmdwintype() == ':'").await;
        scene.fake.ask("ap1", "aaaaaaaaaa", "cargo test");
        scene.editor.until("#require('divisi.mirror').approvals == 1").await;
        assert_eq!(scene.editor.lua(&format!("return {FLOAT} == nil and vim.fn.getcmdwintype()")).await, ":");
        scene.editor.keys("<C-c><C-c>").await;
        scene.editor.until(FLOAT).await;
        scene.editor.assert_calm().await;
    }

    async fn the_queue_answers(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.attach().await;
        scene.fake.ask("ap1", "aaaaaaaaaa", "cargo test");
        scene.fake.ask("ap2", "aaaaaaaaaa", "rm -rf build");
        scene.editor.until("#require('divisi.mirror').approvals == 2").await;
        scene.editor.ex("Divisi approvals").await;
        scene.editor.shows(QUEUE, "rm -rf build").await;
        // The queue shows what the float would.
        scene.editor.until(&format!("not {FLOAT}")).await;
        scene.editor.keys("o").await;
        scene.editor.until("#require('divisi.mirror').approvals == 1").await;
        let sent = scene.fake.called("approval/answer");
        assert_eq!((&sent[0]["approval"], &sent[0]["answer"]), (&json!("ap1"), &json!("once")));
        assert!(sent[0]["command_id"].as_str().is_some_and(|id| !id.is_empty()), "so that it can be repeated");
        scene.editor.will_choose(&["reject and say why", "use cargo clean"]).await;
        scene.editor.keys("<CR>").await;
        scene.editor.until("#require('divisi.mirror').approvals == 0").await;
        let sent = scene.fake.called("approval/answer");
        assert_eq!((&sent[1]["answer"], &sent[1]["message"]), (&json!("reject"), &json!("use cargo clean")));
        // The order of the menu: never "always" first.
        let menu = scene.editor.lua("return _G.asked[1].texts").await;
        assert_eq!(menu, json!(["once", "reject", "reject and say why", "always…"]));
        // Nothing is left: the window of the queue goes by itself.
        scene.editor.until("#vim.api.nvim_list_wins() == 1").await;
        scene.editor.assert_calm().await;
    }

    async fn always_asks_how_far_the_narrowest_first(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.attach().await;
        scene.fake.ask("ap1", "aaaaaaaaaa", "cargo test");
        scene.editor.until("#require('divisi.mirror').approvals == 1").await;
        scene.editor.ex("Divisi approvals").await;
        scene.editor.will_choose(&["begins with \"cargo \", in this session"]).await;
        scene.editor.keys("A").await;
        scene.editor.until("#require('divisi.mirror').approvals == 0").await;
        let sent = scene.fake.called("approval/answer");
        assert_eq!(sent[0]["scope"], json!({ "matcher": { "kind": "prefix", "value": "cargo " }, "reach": "session" }));
        let menu = scene.editor.lua("return _G.asked[1].texts").await;
        assert_eq!(menu[0], "exactly this: cargo test, in this session");
    }

    async fn a_question_offers_the_agents_choices(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.attach().await;
        scene.fake.emit("aaaaaaaaaa", "approval.requested", json!({
            "id": "q1", "session": "aaaaaaaaaa", "kind": "question", "tool": { "title": "Which database?", "kind": "other" }, "state": "open",
            "options": [{ "id": "pg", "name": "Postgres", "kind": "x" }, { "id": "sq", "name": "SQLite", "kind": "x" }],
        }));
        scene.editor.until("#require('divisi.mirror').approvals == 1").await;
        scene.editor.ex("Divisi approvals").await;
        scene.editor.will_choose(&["SQLite"]).await;
        scene.fake.answers("approval/answer", json!({}));
        scene.editor.keys("<CR>").await;
        wait_until("approval/answer", || !scene.fake.called("approval/answer").is_empty()).await;
        assert_eq!(scene.fake.called("approval/answer")[0]["option"], "sq");
    }

    async fn answered_elsewhere_it_disappears_everywhere(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.attach().await;
        scene.editor.lua("_G.resolved = {} vim.api.nvim_create_autocmd('User', { pattern = 'DivisiApprovalResolved', callback = function(a) table.insert(_G.resolved, a.data) end })").await;
        scene.fake.ask("ap1", "aaaaaaaaaa", "cargo test");
        scene.editor.until(FLOAT).await;
        assert_eq!(scene.editor.lua("return require('divisi').statusline()").await, "1 waiting");
        scene.editor.ex("Divisi approvals").await;
        scene.editor.shows(QUEUE, "cargo test").await;
        assert!(scene.fake.answer("ap1", "reject", "cli"));
        scene.editor.shows(QUEUE, "Nothing waits").await;
        scene.editor.until(&format!("not {FLOAT} and require('divisi').statusline() == '1 running'")).await;
        let resolved = scene.editor.lua("return _G.resolved").await;
        assert_eq!((&resolved[0]["id"], &resolved[0]["answer"], &resolved[0]["by"]), (&json!("ap1"), &json!("reject"), &json!("cli")));
        scene.editor.assert_calm().await;
    }

    async fn a_late_answer_is_one_message(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.attach().await;
        scene.fake.ask("ap1", "aaaaaaaaaa", "cargo test");
        scene.editor.until("#require('divisi.mirror').approvals == 1").await;
        scene.editor.ex("Divisi approvals").await;
        scene.fake.refuses("approval/answer", "conflict", "cli answered first");
        scene.editor.lua("_G.notices = {}").await;
        scene.editor.keys("o").await;
        scene.editor.until("_G.told('cli answered first')").await;
        scene.editor.assert_calm().await;
    }

    async fn each_approval_is_told_once_and_held_ones_not_at_all(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.session("bbbbbbbbbb", "quiet", "running");
        scene.fake.set("bbbbbbbbbb", json!({ "policy": "hold" }));
        scene.editor.attach().await;
        scene.fake.ask("ap1", "bbbbbbbbbb", "make");
        scene.editor.until("#require('divisi.mirror').approvals == 1").await;
        scene.fake.ask("ap2", "aaaaaaaaaa", "cargo test");
        scene.editor.until("#_G.notices >= 1").await;
        scene.fake.emit("aaaaaaaaaa", "agent.plan", json!({ "entries": [] }));
        scene.fake.say("aaaaaaaaaa", "waiting");
        scene.fake.set("aaaaaaaaaa", json!({ "activity": "now" }));
        scene.fake.emit("aaaaaaaaaa", "agent.plan", json!({ "entries": [] }));
        scene.editor.until("require('divisi.mirror').sessions.aaaaaaaaaa.activity == 'now'").await;
        assert_eq!(scene.editor.notices().await, ["divisi: fix asks: cargo test"]);
    }

    async fn what_is_answered_by_itself_is_told_only_when_it_stays(scene) {
        scene.session("aaaaaaaaaa", "run", "running");
        scene.session("bbbbbbbbbb", "other", "running");
        scene.fake.set("aaaaaaaaaa", json!({ "policy": "auto" }));
        scene.editor.attach().await;
        scene.editor.until("require('divisi.mirror').sessions.aaaaaaaaaa.policy == 'auto'").await;
        scene.fake.ask("ap1", "aaaaaaaaaa", "make");
        scene.editor.until("#require('divisi.mirror').approvals == 1").await;
        assert!(scene.fake.answer("ap1", "once", "policy"));
        scene.editor.until("#require('divisi.mirror').approvals == 0").await;
        scene.fake.ask("ap2", "bbbbbbbbbb", "cargo test");
        scene.editor.until("#_G.notices >= 1").await;
        assert_eq!(scene.editor.notices().await, ["divisi: other asks: cargo test"]);
        // One that nothing answers waits for a person after all.
        scene.fake.ask("ap3", "aaaaaaaaaa", "make all");
        scene.editor.until("_G.told('run asks: make all')").await;
    }

    async fn many_notices_never_ask_for_a_key(scene) {
        scene.editor.lua("vim.notify = function(t) vim.api.nvim_echo({ { t } }, true, {}) end").await;
        for n in 0..20 {
            scene.session(&format!("s{n:09}"), &format!("a-rather-long-name-{n}"), "running");
        }
        scene.editor.attach().await;
        for n in 0..20 {
            scene.fake.ask(&format!("ap{n}"), &format!("s{n:09}"), &"very long command ".repeat(20));
        }
        scene.editor.until("#require('divisi.mirror').approvals == 20").await;
        scene.editor.until(FLOAT).await;
        scene.editor.assert_calm().await;
        for n in 0..20 {
            assert!(scene.fake.answer(&format!("ap{n}"), "once", "cli"));
        }
        scene.editor.until(&format!("not {FLOAT}")).await;
        scene.editor.assert_calm().await;
    }

    async fn without_a_message_line_nothing_asks_for_a_key_either(scene) {
        scene.editor.lua("vim.o.cmdheight = 0 vim.notify = function(t) table.insert(_G.notices, { text = t }) vim.api.nvim_echo({ { t } }, true, {}) end").await;
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.attach().await;
        for n in 0..3 {
            scene.fake.ask(&format!("ap{n}"), "aaaaaaaaaa", &"long ".repeat(100));
            scene.editor.until(&format!("#_G.notices == {}", n + 1)).await;
            scene.editor.keys("j").await;
            scene.editor.until("vim.api.nvim_get_mode().mode == 'n'").await;
        }
        scene.editor.assert_calm().await;
    }

    async fn a_float_that_was_closed_comes_back_only_for_the_next(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.attach().await;
        scene.fake.ask("ap1", "aaaaaaaaaa", "cargo test");
        scene.editor.until(FLOAT).await;
        scene.editor.lua(&format!("vim.api.nvim_win_close({FLOAT}, true)")).await;
        scene.fake.set("aaaaaaaaaa", json!({ "activity": "waits" }));
        scene.fake.emit("aaaaaaaaaa", "agent.plan", json!({ "entries": [] }));
        scene.editor.until("require('divisi.mirror').sessions.aaaaaaaaaa.activity == 'waits'").await;
        scene.editor.ex("tabnew").await;
        assert_eq!(scene.editor.lua(&format!("return {FLOAT} == nil")).await, true);
        scene.fake.ask("ap2", "aaaaaaaaaa", "make");
        scene.editor.until(FLOAT).await;
        // It goes with the person from tab to tab, and there is only one.
        scene.editor.ex("tabprevious").await;
        scene.editor.until(&format!("vim.api.nvim_win_get_tabpage({FLOAT} or 0) == vim.api.nvim_get_current_tabpage()")).await;
        scene.editor.until("#vim.tbl_filter(function(w) return vim.api.nvim_win_get_config(w).relative ~= '' end, vim.api.nvim_list_wins()) == 1").await;
        scene.editor.assert_calm().await;
    }

    async fn windows_diffs_and_quickfix_of_the_person_stay(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.ex("edit src/a.lua").await;
        scene.editor.ex("vertical diffsplit src/only_here.lua").await;
        scene.editor.ex("vimgrep /local/ src/*.lua").await;
        scene.editor.ex("copen").await;
        scene.editor.ex("wincmd p").await;
        let layout = "local out = { vim.fn.winlayout(), vim.api.nvim_get_current_win(), vim.fn.getqflist({ title = 1, size = 1 }) }
            for _, w in ipairs(vim.api.nvim_list_wins()) do
              if vim.api.nvim_win_get_config(w).relative == '' then table.insert(out, { w, vim.wo[w].diff, vim.api.nvim_win_get_width(w), vim.api.nvim_win_get_height(w), vim.api.nvim_win_get_buf(w) }) end
            end
            return out";
        let before = scene.editor.lua(layout).await;
        scene.editor.attach().await;
        scene.fake.ask("ap1", "aaaaaaaaaa", "cargo test");
        scene.editor.until(FLOAT).await;
        scene.fake.turn("aaaaaaaaaa", 1, "more");
        scene.fake.emit("aaaaaaaaaa", "turn.ended", json!({ "turn": "aaaaaaaaaa.t1" }));
        scene.editor.until("#_G.notices >= 2").await;
        assert_eq!(scene.editor.lua(layout).await, before);
        // Our own views come and go; what was there is there again.
        scene.editor.ex("Divisi list").await;
        scene.editor.ex("Divisi approvals").await;
        scene.editor.keys("q").await;
        scene.editor.until("vim.bo.filetype ~= 'divisi-approvals'").await;
        scene.editor.lua("for _, w in ipairs(vim.api.nvim_list_wins()) do if vim.w[w].divisi == 'list' then vim.api.nvim_win_close(w, false) end end").await;
        let after = scene.editor.lua("return { vim.fn.winlayout(), #vim.api.nvim_tabpage_list_wins(0) }").await;
        assert_eq!(after[0], before[0]);
        scene.editor.assert_calm().await;
    }
}
