//! What evaluations said, where a person decides: the list, the review, the landing.

use serde_json::{Value, json};

use super::in_every_neovim;

fn evaluation(fields: &Value) -> Value {
    let mut summary = json!({
        "id": "aaaaaaaaaa.e1", "suite": "gates", "commit": "0123456789".repeat(4), "good": 1, "ended": 2, "evaluators": 2,
        "state": "done", "started_at": 1,
    });
    for (name, value) in fields.as_object().unwrap() {
        summary[name] = value.clone();
    }
    json!({ "evaluation": summary })
}

in_every_neovim! {
    async fn a_row_a_review_and_a_landing_tell_the_newest_verdict(scene) {
        scene.session("aaaaaaaaaa", "fix", "review");
        scene.session("bbbbbbbbbb", "never-judged", "review");
        scene.editor.ex("Divisi list").await;
        scene.editor.shows("divisi://sessions", "never-judged").await;
        assert!(!scene.editor.lines("divisi://sessions").await.join("\n").contains("1/2"));
        for (fields, short, group) in [
            (json!({ "state": "running", "ended": 1 }), "… 1/2", "DivisiRunning"),
            (json!({}), "✗ 1/2", "DivisiFailed"),
            (json!({ "good": 2, "passed": true, "score": 97 }), "✓ 2/2", "DivisiReviewDone"),
        ] {
            scene.fake.set("aaaaaaaaaa", evaluation(&fields));
            scene.fake.emit("aaaaaaaaaa", "evaluation.ended", json!({ "id": "aaaaaaaaaa.e1" }));
            scene.editor.shows("divisi://sessions", short).await;
            let cell = format!(
                "return vim.iter(require('divisi.ui.list_rows').lines(require('divisi').sessions(), 100, '', {{}})):any(function(line)
                   return vim.iter(line.cells):any(function(cell) return vim.trim(cell[1]) == {short:?} and cell[2] == {group:?} end) end)"
            );
            assert_eq!(scene.editor.lua(&cell).await, true, "{short} has no {group}");
        }
        scene.fake.answers("session/preflight", json!({
            "session": "aaaaaaaaaa", "head": "c".repeat(40), "onto": "refs/heads/main", "behind": 0, "ahead": 1, "dirty": false,
            "stat": { "files": 1, "added": 1, "removed": 1 }, "conflicts": [], "overlaps": [], "ready": true, "blockers": [],
            "gates": { "suite": "gates", "required": ["tests", "lint"], "standing": "failed", "failed": ["lint"] },
        }));
        scene.fake.answers("review/show", json!({ "message": "fix it\n", "of": "session", "round": 0, "rejected": [], "comments": [],
            "diff": { "stat": { "files": 1, "added": 1, "removed": 1 }, "files": [{ "path": "src/a.lua", "status": "modified", "binary": false, "added": 1, "removed": 1,
                "content": "c", "hunks": [{ "id": "h", "old_start": 2, "old_lines": 1, "new_start": 2, "new_lines": 1, "heading": "",
                    "lines": ["-local b = 2", "+local b = 3"] }] }] } }));
        scene.editor.ex("Divisi land fix").await;
        scene.editor.shows("divisi://land/fix", "# gates     gates: not passed: lint").await;
        scene.editor.shows("divisi://land/fix", "# judged    gates at 0123456789: passed, 2 of 2, score 97").await;
        scene.editor.keys("q").await;
        scene.editor.ex("Divisi review fix").await;
        scene.editor.shows("divisi://review/fix", "✓ 2/2 gates at 0123456789: passed").await;
        scene.editor.assert_calm().await;
    }
}
