//! Processes: started, found again, ended.

use crate::host::advance::advance;
use crate::host::change::{Change, Step};
use crate::host::effect::{Effect, UnitInput};
use crate::host::on_agent::stop_turn;
use crate::host::port::Checkpoint;
use crate::host::{on_approval, on_terminal};
use crate::host::{on_option, on_prompt};
use crate::model::Refusal;
use crate::model::event::Event;
use crate::model::failure::{Failure, FailureKind};
use crate::model::id::{JobId, SessionId};
use crate::model::job::{JobEnd, ProcessIdentity};
use crate::model::turn::TurnOutcome;

/// A process runs, or could not be started.
pub(crate) fn on_started(
    change: &mut Change<'_>,
    id: &SessionId,
    job: &JobId,
    result: Result<ProcessIdentity, Refusal>,
) {
    match result {
        Ok(shim) => change.emit(Some(id), Event::JobStarted { job: job.clone(), shim }),
        Err(refusal) => {
            let reason = crate::host::hinted(&refusal);
            let next = refusal.hints.join("; ");
            fail_turn(
                change,
                id,
                job,
                FailureKind::NotInstalled,
                &next,
                TurnOutcome::Failed { reason: reason.clone() },
            );
            on_ended(change, id, job, JobEnd::NotStarted { reason });
        }
    }
}

/// An earlier daemon's process was found; when it lives, reading goes on.
pub(crate) fn on_attached(change: &mut Change<'_>, id: &SessionId, job: &JobId, alive: bool) {
    if alive {
        change.emit(Some(id), Event::JobAttached { job: job.clone() });
        on_option::tell_again(change, id, job);
        let stopping = change
            .brain
            .registry
            .sessions
            .get(id)
            .and_then(|session| session.turn.as_ref())
            .is_some_and(|turn| turn.stopping && turn.outcome.is_none());
        if stopping {
            change.want(Effect::ToUnit { job: job.clone(), input: UnitInput::StopTurn });
        }
    }
}

/// Something is worth knowing about the agent.
pub(crate) fn on_noticed(change: &mut Change<'_>, id: &SessionId, text: String) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let turn = session.turn.as_ref().filter(|turn| turn.outcome.is_none()).map(|turn| turn.id.clone());
    change.emit(Some(id), Event::AgentNotice { turn, text });
}

/// A process ended. A turn that it did not end itself was interrupted.
pub(crate) fn on_ended(change: &mut Change<'_>, id: &SessionId, job: &JobId, end: JobEnd) {
    change.brain.units.remove(job);
    on_prompt::release(change, id, job);
    on_approval::expire(change, id, job, None, "the agent's process ended");
    let outcome = TurnOutcome::Interrupted {
        reason: match &end {
            JobEnd::Lost => "the agent's process was lost (killed, or the machine restarted)".to_owned(),
            JobEnd::NotStarted { reason } => reason.clone(),
            JobEnd::Exited { code, .. } => {
                format!("the agent's process exited with code {code} in the middle of the turn")
            }
            JobEnd::Signaled { signal, .. } => {
                format!("the agent's process was ended by signal {signal} in the middle of the turn")
            }
        },
    };
    let known = change.brain.registry.jobs.contains_key(job);
    let on_terminal = on_terminal::is_on_terminal(change, job);
    let failed = match &end {
        JobEnd::NotStarted { reason } => Some(reason.clone()),
        _ => None,
    };
    let kind = match &end {
        JobEnd::Lost => FailureKind::Lost,
        JobEnd::NotStarted { .. } => FailureKind::NotInstalled,
        JobEnd::Exited { .. } => FailureKind::Crashed,
        JobEnd::Signaled { .. } => FailureKind::Killed,
    };
    fail_turn(change, id, job, kind, "send the prompt again", outcome);
    if known {
        change.emit(Some(id), Event::JobEnded { job: job.clone(), end });
    }
    on_terminal::on_job_ended(change, id, on_terminal, failed.as_deref());
    advance(change, id);
}

/// Ends the running turn when this process is the one that serves it.
fn fail_turn(
    change: &mut Change<'_>,
    id: &SessionId,
    job: &JobId,
    kind: FailureKind,
    next: &str,
    outcome: TurnOutcome,
) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    if session.job.as_ref() != Some(job) {
        return;
    }
    if let Some(turn) = session.turn.as_ref().filter(|turn| turn.outcome.is_none()) {
        let (turn, stopping) = (turn.id.clone(), turn.stopping);
        if !stopping {
            let failure = Failure { kind, next: next.to_owned(), retry_at: None };
            change.emit(Some(id), Event::TurnFailed { turn: turn.clone(), failure });
        }
        stop_turn(change, id, job, turn, outcome);
    }
}

/// A process cannot be followed any more: its journal cannot be read. The turn is interrupted, the process ended.
pub(crate) fn on_unit_failed(change: &mut Change<'_>, id: &SessionId, job: &JobId, refusal: &Refusal) {
    let message = format!("cannot follow the agent: {}", crate::host::hinted(refusal));
    change.emit(Some(id), Event::SessionFaulted { message: message.clone() });
    fail_turn(change, id, job, FailureKind::Lost, "divisi doctor", TurnOutcome::Interrupted { reason: message });
    on_ended(change, id, job, JobEnd::Lost);
}

/// A turn's changes are committed.
pub(crate) fn on_checkpoint(change: &mut Change<'_>, id: &SessionId, result: Result<Checkpoint, Refusal>) {
    change.step_done(id, Step::Checkpoint);
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let Some(turn) = session.turn.as_ref().filter(|turn| turn.ended_at.is_none()) else { return };
    let (turn, from, stat) = (turn.id.clone(), turn.from.clone(), session.stat);
    let ended = match result {
        Ok(made) => Event::TurnEnded {
            turn,
            checkpoint: made.commit,
            head: made.head,
            turn_stat: made.turn_stat,
            stat: made.stat,
        },
        Err(refusal) => {
            // The changes stay uncommitted in the worktree: the next checkpoint, a landing or a removal takes them along.
            let message = format!("the turn's changes are not committed: {}", crate::host::hinted(&refusal));
            change.emit(Some(id), Event::SessionFaulted { message });
            let head = change.brain.registry.sessions.get(id).and_then(|session| session.head.clone()).unwrap_or(from);
            Event::TurnEnded { turn, checkpoint: None, head, turn_stat: crate::model::diff::DiffStat::default(), stat }
        }
    };
    change.emit(Some(id), ended);
    advance(change, id);
}
