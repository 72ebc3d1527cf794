//! Removal: refused when work would be lost; what is not landed is preserved in any case; restored on request.

use crate::host::advance::advance;
use crate::host::change::{Change, Step, Waiting};
use crate::host::effect::{Effect, Ticket};
use crate::host::on_landing::has_landed;
use crate::host::port::Unlanded;
use crate::model::Refusal;
use crate::model::command::{Command, OfSession, RemoveSession};
use crate::model::event::Event;
use crate::model::id::{CommandId, Oid, SessionId};
use crate::model::session::Session;
use crate::model::worktree::WorktreeState;

/// Has a removal looked at.
pub(crate) fn on_remove(change: &mut Change<'_>, command: &CommandId, request: &RemoveSession) -> Result<(), Refusal> {
    let id = &request.session;
    let session = change.brain.registry.require(id)?;
    let name = &session.name;
    if session.turn.as_ref().is_some_and(|turn| turn.outcome.is_none()) && !request.discard {
        return Err(Refusal::conflict(format!("cannot remove '{name}': its agent is at work"))
            .hint(format!("divisi stop {name}"))
            .hint(format!("divisi remove {name} --discard")));
    }
    match session.worktree.state {
        WorktreeState::Failed => {
            change.emit(Some(id), Event::SessionRemoved { preserved: None });
            change.want(Effect::ForgetAttachments { session: id.clone() });
            change.accept_done(command, Some(id));
            return Ok(());
        }
        WorktreeState::Intended => {
            return Err(Refusal::conflict(format!("cannot remove '{name}': its worktree is being made"))
                .hint(format!("divisi wait {name}")));
        }
        WorktreeState::Removing | WorktreeState::Removed => {
            return Err(Refusal::conflict(format!("'{name}' is being removed already")));
        }
        WorktreeState::Ready => {}
    }
    super::on_rewind::require_settled(session, "remove")?;
    if change.brain.under_way(id, Step::Landing) || change.brain.under_way(id, Step::Removal) {
        return Err(Refusal::conflict(format!("cannot remove '{name}': a landing or removal of it is under way")));
    }
    let worktree = Box::new(session.worktree.clone());
    let ticket = change.brain.wait(command, &Command::RemoveSession(request.clone()));
    change.want_step(id, Step::Removal, || Effect::PrepareRemoval { ticket, session: id.clone(), worktree });
    Ok(())
}

/// A removal was looked at.
pub(crate) fn on_prepared(change: &mut Change<'_>, ticket: Ticket, id: &SessionId, result: Result<Unlanded, Refusal>) {
    change.step_done(id, Step::Removal);
    let Some(Waiting { id: command, command: Command::RemoveSession(request), .. }) =
        change.brain.waiting.remove(&ticket)
    else {
        return;
    };
    let Some(session) = change.brain.registry.sessions.get(id) else {
        return change.refuse(&command, Refusal::conflict("the session was removed meanwhile"));
    };
    let name = session.name.clone();
    let unlanded = match result {
        Ok(unlanded) => unlanded,
        // A worktree that cannot be looked at may still be given up, when the person says so.
        Err(_) if request.discard => Unlanded::default(),
        Err(refusal) => return change.refuse(&command, refusal.hint(format!("divisi remove {name} --discard"))),
    };
    let landed = has_landed(session);
    let commits = if landed { 0 } else { unlanded.commits };
    if (commits > 0 || unlanded.dirty > 0) && !request.discard {
        let refusal = Refusal::conflict(format!(
            "cannot remove '{name}': {} and {} are not landed",
            counted(commits, "commit"),
            counted(unlanded.dirty, "uncommitted path")
        ))
        .hint(format!("divisi land {name}"))
        .hint(format!("divisi remove {name} --discard   (keeps them under refs/divisi/preserved/{id})"));
        return change.refuse(&command, refusal);
    }
    let removing = Event::WorktreeChanged { state: WorktreeState::Removing, head: None, notes: Vec::new() };
    change.emit(Some(id), removing);
    change.accept_done(&command, Some(id));
    advance(change, id);
}

/// The worktree is gone, or could not be removed: then the session is back as it was.
pub(crate) fn on_removed(change: &mut Change<'_>, id: &SessionId, result: Result<Option<String>, Refusal>) {
    change.step_done(id, Step::Removal);
    match result {
        Ok(preserved) => {
            change.brain.callers.remove(id);
            change.emit(Some(id), Event::SessionRemoved { preserved });
        }
        Err(refusal) => {
            let message = format!("the worktree was not removed: {}", crate::host::hinted(&refusal));
            change
                .emit(Some(id), Event::WorktreeChanged { state: WorktreeState::Ready, head: None, notes: Vec::new() });
            change.emit(Some(id), Event::SessionFaulted { message });
        }
    }
}

/// Has a removed session brought back.
pub(crate) fn on_restore(change: &mut Change<'_>, command: &CommandId, request: &OfSession) -> Result<(), Refusal> {
    if let Some(session) = change.brain.registry.sessions.get(&request.session) {
        return Err(Refusal::conflict(format!("cannot restore '{}': it is not removed", session.name)));
    }
    let ticket = change.brain.wait(command, &Command::RestoreSession(request.clone()));
    change.want(Effect::Restore { ticket, session: request.session.clone() });
    Ok(())
}

/// A removed session's worktree is back.
pub(crate) fn on_restored(change: &mut Change<'_>, ticket: Ticket, result: Result<(Session, Oid), Refusal>) {
    let Some(Waiting { id: command, .. }) = change.brain.waiting.remove(&ticket) else { return };
    match result {
        Ok((session, head)) => {
            let id = session.id.clone();
            // Its facts come from its stored row; the event below makes them live again.
            change.brain.registry.sessions.insert(id.clone(), session);
            change.emit(Some(&id), Event::SessionRestored { head });
            change.accept_done(&command, Some(&id));
            advance(change, &id);
        }
        Err(refusal) => change.refuse(&command, refusal),
    }
}

fn counted(count: impl Into<u64>, thing: &str) -> String {
    let count = count.into();
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}
