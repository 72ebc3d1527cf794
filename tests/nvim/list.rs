//! The list of sessions.

use serde_json::json;

use super::in_every_neovim;

const LIST: &str = "divisi://sessions";

in_every_neovim! {
    async fn what_needs_a_person_comes_first(scene) {
        scene.session("aaaaaaaaaa", "runs", "running");
        scene.session("bbbbbbbbbb", "fails", "failed");
        scene.session("cccccccccc", "asks", "awaiting_input");
        scene.session("dddddddddd", "done", "completed");
        scene.editor.ex("Divisi list").await;
        scene.editor.shows(LIST, "done").await;
        let names: Vec<String> = scene.editor.lines(LIST).await.iter().skip(1).map(|line| line.split_whitespace().nth(2).unwrap().to_owned()).collect();
        assert_eq!(names, ["asks", "fails", "runs", "done"]);
        scene.editor.assert_calm().await;
    }

    async fn an_update_touches_only_the_row_that_changed(scene) {
        scene.session("aaaaaaaaaa", "one", "running");
        scene.session("bbbbbbbbbb", "two", "running");
        scene.session("cccccccccc", "three", "running");
        scene.editor.ex("Divisi list").await;
        scene.editor.shows(LIST, "three").await;
        scene.editor.lua("_G.changes = {} vim.api.nvim_buf_attach(0, false, { on_lines = function(_, _, _, first, last, new) table.insert(_G.changes, { first, last, new }) end })").await;
        scene.fake.set("bbbbbbbbbb", json!({ "activity": "edits a file" }));
        scene.fake.emit("bbbbbbbbbb", "agent.plan", json!({ "entries": [] }));
        scene.editor.shows(LIST, "edits a file").await;
        assert_eq!(scene.editor.lua("return _G.changes").await, json!([[2, 3, 3]]));
        // The same again changes nothing.
        scene.fake.emit("bbbbbbbbbb", "agent.plan", json!({ "entries": [] }));
        scene.fake.set("cccccccccc", json!({ "activity": "runs tests" }));
        scene.fake.emit("cccccccccc", "agent.plan", json!({ "entries": [] }));
        scene.editor.shows(LIST, "runs tests").await;
        assert_eq!(scene.editor.lua("return #_G.changes").await, 2);
        scene.editor.assert_calm().await;
    }

    async fn the_cursor_stays_on_its_session(scene) {
        scene.session("aaaaaaaaaa", "one", "running");
        scene.session("bbbbbbbbbb", "two", "running");
        scene.editor.ex("Divisi list").await;
        scene.editor.shows(LIST, "two").await;
        scene.editor.ex("3").await;
        let before = scene.editor.lua("return require('divisi.ui.list').under_cursor()").await;
        let before = before.as_str().unwrap();
        scene.fake.set(before, json!({ "state": "failed", "reason": "it broke" }));
        scene.fake.emit(before, "turn.stopped", json!({ "turn": "t", "outcome": "failed", "reason": "it broke" }));
        scene.editor.shows(LIST, "it broke").await;
        assert_eq!(scene.editor.lua("return { vim.fn.line('.'), require('divisi.ui.list').under_cursor() }").await, json!([2, before]));
    }

    async fn a_removed_session_leaves(scene) {
        scene.session("aaaaaaaaaa", "one", "running");
        scene.editor.ex("Divisi list").await;
        scene.editor.shows(LIST, "one").await;
        scene.session("bbbbbbbbbb", "two", "running");
        scene.fake.emit("bbbbbbbbbb", "session.created", json!({}));
        scene.editor.shows(LIST, "two").await;
        scene.fake.set("aaaaaaaaaa", json!({ "removed": true }));
        scene.fake.emit("aaaaaaaaaa", "session.removed", json!({ "preserved": null }));
        scene.fake.forget("bbbbbbbbbb");
        scene.fake.emit("bbbbbbbbbb", "session.removed", json!({ "preserved": null }));
        scene.editor.shows(LIST, "No sessions yet").await;
        scene.editor.assert_calm().await;
    }

    async fn the_list_survives_being_wiped_and_edited_by_name(scene) {
        scene.session("aaaaaaaaaa", "one", "running");
        scene.editor.ex("edit divisi://sessions").await;
        scene.editor.shows(LIST, "one").await;
        scene.editor.ex("bwipeout").await;
        scene.fake.set("aaaaaaaaaa", json!({ "state": "review" }));
        scene.fake.emit("aaaaaaaaaa", "agent.plan", json!({ "entries": [] }));
        scene.editor.ex("Divisi list").await;
        scene.editor.shows(LIST, "review").await;
        scene.editor.assert_calm().await;
    }

    async fn a_modeline_of_an_agent_does_nothing(scene) {
        scene.session("aaaaaaaaaa", "one", "running");
        scene.fake.set("aaaaaaaaaa", json!({ "activity": "vim: set tabstop=13 :" }));
        scene.editor.ex("set modeline modelines=5").await;
        scene.editor.attach().await;
        scene.editor.ex("edit divisi://sessions").await;
        scene.editor.shows(LIST, "tabstop=13").await;
        scene.editor.ex("doautocmd BufEnter").await;
        assert_eq!(scene.editor.lua("return vim.bo.tabstop").await, 8);
    }

    async fn bad_data_never_errors(scene) {
        scene.session("aaaaaaaaaa", "good", "running");
        scene.fake.put(json!({ "id": "bad\n\u{1b}[31m", "name": "x\ny\u{1b}]0;title\u{7}", "state": { "not": "a string" }, "stat": [], "queue": 4, "usage": { "cost_micros": "much" }, "updated_at": "now" }));
        scene.fake.put(json!({ "id": "long", "name": "n".repeat(100_000), "state": "s".repeat(100_000), "activity": "a\u{202e}b".repeat(100_000) }));
        scene.fake.put(json!({ "id": 4 }));
        scene.fake.put(json!([]));
        scene.editor.ex("Divisi list").await;
        scene.editor.ex("Divisi show good").await;
        scene.editor.shows(LIST, "good").await;
        scene.fake.raw("this is no JSON");
        scene.fake.raw("{\"jsonrpc\":\"2.0\",\"method\":\"event/batch\",\"params\":7}");
        scene.fake.raw("{\"jsonrpc\":\"2.0\",\"method\":\"unheard/of\",\"params\":{}}");
        scene.fake.raw("{\"jsonrpc\":\"2.0\",\"id\":999999,\"result\":{}}");
        for params in [
            json!({ "events": 1, "sessions": "x" }),
            json!({ "events": [null, 3, "x", [], {}], "sessions": [null, 3, "x", [], {}, { "id": 4 }] }),
            json!({ "events": [{ "seq": "one", "type": 3 }, { "seq": -1, "type": "approval.requested", "payload": { "id": 3 } }], "sessions": [] }),
            json!({ "events": [{ "type": "approval.requested", "session": "aaaaaaaaaa", "payload": { "id": "q", "session": "nobody", "options": 3, "tool": [], "command_line": {} } }], "sessions": [] }),
            json!({ "events": [{ "type": "turn.ended", "session": 3, "payload": [] }, { "type": "landing.changed", "session": "nobody", "payload": { "state": "completed" } }], "sessions": [] }),
        ] {
            scene.fake.tell(&params);
        }
        // Whatever the connection made of that, what follows is shown.
        scene.fake.say("aaaaaaaaaa", &"w".repeat(3_000_000));
        scene.fake.say("aaaaaaaaaa", "\nthe end");
        scene.editor.shows("divisi://session/good", "the end").await;
        scene.editor.until("#require('divisi.mirror').sorted() == 3").await;
        let lines = scene.editor.lines(LIST).await;
        assert_eq!(lines.iter().filter(|line| !line.starts_with('▾')).count(), 3, "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains(['\u{1b}', '\u{7}', '\u{202e}', '\n'])), "{lines:?}");
        assert!(lines.iter().all(|line| line.chars().count() < 400));
        let transcript = scene.editor.lines("divisi://session/good").await;
        assert!(transcript.iter().all(|line| line.len() <= 16 * 1024 + 4));
        scene.editor.ex("Divisi approvals").await;
        scene.editor.assert_calm().await;
    }
}
