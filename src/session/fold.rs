//! The fold: what a session is after an event. The engine applies it as it commits; a rebuild from the stored events comes out the same.

mod activity;
mod evaluation;
mod review;
mod usage;

use crate::model::approval::{Approval, ApprovalState};
use crate::model::diff::DiffStat;
use crate::model::event::{Cause, Envelope, Event};
use crate::model::id::{Oid, PromptId, TurnId};
use crate::model::landing::{Landing, LandingState};
use crate::model::session::{Session, Setup};
use crate::model::turn::{QueuedPrompt, Turn, TurnOutcome};
use crate::model::usage::Usage;
use crate::model::worktree::WorktreeState;

/// Applies an event of a session to it. `time` is the envelope's, in milliseconds since the epoch. Events that do not change the
/// session's document (and those of a newer divisi) only move `updated_at`.
pub fn apply(session: &mut Session, event: &Event, cause: &Cause, time: i64) {
    if let Event::SessionCreated(created) = event {
        session.clone_from(created);
        return;
    }
    if matches!(event, Event::SessionRead {}) {
        // Looking is not something that happened.
        session.unread = false;
        return;
    }
    // That a new daemon found the agent alive changes nothing for anybody.
    if !matches!(event, Event::JobAttached { .. }) {
        session.updated_at = session.updated_at.max(time);
    }
    if !activity::goes_on(event) {
        session.line = None;
    }
    of_session(session, event, cause);
    of_work(session, event, time);
    of_agent(session, event);
    of_outcome(session, event, cause);
    review::apply(session, event);
    evaluation::apply(session, event, cause, time);
}

/// A session as its stored events tell it, oldest first; absent when they do not begin with its creation. The same as the document that
/// was kept beside them.
pub fn rebuild<'a>(events: impl IntoIterator<Item = &'a Envelope>) -> Option<Session> {
    let mut rebuilt: Option<Session> = None;
    for Envelope { event, cause, time, .. } in events {
        match (&mut rebuilt, event) {
            (Some(session), _) => apply(session, event, cause, *time),
            (None, Event::SessionCreated(created)) => rebuilt = Some((**created).clone()),
            (None, _) => return None,
        }
    }
    rebuilt
}

/// The session itself, its worktree and setup.
fn of_session(session: &mut Session, event: &Event, cause: &Cause) {
    match event {
        Event::SessionPolicyChanged { policy } => session.policy = *policy,
        Event::SessionOptionChosen { option, value } => {
            session.chosen.insert(option.clone(), value.clone());
        }
        Event::SessionMoved { terminal } => session.terminal = *terminal,
        Event::SessionRemoved { preserved } => removed(session, preserved.as_ref()),
        Event::SessionRestored { head } => {
            session.removed = false;
            session.worktree.state = WorktreeState::Ready;
            session.head = Some(head.clone());
        }
        Event::SessionCheckpointed { head, stat, mark } => {
            session.head = Some(head.clone());
            session.stat = *stat;
            session.marks.extend(mark.clone());
        }
        Event::RewindStarted(rewind) => session.rewind = Some(rewind.clone()),
        Event::RewindEnded { reason } => {
            session.rewind = None;
            if reason.is_some() {
                news(session, cause);
            }
        }
        Event::SessionFaulted { message } => {
            session.fault = Some(message.clone());
            news(session, cause);
        }
        Event::WorktreeChanged { state, head, .. } => {
            session.worktree.state = *state;
            if head.is_some() {
                session.head.clone_from(head);
            }
            if *state == WorktreeState::Failed {
                news(session, cause);
            }
        }
        Event::SetupChanged { setup, .. } => {
            session.setup = setup.clone();
            if matches!(setup, Setup::Failed { .. }) {
                news(session, cause);
            }
        }
        _ => {}
    }
}

/// Prompts, turns and jobs.
fn of_work(session: &mut Session, event: &Event, time: i64) {
    match event {
        Event::PromptQueued { prompt } => queued(session, prompt),
        Event::PromptEdited { id, text } => {
            if let Some(prompt) = session.queue.iter_mut().find(|prompt| prompt.id == *id) {
                prompt.text.clone_from(text);
            }
        }
        Event::PromptCancelled { id } | Event::PromptSteered { id, .. } => unqueued(session, id),
        Event::PromptSteerMissed { id, .. } => {
            if let Some(prompt) = session.queue.iter_mut().find(|prompt| prompt.id == *id) {
                prompt.steers = None;
            }
        }
        Event::JobIntended { job, .. } | Event::JobStarted { job, .. } | Event::JobAttached { job } => {
            session.jobs = session.jobs.max(number_in(job.as_str(), 'j'));
            session.job = Some(job.clone());
        }
        Event::JobEnded { job, .. } if session.job.as_ref() == Some(job) => session.job = None,
        Event::TurnStarted { turn, number, prompt, text, attachments, from } => {
            unqueued(session, prompt);
            session.turns = session.turns.max(*number);
            session.fault = None;
            session.plan.clear();
            session.turn = Some(Turn {
                id: turn.clone(),
                session: session.id.clone(),
                number: *number,
                prompt_id: Some(prompt.clone()),
                prompt: text.clone(),
                attachments: attachments.clone(),
                started_at: time,
                stopping: false,
                ended_at: None,
                outcome: None,
                from: from.clone(),
                checkpoint: None,
                head: None,
                stat: DiffStat::default(),
                usage: Usage::default(),
                failure: None,
                silence: None,
            });
        }
        Event::TurnStopRequested { turn, .. } => {
            if let Some(open) = newest_turn(session, turn).filter(|open| open.outcome.is_none()) {
                open.stopping = true;
            }
        }
        Event::TurnFailed { turn, failure } => {
            if let Some(open) = newest_turn(session, turn).filter(|open| open.outcome.is_none()) {
                open.failure = Some(failure.clone());
            }
        }
        Event::TurnSilence { turn, silence } => {
            if let Some(open) = newest_turn(session, turn).filter(|open| open.outcome.is_none()) {
                open.silence.clone_from(silence);
            }
        }
        Event::TurnStopped { turn, outcome } => {
            // The first word counts: an agent that is killed after it has finished has finished.
            if let Some(open) = newest_turn(session, turn).filter(|open| open.outcome.is_none()) {
                open.silence = None;
                open.outcome = Some(outcome.clone());
                if matches!(outcome, TurnOutcome::Done { .. }) {
                    open.failure = None;
                }
            }
        }
        Event::TurnEnded { turn, checkpoint, head, turn_stat, stat } => {
            ended(session, turn, (checkpoint.as_ref(), head), (*turn_stat, *stat), time);
        }
        _ => {}
    }
}

