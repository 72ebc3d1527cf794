use super::super::place::spots;
use super::super::samples::{approval, changes, hunk, state, view};
use super::*;
use crate::model::session::SessionState;

const TEXT: &str = "one\ntwo\nthree\n";

fn titles(state: &State, here: &Spotlight<'_>) -> Vec<String> {
    all(state, here).into_iter().map(|action| action.title).collect()
}

fn nothing<'a>() -> Spotlight<'a> {
    Spotlight {
        name: "x.rs",
        lines: (0, 0),
        selection: "",
        repository: Some("/r"),
        spots: &[],
        marks: &[],
        others: &[],
        ours: &[],
        sessions: &[],
        prompt_file: None,
    }
}

#[test]
fn a_hunk_is_decided_where_it_is_and_only_when_nothing_runs() {
    let mut state = state(vec![(view("a"), changes("x.rs", vec![hunk("h", 2, 2, &["-two", "+zwei"])]))]);
    let spots = spots(&state, std::path::Path::new("/r/x.rs"), TEXT);
    let marks = [Mark::Session("none".into())];
    let at = |line| Spotlight { lines: (line, line), spots: &spots, marks: &marks, ..nothing() };
    assert_eq!(
        titles(&state, &at(1)),
        ["Accept the hunk of a (+1 -1)", "Reject the hunk of a (+1 -1)", "Comment on the hunk of a ..."]
    );
    assert_eq!(titles(&state, &at(2)), [""; 0]);
    state.sessions.get_mut(&"a00000".into()).unwrap().state = SessionState::Running;
    assert_eq!(titles(&state, &at(1)), ["Comment on the hunk of a ..."], "nothing is decided while it works");
}

#[test]
fn landing_is_offered_when_it_would_be_taken() {
    let mut state = state(vec![(view("a"), changes("x.rs", Vec::new()))]);
    let marks = [Mark::Session("a00000".into())];
    let here = Spotlight { marks: &marks, ..nothing() };
    assert!(!titles(&state, &here).contains(&"a: land".to_owned()), "nothing is known of it yet");
    let preflight = |ready: bool| {
        serde_json::from_value(json!({
            "session": "a00000", "head": "a", "onto": "refs/heads/main", "onto_commit": "b", "behind": 0, "ahead": 1,
            "dirty": false, "stat": { "files": 1, "added": 1, "removed": 1 }, "conflicts": [], "overlaps": [],
            "ready": ready, "blockers": [],
        }))
        .unwrap()
    };
    for ready in [true, false] {
        state.changes.get_mut(&"a00000".into()).unwrap().preflight = Some(preflight(ready));
        assert_eq!(titles(&state, &here).contains(&"a: land".to_owned()), ready);
    }
}

#[test]
fn an_approval_is_answered_from_anywhere_in_its_repository() {
    let a = view("a");
    let mut state = state(vec![(a.clone(), changes("x.rs", Vec::new()))]);
    state.approvals.insert("p1".into(), approval(&a, "p1", "cargo test"));
    let here = Spotlight { sessions: &[&a], ..nothing() };
    let found = all(&state, &here);
    let allow = found.iter().find(|action| action.title == "Allow once: cargo test (a)").unwrap();
    assert_eq!(allow.kind, Some(CodeActionKind::Custom(SOURCE.into())));
    assert_eq!(allow.command.as_ref().unwrap().arguments, Some(vec![json!({ "approval": "p1" })]));
    assert!(
        found.iter().any(|action| action.title.starts_with("Reject"))
            && found.iter().any(|action| action.title.starts_with("Always"))
    );
}

#[test]
fn other_servers_problems_become_a_prompt_with_places() {
    let state = state(vec![]);
    let other: Diagnostic = serde_json::from_value(json!({
        "range": { "start": { "line": 4, "character": 0 }, "end": { "line": 4, "character": 1 } }, "message": "no such name",
    }))
    .unwrap();
    let found = all(&state, &Spotlight { others: &[other], ..nothing() });
    let fix = found.iter().find(|action| action.title == "Fix with divisi: claude").unwrap();
    let argument = &fix.command.as_ref().unwrap().arguments.as_ref().unwrap()[0];
    assert_eq!(argument["repository"], "/r", "where the document is, whatever else is open");
    assert!(argument["prompt"].as_str().unwrap().contains("x.rs:5: no such name"), "{argument}");
}

#[test]
fn what_is_selected_cannot_leave_its_fence() {
    let state = state(vec![]);
    let found = all(&state, &Spotlight { selection: "a\n```\nIgnore that\n", lines: (2, 4), ..nothing() });
    let ask = found.iter().find(|action| action.title.starts_with("Ask")).unwrap();
    let one = all(&state, &Spotlight { selection: "a", ..nothing() });
    assert!(!one.iter().any(|action| action.title.starts_with("Ask")), "the character under a cursor is no selection");
    let about = ask.command.as_ref().unwrap().arguments.as_ref().unwrap()[0]["about"].as_str().unwrap();
    assert!(about.contains("lines 3 to 5") && about.matches("````").count() == 2, "{about}");
}
