//! Attempts at cases of benchmarks: the case's repository is there before its session, and its tests have the last word.

use crate::batch::queue;
use crate::host::advance::advance;
use crate::host::change::{Change, Step};
use crate::host::effect::Effect;
use crate::host::on_batch::run_of;
use crate::host::on_run;
use crate::host::port::{CaseFailure, CaseGround, JudgedCase, Needed, PreparedCase, ResolvedBase};
use crate::model::Refusal;
use crate::model::attempt::Outcome;
use crate::model::batch::{Attempt, AttemptOutcome, BatchChange, BatchChanged, Run, RunStarted, StopReason};
use crate::model::case::{CaseAttempt, CaseChange, CaseStep};
use crate::model::event::Event;
use crate::model::id::{BatchId, RunId, SessionId};
use crate::model::session::Session;
use crate::model::worktree::WorktreeState;

/// So long after its end the runs of a batch can be run again with the cases as they were, milliseconds.
const CASES_STAY: i64 = 30 * 24 * 3600 * 1000;

/// What is needed of the cases of a batch, by its document.
pub(crate) fn needed(batch: &str, now: i64) -> Needed {
    #[derive(serde::Deserialize)]
    struct Ended {
        ended_at: Option<i64>,
    }
    match serde_json::from_str::<Ended>(batch) {
        Ok(Ended { ended_at: Some(ended) }) if now.saturating_sub(ended) > CASES_STAY => Needed::Report,
        _ => Needed::Everything,
    }
}

/// Begins an attempt: its case is prepared, then its session begins.
pub(crate) fn start(change: &mut Change<'_>, batch: &BatchId, run: &Run, attempt: Attempt) {
    let attempt = Attempt { case: Some(Box::default()), ..attempt };
    let session = attempt.session.clone();
    change.emit(None, Event::RunStarted(RunStarted { run: run.id.clone(), attempt }));
    prepare(change, batch, &run.id, &session);
}

/// Where the current attempt of a run is at work.
fn ground(change: &Change<'_>, run: &RunId, session: &SessionId) -> Option<CaseGround> {
    let (live, known) = run_of(change, run)?;
    let key = queue::case_of(&live.batch, known)?.key.clone();
    let cases = queue::task_of(&live.batch, known).and_then(|task| task.cases.as_ref());
    let settings = &change.brain.settings;
    Some(CaseGround {
        batch: live.batch.id.clone(),
        session: session.clone(),
        key,
        name: result_name(known, known.current()?),
        variables: cases.map(|cases| cases.variables.clone()).unwrap_or_default(),
        containers: cases.and_then(|cases| cases.containers).unwrap_or(settings.containers),
        network: cases.and_then(|cases| cases.network).or(settings.test_network.asked()),
    })
}

/// What is kept of an attempt is called so.
pub(crate) fn result_name(run: &Run, attempt: &Attempt) -> String {
    format!("r{}-a{}", run.number, attempt.number)
}

fn prepare(change: &mut Change<'_>, batch: &BatchId, run: &RunId, session: &SessionId) {
    if let Some(ground) = ground(change, run, session) {
        let run = run.clone();
        return change.want_step(session, Step::Case, || Effect::PrepareCase { run, ground: Box::new(ground) });
    }
    let refusal = Refusal::internal(format!("the plan of batch {batch} does not have what the run needs"));
    let reason = Some(crate::host::hinted(&refusal));
    on_run::end(change, run, AttemptOutcome::NotStarted, reason, None);
}

/// The run's attempt in that session, if it is under way.
fn current(change: &Change<'_>, run: &RunId, session: &SessionId) -> Option<Attempt> {
    let (_, known) = run_of(change, run)?;
    known.current().filter(|attempt| attempt.session == *session).cloned()
}

/// Has everything of an attempt removed but what was kept of it.
pub(crate) fn clear(change: &mut Change<'_>, run: &RunId, session: &SessionId) {
    let Some(batch) = crate::batch::fold::batch_of_run(run) else { return };
    change.want(Effect::RemoveCase { batch, session: session.clone() });
}

