//! Commands about a session's running turn, policy and options.

use std::sync::Arc;

use crate::host::change::Change;
use crate::host::effect::{Effect, UnitInput};
use crate::host::on_approval;
use crate::host::profile::{self, Caller};
use crate::model::Refusal;
use crate::model::approval::{ApprovalKind, ApprovalPolicy};
use crate::model::command::{OfSession, Outcome, SetPolicy};
use crate::model::event::Event;
use crate::model::id::{CommandId, SessionId};
use crate::model::session::Session;
use crate::model::worktree::WorktreeState;

/// A session whose worktree can be worked in.
pub(crate) fn require_workable<'a>(change: &'a Change<'_>, id: &SessionId, what: &str) -> Result<&'a Session, Refusal> {
    let session = change.brain.registry.require(id)?;
    match session.worktree.state {
        WorktreeState::Intended | WorktreeState::Ready => Ok(session),
        WorktreeState::Failed => {
            Err(Refusal::conflict(format!("cannot {what} '{}': its worktree could not be made", session.name))
                .hint(format!("divisi remove {}", session.name)))
        }
        WorktreeState::Removing | WorktreeState::Removed => {
            Err(Refusal::conflict(format!("cannot {what} '{}': it is being removed", session.name)))
        }
    }
}

/// Takes values of variables for the processes that start from now on.
pub(crate) fn hand_over(change: &mut Change<'_>, id: &SessionId, given: &Caller) -> Result<(), Refusal> {
    let session = change.brain.registry.require(id)?;
    let agent = change.brain.agent(session).ok().map(|(agent, _)| agent);
    let profile = profile::of_session(&change.brain.settings, session)?;
    let mut wanted = profile::variables(&change.brain.settings, profile, agent.as_ref());
    wanted.extend(session.pass.iter().cloned());
    if let Some(name) = given.keys().find(|name| !wanted.contains(*name)) {
        let shown = crate::base::text::visible_line(name, 60);
        return Err(Refusal::user(format!("the agent of '{}' does not take the variable {shown}", session.name))
            .hint(format!("a new session does: divisi new --env {shown} ...")));
    }
    let mut caller = change.brain.callers.get(id).map(|known| (**known).clone()).unwrap_or_default();
    caller.extend(given.clone());
    change.brain.callers.insert(id.clone(), Arc::new(caller));
    Ok(())
}

/// Stops the running turn.
pub(crate) fn on_stop(
    change: &mut Change<'_>,
    command: &CommandId,
    request: &OfSession,
    client: &str,
) -> Result<(), Refusal> {
    let id = &request.session;
    let session = change.brain.registry.require(id)?;
    let running = session.turn.as_ref().filter(|turn| turn.outcome.is_none()).map(|turn| turn.id.clone());
    let job = session.job.clone();
    if let Some(turn) = &running {
        change.emit(Some(id), Event::TurnStopRequested { turn: turn.clone(), by: client.to_owned() });
    }
    change.accept(command, Some(id), Outcome::Stopping { turn: running.clone() });
    if let (Some(_), Some(job)) = (running, job) {
        change.want(Effect::ToUnit { job, input: UnitInput::StopTurn });
    }
    Ok(())
}

/// Somebody looked at it.
pub(crate) fn on_read(change: &mut Change<'_>, command: &CommandId, request: &OfSession) -> Result<(), Refusal> {
    let id = &request.session;
    if change.brain.registry.require(id)?.unread {
        change.emit(Some(id), Event::SessionRead {});
    }
    change.accept_done(command, Some(id));
    Ok(())
}

/// Permission requests are treated differently from now on; with `auto` the open ones are allowed too.
pub(crate) fn on_set_policy(change: &mut Change<'_>, command: &CommandId, request: &SetPolicy) -> Result<(), Refusal> {
    let id = &request.session;
    change.brain.registry.require(id)?;
    change.emit(Some(id), Event::SessionPolicyChanged { policy: request.policy });
    if request.policy == ApprovalPolicy::Auto {
        let open: Vec<_> = change.brain.registry.open_approvals(id).into_iter().cloned().collect();
        for approval in open {
            if approval.kind == ApprovalKind::Permission {
                on_approval::allow(change, &approval, "policy");
            }
        }
    }
    change.accept_done(command, Some(id));
    Ok(())
}
