use serde_json::json;

use super::{MOST_NEWS, Outbox};

#[test]
fn the_newest_row_of_a_session_replaces_the_older() {
    let mut outbox = Outbox::default();
    outbox.op(json!({ "kind": "event", "n": 1 }));
    outbox.row(json!({ "id": "a", "state": "running" }));
    outbox.row(json!({ "id": "a", "state": "review" }));
    let batch = outbox.take();
    assert_eq!(batch[0], json!({ "kind": "sessions", "sessions": [{ "id": "a", "state": "review" }] }));
    assert_eq!(batch[1]["n"], 1);
    assert!(outbox.is_empty());
}

#[test]
fn a_snapshot_comes_first_and_replaces_what_is_older() {
    let mut outbox = Outbox::default();
    outbox.row(json!({ "id": "old" }));
    outbox.op(json!({ "kind": "approval", "approval": { "id": "old" } }));
    outbox.op(json!({ "kind": "result", "id": 1 }));
    outbox.snapshot(&[json!({ "id": "a" })], &[]);
    outbox.op(json!({ "kind": "approval", "approval": { "id": "new" } }));
    let kinds: Vec<_> = outbox.take().iter().map(|op| op["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["snapshot", "result", "approval"]);
}

#[test]
fn an_editor_that_is_stuck_costs_no_more_than_so_much() {
    let mut outbox = Outbox::default();
    outbox.op(json!({ "kind": "result", "id": 1 }));
    for n in 0..2 * MOST_NEWS {
        outbox.op(json!({ "kind": "event", "n": n }));
    }
    let batch = outbox.take();
    assert_eq!(batch.len(), MOST_NEWS);
    assert_eq!(batch[0]["kind"], "result");
    assert_eq!(batch.last().unwrap()["n"], 2 * MOST_NEWS - 1);
}
