//! Silence: an agent that should be working and says nothing for too long. A person is asked; nothing is ever ended unasked.
//!
//! The unit measures from the journal, so that a new daemon goes on where the last one was; what was asked and answered is in events.

use std::time::Duration;

use crate::base::date;
use crate::host::change::Change;
use crate::host::effect::{Effect, UnitInput};
use crate::host::on_approval;
use crate::model::agent::ToolCall;
use crate::model::approval::{Approval, ApprovalKind, ApprovalOption, ApprovalState};
use crate::model::event::Event;
use crate::model::failure::{Failure, FailureKind, Silence};
use crate::model::id::{ApprovalId, JobId, SessionId};
use crate::model::session::Session;
use crate::model::turn::Turn;

/// The key of the question among a process's requests; no protocol makes one like it.
const KEY: &str = "divisi:silence";

/// What can be answered, with labels.
const OPTIONS: [(&str, &str, &str); 3] = [
    ("wait", "wait on, and ask again later", "allow_once"),
    ("interrupt", "interrupt the turn", "choice"),
    ("stop", "end the agent's process at once", "choice"),
];

/// Whether a question is this one and not the agent's.
pub(crate) fn is_ours(approval: &Approval) -> bool {
    approval.key == KEY
}

/// How long a session's agent may be silent; zero: for ever.
pub(crate) fn limit(change: &Change<'_>, session: &Session) -> Duration {
    let settings = &change.brain.settings;
    let of_session = session.silence_sec.map(Duration::from_secs);
    of_session.or_else(|| settings.silence_of.get(&session.agent).copied()).unwrap_or(settings.silence)
}

/// A process has been silent for too long, or is heard again.
pub(crate) fn on_silence(change: &mut Change<'_>, id: &SessionId, job: &JobId, since: Option<i64>) {
    let Some(session) = change.brain.registry.sessions.get(id).filter(|session| session.job.as_ref() == Some(job))
    else {
        return;
    };
    let Some(turn) = session.turn.clone().filter(|turn| turn.outcome.is_none()) else { return };
    match since {
        Some(since) => silent(change, id, job, &turn, since),
        None if turn.silence.is_some() => {
            on_approval::expire(change, id, job, Some(KEY), "the agent is heard again");
            change.emit(Some(id), Event::TurnSilence { turn: turn.id, silence: None });
        }
        None => {}
    }
}

fn silent(change: &mut Change<'_>, id: &SessionId, job: &JobId, turn: &Turn, since: i64) {
    // While it waits for an answer, silence is what it owes; while it is stopped, the stop goes on by itself.
    if turn.stopping || !change.brain.registry.open_approvals(id).is_empty() {
        return;
    }
    if let Some(until) = turn.silence.as_ref().filter(|known| known.since == since).and_then(|known| known.until)
        && until > change.now
    {
        change.want(Effect::ToUnit { job: job.clone(), input: UnitInput::Patience { until } });
        return;
    }
    change.emit(Some(id), Event::TurnSilence { turn: turn.id.clone(), silence: Some(Silence { since, until: None }) });
    let title = format!(
        "the agent has said nothing since {} ({}): wait on, interrupt, or stop it?",
        date::minute(since),
        date::length(change.now.saturating_sub(since))
    );
    let option = |(id, name, kind): (&str, &str, &str)| ApprovalOption {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: kind.to_owned(),
    };
    let approval = Approval {
        id: ApprovalId((change.brain.new_id)()),
        session: id.clone(),
        turn: turn.id.clone(),
        job: job.clone(),
        key: KEY.to_owned(),
        kind: ApprovalKind::Question,
        tool: ToolCall { id: KEY.to_owned(), kind: "silence".to_owned(), title, ..ToolCall::default() },
        command_line: None,
        options: OPTIONS.map(option).into(),
        state: ApprovalState::Open,
        asked_at: change.now,
    };
    on_approval::on_requested(change, &approval);
}

/// A person said what to do. A plain yes waits on, a plain no interrupts.
pub(crate) fn on_answered(change: &mut Change<'_>, approval: &Approval, option: Option<&str>, by: &str) {
    let (id, job) = (&approval.session, &approval.job);
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let Some(turn) = session.turn.clone().filter(|turn| turn.outcome.is_none() && turn.id == approval.turn) else {
        return;
    };
    let input = match option {
        None | Some("interrupt") => UnitInput::StopTurn,
        Some("stop") => UnitInput::End,
        _ => {
            let limit = i64::try_from(limit(change, session).as_millis()).unwrap_or(i64::MAX);
            let until = change.now.saturating_add(limit);
            let since = turn.silence.map_or(change.now, |silence| silence.since);
            let silence = Some(Silence { since, until: Some(until) });
            change.emit(Some(id), Event::TurnSilence { turn: turn.id, silence });
            change.want(Effect::ToUnit { job: job.clone(), input: UnitInput::Patience { until } });
            return;
        }
    };
    let failure = Failure { kind: FailureKind::Silent, next: "send the prompt again".to_owned(), retry_at: None };
    change.emit(Some(id), Event::TurnFailed { turn: turn.id.clone(), failure });
    change.emit(Some(id), Event::TurnStopRequested { turn: turn.id, by: by.to_owned() });
    change.want(Effect::ToUnit { job: job.clone(), input });
}
