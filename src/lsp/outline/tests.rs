use super::super::samples::{changes, hunk, state, view};
use super::super::view::review;
use super::*;

#[test]
fn headings_are_symbols_within_symbols_and_fences_have_none() {
    let text = "# a\n\n## b\n````diff\n# not\n```\n````\n### c\n## d\n";
    let found = symbols(text, true, "file:///x");
    assert_eq!(found[0]["name"], "a");
    let names = |value: &Value| value.as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&found[0]["children"]), ["b", "d"]);
    assert_eq!(names(&found[0]["children"][0]["children"]), ["c"]);
    assert_eq!(found[0]["children"][0]["range"]["end"]["line"], 8);
    assert_eq!(names(&symbols(text, false, "file:///x")), ["a", "b", "c", "d"]);
}

#[test]
fn a_review_leads_to_the_files_of_the_worktree() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("a b.rs"), "x\n").unwrap();
    let mut session = view("a");
    session.worktree.path = root.path().to_string_lossy().into_owned();
    let state = state(vec![(session.clone(), changes("a b.rs", vec![hunk("h", 7, 9, &["-x", "+y"])]))]);
    let page = review(&session, state.changes.get(&session.id));
    let found = links(&state, &View::Review(session.id.clone()), &page.text);
    let targets: Vec<&str> = found.as_array().unwrap().iter().filter_map(|link| link["target"].as_str()).collect();
    assert_eq!(targets.len(), 2, "{found}");
    assert!(targets[0].ends_with("/a%20b.rs") && targets[1].ends_with("/a%20b.rs#L9"), "{targets:?}");
    assert_eq!(links(&state, &View::Sessions, &page.text), json!([]));
}
