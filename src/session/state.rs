//! What a session is doing, why, and how much it wants attention: computed here and nowhere else.

use std::cmp::Ordering;

use crate::base::date;
use crate::base::text::visible_line;
use crate::model::approval::{Approval, ApprovalKind, ApprovalPolicy, ApprovalState};
use crate::model::diff::DiffStat;
use crate::model::landing::{Landing, LandingState};
use crate::model::session::{Session, SessionState, SessionView, Setup};
use crate::model::turn::{Turn, TurnOutcome};
use crate::model::worktree::WorktreeState;

/// Characters of a reason at most; it is one line in a list.
const REASON_WIDTH: usize = 300;

/// Files named in a reason at most.
const NAMED_FILES: usize = 3;

/// What a session is doing. Approvals that are closed or another session's are ignored.
pub fn state(session: &Session, open_approvals: &[&Approval]) -> SessionState {
    if session.removed || session.worktree.state == WorktreeState::Removed {
        return SessionState::Completed;
    }
    match session.worktree.state {
        WorktreeState::Intended => return SessionState::Initializing,
        WorktreeState::Failed => return SessionState::Failed,
        WorktreeState::Ready | WorktreeState::Removing | WorktreeState::Removed => {}
    }
    if session.setup == Setup::Running {
        return SessionState::Initializing;
    }
    if asking(session, open_approvals).is_some() {
        return SessionState::AwaitingInput;
    }
    match at_work(session) {
        AtWork::Yes => return SessionState::Running,
        // The turn is over but its checkpoint could not be made.
        AtWork::Ending if session.fault.is_none() => return SessionState::Running,
        AtWork::Ending | AtWork::No => {}
    }
    // A fault is cleared by the next turn, so this one is newer than the last.
    if session.fault.is_some() || matches!(session.setup, Setup::Failed { .. }) {
        return SessionState::Failed;
    }
    if !session.queue.is_empty() {
        return SessionState::Queued;
    }
    if session.evaluations.running().is_some() {
        return SessionState::Evaluating;
    }
    at_rest(session)
}

/// The state of a session in which nothing runs and nothing waits.
fn at_rest(session: &Session) -> SessionState {
    match newest_landing(session).map(|landing| &landing.state) {
        Some(LandingState::Completed { .. }) => return SessionState::Completed,
        Some(LandingState::Conflicted { .. }) => return SessionState::Review,
        _ => {}
    }
    match session.turn.as_ref().and_then(|turn| turn.outcome.as_ref()) {
        Some(TurnOutcome::Failed { .. }) => return SessionState::Failed,
        Some(TurnOutcome::Interrupted { .. }) => return SessionState::Interrupted,
        Some(TurnOutcome::Done { .. }) | None => {}
    }
    if session.stat == DiffStat::default() { SessionState::Completed } else { SessionState::Review }
}

/// What a session waits for when it waits for a person: `question` or `approval`.
pub fn waiting_for(session: &Session, open_approvals: &[&Approval]) -> Option<&'static str> {
    if state(session, open_approvals) != SessionState::AwaitingInput {
        return None;
    }
    asking(session, open_approvals).map(|approval| match approval.kind {
        ApprovalKind::Permission => "approval",
        ApprovalKind::Question => "question",
    })
}

/// Why a session is in its state, one line; absent when there is nothing to explain. May quote agents and file names: made visible.
pub fn reason(session: &Session, open_approvals: &[&Approval]) -> Option<String> {
    let why = match state(session, open_approvals) {
        SessionState::Failed => failure(session)?,
        SessionState::Interrupted => match session.turn.as_ref().and_then(|turn| turn.outcome.as_ref())? {
            TurnOutcome::Interrupted { reason } => reason.clone(),
            TurnOutcome::Failed { .. } | TurnOutcome::Done { .. } => return None,
        },
        SessionState::Review | SessionState::Completed => match &newest_landing(session)?.state {
            LandingState::Conflicted { paths } => conflicts(paths),
            LandingState::Failed { reason } => format!("the landing failed: {reason}"),
            LandingState::Started | LandingState::Completed { .. } | LandingState::Aborted => return None,
        },
        SessionState::Running | SessionState::AwaitingInput => silence(session)?,
        SessionState::Evaluating => {
            let running = session.evaluations.running()?;
            format!("{}: {} of {} evaluators done", running.suite, running.results.len(), running.evaluators)
        }
        SessionState::Initializing | SessionState::Queued => return None,
    };
    Some(visible_line(&why, REASON_WIDTH))
}

/// The place of a state in lists: what needs a person first. Lower comes earlier.
pub fn attention_rank(state: SessionState, unread: bool) -> u8 {
    match state {
        SessionState::AwaitingInput => 0,
        SessionState::Failed => 1,
        SessionState::Interrupted => 2,
        SessionState::Review if unread => 3,
        SessionState::Running => 4,
        SessionState::Evaluating => 5,
        SessionState::Queued | SessionState::Initializing => 6,
        SessionState::Review => 7,
        SessionState::Completed => 8,
    }
}

