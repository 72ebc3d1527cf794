use super::apply;
use crate::model::Event;
use crate::model::diff::HunkDecision;
use crate::model::id::HunkId;
use crate::model::review::CommentKind;
use crate::model::review::samples::{comment, round};
use crate::model::samples::{oid, session};
use crate::model::session::Session;

fn hunk() -> HunkId {
    HunkId("0123456789abcdef".to_owned())
}

fn after(events: &[Event]) -> Session {
    let mut session = session();
    for event in events {
        apply(&mut session, event);
    }
    session
}

fn rejected() -> Event {
    Event::HunkDecided { hunk: hunk(), decision: Some(HunkDecision::Rejected), patch: None, part: None }
}

fn sent() -> Event {
    Event::RoundSent { number: 1, baseline: oid('e'), prompt: "abcdefghij.p2".into() }
}

#[test]
fn a_round_marks_what_it_took_along_and_nothing_that_came_meanwhile() {
    let session = after(&[
        rejected(),
        Event::CommentAdded(Box::new(comment(1))),
        Event::RoundStarted(Box::new(round(1))),
        Event::CommentAdded(Box::new(comment(2))),
        sent(),
    ]);
    let rounds: Vec<_> = session.review.comments.iter().map(|comment| comment.round).collect();
    assert_eq!(rounds, [Some(1), None]);
    assert!(session.review.told.contains(&hunk()));
    assert_eq!((session.review.last_round(), session.review.comments_made), (1, 2));
    assert_eq!(session.review.rounds[0].baseline, Some(oid('e')));
    assert!(session.review.sending().is_none());
}

#[test]
fn a_failed_round_leaves_everything_open_and_its_number_is_not_used_again() {
    let started = Event::RoundStarted(Box::new(round(1)));
    let failed = Event::RoundFailed { number: 1, reason: "no".to_owned() };
    let session = after(&[Event::CommentAdded(Box::new(comment(1))), started, failed]);
    assert!(session.review.comments[0].open() && session.review.rounds.is_empty());
    assert_eq!(session.review.rounds_made, 1);
}

#[test]
fn an_edited_comment_is_open_again_and_a_second_rejection_is_told_again() {
    let session = after(&[
        rejected(),
        Event::CommentAdded(Box::new(comment(1))),
        Event::RoundStarted(Box::new(round(1))),
        sent(),
        Event::CommentResolved { id: comment(1).id, resolved: true },
        Event::CommentEdited { id: comment(1).id, text: "Still.".to_owned(), kind: CommentKind::Nit },
        rejected(),
    ]);
    assert!(session.review.comments[0].open());
    assert!(session.review.told.is_empty());
}

#[test]
fn a_decision_ends_what_was_intended() {
    let intended = Event::HunkIntended { hunk: hunk(), reverse: true, patch: "p".to_owned(), command: None };
    let session = after(std::slice::from_ref(&intended));
    assert_eq!(session.review.applying.len(), 1);
    assert!(after(&[intended.clone(), rejected()]).review.applying.is_empty());
    let failed = Event::HunkFailed { hunk: hunk(), reason: "no".to_owned() };
    let session = after(&[intended, failed]);
    assert!(session.review.applying.is_empty() && session.decisions.is_empty());
}

#[test]
fn viewed_marks_come_and_go() {
    let viewed =
        |content: Option<&str>| Event::FileViewed { path: "a".to_owned(), content: content.map(str::to_owned) };
    assert_eq!(after(&[viewed(Some("1")), viewed(Some("2"))]).review.viewed["a"], "2");
    assert!(after(&[viewed(Some("1")), viewed(None)]).review.viewed.is_empty());
}
