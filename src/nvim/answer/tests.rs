use serde_json::{Value, json};

use super::{refusal, result};
use crate::model::Refusal;

#[test]
fn a_preflight_reads_as_sentences() {
    let shown = result(
        "session/preflight",
        json!({
            "head": "h", "onto": "refs/heads/main", "behind": 1, "ahead": 2, "dirty": true, "stat": { "files": 1, "added": 3, "removed": 4 },
            "conflicts": [{ "with": "main", "paths": ["a\u{1b}", "b"] }], "overlaps": [{ "with": "other", "paths": ["c"] }],
            "checkout": { "path": "/r", "clean": false }, "ready": false, "blockers": ["conflicts with main"],
        }),
    );
    let lines: Vec<&str> = shown["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "onto      main",
            "brings    2 commits, 1 file, +3 −4",
            "base      moved by 1 commit",
            "worktree  has uncommitted changes; they are committed first",
            "conflict  with main: a␛, b",
            "overlaps  with other: c",
            "checkout  /r has changes and is left alone",
            "blocked   conflicts with main",
        ]
    );
    assert_eq!((&shown["ready"], &shown["head"], &shown["conflicts"]), (&json!(false), &json!("h"), &json!(1)));
}

#[test]
fn results_of_another_shape_are_harmless() {
    for method in
        ["session/preflight", "session/diff", "session/list", "session/show", "agent/list", "session/base_file"]
    {
        for value in [
            Value::Null,
            json!(3),
            json!([]),
            json!([1, null, {}]),
            json!({}),
            json!({ "files": [3, { "path": 4 }], "stat": 3 }),
        ] {
            result(method, value);
        }
    }
}

#[test]
fn file_texts_stay_as_they_are_and_everything_else_is_safe() {
    assert_eq!(result("session/base_file", json!({ "text": "a\u{1b}" }))["text"], "a\u{1b}");
    assert_eq!(result("agent/list", json!([{ "description": "a\u{1b}" }]))[0]["description"], "a␛");
    let shown = refusal(&Refusal::user("no\u{1b}[2J\nway").hint("try\u{7} this"));
    assert_eq!(shown, json!({ "kind": "user", "message": "no␛[2J way", "hints": ["try␇ this"] }));
}
