use super::super::samples::{changes, hunk, state, view};
use super::*;
use crate::model::session::SessionState;

const TEXT: &str = "one\ntwo\nthree\nfour\n";

fn look(state: &State, folders: &[&str], open: &[&str]) -> BTreeMap<PathBuf, Vec<Diagnostic>> {
    let folders: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
    let open: BTreeSet<PathBuf> = open.iter().map(PathBuf::from).collect();
    all(state, &Sight { folders: &folders, open: &open, text: &|_| Some(TEXT.to_owned()), related: true })
}

fn messages(found: &BTreeMap<PathBuf, Vec<Diagnostic>>, path: &str) -> Vec<String> {
    let here = found.get(Path::new(path)).into_iter().flatten();
    here.map(|diagnostic| match &diagnostic.message {
        Message::String(text) => text.clone(),
        Message::MarkupContent(_) => unreachable!("plain text only"),
    })
    .collect()
}

fn change(id: &str) -> crate::model::diff::Hunk {
    hunk(id, 2, 2, &["-two", "+zwei"])
}

#[test]
fn a_hunk_is_shown_once_in_the_tree_that_is_open() {
    let state = state(vec![(view("a"), changes("x.rs", vec![change("h")]))]);
    let found = look(&state, &["/r"], &[]);
    assert_eq!(found.keys().collect::<Vec<_>>(), [Path::new("/r/x.rs")]);
    assert_eq!(messages(&found, "/r/x.rs"), ["a wants +1 -1 here: review it"]);
    assert_eq!(look(&state, &["/w/a"], &[]).keys().collect::<Vec<_>>(), [Path::new("/w/a/x.rs")]);
    assert!(look(&state, &["/elsewhere"], &[]).is_empty());
    assert_eq!(look(&state, &[], &["/w/a/x.rs"]).len(), 1, "a file of a worktree that is open by itself");
}

#[test]
fn a_decision_settles_it_and_a_running_session_has_nothing_to_review() {
    let mut state = state(vec![(view("a"), changes("x.rs", vec![change("h")]))]);
    state.sessions.get_mut(&"a00000".into()).unwrap().state = SessionState::Running;
    assert!(look(&state, &["/r"], &[]).is_empty());
    state.sessions.get_mut(&"a00000".into()).unwrap().state = SessionState::Review;
    let hunk = &mut state.changes.get_mut(&"a00000".into()).unwrap().diff.files[0].hunks[0];
    hunk.decision = Some(crate::model::diff::HunkDecision::Accepted);
    assert!(look(&state, &["/r"], &[]).is_empty());
}

#[test]
fn two_sessions_on_the_same_lines_are_told_before_anybody_lands() {
    let there = hunk("far", 4, 4, &["-four", "+vier"]);
    let state = state(vec![
        (view("a"), changes("x.rs", vec![change("h1")])),
        (view("b"), changes("x.rs", vec![change("h2"), there])),
    ]);
    let found = look(&state, &["/r"], &[]);
    let told = messages(&found, "/r/x.rs");
    assert_eq!(told.iter().filter(|told| told.contains("a and b both change")).count(), 1, "{told:?}");
    let collision =
        found[Path::new("/r/x.rs")].iter().find(|found| found.severity == Some(DiagnosticSeverity::Warning)).unwrap();
    assert_eq!(collision.range, whole_lines((1, 1)));
    assert_eq!(collision.related_information.as_ref().map(Vec::len), Some(1));
}

#[test]
fn files_that_are_not_open_are_told_of_within_a_cap_and_nothing_is_left_when_it_is_settled() {
    let mut many = changes("f0.rs", vec![change("h0")]);
    let file = many.diff.files[0].clone();
    many.diff.files =
        (0..500).map(|number| crate::model::diff::FileDiff { path: format!("f{number}.rs"), ..file.clone() }).collect();
    let mut state = state(vec![(view("a"), many)]);
    assert_eq!(look(&state, &["/r"], &[]).len(), FILES);
    for file in &mut state.changes.get_mut(&"a00000".into()).unwrap().diff.files {
        file.hunks[0].decision = Some(crate::model::diff::HunkDecision::Rejected);
    }
    assert!(look(&state, &["/r"], &[]).is_empty());
}
