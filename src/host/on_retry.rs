//! Runs that are to be run again, of batches that go on or have ended.

use std::collections::BTreeSet;

use crate::batch::queue::{self, Facts};
use crate::batch::{contest, fold};
use crate::host::change::{Change, Waiting};
use crate::host::effect::{Effect, Ticket};
use crate::host::on_batch::{emit_state, require};
use crate::host::on_contest;
use crate::host::registry::LiveBatch;
use crate::model::Refusal;
use crate::model::batch::{BatchState, Machine, RetryRuns, Run, RunQueued, RunState, Spend};
use crate::model::command::{Command, Outcome};
use crate::model::contest::ContestState;
use crate::model::event::Event;
use crate::model::id::{CommandId, RunId};

/// Runs wait again. A batch that has ended is read first.
pub(crate) fn on_retry(change: &mut Change<'_>, command: &CommandId, request: &RetryRuns) -> Result<(), Refusal> {
    if change.brain.registry.batches.contains_key(&request.batch) {
        let runs = retry(change, request)?;
        change.accept(command, None, Outcome::Retrying { runs });
        return Ok(());
    }
    let ticket = change.brain.wait(command, &Command::RetryRuns(request.clone()));
    change.want(Effect::LoadBatch { ticket, batch: request.batch.clone() });
    Ok(())
}

/// A batch that had ended was read: its runs can be run again.
pub(crate) fn on_loaded(change: &mut Change<'_>, ticket: Ticket, result: Result<LiveBatch, Refusal>) {
    let Some(Waiting { id: command, command: Command::RetryRuns(request) }) = change.brain.waiting.remove(&ticket)
    else {
        return;
    };
    let live = match result {
        Ok(live) => live,
        Err(refusal) => return change.refuse(&command, refusal),
    };
    let id = live.batch.id.clone();
    // Somebody else was quicker: what was read is old.
    if change.brain.registry.batches.contains_key(&id) {
        return match retry(change, &request) {
            Ok(runs) => change.accept(&command, None, Outcome::Retrying { runs }),
            Err(refusal) => change.refuse(&command, refusal),
        };
    }
    if let Err(refusal) = chosen(&live, &request).and_then(|_| require_budget(&live)) {
        return change.refuse(&command, refusal);
    }
    let repositories = live.batch.plan.tasks.iter().flat_map(|task| task.repositories.iter().cloned()).collect();
    // Its facts come from its stored rows; the event below makes them live again.
    change.brain.registry.batches.insert(id.clone(), live);
    emit_state(change, &id, BatchState::Active, None);
    change.want(Effect::ResolveBatch { batch: id, repositories });
    match retry(change, &request) {
        Ok(runs) => change.accept(&command, None, Outcome::Retrying { runs }),
        Err(refusal) => change.refuse(&command, refusal),
    }
}

fn retry(change: &mut Change<'_>, request: &RetryRuns) -> Result<u32, Refusal> {
    let live = require(change, &request.batch)?;
    if live.batch.state == BatchState::Cancelling {
        return Err(Refusal::conflict("cannot retry: the batch is being cancelled").hint("divisi batch status BATCH"));
    }
    let runs = chosen(live, request)?;
    let count = u32::try_from(runs.len()).unwrap_or(u32::MAX);
    on_contest::before_retry(change, &request.batch, &runs);
    for run in runs {
        change.emit(None, Event::RunQueued(RunQueued { run }));
    }
    Ok(count)
}

/// What has used up its budget would be ended again before anything starts.
fn require_budget(live: &LiveBatch) -> Result<(), Refusal> {
    let (nothing, machine) = (|_: usize| Spend::default(), Machine::default());
    let facts = Facts { now: 0, machine, used: &nothing, judges: Spend::default(), landing: &|_| false };
    match queue::over_budget(&live.batch, &live.runs, &facts) {
        Some(why) => Err(Refusal::conflict(format!("cannot retry: {why}"))
            .hint("start a new batch whose plan has a larger budget: divisi batch run PLAN")),
        None => Ok(()),
    }
}

/// The runs that are to be run again.
fn chosen(live: &LiveBatch, request: &RetryRuns) -> Result<Vec<RunId>, Refusal> {
    // Another winner could land after the one that is being landed.
    let lands = |run: &Run| contest::of(&live.batch, run).is_some_and(|one| one.state == ContestState::Landing);
    let again = |run: &&Run| run.state.is_over() && run.state != RunState::Passed && !lands(run);
    if request.runs.is_empty() {
        let runs: Vec<RunId> = live.runs.iter().filter(again).map(|run| run.id.clone()).collect();
        if runs.is_empty() {
            return Err(Refusal::conflict("there is nothing to retry: no run has failed"));
        }
        return Ok(runs);
    }
    let mut wanted = BTreeSet::new();
    for id in &request.runs {
        let shown = crate::base::text::visible_line(id.as_str(), 40);
        let run = fold::place(&live.runs, id).map(|place| &live.runs[place]);
        let run = run.ok_or_else(|| {
            let number = shown.rsplit_once(".r").map_or(shown.as_str(), |(_, number)| number);
            Refusal::user(format!("there is no run {number} in this batch: it has 1 to {}", live.runs.len()))
                .hint(format!("divisi batch status {}", live.batch.id))
        })?;
        if !run.state.is_over() {
            return Err(Refusal::conflict(format!("cannot retry run {}: it is {}", run.number, run.state.as_str())));
        }
        // Another result would be counted for what the target has had.
        if run.attempts.last().is_some_and(|attempt| attempt.landed) {
            return Err(Refusal::conflict(format!("cannot retry run {}: what it made was landed", run.number)));
        }
        if lands(run) {
            let why = "who won of those it competed with is being landed";
            return Err(Refusal::conflict(format!("cannot retry run {}: {why}", run.number))
                .hint(format!("divisi batch open {}", live.batch.id)));
        }
        wanted.insert(id.clone());
    }
    Ok(wanted.into_iter().collect())
}
