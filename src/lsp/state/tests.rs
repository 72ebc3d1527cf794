use serde_json::json;

use super::super::samples::{approval, changes, state, view};
use super::*;

fn event(kind: &str, session: &str, payload: &Value) -> Value {
    json!({ "seq": 1, "time": 1, "session": session, "cause": { "by": "host" }, "type": kind, "payload": payload })
}

#[test]
fn a_snapshot_takes_what_it_understands() {
    let mut state = state(vec![(view("old"), changes("x", Vec::new()))]);
    let a = view("a");
    let old = state.snapshot(
        vec![json!(a), json!({ "id": "strange" }), json!(7)],
        vec![json!(approval(&a, "p1", "ls")), json!({})],
    );
    assert_eq!(state.sessions.keys().map(SessionId::as_str).collect::<Vec<_>>(), ["a00000"]);
    assert_eq!(state.approvals.len(), 1);
    assert!(state.changes.is_empty() && old.diffs.contains(&a.id), "what is gone is forgotten, what is there is read");
}

#[test]
fn an_approval_comes_and_goes_and_a_removed_session_takes_its_own_away() {
    let a = view("a");
    let mut state = state(vec![(a.clone(), changes("x", Vec::new()))]);
    let asked = |id| event("approval.requested", "a00000", &json!(approval(&a, id, "ls")));
    state.batch(Batch { events: vec![asked("p1"), asked("p2"), asked("p3")], sessions: vec![] });
    assert_eq!(state.waiting(&a.id).count(), 3);
    let answered =
        event("approval.answered", "a00000", &json!({ "id": "p1", "answer": { "answer": "once" }, "by": "x" }));
    let expired = event("approval.expired", "a00000", &json!({ "id": "p2", "reason": "gone" }));
    state.batch(Batch { events: vec![answered, expired], sessions: vec![] });
    assert_eq!(state.waiting(&a.id).map(|approval| approval.id.as_str()).collect::<Vec<_>>(), ["p3"]);
    let mut removed = a.clone();
    removed.removed = true;
    state.batch(Batch { events: vec![], sessions: vec![json!(removed)] });
    assert!(state.sessions.is_empty() && state.approvals.is_empty() && state.changes.is_empty());
}

#[test]
fn a_diff_is_read_again_when_it_may_have_changed_and_not_for_words() {
    let a = view("a");
    let mut state = state(vec![(a.clone(), changes("x", Vec::new()))]);
    let said = Batch {
        events: vec![event("agent.message", "a00000", &json!({ "turn": "a00000.t1", "text": "hm" }))],
        sessions: vec![json!(a)],
    };
    assert_eq!(state.batch(said).diffs.len(), 0);
    let mut grown = a.clone();
    grown.stat.added += 1;
    let old = state.batch(Batch { events: vec![], sessions: vec![json!(grown)] });
    assert!(old.diffs.contains(&a.id));
    let decided = event("hunk.decided", "a00000", &json!({ "hunk": "h", "decision": "accepted" }));
    assert!(state.batch(Batch { events: vec![decided], sessions: vec![] }).diffs.contains(&a.id));
}

#[test]
fn a_session_is_found_by_name_id_and_unique_beginning() {
    let state = state(vec![(view("ab"), changes("x", Vec::new())), (view("ac"), changes("x", Vec::new()))]);
    let found = |word: &str| state.find(word).map(|view| view.name.as_str());
    assert_eq!((found("ab"), found("ac00000"), found("ac0")), (Some("ab"), Some("ac"), Some("ac")));
    assert_eq!((found("a"), found(""), found("x")), (None, None, None));
}
