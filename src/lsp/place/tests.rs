use std::path::Path;

use super::super::samples::{changes, hunk, state, view};
use super::*;

const FILE: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

fn lines(text: &str, path: &str, hunk: Hunk) -> (u32, u32) {
    let state = state(vec![(view("a"), changes("src/x.rs", vec![hunk]))]);
    let spots = spots(&state, Path::new(path), text);
    assert_eq!(spots.len(), 1, "{spots:?}");
    spots[0].lines
}

fn change() -> Hunk {
    hunk("h", 3, 10, &[" three", "-four", "+vier", "+four and a half", " five"])
}

#[test]
fn in_the_main_checkout_a_hunk_is_at_its_old_lines_wherever_they_moved() {
    assert_eq!(lines(FILE, "/r/src/x.rs", change()), (3, 3));
    assert_eq!(lines(&format!("new\nnew\n{FILE}"), "/r/src/x.rs", change()), (5, 5));
    assert_eq!(lines(&format!("three\nfour\nfive\n{FILE}"), "/r/src/x.rs", change()), (1, 1), "the nearest");
}

#[test]
fn where_the_lines_are_gone_it_is_where_git_said_but_within_the_text() {
    assert_eq!(lines("one\ntwo\nother\nother\nfive\n", "/r/src/x.rs", change()), (3, 3));
    assert_eq!(lines("short\n", "/r/src/x.rs", change()), (0, 0));
    assert_eq!(lines("", "/r/src/x.rs", change()), (0, 0));
}

#[test]
fn in_the_worktree_it_is_at_its_new_lines() {
    let text = "line\n".repeat(30);
    assert_eq!(lines(&text, "/w/a/src/x.rs", change()), (10, 11));
    assert_eq!(
        lines(&text, "/w/a/src/x.rs", hunk("h", 3, 3, &[" a", "-b", " c"])),
        (3, 3),
        "a deletion: the line after"
    );
}

#[test]
fn an_addition_is_between_its_neighbours() {
    assert_eq!(lines(FILE, "/r/src/x.rs", hunk("h", 2, 2, &[" two", "+new", " three"])), (2, 2));
    assert_eq!(lines(FILE, "/r/src/x.rs", hunk("h", 0, 1, &["+first"])), (0, 0));
}

#[test]
fn other_files_and_other_repositories_have_nothing() {
    let state = state(vec![(view("a"), changes("src/x.rs", vec![change()]))]);
    for path in ["/r/src/y.rs", "/elsewhere/src/x.rs", "/w/b/src/x.rs", "/rr/src/x.rs"] {
        assert_eq!(spots(&state, Path::new(path), FILE), [], "{path}");
    }
}