/// An attempt's session is gone: its repository goes too, once no tests run there.
pub(crate) fn left(change: &mut Change<'_>, run: &RunId, session: &SessionId) {
    if change.brain.under_way(session, Step::Case) {
        change.want(Effect::StopCase { session: session.clone() });
    } else {
        clear(change, run, session);
    }
}

/// Whether a session works in a case's repository.
pub(crate) fn has_ground(session: &Session) -> bool {
    session.run.is_some() && session.worktree.repository.contains(&format!("/{}/", session.id))
}

/// A case's repository is there, or could not be made.
pub(crate) fn on_prepared(
    change: &mut Change<'_>,
    run: &RunId,
    session: &SessionId,
    result: Result<(PreparedCase, ResolvedBase), CaseFailure>,
) {
    change.step_done(session, Step::Case);
    let Some(attempt) = current(change, run, session) else { return clear(change, run, session) };
    if let Some(stopping) = attempt.stopping {
        return stop(change, run, stopping, None);
    }
    match result {
        Ok((PreparedCase { repository, prepare_ms }, resolved)) => {
            step(change, run, CaseStep::Ready { repository, prepare_ms });
            if let Err(refusal) = on_run::begin(change, run, &attempt, resolved) {
                on_run::end(change, run, AttemptOutcome::NotStarted, Some(crate::host::hinted(&refusal)), None);
            }
        }
        Err(failure) => {
            let why = match failure {
                CaseFailure::Stopped => "its preparation was cut off".to_owned(),
                CaseFailure::Failed(why) => why,
            };
            on_run::end(change, run, AttemptOutcome::Infrastructure, Some(why), None);
        }
    }
}

fn stop(change: &mut Change<'_>, run: &RunId, why: StopReason, session: Option<&Session>) {
    let (outcome, reason) = match why {
        StopReason::TimedOut => (AttemptOutcome::TimedOut, "it took too long"),
        StopReason::Cancelled => (AttemptOutcome::Cancelled, "the batch was cancelled"),
        StopReason::Budget => (AttemptOutcome::Budget, "the batch's budget is used up"),
    };
    on_run::end(change, run, outcome, Some(reason.to_owned()), session);
}

/// Records a step.
fn step(change: &mut Change<'_>, run: &RunId, step: CaseStep) {
    let Some(batch) = crate::batch::fold::batch_of_run(run) else { return };
    let case = Box::new(CaseChange { run: run.clone(), step });
    change.emit(None, Event::BatchChanged(BatchChanged { batch, change: BatchChange::Case { case } }));
}

/// The agent has done everything that was asked: the tests of its case run, if they have not since its last turn.
pub(crate) fn judge(change: &mut Change<'_>, session: &Session, run: &RunId, attempt: &Attempt) {
    let case = attempt.case.clone().unwrap_or_default();
    if is_judged(&case, session) {
        return conclude(change, session, run, &case);
    }
    if let Some(stopping) = attempt.stopping {
        return stop(change, run, stopping, Some(session));
    }
    if session.worktree.state != WorktreeState::Ready {
        let reason = Some("its session was removed".to_owned());
        return on_run::end(change, run, AttemptOutcome::Cancelled, reason, Some(session));
    }
    let Some(ground) = ground(change, run, &session.id) else { return };
    if case.working_since.is_some() {
        step(change, run, CaseStep::Judging);
    }
    let (run, files) = (run.clone(), session.worktree.path.clone());
    change.want_step(&session.id, Step::Case, || Effect::JudgeCase { run, ground: Box::new(ground), files });
}

/// Whether the newest verdict is of what the session has now.
fn is_judged(case: &CaseAttempt, session: &Session) -> bool {
    case.verdict.is_some() && case.iterations > 0 && case.judged_turns == session.turns
}

