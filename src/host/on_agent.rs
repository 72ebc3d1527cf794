//! What an agent's process said, turned into events.

use crate::host::advance::advance;
use crate::host::change::Change;
use crate::host::effect::{Effect, UnitInput};
use crate::host::port::Update;
use crate::host::{on_approval, on_terminal};
use crate::model::approval::{Approval, ApprovalState};
use crate::model::event::Event;
use crate::model::id::{ApprovalId, JobId, SessionId, TurnId};
use crate::model::turn::TurnOutcome;

/// Records what a process said.
pub(crate) fn on_agent(change: &mut Change<'_>, id: &SessionId, job: &JobId, updates: Vec<Update>) {
    if !change.brain.registry.sessions.contains_key(id) {
        return;
    }
    for update in updates {
        on_update(change, id, job, update);
    }
    advance(change, id);
}

/// The turn that runs now.
fn running(change: &Change<'_>, id: &SessionId) -> Option<TurnId> {
    let turn = change.brain.registry.sessions.get(id)?.turn.as_ref()?;
    turn.outcome.is_none().then(|| turn.id.clone())
}

fn on_update(change: &mut Change<'_>, id: &SessionId, job: &JobId, update: Update) {
    let turn = running(change, id);
    let event = match update {
        // The unit carries these out itself.
        Update::Write { .. } | Update::CloseStdin => return,
        Update::Ready(ready) => {
            let process = change.brain.registry.jobs.get(job);
            // On a terminal nobody types a transcript.
            let first = process.is_some_and(|job| !job.ready && job.terminal.is_none());
            let lost = process.is_some_and(|job| job.resume.is_none() || !ready.resumed);
            let earlier = change.brain.registry.sessions.get(id).is_some_and(|session| session.turns > 1);
            change.emit(Some(id), Event::AgentReadied { ready });
            // An agent may say more of itself later; that its conversation is a new one is told once.
            if first && earlier && lost {
                let text = "the earlier conversation could not be resumed: the agent starts a new one and is given the transcript";
                change.emit(Some(id), Event::AgentNotice { turn, text: text.to_owned() });
            }
            return;
        }
        Update::Unusable { reason, hints } => return on_unusable(change, id, job, turn, &reason, &hints),
        Update::Message(text) => match turn {
            Some(turn) => Event::AgentMessage { turn, text },
            None => Event::AgentNotice { turn: None, text },
        },
        Update::Thought(text) => match turn {
            Some(turn) => Event::AgentThought { turn, text },
            None => Event::AgentNotice { turn: None, text },
        },
        Update::Output { stderr, text } => Event::AgentOutput { turn, stderr, text },
        Update::Elided(bytes) => Event::AgentOutputElided { turn, bytes },
        Update::Tool(call) => match turn.or_else(|| newest(change, id)) {
            Some(turn) => Event::AgentTool { turn, call },
            None => Event::AgentNotice { turn: None, text: call.title },
        },
        Update::Plan(entries) => Event::AgentPlan { entries },
        Update::Options(options) => Event::AgentOptions { options },
        Update::Commands(commands) => Event::AgentCommands { commands },
        Update::Approval { key, kind, tool, command_line, options } => {
            let Some(turn) = turn.or_else(|| newest(change, id)) else { return };
            let approval = Approval {
                id: ApprovalId((change.brain.new_id)()),
                session: id.clone(),
                turn,
                job: job.clone(),
                key,
                kind,
                tool,
                command_line,
                options,
                state: ApprovalState::Open,
                asked_at: change.now,
            };
            return on_approval::on_requested(change, &approval);
        }
        Update::ApprovalWithdrawn { key, reason } => {
            return on_approval::expire(change, id, job, Some(&key), &reason);
        }
        Update::Usage(usage) => Event::UsageReported { turn, usage },
        Update::Notice(text) => Event::AgentNotice { turn, text },
        Update::Raw(message) => Event::AgentRaw { message },
        Update::Began { text } => return on_terminal::on_began(change, id, &text),
        Update::Rested { outcome } => {
            if let Some(turn) = on_terminal::begun_in_terminal(change, id) {
                stop_turn(change, id, job, turn, outcome);
            }
            return;
        }
        Update::TurnEnded { turn: ended, outcome } => {
            if turn.as_ref() == Some(&ended) {
                stop_turn(change, id, job, ended, outcome);
            }
            return;
        }
    };
    change.emit(Some(id), event);
}

fn newest(change: &Change<'_>, id: &SessionId) -> Option<TurnId> {
    change.brain.registry.sessions.get(id)?.turn.as_ref().map(|turn| turn.id.clone())
}

/// The agent stopped: what it still asked can no longer be answered. A failure that a person's stop brought about is an interruption.
pub(crate) fn stop_turn(change: &mut Change<'_>, id: &SessionId, job: &JobId, turn: TurnId, outcome: TurnOutcome) {
    on_approval::expire(change, id, job, None, "the turn ended");
    let asked_to = change
        .brain
        .registry
        .sessions
        .get(id)
        .and_then(|session| session.turn.as_ref())
        .is_some_and(|turn| turn.stopping);
    let outcome = match outcome {
        TurnOutcome::Failed { reason } if asked_to => {
            TurnOutcome::Interrupted { reason: format!("stopped ({reason})") }
        }
        TurnOutcome::Interrupted { .. } if asked_to => TurnOutcome::Interrupted { reason: "stopped".to_owned() },
        outcome => outcome,
    };
    change.emit(Some(id), Event::TurnStopped { turn, outcome });
}

fn on_unusable(
    change: &mut Change<'_>,
    id: &SessionId,
    job: &JobId,
    turn: Option<TurnId>,
    reason: &str,
    hints: &[String],
) {
    let reason = if hints.is_empty() { reason.to_owned() } else { format!("{reason} (try: {})", hints.join("; ")) };
    match turn {
        Some(turn) => stop_turn(change, id, job, turn, TurnOutcome::Failed { reason }),
        None => change.emit(Some(id), Event::SessionFaulted { message: reason }),
    }
    change.want(Effect::ToUnit { job: job.clone(), input: UnitInput::End });
}
