//! Decisions and rounds: what was intended when the daemon died is done by the next one, once.

use super::*;
use crate::host::on_hunk;
use crate::host::on_review::{self, RoundFacts};
use crate::model::command::{DecideHunk, HunkAction, Outcome};
use crate::model::id::HunkId;
use crate::model::part::FoundHunk;
use crate::model::review::samples::{comment, round};
use crate::model::review::{AddComment, Comment, CommentKind, CommentSide, SendRound};

fn at_rest(brain: &mut Brain) -> SessionId {
    let (id, job) = running(brain, "once");
    finish(brain, &id, &job);
    checkpoint(brain, &id);
    decide(brain, |change| on_job::on_ended(change, &id, &job, JobEnd::Lost));
    id
}

fn crash(brain: &mut Brain, id: &SessionId) -> Decision {
    brain.steps.clear();
    brain.waiting.clear();
    brain.recovering = true;
    let begun = decide(brain, |change| advance(change, id));
    brain.recovering = false;
    begun
}

fn hunk() -> HunkId {
    HunkId("0123456789abcdef".to_owned())
}

#[test]
fn a_rejection_is_recorded_before_it_is_done_and_its_receipt_outlives_the_daemon() {
    let mut brain = brain();
    let id = at_rest(&mut brain);
    let command = CommandId("reject".to_owned());
    let request = DecideHunk { session: id.clone(), hunk: hunk(), action: HunkAction::Reject, lines: Vec::new() };
    let asked = decide(&mut brain, |change| on_hunk::on_decide(change, &command, &request).unwrap());
    assert_eq!((events(&asked).len(), effects(&asked)), (0, vec!["find hunk"]));
    let Some(Effect::FindHunk { ticket, .. }) = asked.effects.into_iter().next() else { panic!("no lookup") };
    let found = decide(&mut brain, |change| on_hunk::on_found(change, ticket, &request, Ok(found_hunk())));
    assert_eq!((events(&found), effects(&found)), (vec!["hunk.intended".to_owned()], vec!["apply hunk"]));
    assert!(found.receipts.is_empty());

    let again = crash(&mut brain, &id);
    assert_eq!(effects(&again), ["apply hunk"]);
    let Some(Effect::ApplyHunk { applying, begun, .. }) = again.effects.into_iter().next() else { panic!() };
    assert!(begun);
    // The client asks once more under the same id meanwhile: nothing is begun twice, and nobody else may interfere.
    let repeated = decide(&mut brain, |change| on_hunk::on_decide(change, &command, &request).unwrap());
    assert!(repeated.events.is_empty() && repeated.effects.is_empty() && repeated.receipts.is_empty());
    let other = CommandId("other".to_owned());
    decide(&mut brain, |change| assert!(on_hunk::on_decide(change, &other, &request).is_err()));
    let done = decide(&mut brain, |change| on_hunk::on_applied(change, &id, hunk(), applying, Ok(())));
    assert_eq!(events(&done), ["hunk.decided", "command.accepted"]);
    assert!(done.receipts.iter().any(|(id, receipt)| *id == command && receipt.is_ok()));
    assert!(effects(&crash(&mut brain, &id)).is_empty());
}

#[test]
fn what_could_not_be_applied_is_refused_and_leaves_nothing() {
    let mut brain = brain();
    let id = at_rest(&mut brain);
    let command = CommandId("reject".to_owned());
    let request = DecideHunk { session: id.clone(), hunk: hunk(), action: HunkAction::Reject, lines: Vec::new() };
    let asked = decide(&mut brain, |change| on_hunk::on_decide(change, &command, &request).unwrap());
    let Some(Effect::FindHunk { ticket, .. }) = asked.effects.into_iter().next() else { panic!("no lookup") };
    let found = decide(&mut brain, |change| on_hunk::on_found(change, ticket, &request, Ok(found_hunk())));
    let Some(Effect::ApplyHunk { applying, .. }) = found.effects.into_iter().next() else { panic!() };
    let failed = decide(&mut brain, |change| {
        on_hunk::on_applied(change, &id, hunk(), applying, Err(Refusal::conflict("the file changed")));
    });
    assert_eq!(events(&failed), ["hunk.failed"]);
    assert!(failed.receipts[0].1.is_err());
    assert!(brain.registry.sessions[&id].decisions.is_empty());
    assert!(brain.registry.sessions[&id].review.applying.is_empty());
}

