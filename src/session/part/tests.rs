use super::*;
use crate::model::diff::FileStatus;

const PATH: &str = "src/a.lua";

fn hunk(lines: &[&str]) -> Hunk {
    let count =
        |sign: char| u32::try_from(lines.iter().filter(|line| !line.starts_with([sign, '\\'])).count()).unwrap();
    Hunk {
        id: "whole".into(),
        old_start: 10,
        old_lines: count('+'),
        new_start: 20,
        new_lines: count('-'),
        heading: String::new(),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        decision: None,
        returned: false,
    }
}

fn file(hunks: Vec<Hunk>) -> FileDiff {
    FileDiff {
        path: PATH.to_owned(),
        old_path: None,
        status: FileStatus::Modified,
        binary: false,
        added: 0,
        removed: 0,
        content: None,
        viewed: false,
        hunks,
    }
}

fn whole(lines: &[&str]) -> Piece {
    Piece { hunk: hunk(lines), whole: "whole".into(), part: None }
}

const CHANGED: &[&str] = &[" one", "-two", "-three", "+TWO", "+THREE", "+MORE", " four", "-five", " six"];

#[test]
fn a_line_that_came_goes_with_the_one_that_went_in_its_place() {
    // The index of `+THREE`.
    let piece = take(&whole(CHANGED), PATH, &[4]).unwrap();
    assert_eq!(piece.hunk.lines, [" one", " TWO", "-three", "+THREE", " MORE", " four", " six"]);
    let hunk = &piece.hunk;
    assert_eq!((hunk.new_start, hunk.new_lines, hunk.old_start, hunk.old_lines), (20, 6, 10, 6));
    let part = piece.part.unwrap();
    assert_eq!(
        (part.lines, part.before, part.after),
        (
            vec!["-three".to_owned(), "+THREE".to_owned()],
            vec!["one".to_owned(), "TWO".to_owned()],
            vec!["MORE".to_owned(), "four".to_owned(), "six".to_owned()],
        )
    );
}

#[test]
fn lines_that_name_every_change_take_the_hunk_whole() {
    let all = whole(CHANGED);
    assert_eq!(take(&all, PATH, &[3, 7]).unwrap(), all);
    assert!(take(&all, PATH, &[0, 6, 99]).unwrap_err().message.contains("none of these lines"));
}

#[test]
fn what_was_accepted_is_cut_out_and_the_rest_waits() {
    let piece = take(&whole(CHANGED), PATH, &[4]).unwrap();
    let parts = Parts::from([(piece.hunk.id.clone(), piece.part.unwrap())]);
    let mut diff = Diff { files: vec![file(vec![hunk(CHANGED)])], ..Diff::default() };
    cut(&mut diff, &parts);
    let hunks = &diff.files[0].hunks;
    assert_eq!(hunks.len(), 3);
    assert_eq!(hunks[0].lines, [" one", "-two", "+TWO", " THREE", " MORE", " four"]);
    assert_eq!((&hunks[1].id, hunks[1].lines.len()), (&piece.hunk.id, 7));
    assert_eq!(hunks[2].lines, [" one", " TWO", " THREE", "+MORE", " four", "-five", " six"]);
    assert_eq!((hunks[2].new_start, hunks[2].new_lines), (20, 6));
    // The rest has ids of its own, always the same ones.
    let again = pieces(&file(vec![hunk(CHANGED)]), &parts);
    assert!(again.iter().zip(hunks).all(|(piece, hunk)| piece.hunk.id == hunk.id && piece.whole.as_str() == "whole"));
    // Other files are left alone.
    let other =
        Parts::from([("x".into(), Part { path: "other".to_owned(), ..parts.values().next().unwrap().clone() })]);
    let untouched = pieces(&file(vec![hunk(CHANGED)]), &other);
    assert_eq!((untouched.len(), &untouched[0].part), (1, &None));
}

#[test]
fn a_part_is_found_after_its_neighbours_went_and_its_lines_moved() {
    let piece = take(&whole(CHANGED), PATH, &[4]).unwrap();
    let parts = Parts::from([(piece.hunk.id.clone(), piece.part.unwrap())]);
    let mut moved = hunk(&[" one", " two", "-three", "+THREE", "+MORE", " four", " five", " six"]);
    moved.new_start = 400;
    let found = pieces(&file(vec![moved]), &parts);
    assert_eq!(found.iter().map(|found| found.hunk.id == piece.hunk.id).collect::<Vec<_>>(), [true, false]);
    // The same lines somewhere else are others.
    let elsewhere = hunk(&[" a", " b", "-three", "+THREE", " c", " d"]);
    assert_eq!(pieces(&file(vec![elsewhere]), &parts).len(), 1);
    assert!(pieces(&file(vec![hunk(&[" a", "-three", "+THREE", " c"])]), &parts)[0].part.is_none());
}

#[test]
fn of_equal_lines_those_are_meant_that_have_the_same_neighbours() {
    let twice = [" a", "+}", " b", "+}", " c"];
    let piece = take(&whole(&twice), PATH, &[3]).unwrap();
    let parts = Parts::from([(piece.hunk.id.clone(), piece.part.unwrap())]);
    let found = pieces(&file(vec![hunk(&twice)]), &parts);
    assert_eq!(found.iter().map(|found| found.hunk.id == piece.hunk.id).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn the_end_of_a_file_without_a_newline_is_not_divided() {
    let lines = [" a", "-b", "\\ No newline at end of file", "+b", "+c", "\\ No newline at end of file"];
    let all = whole(&lines);
    assert_eq!(take(&all, PATH, &[3]).unwrap(), all);
}

#[test]
fn a_patch_of_a_part_changes_the_file_as_it_is() {
    let header = "diff --git a/x y b/x y\n--- a/x y\t\n+++ b/x y\t\n@@ -10,5 +20,6 @@\n";
    let piece = take(&whole(CHANGED), PATH, &[4]).unwrap();
    let expected = "diff --git a/x y b/x y\n--- a/x y\t\n+++ b/x y\t\n@@ -20,6 +20,6 @@\n one\n TWO\n-three\n+THREE\n MORE\n four\n six\n";
    assert_eq!(patch(header, &piece.hunk).unwrap(), expected);
    // A file that is new stays there while a part of it goes.
    let new = "diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1,3 @@\n";
    let mut lines = hunk(&["+a", "+b", "+c"]);
    (lines.old_start, lines.new_start) = (0, 1);
    let all = Piece { hunk: lines, whole: "whole".into(), part: None };
    let part = take(&all, PATH, &[1]).unwrap();
    assert_eq!(patch(new, &part.hunk).unwrap(), "diff --git a/n b/n\n--- a/n\n+++ b/n\n@@ -1,2 +1,3 @@\n a\n+b\n c\n");
    let gone = "diff --git a/n b/n\ndeleted file mode 100644\n--- a/n\n+++ /dev/null\n@@ -1,3 +0,0 @@\n";
    assert!(patch(gone, &part.hunk).unwrap_err().message.contains("the file is gone"));
}