/// What the agent said.
fn of_agent(session: &mut Session, event: &Event) {
    match event {
        Event::AgentReadied { ready } => {
            let known = session.ready.as_ref().and_then(|known| known.conversation.as_ref());
            if ready.conversation.is_some() && ready.conversation.as_ref() != known && !ready.resumed {
                usage::conversation_begins(session);
            }
            session.ready = Some(ready.clone());
        }
        Event::AgentPlan { entries } => session.plan.clone_from(entries),
        Event::AgentOptions { options } => session.options.clone_from(options),
        // What it does not take now it will not take in its next process either.
        Event::AgentOptionAnswered { option, value, refused: Some(_) } if session.chosen.get(option) == Some(value) => {
            session.chosen.remove(option);
        }
        Event::AgentCommands { commands } => session.commands.clone_from(commands),
        Event::AgentMessage { text, .. } => activity::said(session, text),
        Event::AgentOutput { stderr, text, .. } => activity::printed(session, *stderr, text),
        Event::AgentTool { call, .. } => activity::used(session, call),
        Event::AgentNotice { turn: Some(_), text } => activity::noticed(session, text),
        Event::UsageReported { turn, usage } => usage::reported(session, turn.as_ref(), usage),
        _ => {}
    }
}

/// What a person has to know or decided.
fn of_outcome(session: &mut Session, event: &Event, cause: &Cause) {
    match event {
        Event::TurnEnded { .. } => news(session, cause),
        Event::ApprovalRequested(approval) => {
            if matches!(&**approval, Approval { state: ApprovalState::Open, .. }) {
                news(session, cause);
            }
        }
        Event::LandingStarted(landing) => started(session, landing),
        Event::LandingChanged { id, state } => {
            if let Some(landing) = session.landing.as_mut().filter(|landing| landing.id == *id) {
                landing.state.clone_from(state);
                news(session, cause);
            }
        }
        _ => {}
    }
}

/// Something happened that a person may not have seen. What they did themselves they know.
fn news(session: &mut Session, cause: &Cause) {
    if !matches!(cause, Cause::Command { .. }) {
        session.unread = true;
    }
}

fn removed(session: &mut Session, preserved: Option<&String>) {
    session.removed = true;
    session.unread = false;
    session.worktree.state = WorktreeState::Removed;
    if preserved.is_some() {
        session.worktree.preserved = preserved.cloned();
    }
    session.job = None;
    session.terminal = false;
    session.queue.clear();
}

fn queued(session: &mut Session, prompt: &QueuedPrompt) {
    session.prompts = session.prompts.max(number_in(prompt.id.as_str(), 'p'));
    if let Some(waiting) = session.queue.iter_mut().find(|waiting| waiting.id == prompt.id) {
        waiting.clone_from(prompt);
        return;
    }
    let place = session.queue.iter().position(|waiting| prompt.urgent && !waiting.urgent);
    session.queue.insert(place.unwrap_or(session.queue.len()), prompt.clone());
}

fn unqueued(session: &mut Session, id: &PromptId) {
    session.queue.retain(|prompt| prompt.id != *id);
}

fn ended(
    session: &mut Session,
    turn: &TurnId,
    (checkpoint, head): (Option<&Oid>, &Oid),
    (turn_stat, stat): (DiffStat, DiffStat),
    time: i64,
) {
    if let Some(open) = newest_turn(session, turn) {
        open.ended_at = Some(time);
        open.checkpoint = checkpoint.cloned();
        open.head = Some(head.clone());
        open.stat = turn_stat;
    }
    session.head = Some(head.clone());
    session.stat = stat;
}

fn newest_turn<'a>(session: &'a mut Session, id: &TurnId) -> Option<&'a mut Turn> {
    session.turn.as_mut().filter(|turn| turn.id == *id)
}

fn started(session: &mut Session, landing: &Landing) {
    session.landings = session.landings.max(number_in(landing.id.as_str(), 'l'));
    session.landing = Some(Landing { state: LandingState::Started, ..landing.clone() });
}

/// The number in an id of the form `<session>.<letter><number>`; 0 when it has another form.
fn number_in(id: &str, letter: char) -> u32 {
    let last = id.rsplit_once('.').map_or(id, |(_, last)| last);
    last.strip_prefix(letter).and_then(|number| number.parse().ok()).unwrap_or(0)
}

pub(crate) use evaluation::summary;

#[cfg(test)]
mod tests;