#[test]
fn a_round_on_its_way_is_sent_by_the_next_daemon_once() {
    let mut brain = brain();
    let id = at_rest(&mut brain);
    decide(&mut brain, |change| {
        change.emit(Some(&id), Event::CommentAdded(Box::new(comment(1))));
        change.emit(Some(&id), Event::RoundStarted(Box::new(round(1))));
    });
    let begun = crash(&mut brain, &id);
    assert_eq!(effects(&begun), ["prepare round"]);
    assert!(effects(&decide(&mut brain, |change| advance(change, &id))).is_empty(), "it is under way");
    let facts = || Ok(Box::new(RoundFacts { baseline: oid('e'), comments: Vec::new(), rejected: Vec::new() }));
    let sent = decide(&mut brain, |change| on_review::on_prepared(change, &id, 1, facts()));
    assert_eq!(events(&sent)[..2], ["round.sent", "prompt.queued"]);
    let late = decide(&mut brain, |change| on_review::on_prepared(change, &id, 1, facts()));
    assert!(late.events.is_empty(), "a second result of the same round changes nothing");
}

#[test]
fn a_round_that_cannot_be_prepared_leaves_its_comments_open() {
    let mut brain = brain();
    let id = at_rest(&mut brain);
    decide(&mut brain, |change| {
        change.emit(Some(&id), Event::CommentAdded(Box::new(comment(1))));
        change.emit(Some(&id), Event::RoundStarted(Box::new(round(1))));
    });
    let failed = decide(&mut brain, |change| {
        on_review::on_prepared(change, &id, 1, Err(Refusal::conflict("the worktree is gone")));
    });
    assert_eq!(events(&failed), ["round.failed"]);
    assert!(brain.registry.sessions[&id].review.comments[0].open());
}

#[test]
fn a_shell_job_gets_no_round_and_an_empty_one_is_refused() {
    let mut brain = brain();
    let id = at_rest(&mut brain);
    let command = CommandId("c".to_owned());
    let refused = |brain: &mut Brain, note: &str| {
        let request = SendRound { session: id.clone(), note: note.to_owned() };
        let mut said = None;
        decide(brain, |change| said = on_review::on_send(change, &command, &request).err());
        said.expect("refused").message
    };
    assert!(refused(&mut brain, " ").contains("nothing to send"));
    assert!(refused(&mut brain, "x").contains("a shell job reads no reviews"));
    assert!(refused(&mut brain, &"x".repeat(9_000)).contains("at most 8000"));
}

#[test]
fn comments_are_bounded_before_anything_is_read() {
    let mut brain = brain();
    let id = at_rest(&mut brain);
    let command = CommandId("c".to_owned());
    let good = AddComment {
        session: id.clone(),
        path: "a".to_owned(),
        side: CommentSide::New,
        first: 3,
        last: None,
        kind: CommentKind::Issue,
        text: "x".to_owned(),
        round: 0,
    };
    for bad in [
        AddComment { text: " \n".to_owned(), ..good.clone() },
        AddComment { text: "x".repeat(Comment::LIMIT + 1), ..good.clone() },
        AddComment { last: Some(2), ..good.clone() },
        AddComment { first: 0, last: Some(2), ..good.clone() },
        AddComment { path: "x".repeat(5_000), ..good.clone() },
    ] {
        let asked = decide(&mut brain, |change| {
            on_review::on_add(change, &command, &bad, "cli").expect_err("refused");
        });
        assert!(asked.effects.is_empty());
    }
    let asked = decide(&mut brain, |change| on_review::on_add(change, &command, &good, "cli").unwrap());
    let Some(Effect::ReadAnchor { ticket, request, client, .. }) = asked.effects.into_iter().next() else { panic!() };
    let added = decide(&mut brain, |change| {
        on_review::on_anchor(change, ticket, *request, client, Ok(crate::model::review::Anchor::default()));
    });
    let Ok(receipt) = &added.receipts[0].1 else { panic!("refused") };
    assert_eq!(receipt.outcome, Outcome::Commented { comment: format!("{id}.c1").as_str().into() });
}

fn found_hunk() -> FoundHunk {
    FoundHunk { id: hunk(), patch: "p".to_owned(), part: None }
}
