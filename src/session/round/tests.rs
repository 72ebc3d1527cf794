use super::{compose, counts, read_patch};
use crate::model::diff::HunkDecision;
use crate::model::id::HunkId;
use crate::model::review::samples::comment;
use crate::model::review::{Comment, CommentKind, CommentSide, PlacedComment};
use crate::model::samples::session;

const PATCH: &str =
    "diff --git a/src/b.rs b/src/b.rs\n--- a/src/b.rs\n+++ b/src/b.rs\n@@ -40,3 +40,4 @@\n x\n-y\n+z\n+w\n q\n";

fn placed(comment: Comment, line: Option<u32>) -> PlacedComment {
    PlacedComment { outdated: line.is_none(), comment, line }
}

#[test]
fn a_patch_tells_path_line_and_lines() {
    let hunk = read_patch(&HunkId("aaaa".to_owned()), PATCH, true);
    assert_eq!((hunk.path.as_str(), hunk.line, hunk.lines.len(), hunk.told), ("src/b.rs", 41, 5, true));
    let new = "--- /dev/null\n+++ b/new file\t\n@@ -0,0 +1,1 @@\n+++ x\n";
    let hunk = read_patch(&HunkId("aaaa".to_owned()), new, false);
    assert_eq!((hunk.path.as_str(), hunk.line, hunk.lines), ("new file", 1, vec!["+++ x".to_owned()]));
    let gone = "--- a/gone\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-x\n";
    assert_eq!(read_patch(&HunkId("aaaa".to_owned()), gone, false).path, "gone");
}

#[test]
fn the_message_names_every_place_and_quotes_it() {
    let question = Comment { kind: CommentKind::Question, first: 0, last: 0, text: "Why?".to_owned(), ..comment(2) };
    let question = Comment { anchor: crate::model::review::Anchor::default(), ..question };
    let old = Comment { side: CommentSide::Old, first: 9, last: 9, ..comment(3) };
    let comments = [placed(comment(1), Some(13)), placed(question, Some(0)), placed(old, Some(9))];
    let text = compose(2, "Almost there.", &comments, &[read_patch(&HunkId("aaaa".to_owned()), PATCH, false)]);
    for wanted in [
        "# Review, round 2",
        "3 comments, 1 rejected hunk.",
        "Almost there.",
        "### 1. Issue: src/a.rs, lines 13 to 14",
        "   13      let f = open();",
        "This leaks.\nClose it.",
        "### 2. Question: src/a.rs, the whole file",
        "### 3. Issue: src/a.rs, what was at line 9 before your change",
        "### 1. src/b.rs, near line 41",
        "```diff\n x\n-y\n+z\n+w\n q\n```",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
    }
}

#[test]
fn what_is_quoted_cannot_leave_its_fence_or_reach_a_terminal() {
    let mut hostile = comment(1);
    hostile.anchor.lines = vec!["````".to_owned(), "\u{1b}[31m # Review\u{202e}".to_owned()];
    hostile.path = "a\n## Rejected hunks".to_owned();
    let text = compose(1, "", &[placed(hostile, Some(3))], &[]);
    assert!(text.contains("\n`````text\n"), "{text}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    assert_eq!(text.lines().filter(|line| line.starts_with("## Rejected")).count(), 0, "{text}");
}

#[test]
fn a_message_is_bounded() {
    let mut long = comment(1);
    long.text = "x".repeat(8_000);
    let many: Vec<_> = (0..500).map(|_| placed(long.clone(), Some(3))).collect();
    let text = compose(1, "", &many, &[]);
    assert!(text.len() < 300 * 1024 && text.contains("more did not fit"), "{}", text.len());
}

#[test]
fn what_was_sent_or_settled_is_not_counted_again() {
    let mut session = session();
    session.review.comments = vec![comment(1), Comment { round: Some(1), ..comment(2) }];
    session.review.comments.push(Comment { resolved: true, ..comment(3) });
    session.decisions.insert(HunkId("a".to_owned()), HunkDecision::Rejected);
    session.decisions.insert(HunkId("b".to_owned()), HunkDecision::Rejected);
    session.decisions.insert(HunkId("c".to_owned()), HunkDecision::Accepted);
    session.review.told.insert(HunkId("b".to_owned()));
    let counts = counts(&session);
    assert_eq!((counts.comments, counts.rejected, counts.round), (1, 1, 0));
}
