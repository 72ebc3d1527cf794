//! Timelines: a session's checkpoints by name, from its facts and its turns' rows.

use crate::host::port::{Store, Table};
use crate::model::Refusal;
use crate::model::diff::DiffStat;
use crate::model::id::Oid;
use crate::model::session::Session;
use crate::model::timeline::{StepKind, TimelineStep};
use crate::model::turn::{Turn, TurnOutcome};

/// Characters of a title at most.
const TITLE: usize = 200;

/// A session's turns, oldest first, the newest as it is known now.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn turns(store: &dyn Store, session: &Session) -> Result<Vec<Turn>, Refusal> {
    let mut turns: Vec<Turn> = Vec::new();
    for row in store.rows_of(Table::Turns, &session.id)? {
        let Some(doc) = row.doc else { continue };
        let turn = serde_json::from_str(&doc)
            .map_err(|error| Refusal::internal(format!("failed to read the turn {}: {error}", row.key)))?;
        turns.push(turn);
    }
    if let Some(newest) = &session.turn {
        turns.retain(|turn| turn.number != newest.number);
        turns.push(newest.clone());
    }
    turns.sort_by_key(|turn| turn.number);
    Ok(turns)
}

/// The commit at a turn's end; absent while it runs.
pub(crate) fn end_of(turn: &Turn) -> Option<Oid> {
    turn.ended_at?;
    Some(turn.head.clone().or_else(|| turn.checkpoint.clone()).unwrap_or_else(|| turn.from.clone()))
}

/// The lines of a session's timeline, oldest first.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn steps(store: &dyn Store, session: &Session) -> Result<Vec<TimelineStep>, Refusal> {
    let worktree = &session.worktree;
    let plain = |name: &str, kind, at, title: &str, commit| TimelineStep {
        name: name.to_owned(),
        kind,
        at,
        title: crate::base::text::visible_line(title, TITLE),
        state: None,
        commit,
        current: false,
        stat: DiffStat::default(),
        usage: None,
        duration_ms: None,
    };
    let began =
        worktree.start.as_ref().map_or_else(|| format!("from {}", worktree.base.label), |start| start.what.clone());
    let first = Some(worktree.first_commit().clone());
    let mut steps = vec![plain("start", StepKind::Start, session.created_at, &began, first)];
    for turn in turns(store, session)? {
        let name = format!("t{}", turn.number);
        let title = turn.prompt.trim_start().lines().next().unwrap_or_default();
        let state = match (&turn.ended_at, &turn.outcome) {
            (None, _) | (_, None) => "running",
            (_, Some(TurnOutcome::Done { .. })) => "done",
            (_, Some(TurnOutcome::Failed { .. })) => "failed",
            (_, Some(TurnOutcome::Interrupted { .. })) => "interrupted",
        };
        let at = turn.ended_at.unwrap_or(turn.started_at);
        steps.push(TimelineStep {
            state: Some(state.to_owned()),
            stat: turn.stat,
            duration_ms: turn.ended_at.map(|ended| (ended - turn.started_at).max(0)),
            usage: Some(turn.usage.clone()),
            ..plain(&name, StepKind::Turn, at, title, end_of(&turn))
        });
    }
    for mark in &session.marks {
        let step = plain(&mark.name, StepKind::Checkpoint, mark.at, &mark.what, Some(mark.commit.clone()));
        steps.push(TimelineStep { stat: mark.step, ..step });
    }
    // Stable: of equal times the order above stands, so a turn stays before the checkpoint made right after it.
    steps[1..].sort_by_key(|step| step.at);
    if let Some(at) = steps.iter().rposition(|step| step.commit.is_some() && step.commit == session.head) {
        steps[at].current = true;
    }
    Ok(steps)
}

/// The checkpoint that a person means: a name, a turn's number, the beginning of a commit, or (absent) the newest.
///
/// # Errors
/// When there is none, or its turn still runs.
pub(crate) fn find(store: &dyn Store, session: &Session, wanted: Option<&str>) -> Result<(String, Oid), Refusal> {
    let mut steps = steps(store, session)?;
    let name = &session.name;
    let hint = format!("divisi timeline {name}");
    let found = match wanted {
        None => steps.iter().rposition(|step| step.commit.is_some()),
        Some(wanted) => {
            let numbered = format!("t{wanted}");
            let is_number = wanted.bytes().all(|byte| byte.is_ascii_digit()) && wanted.len() < 4;
            let named = steps.iter().position(|step| step.name == wanted || (is_number && step.name == numbered));
            named.or_else(|| {
                let begins = |step: &TimelineStep| {
                    wanted.len() >= 4 && step.commit.as_ref().is_some_and(|commit| commit.as_str().starts_with(wanted))
                };
                let mut matching = steps.iter().enumerate().filter(|(_, step)| begins(step));
                let (first, step) = matching.next()?;
                // The same commit may have several names; two commits are two meanings.
                matching.all(|(_, other)| other.commit == step.commit).then_some(first)
            })
        }
    };
    let Some(step) = found.map(|at| steps.swap_remove(at)) else {
        let shown = crate::base::text::visible_line(wanted.unwrap_or("(newest)"), 40);
        return Err(Refusal::user(format!("'{name}' has no checkpoint {shown}")).hint(hint));
    };
    match step.commit {
        Some(commit) => Ok((step.name, commit)),
        None => {
            Err(Refusal::conflict(format!("'{name}' has no checkpoint {} yet: the turn runs", step.name)).hint(hint))
        }
    }
}
