//! What events of a review do to a session.

use crate::model::diff::HunkDecision;
use crate::model::event::Event;
use crate::model::id::{CommentId, HunkId, Oid, PromptId};
use crate::model::review::{Applying, Comment, Round};
use crate::model::session::Session;

/// Applies an event of a review; others change nothing.
pub(super) fn apply(session: &mut Session, event: &Event) {
    let review = &mut session.review;
    match event {
        Event::HunkIntended { hunk, reverse, patch, command } => {
            let applying = Applying { reverse: *reverse, patch: patch.clone(), command: command.clone() };
            review.applying.insert(hunk.clone(), applying);
        }
        Event::HunkFailed { hunk, .. } => {
            review.applying.remove(hunk);
        }
        Event::HunkDecided { hunk, decision, part, .. } => {
            match part {
                Some(part) => review.parts.insert(hunk.clone(), (**part).clone()),
                None => review.parts.remove(hunk),
            };
            decided(session, hunk, *decision);
        }
        Event::CommentAdded(comment) => {
            review.comments_made = review.comments_made.max(super::number_in(comment.id.as_str(), 'c'));
            match review.comments.iter_mut().find(|known| known.id == comment.id) {
                Some(known) => known.clone_from(comment),
                None => review.comments.push((**comment).clone()),
            }
        }
        Event::CommentEdited { id, text, kind } => {
            if let Some(comment) = comment(session, id) {
                comment.text.clone_from(text);
                comment.kind = *kind;
                comment.round = None;
                comment.resolved = false;
            }
        }
        Event::CommentRemoved { id } => review.comments.retain(|comment| comment.id != *id),
        Event::CommentResolved { id, resolved } => {
            if let Some(comment) = comment(session, id) {
                comment.resolved = *resolved;
            }
        }
        Event::RoundStarted(round) => {
            review.rounds_made = review.rounds_made.max(round.number);
            review.rounds.retain(|known| known.number != round.number);
            review.rounds.push((**round).clone());
        }
        Event::RoundSent { number, baseline, prompt } => sent(session, *number, baseline, prompt),
        Event::RoundFailed { number, .. } => review.rounds.retain(|round| round.number != *number),
        Event::FileViewed { path, content: Some(content) } => {
            review.viewed.insert(path.clone(), content.clone());
        }
        Event::FileViewed { path, content: None } => {
            review.viewed.remove(path);
        }
        // The baselines' refs went with the worktree.
        Event::SessionRemoved { .. } => {
            review.rounds.clear();
            review.applying.clear();
        }
        _ => {}
    }
}

fn decided(session: &mut Session, hunk: &HunkId, decision: Option<HunkDecision>) {
    session.review.applying.remove(hunk);
    // The agent is told of every rejection anew, also of one of the same hunk.
    session.review.told.remove(hunk);
    match decision {
        Some(decision) => session.decisions.insert(hunk.clone(), decision),
        None => session.decisions.remove(hunk),
    };
}

fn comment<'a>(session: &'a mut Session, id: &CommentId) -> Option<&'a mut Comment> {
    session.review.comments.iter_mut().find(|comment| comment.id == *id)
}

fn sent(session: &mut Session, number: u32, baseline: &Oid, prompt: &PromptId) {
    let review = &mut session.review;
    let Some(round) = review.rounds.iter_mut().find(|round| round.number == number) else { return };
    round.baseline = Some(baseline.clone());
    round.prompt = Some(prompt.clone());
    let Round { comments, rejected, .. } = round.clone();
    for comment in review.comments.iter_mut().filter(|comment| comments.contains(&comment.id)) {
        comment.round = Some(number);
    }
    review.told.extend(rejected.into_iter().filter(|hunk| session.decisions.contains_key(hunk)));
}

#[cfg(test)]
mod tests;
