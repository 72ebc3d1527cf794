//! A batch as faces see it.

use crate::batch::queue;
use crate::model::batch::{Batch, BatchState, BatchView, Run, RunCounts, RunState, Spend};

/// The view. `used` is what attempts that are under way used so far, by the run's place.
pub fn view(batch: &Batch, runs: &[Run], used: &dyn Fn(usize) -> Spend, now: i64, held: Option<&str>) -> BatchView {
    BatchView {
        id: batch.id.clone(),
        name: batch.plan.name.clone(),
        path: batch.path.clone(),
        state: batch.state,
        reason: batch.reason.clone(),
        created_at: batch.created_at,
        ended_at: batch.ended_at,
        concurrency: batch.concurrency,
        counts: RunCounts::of(runs),
        spend: queue::spent(batch, runs, used),
        budget: batch.plan.execution.budget,
        eta: eta(batch, runs, now),
        held: held.map(str::to_owned),
        exports: batch.plan.exports.clone(),
    }
}

/// When it will have ended, if the others take as long as those that ended.
fn eta(batch: &Batch, runs: &[Run], now: i64) -> Option<i64> {
    if batch.state != BatchState::Active {
        return None;
    }
    let ended: Vec<i64> = runs
        .iter()
        .filter(|run| run.state.is_over() && !run.attempts.is_empty())
        .map(|run| run.duration(now))
        .collect();
    let count = i64::try_from(ended.len()).ok().filter(|count| *count > 0)?;
    let usual = ended.iter().sum::<i64>() / count;
    let left: i64 = runs
        .iter()
        .map(|run| match run.state {
            RunState::Queued => usual,
            RunState::Running => usual.saturating_sub(run.duration(now)).max(0),
            _ => 0,
        })
        .sum();
    Some(now.saturating_add(left / i64::from(batch.concurrency.max(1))))
}
