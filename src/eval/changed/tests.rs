use super::*;
use crate::model::diff::{FileDiff, FileStatus, Hunk};

/// A diff of one file that adds these lines from a number on.
pub(crate) fn diff_of(path: &str, first: u32, lines: &[&str]) -> Diff {
    let hunk = Hunk {
        id: "0123456789abcdef".into(),
        old_start: first,
        old_lines: 0,
        new_start: first,
        new_lines: 0,
        heading: String::new(),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        decision: None,
        returned: false,
    };
    let count = |sign| u32::try_from(lines.iter().filter(|line| line.starts_with(sign)).count()).unwrap();
    let (added, removed) = (count('+'), count('-'));
    let file = FileDiff {
        path: path.to_owned(),
        old_path: None,
        status: FileStatus::Modified,
        binary: false,
        added,
        removed,
        content: None,
        viewed: false,
        hunks: vec![hunk],
    };
    Diff { stat: DiffStat { files: 1, added, removed }, files: vec![file] }
}

#[test]
fn added_lines_keep_their_new_numbers() {
    let changed =
        Changed::of(&diff_of("a.rs", 10, &[" kept", "-old", "+new", "+more", " kept", "+last", "\\ no newline"]));
    let numbers: Vec<u32> = changed.files["a.rs"].iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [11, 12, 14]);
    assert!(changed.has("a.rs", 12) && changed.has("a.rs", 0));
    assert!(!changed.has("a.rs", 13) && !changed.has("b.rs", 0));
}

#[test]
fn a_file_with_a_strange_name_or_one_that_is_not_compared_is_changed_too() {
    let mut changed = Changed::of(&diff_of("\"odd\\033\\t.rs\"", 3, &["+new"]));
    assert!(changed.has("odd\u{1b}\t.rs", 3));
    changed.add_whole("b.rs", "one\ntwo\n");
    assert!(changed.has("b.rs", 2) && !changed.has("b.rs", 3));
    assert_eq!(changed.stat.added, 3);
}
