//! Going back to a checkpoint: found, recorded as intended, carried out, recorded as done.

use crate::host::advance::advance;
use crate::host::change::{Change, Step, Waiting};
use crate::host::effect::{Effect, Ticket};
use crate::host::port::Rewound;
use crate::model::Refusal;
use crate::model::command::Command;
use crate::model::event::Event;
use crate::model::id::{CommandId, Oid, SessionId};
use crate::model::landing::LandingState;
use crate::model::session::Session;
use crate::model::timeline::{Mark, Rewind, RewindSession};
use crate::model::worktree::WorktreeState;

/// Refuses what would meet files that are being brought back.
pub(crate) fn require_settled(session: &Session, what: &str) -> Result<(), Refusal> {
    match &session.rewind {
        None => Ok(()),
        Some(rewind) => {
            Err(Refusal::conflict(format!("cannot {what} '{}': it is going back to {}", session.name, rewind.to))
                .hint("try again in a moment"))
        }
    }
}

fn require_idle(change: &Change<'_>, id: &SessionId) -> Result<(), Refusal> {
    let session = change.brain.registry.require(id)?;
    let name = &session.name;
    let refuse = |why: &str| Refusal::conflict(format!("cannot bring '{name}' back to a checkpoint: {why}"));
    require_settled(session, "bring back")?;
    if session.worktree.state != WorktreeState::Ready {
        return Err(refuse("its worktree is not there").hint(format!("divisi show {name}")));
    }
    if session.turn.as_ref().is_some_and(|turn| turn.ended_at.is_none()) || !session.queue.is_empty() {
        return Err(refuse("its agent is at work")
            .hint(format!("divisi wait {name}"))
            .hint(format!("divisi stop {name}")));
    }
    if let Some(landing) = &session.landing {
        match landing.state {
            LandingState::Started => return Err(refuse("it is being landed").hint(format!("divisi wait {name}"))),
            LandingState::Conflicted { .. } => {
                return Err(refuse("a landing left conflicts in its worktree")
                    .hint(format!("divisi land {name} --continue"))
                    .hint(format!("divisi land {name} --abort")));
            }
            _ => {}
        }
    }
    if [Step::Landing, Step::Removal, Step::Setup].iter().any(|step| change.brain.under_way(id, *step)) {
        return Err(refuse("it is being set up, landed or removed").hint(format!("divisi wait {name}")));
    }
    Ok(())
}

/// Has the checkpoint looked up.
pub(crate) fn on_rewind(change: &mut Change<'_>, command: &CommandId, request: &RewindSession) -> Result<(), Refusal> {
    require_idle(change, &request.session)?;
    let session = Box::new(change.brain.registry.require(&request.session)?.clone());
    let ticket = change.brain.wait(command, &Command::RewindSession(request.clone()));
    change.want(Effect::PrepareRewind { ticket, session, wanted: request.checkpoint.clone() });
    Ok(())
}

/// The checkpoint is known: going back is intended from here on.
pub(crate) fn on_prepared(
    change: &mut Change<'_>,
    ticket: Ticket,
    id: &SessionId,
    result: Result<(String, Oid), Refusal>,
) {
    let Some(Waiting { id: command, .. }) = change.brain.waiting.remove(&ticket) else { return };
    let (to, commit) = match result.and_then(|found| require_idle(change, id).map(|()| found)) {
        Ok(found) => found,
        Err(refusal) => return change.refuse(&command, refusal),
    };
    let marks = change.brain.registry.sessions.get(id).map_or(0, |session| session.marks.len());
    let rewind =
        Rewind { to, commit, before: format!("c{}", marks + 1), after: format!("c{}", marks + 2), at: change.now };
    change.emit(Some(id), Event::RewindStarted(rewind));
    change.accept_done(&command, Some(id));
    advance(change, id);
}

/// Begins to go back, or goes on after a crash.
pub(crate) fn begin(change: &mut Change<'_>, id: &SessionId) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let (Some(rewind), Some(from)) = (session.rewind.clone(), session.head.clone()) else { return };
    let prefix = &change.brain.settings.commit_prefix;
    let trailer = format!("\n\nDivisi-Session: {} ({})\n", session.id, session.name);
    let messages = [
        format!("{prefix}before going back to {}{trailer}", rewind.to),
        format!("{prefix}back to {} ({}){trailer}", rewind.to, rewind.commit.short()),
    ];
    let worktree = Box::new(session.worktree.clone());
    change.want_step(id, Step::Rewind, || Effect::Rewind {
        session: id.clone(),
        worktree,
        from,
        rewind: Box::new(rewind),
        messages,
    });
}

/// The files are as they were, or stayed as they are.
pub(crate) fn on_rewound(change: &mut Change<'_>, id: &SessionId, result: Result<Rewound, Refusal>) {
    change.step_done(id, Step::Rewind);
    let Some(rewind) = change.brain.registry.sessions.get(id).and_then(|session| session.rewind.clone()) else {
        return;
    };
    let reason = match result {
        Ok(made) => {
            let before = Mark {
                name: rewind.before,
                what: format!("before going back to {}", rewind.to),
                at: change.now,
                commit: made.before.clone(),
                step: made.before_step,
            };
            let after = Mark {
                name: rewind.after,
                what: format!("back to {}", rewind.to),
                at: change.now,
                commit: made.head.clone(),
                step: made.step,
            };
            let kept = Event::SessionCheckpointed { head: made.before, stat: made.before_stat, mark: Some(before) };
            change.emit(Some(id), kept);
            change.emit(Some(id), Event::SessionCheckpointed { head: made.head, stat: made.stat, mark: Some(after) });
            None
        }
        Err(refusal) => Some(crate::host::hinted(&refusal)),
    };
    change.emit(Some(id), Event::RewindEnded { reason });
    advance(change, id);
}
