//! One of every event of a review, for tests.

use super::{Anchor, Comment, CommentKind, CommentSide, Round};
use crate::model::Event;
use crate::model::id::HunkId;
use crate::model::samples::{SESSION, oid};

/// A comment on lines 3 and 4 of `src/a.rs`, open.
pub(crate) fn comment(number: u32) -> Comment {
    Comment {
        id: format!("{SESSION}.c{number}").as_str().into(),
        path: "src/a.rs".to_owned(),
        side: CommentSide::New,
        first: 3,
        last: 4,
        kind: CommentKind::Issue,
        text: "This leaks.\nClose it.".to_owned(),
        anchor: Anchor {
            lines: vec!["    let f = open();".to_owned(), "    read(f);".to_owned()],
            before: vec!["fn f() {".to_owned()],
            after: vec!["}".to_owned()],
            round: 0,
        },
        by: "nvim".to_owned(),
        at: 7,
        round: None,
        resolved: false,
    }
}

/// A round with a comment and a rejected hunk, on its way.
pub(crate) fn round(number: u32) -> Round {
    Round {
        number,
        at: 8,
        comments: vec![comment(1).id],
        rejected: vec![HunkId("0123456789abcdef".to_owned())],
        note: "Almost.".to_owned(),
        baseline: None,
        prompt: None,
    }
}

/// Every event of a review.
pub(crate) fn of_reviews() -> Vec<Event> {
    let hunk = HunkId("0123456789abcdef".to_owned());
    vec![
        Event::HunkIntended {
            hunk: hunk.clone(),
            reverse: true,
            patch: "--- a\n+++ b\n".to_owned(),
            command: Some("c-1".into()),
        },
        Event::HunkFailed { hunk, reason: "the file changed since".to_owned() },
        Event::CommentAdded(Box::new(comment(1))),
        Event::CommentEdited { id: comment(1).id, text: "Better?".to_owned(), kind: CommentKind::Question },
        Event::CommentResolved { id: comment(1).id, resolved: true },
        Event::CommentRemoved { id: comment(1).id },
        Event::RoundStarted(Box::new(round(1))),
        Event::RoundFailed { number: 1, reason: "the worktree is gone".to_owned() },
        Event::RoundSent { number: 1, baseline: oid('e'), prompt: format!("{SESSION}.p2").as_str().into() },
        Event::FileViewed { path: "src/a.rs".to_owned(), content: Some("ab".repeat(20)) },
        Event::FileViewed { path: "src/a.rs".to_owned(), content: None },
    ]
}
