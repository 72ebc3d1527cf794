//! Decisions on hunks: the hunk is found, what is to be done with the working files is recorded, then it is done.

use std::collections::BTreeMap;

use crate::host::change::{Change, Waiting};
use crate::host::effect::{Effect, Ticket};
use crate::model::Refusal;
use crate::model::command::{Command, DecideHunk, HunkAction, Outcome};
use crate::model::diff::HunkDecision;
use crate::model::event::Event;
use crate::model::id::{CommandId, HunkId, SessionId};
use crate::model::part::FoundHunk;
use crate::model::review::Applying;
use crate::model::worktree::WorktreeState;

/// A person decides on a hunk.
pub(crate) fn on_decide(change: &mut Change<'_>, command: &CommandId, request: &DecideHunk) -> Result<(), Refusal> {
    let session = change.brain.registry.require(&request.session)?;
    let name = &session.name;
    if session.worktree.state != WorktreeState::Ready {
        return Err(Refusal::conflict(format!("cannot decide on a hunk of '{name}': its worktree is not there")));
    }
    if request.hunk.as_str().len() < 4 {
        return Err(
            Refusal::user("a hunk is named by at least four digits of its id").hint(format!("divisi diff {name}"))
        );
    }
    if request.action == HunkAction::Undo && !request.lines.is_empty() {
        return Err(Refusal::user("a decision is taken back whole: without lines"));
    }
    if request.action != HunkAction::Accept && session.turn.as_ref().is_some_and(|turn| turn.outcome.is_none()) {
        return Err(Refusal::conflict(format!("cannot change files of '{name}': its agent is at work"))
            .hint(format!("divisi wait {name}"))
            .hint(format!("divisi stop {name}")));
    }
    if request.action != HunkAction::Accept {
        super::on_rewind::require_settled(session, "change files of")?;
    }
    let mut applying = session.review.applying.iter();
    if let Some((_, applying)) = applying.find(|(hunk, _)| hunk.as_str().starts_with(request.hunk.as_str())) {
        if applying.command.as_ref() == Some(command) {
            // The same command again, from before a daemon died: it gets its receipt when what was begun is done.
            return Ok(());
        }
        return Err(Refusal::conflict("this hunk is being taken out or put back at the moment").hint("try again"));
    }
    let rejected = match request.action {
        HunkAction::Undo => Some(require_decided(&session.decisions, &request.hunk, name)?),
        HunkAction::Accept | HunkAction::Reject => None,
    };
    // Only a rejected hunk has to be put back; an accepted one is merely forgotten.
    if let Some((hunk, HunkDecision::Accepted)) = rejected {
        let id = request.session.clone();
        change.emit(Some(&id), Event::HunkDecided { hunk, decision: None, patch: None, part: None });
        change.accept_done(command, Some(&id));
        return Ok(());
    }
    let worktree = Box::new(session.worktree.clone());
    let round = session.review.last_round();
    let parts = Box::new(session.review.parts.clone());
    let ticket = change.brain.wait(command, &Command::DecideHunk(request.clone()));
    let rejected = rejected.map(|(hunk, _)| hunk);
    change.want(Effect::FindHunk { ticket, worktree, request: request.clone(), rejected, round, parts });
    Ok(())
}

fn require_decided(
    decisions: &BTreeMap<HunkId, HunkDecision>,
    prefix: &HunkId,
    name: &str,
) -> Result<(HunkId, HunkDecision), Refusal> {
    let mut matching = decisions.iter().filter(|(hunk, _)| hunk.as_str().starts_with(prefix.as_str()));
    let shown = crate::base::text::visible_line(prefix.as_str(), 20);
    match (matching.next(), matching.next()) {
        (Some((hunk, decision)), None) => Ok((hunk.clone(), *decision)),
        (Some(_), Some(_)) => Err(Refusal::user(format!("several decided hunks of '{name}' begin with {shown}"))),
        (None, _) => Err(Refusal::user(format!("no decision on a hunk {shown} of '{name}' to take back"))),
    }
}

/// The hunk was looked up, and its patch where files have to change.
pub(crate) fn on_found(
    change: &mut Change<'_>,
    ticket: Ticket,
    request: &DecideHunk,
    result: Result<FoundHunk, Refusal>,
) {
    let id = request.session.clone();
    let Some(Waiting { id: command, .. }) = change.brain.waiting.remove(&ticket) else { return };
    let FoundHunk { id: hunk, patch, part } = match result {
        Ok(found) => found,
        Err(refusal) => return change.refuse(&command, refusal),
    };
    let Some(session) = change.brain.registry.sessions.get(&id) else {
        return change.refuse(&command, Refusal::conflict("the session was removed meanwhile"));
    };
    if request.action == HunkAction::Accept {
        let part = part.map(Box::new);
        let decided = Outcome::Decided { hunk: hunk.clone() };
        let decision = Some(HunkDecision::Accepted);
        change.emit(Some(&id), Event::HunkDecided { hunk, decision, patch: None, part });
        return change.accept(&command, Some(&id), decided);
    }
    if session.review.applying.contains_key(&hunk) {
        let refusal = Refusal::conflict("this hunk is being taken out or put back at the moment").hint("try again");
        return change.refuse(&command, refusal);
    }
    let reverse = request.action == HunkAction::Reject;
    let worktree = Box::new(session.worktree.clone());
    let command = Some(command);
    let intended = Event::HunkIntended { hunk: hunk.clone(), reverse, patch: patch.clone(), command: command.clone() };
    change.emit(Some(&id), intended);
    let applying = Applying { reverse, patch, command };
    change.want(Effect::ApplyHunk { session: id, worktree, hunk, applying, begun: false });
}

/// Goes on with what an earlier daemon was about to do with the working files.
pub(crate) fn go_on(change: &mut Change<'_>, id: &SessionId) {
    if !change.brain.recovering {
        return;
    }
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let worktree = Box::new(session.worktree.clone());
    for (hunk, applying) in session.review.applying.clone() {
        let (session, worktree) = (id.clone(), worktree.clone());
        change.want(Effect::ApplyHunk { session, worktree, hunk, applying, begun: true });
    }
}

/// The working files are as decided, or as they were.
pub(crate) fn on_applied(
    change: &mut Change<'_>,
    id: &SessionId,
    hunk: HunkId,
    applying: Applying,
    result: Result<(), Refusal>,
) {
    let Applying { reverse, patch, command } = applying;
    match result {
        Ok(()) => {
            let decision = reverse.then_some(HunkDecision::Rejected);
            let outcome = if reverse { Outcome::Decided { hunk: hunk.clone() } } else { Outcome::Done };
            let patch = reverse.then_some(patch);
            change.emit(Some(id), Event::HunkDecided { hunk, decision, patch, part: None });
            if let Some(command) = command {
                change.accept(&command, Some(id), outcome);
            }
        }
        Err(refusal) => {
            change.emit(Some(id), Event::HunkFailed { hunk, reason: refusal.message.clone() });
            if let Some(command) = command {
                change.refuse(&command, refusal);
            }
        }
    }
}
