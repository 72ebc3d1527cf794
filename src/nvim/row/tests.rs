use serde_json::{Value, json};

use super::{approval, approval_change, event, gone, session};

#[test]
fn the_rank_is_the_daemon_s_and_those_without_one_come_last() {
    let rank = |attention: Value| session(&json!({ "id": "a", "attention": attention })).unwrap()["rank"].clone();
    assert_eq!(rank(json!(3)), 3);
    for odd in [json!(null), json!("first"), json!(-1), json!({})] {
        assert_eq!(rank(odd), 255);
    }
}

#[test]
fn text_is_safe_and_short_paths_are_as_they_are() {
    let path = "/a\u{1b}b/\nc";
    let row = session(&json!({
        "id": "a", "name": "x\u{1b}[31m\ny", "state": "running", "activity": "z".repeat(10_000), "worktree": { "path": path },
    }))
    .unwrap();
    assert_eq!(row["name"], "x␛[31m y");
    assert_eq!(row["activity"].as_str().unwrap().chars().count(), 200);
    assert_eq!(row["path"], path);
}

#[test]
fn fields_of_another_type_are_left_out() {
    let row =
        session(&json!({ "id": "a", "name": 4, "state": [], "queue": "x", "stat": 7, "unread": "yes", "usage": [] }))
            .unwrap();
    assert_eq!(
        (&row["name"], &row["state"], &row["queued"], &row["files"]),
        (&json!("a"), &json!("unknown"), &json!(0), &json!(0))
    );
    assert_eq!((&row["unread"], &row["cost"]), (&json!(false), &Value::Null));
    for view in [json!(null), json!([]), json!({}), json!({ "id": 3 }), json!({ "id": "" })] {
        assert_eq!(session(&view), None);
    }
}

#[test]
fn money_is_labelled() {
    let cost = |told: Value| {
        let mut usage = json!(crate::model::usage::Usage::default());
        usage.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
        session(&json!({ "id": "a", "usage": usage })).unwrap()["cost"].clone()
    };
    assert_eq!(cost(json!({ "cost_micros": 1_234_567, "currency": "EUR", "source": "reported" })), "1.23 EUR");
    assert_eq!(cost(json!({ "cost_micros": 5_000, "source": "estimated" })), "~0.01 USD");
    assert_eq!(cost(json!({ "cost_micros": 900, "source": "reported" })), "<0.01 USD");
    assert_eq!(cost(json!({ "source": "unknown" })), Value::Null);
    assert_eq!(cost(json!({ "cost_micros": 0, "source": "reported" })), Value::Null);
}

#[test]
fn an_approval_shows_all_files_and_every_line_is_safe() {
    let shown = approval(&json!({
        "id": "ap", "session": "s", "kind": "permission", "state": "open", "command_line": "a\u{7}\nb",
        "tool": { "title": "Edit", "kind": "edit", "diffs": [
            { "path": "one", "new_text": "x\ny\n" }, { "path": "two\u{1b}", "old_text": "", "new_text": "" }, { "no": "path" },
        ] },
        "options": [{ "id": "y", "name": "Yes", "kind": "allow_once" }, { "name": "no id" }, 3],
    }))
    .unwrap();
    assert_eq!(shown["files"], json!(["one", "two␛"]));
    assert_eq!(
        shown["details"],
        json!(["a␇", "b", "creates one +2 −0", "@@ -1 +1 @@", "+x", "+y", "changes two␛ +0 −0"])
    );
    assert_eq!((&shown["command"], &shown["command_raw"]), (&json!("a␇ b"), &json!("a\u{7}\nb")));
    assert_eq!(shown["options"].as_array().unwrap().len(), 1);
    assert_eq!(approval(&json!({ "id": "ap" })), None);
}

#[test]
fn an_answer_and_an_expiry_take_an_approval_away() {
    let change =
        |kind: &str, payload: Value| approval_change(&json!({ "type": kind, "session": "s", "payload": payload }));
    let answered =
        change("approval.answered", json!({ "id": "ap", "answer": { "answer": "once" }, "by": "cli" })).unwrap();
    assert_eq!(
        (&answered["kind"], &answered["answer"], &answered["by"]),
        (&json!("approval_gone"), &json!("once"), &json!("cli"))
    );
    let expired = change("approval.expired", json!({ "id": "ap", "reason": "the turn ended" })).unwrap();
    assert_eq!(expired["reason"], "the turn ended");
    assert_eq!(change("turn.ended", json!({ "id": "ap" })), None);
    assert_eq!(change("approval.answered", json!(3)), None);
}

#[test]
fn chunks_are_no_news() {
    assert_eq!(event(&json!({ "type": "agent.message", "session": "s", "payload": { "text": "x" } })), None);
    let landed = event(
        &json!({ "type": "landing.changed", "seq": 4, "session": "s", "payload": { "state": "failed", "reason": "a\nb" } }),
    );
    assert_eq!(
        landed,
        Some(
            json!({ "kind": "event", "type": "landing.changed", "seq": 4, "session": "s", "state": "failed", "reason": "a b" })
        )
    );
}

#[test]
fn a_removed_session_without_a_view_is_gone() {
    let removed = json!({ "type": "session.removed", "session": "a", "payload": { "preserved": null } });
    assert_eq!(gone(&removed, &[json!({ "id": "b" })]).unwrap()["removed"], true);
    // Restored in the same batch: the view is the newer truth.
    assert_eq!(gone(&removed, &[json!({ "id": "a" })]), None);
    assert_eq!(gone(&json!({ "type": "turn.ended", "session": "a" }), &[]), None);
}