/// The order of lists: what needs a person first, of equals what moved last, then by name.
pub fn by_attention(a: &SessionView, b: &SessionView) -> Ordering {
    a.attention
        .cmp(&b.attention)
        .then_with(|| b.updated_at.cmp(&a.updated_at))
        .then_with(|| a.name.cmp(&b.name))
        .then_with(|| a.id.cmp(&b.id))
}

/// A session as faces see it. Approvals that are closed or another session's are ignored.
pub fn view(session: &Session, open_approvals: &[&Approval]) -> SessionView {
    let open = open_approvals.iter().filter(|approval| is_open(session, approval)).count();
    let now = state(session, open_approvals);
    SessionView {
        id: session.id.clone(),
        name: session.name.clone(),
        prompt: session.prompt.clone(),
        agent: session.agent.clone(),
        model: session.chosen.get("model").or(session.model.as_ref()).cloned(),
        mode: session.chosen.get("mode").or(session.mode.as_ref()).cloned(),
        profile: session.profile.clone(),
        repository: session.worktree.repository.clone(),
        worktree: session.worktree.clone(),
        state: now,
        waiting_for: waiting_for(session, open_approvals).map(str::to_owned),
        unread: session.unread,
        attention: attention_rank(now, session.unread),
        activity: session.activity.clone(),
        said: session.said.clone(),
        reason: reason(session, open_approvals),
        turns: session.turns,
        turn: session.turn.clone(),
        queue: session.queue.clone(),
        approvals: u32::try_from(open).unwrap_or(u32::MAX),
        policy: session.policy,
        stat: session.stat,
        usage: session.usage.clone(),
        landing: session.landing.clone(),
        evaluation: super::fold::summary(session),
        review: super::round::counts(session),
        terminal: session.terminal,
        setup: session.setup.clone(),
        plan: session.plan.clone(),
        options: session.options.clone(),
        commands: session.commands.clone(),
        mcp: session.mcp.keys().cloned().collect(),
        ready: session.ready.clone(),
        created_at: session.created_at,
        run: session.run.clone(),
        judges: session.judging.is_some(),
        updated_at: session.updated_at,
        removed: session.removed,
    }
}

/// Whether a turn is under way.
enum AtWork {
    Yes,
    /// The agent has stopped, the checkpoint is still to come.
    Ending,
    No,
}

fn at_work(session: &Session) -> AtWork {
    match &session.turn {
        Some(Turn { outcome: None, ended_at: None, .. }) => AtWork::Yes,
        Some(Turn { outcome: Some(_), ended_at: None, .. }) => AtWork::Ending,
        Some(Turn { ended_at: Some(_), .. }) | None => AtWork::No,
    }
}

/// The oldest approval that needs a person.
fn asking<'a>(session: &Session, open_approvals: &[&'a Approval]) -> Option<&'a Approval> {
    open_approvals
        .iter()
        .copied()
        .filter(|approval| is_open(session, approval))
        // With the policy auto permissions are answered at once; questions still need somebody.
        .filter(|approval| session.policy != ApprovalPolicy::Auto || approval.kind == ApprovalKind::Question)
        .min_by_key(|approval| approval.asked_at)
}

fn is_open(session: &Session, approval: &Approval) -> bool {
    approval.session == session.id && approval.state == ApprovalState::Open
}

/// The landing, unless a turn was started after it.
fn newest_landing(session: &Session) -> Option<&Landing> {
    let landing = session.landing.as_ref()?;
    session.turn.as_ref().is_none_or(|turn| turn.started_at <= landing.started_at).then_some(landing)
}

fn failure(session: &Session) -> Option<String> {
    if let Some(fault) = &session.fault {
        return Some(fault.clone());
    }
    if session.worktree.state == WorktreeState::Failed {
        return Some("its worktree could not be made".to_owned());
    }
    if let Setup::Failed { reason } = &session.setup {
        return Some(format!("the setup failed: {reason}"));
    }
    match session.turn.as_ref()?.outcome.as_ref()? {
        TurnOutcome::Failed { reason } => Some(reason.clone()),
        TurnOutcome::Done { .. } | TurnOutcome::Interrupted { .. } => None,
    }
}

fn silence(session: &Session) -> Option<String> {
    let silence = session.turn.as_ref()?.silence.as_ref()?;
    let since = format!("silent since {}", date::minute(silence.since));
    Some(match silence.until {
        Some(until) => format!("{since}; waited on until {}", date::minute(until)),
        None => since,
    })
}

fn conflicts(paths: &[String]) -> String {
    let named = paths.iter().take(NAMED_FILES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match paths.len() {
        0 => "conflicts to resolve".to_owned(),
        count if count > NAMED_FILES => format!("conflicts to resolve in {named} and {} more", count - NAMED_FILES),
        _ => format!("conflicts to resolve in {named}"),
    }
}

#[cfg(test)]
mod tests;
