//! The fold: what a batch and its runs are after an event.

use crate::model::Event;
use crate::model::batch::{Attempt, AttemptEnd, Batch, BatchChange, BatchState, Run, RunCounts, RunState, Summary};
use crate::model::batch::{BatchChanged, RunEnded, RunQueued, RunSettled, RunStarted, RunStopping};
use crate::model::contest::Contest;
use crate::model::id::{BatchId, RunId};

/// The batch that an event is about; absent for events of something else and for a batch's creation.
pub fn batch_of(event: &Event) -> Option<BatchId> {
    match event {
        Event::BatchChanged(BatchChanged { batch, .. }) => Some(batch.clone()),
        Event::RunStarted(RunStarted { run, .. })
        | Event::RunStopping(RunStopping { run, .. })
        | Event::RunEnded(RunEnded { run, .. })
        | Event::RunQueued(RunQueued { run })
        | Event::RunSettled(RunSettled { run, .. }) => batch_of_run(run),
        _ => None,
    }
}

/// The batch of a run.
pub fn batch_of_run(run: &RunId) -> Option<BatchId> {
    run.as_str().split_once(".r").map(|(batch, _)| BatchId(batch.to_owned()))
}

/// The batch of a contest, by the key of its row.
pub fn batch_of_contest(key: &str) -> Option<BatchId> {
    key.rsplit_once(".c").map(|(batch, _)| BatchId(batch.to_owned()))
}

/// The place of a run in its batch's list.
pub fn place(runs: &[Run], id: &RunId) -> Option<usize> {
    let number: usize = id.as_str().split_once(".r")?.1.parse().ok()?;
    runs.get(number.checked_sub(1)?).filter(|run| run.id == *id).map(|_| number - 1)
}

/// What an event changed of a batch: as little as possible is to be stored again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Touched {
    /// The batch itself, without its runs and contests.
    pub batch: bool,
    /// The run at this place.
    pub run: Option<usize>,
    /// The contest with this number.
    pub contest: Option<u32>,
    /// The contest with this number is gone.
    pub gone: Option<u32>,
}

impl Touched {
    fn run(run: Option<usize>) -> Self {
        Self { run, ..Self::default() }
    }

    fn batch() -> Self {
        Self { batch: true, ..Self::default() }
    }
}

/// Applies an event to a batch. `time` is the envelope's, milliseconds since the epoch.
pub fn apply(batch: &mut Batch, runs: &mut [Run], event: &Event, time: i64) -> Touched {
    match event {
        Event::BatchChanged(BatchChanged { change, .. }) => {
            match change {
                BatchChange::State { state, reason } => {
                    batch.state = *state;
                    batch.reason.clone_from(reason);
                    let ended = *state == BatchState::Ended;
                    batch.ended_at = ended.then_some(time);
                    batch.summary = ended.then(|| summary(batch, runs));
                }
                BatchChange::Concurrency { concurrency } => batch.concurrency = *concurrency,
                BatchChange::Contest { contest } => {
                    let run = contested(batch, runs, contest);
                    return Touched { run, contest: Some(contest.number), ..Touched::default() };
                }
                BatchChange::Case { case } => {
                    return Touched::run(with(runs, &case.run, |run| {
                        let attempt = run.attempts.last_mut().filter(|attempt| attempt.outcome.is_none());
                        if let Some(attempt) = attempt {
                            attempt.case.get_or_insert_default().take(&case.step, time);
                        }
                    }));
                }
            }
            Touched::batch()
        }
        Event::RunStarted(RunStarted { run, attempt }) => Touched::run(with(runs, run, |run| started(run, attempt))),
        Event::RunStopping(RunStopping { run, why }) => Touched::run(with(runs, run, |run| {
            if let Some(attempt) = run.attempts.last_mut().filter(|attempt| attempt.outcome.is_none()) {
                attempt.stopping = Some(*why);
            }
        })),
        Event::RunEnded(RunEnded { run, end }) => Touched::run(with(runs, run, |run| ended(run, end, time))),
        Event::RunQueued(RunQueued { run }) => queued(batch, runs, run),
        Event::RunSettled(RunSettled { run, state, reason }) => Touched::run(with(runs, run, |run| {
            run.state = *state;
            run.reason = Some(reason.clone());
            run.not_before = None;
        })),
        _ => Touched::default(),
    }
}

/// A run waits again. Who competes again is compared again, unless that is settled by a landing.
fn queued(batch: &mut Batch, runs: &mut [Run], run: &RunId) -> Touched {
    let place = with(runs, run, |run| {
        run.state = RunState::Queued;
        (run.reason, run.not_before) = (None, None);
        run.discounted = u32::try_from(run.attempts.len()).unwrap_or(u32::MAX);
    });
    let Some(place) = place else { return Touched::default() };
    let run = &runs[place];
    let gone = |contest: &Contest| !contest.landed && contest.is_of(&run.task, &run.prompt, &run.repository);
    let gone = batch.contests.iter().position(gone).map(|at| batch.contests.remove(at));
    if let Some(contest) = &gone {
        batch.earlier = batch.earlier.plus(contest.spent());
    }
    // What it cost, and that its number is taken, is told by nobody else now.
    Touched { batch: gone.is_some(), run: Some(place), gone: gone.map(|contest| contest.number), contest: None }
}

/// A contest as it is now; a winner that was landed is a landed attempt.
fn contested(batch: &mut Batch, runs: &mut [Run], contest: &Contest) -> Option<usize> {
    batch.opened = batch.opened.max(contest.number);
    match batch.contests.iter_mut().find(|known| known.number == contest.number) {
        Some(known) => *known = contest.clone(),
        None => batch.contests.push(contest.clone()),
    }
    let winner = contest.winner().filter(|_| contest.landed)?;
    with(runs, winner, |run| {
        if let Some(attempt) = run.attempts.last_mut() {
            attempt.landed = true;
        }
    })
}

fn summary(batch: &Batch, runs: &[Run]) -> Summary {
    let spend = runs.iter().fold(batch.judged(), |sum, run| sum.plus(run.spent()));
    Summary { counts: RunCounts::of(runs), spend }
}

fn with(runs: &mut [Run], id: &RunId, change: impl FnOnce(&mut Run)) -> Option<usize> {
    let place = place(runs, id)?;
    change(&mut runs[place]);
    Some(place)
}

fn started(run: &mut Run, attempt: &Attempt) {
    run.state = RunState::Running;
    (run.reason, run.not_before) = (None, None);
    run.attempts.push(attempt.clone());
}

fn ended(run: &mut Run, end: &AttemptEnd, time: i64) {
    if let Some(attempt) = run.attempts.last_mut().filter(|attempt| attempt.outcome.is_none()) {
        attempt.outcome = Some(end.outcome);
        attempt.ended_at = Some(time);
        attempt.reason.clone_from(&end.reason);
        attempt.head.clone_from(&end.head);
        (attempt.stat, attempt.turns, attempt.spend) = (end.stat, end.turns, end.spend);
        (attempt.score, attempt.gates, attempt.landed) = (end.score, end.gates, end.landed);
    }
    run.state = end.state;
    run.not_before = end.retry_at;
    run.reason.clone_from(&end.reason);
}
