//! What an agent's process said, turned into events.

use crate::base::date;
use crate::host::advance::advance;
use crate::host::change::Change;
use crate::host::effect::{Effect, UnitInput};
use crate::host::port::{AgentDefinition, Lifetime, Update};
use crate::host::{on_approval, on_prompt, on_terminal};
use crate::model::agent::{ConfigOption, Protocol};
use crate::model::approval::{Approval, ApprovalState};
use crate::model::event::Event;
use crate::model::failure::Failure;
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
        Update::Write { .. } | Update::CloseStdin | Update::EndSince { .. } => return,
        Update::Ready(ready) => {
            let process = change.brain.registry.jobs.get(job);
            // On a terminal nobody types a transcript.
            let first = process.is_some_and(|job| !job.ready && job.terminal.is_none());
            let lost = process.is_some_and(|job| job.resume.is_none() || !ready.resumed);
            // A process of one turn got its prompt when it was started, when it was still to go on.
            let told = process.is_none_or(|job| job.turn.is_none() || job.resume.is_none());
            let earlier = change.brain.registry.sessions.get(id).is_some_and(|session| session.turns > 1);
            let gone = ready.conversation.is_none();
            change.emit(Some(id), Event::AgentReadied { ready });
            // An agent may say more of itself later; that its conversation is a new one is told once.
            if first && earlier && lost {
                let text = if gone {
                    "the earlier conversation is gone: the next turn begins a new one and is given the transcript"
                } else if told {
                    "the earlier conversation could not be resumed: the agent starts a new one and is given the transcript"
                } else {
                    "the earlier conversation could not be resumed: the agent starts a new one and knows nothing of it"
                };
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
        Update::OptionAnswered { id: option, value, refused } => Event::AgentOptionAnswered { option, value, refused },
        Update::Steered { prompt } => return on_prompt::on_steered(change, id, &prompt),
        Update::SteerMissed { prompt, reason } => return on_prompt::on_steer_missed(change, id, &prompt, &reason),
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
        Update::Usage(mut usage) => {
            if usage.model.is_none() && usage.models.is_empty() {
                usage.model = model_in_use(change, id);
            }
            Event::UsageReported { turn, usage }
        }
        Update::Failure { mut failure, retry_after_ms } => {
            let after = retry_after_ms.and_then(|after| i64::try_from(after).ok());
            failure.retry_at = failure.retry_at.or_else(|| after.map(|after| change.now.saturating_add(after)));
            match turn.filter(|_| !is_stopping(change, id)) {
                Some(turn) => Event::TurnFailed { turn, failure },
                None => return,
            }
        }
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

/// Whether somebody asked for the newest turn to be stopped.
fn is_stopping(change: &Change<'_>, id: &SessionId) -> bool {
    let session = change.brain.registry.sessions.get(id);
    session.and_then(|session| session.turn.as_ref()).is_some_and(|turn| turn.stopping)
}

/// The model that the agent says it uses, else the one asked for.
fn model_in_use(change: &Change<'_>, id: &SessionId) -> Option<String> {
    let session = change.brain.registry.sessions.get(id)?;
    let is_model = |option: &&ConfigOption| option.id == "model" || option.category.as_deref() == Some("model");
    let chosen = session.options.iter().find(is_model).map(|option| option.current.clone());
    // What such an agent does not offer it was not given either.
    let given = |agent: &(AgentDefinition, Lifetime)| agent.0.protocol != Protocol::Acp;
    let asked = session.model.clone().filter(|_| change.brain.agent(session).is_ok_and(|agent| given(&agent)));
    chosen.filter(|model| !model.is_empty()).or(asked)
}

/// The reason with the moment at which it may be tried again, where that is known and not in the words yet.
fn with_moment(reason: String, failure: Option<&Failure>) -> String {
    match failure.and_then(|failure| failure.retry_at).map(date::minute) {
        Some(moment) if !reason.contains(&moment) => format!("{reason}; it can be tried again at {moment}"),
        _ => reason,
    }
}

fn newest(change: &Change<'_>, id: &SessionId) -> Option<TurnId> {
    change.brain.registry.sessions.get(id)?.turn.as_ref().map(|turn| turn.id.clone())
}

/// The agent stopped: what it still asked can no longer be answered. A failure that a person's stop brought about is an interruption.
pub(crate) fn stop_turn(change: &mut Change<'_>, id: &SessionId, job: &JobId, turn: TurnId, outcome: TurnOutcome) {
    on_approval::expire(change, id, job, None, "the turn ended");
    let asked_to = is_stopping(change, id);
    let newest = change.brain.registry.sessions.get(id).and_then(|session| session.turn.as_ref());
    let failure = newest.and_then(|turn| turn.failure.clone());
    let outcome = match outcome {
        TurnOutcome::Failed { reason } if asked_to => {
            TurnOutcome::Interrupted { reason: format!("stopped ({reason})") }
        }
        TurnOutcome::Interrupted { .. } if asked_to => TurnOutcome::Interrupted { reason: "stopped".to_owned() },
        TurnOutcome::Failed { reason } => TurnOutcome::Failed { reason: with_moment(reason, failure.as_ref()) },
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