/// The tests said something, or could not be run.
pub(crate) fn on_judged(change: &mut Change<'_>, run: &RunId, id: &SessionId, result: Result<JudgedCase, CaseFailure>) {
    change.step_done(id, Step::Case);
    let session = change.brain.registry.sessions.get(id).cloned();
    let (Some(session), Some(attempt)) = (session.clone(), current(change, run, id)) else {
        // While tests ran there it could not go.
        if session.is_none() {
            clear(change, run, id);
        }
        return;
    };
    let judged = match (result, attempt.stopping) {
        (Ok(judged), _) => judged,
        (Err(_), Some(stopping)) => return stop(change, run, stopping, Some(&session)),
        (Err(CaseFailure::Stopped), None) => {
            let reason = Some("its tests were cut off".to_owned());
            return on_run::end(change, run, AttemptOutcome::Infrastructure, reason, Some(&session));
        }
        (Err(CaseFailure::Failed(why)), None) => {
            return on_run::end(change, run, AttemptOutcome::Infrastructure, Some(why), Some(&session));
        }
    };
    let JudgedCase { verdict, patch_sha256, prepare_ms, test_ms, again, validity } = judged;
    let turns = session.turns;
    let unresolved = !matches!(verdict, Outcome::Resolved | Outcome::Infrastructure(_));
    step(change, run, CaseStep::Judged { verdict, turns, prepare_ms, test_ms, patch_sha256, validity });
    let most =
        run_of(change, run).and_then(|(live, known)| queue::case_of(&live.batch, known)).map(|case| case.iterations);
    let Some(case) = current(change, run, id).and_then(|attempt| attempt.case) else { return };
    if unresolved && attempt.stopping.is_none() && most.is_some_and(|most| case.iterations < most) {
        step(change, run, CaseStep::Again);
        on_run::queue_prompt(change, id, again);
        return advance(change, id);
    }
    conclude(change, &session, run, &case);
}

/// The attempt is over as the tests say.
fn conclude(change: &mut Change<'_>, session: &Session, run: &RunId, case: &CaseAttempt) {
    let outcome = match &case.verdict {
        Some(Outcome::Resolved) => AttemptOutcome::Done,
        Some(Outcome::Infrastructure(_)) => AttemptOutcome::Infrastructure,
        _ => AttemptOutcome::Failed,
    };
    on_run::end(change, run, outcome, case.reason(), Some(session));
}

/// What an attempt's end says of its case when the tests did not say it, and the reason in words.
pub(crate) fn settle(
    change: &mut Change<'_>,
    run: &RunId,
    outcome: AttemptOutcome,
    reason: Option<String>,
    session: Option<&Session>,
) -> Option<String> {
    let known = run_of(change, run).and_then(|(_, run)| run.current()).cloned();
    let Some(case) = known.and_then(|attempt| attempt.case) else { return reason };
    if session.is_some_and(|session| is_judged(&case, session)) {
        return reason;
    }
    let why = reason.clone().unwrap_or_else(|| outcome.words().to_owned());
    let verdict = match outcome {
        AttemptOutcome::Cancelled => Outcome::Cancelled,
        AttemptOutcome::Budget => Outcome::Budget,
        AttemptOutcome::RateLimited | AttemptOutcome::NotStarted | AttemptOutcome::Infrastructure => {
            Outcome::Infrastructure(why)
        }
        AttemptOutcome::Done | AttemptOutcome::Failed | AttemptOutcome::Crashed | AttemptOutcome::TimedOut => {
            Outcome::AgentFailed(why)
        }
    };
    let plain = matches!(verdict, Outcome::Cancelled | Outcome::Budget);
    let said = CaseAttempt { verdict: Some(verdict.clone()), ..CaseAttempt::default() }.reason();
    step(change, run, CaseStep::Unjudged { verdict });
    if plain { reason } else { said }
}

/// After a restart: an attempt whose session had not begun is prepared again, or is over when it was being stopped.
pub(crate) fn recover(change: &mut Change<'_>, run: &RunId, attempt: &Attempt) {
    let Some(batch) = crate::batch::fold::batch_of_run(run) else { return };
    match attempt.stopping {
        Some(stopping) => stop(change, run, stopping, None),
        None => prepare(change, &batch, run, &attempt.session),
    }
}

#[cfg(test)]
mod tests;
