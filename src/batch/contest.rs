//! Best of N: when candidates compete, in which orders a judge sees them, and what its answers decide. Pure.

use std::collections::HashMap;

use crate::batch::rank;
use crate::model::batch::{Batch, BatchState, Run, RunState, Spend};
use crate::model::contest::{Answer, Ask, Contest, ContestState, Decided};
use crate::model::id::RunId;
use crate::model::plan::PlanTask;

/// Candidates that a judge compares at most.
const MOST: usize = 26;

/// Runs of the same thing, which [`crate::batch::expand`] makes neighbours: one after the other, in the order of the runs.
pub fn groups(runs: &[Run]) -> impl Iterator<Item = &[Run]> {
    runs.chunk_by(is_same)
}

fn is_same(one: &Run, other: &Run) -> bool {
    one.task == other.task && one.prompt == other.prompt && one.repository == other.repository
}

/// Whether a run competes.
pub fn competes(batch: &Batch, run: &Run) -> bool {
    batch.plan.tasks.iter().any(|task| task.id == run.task && task.best_of.is_some())
}

/// The contest that a run is in.
pub fn of<'a>(batch: &'a Batch, run: &Run) -> Option<&'a Contest> {
    batch.contests.iter().find(|contest| contest.is_of(&run.task, &run.prompt, &run.repository))
}

/// Whether a run has something to offer: it passed, and changed something.
fn is_candidate(run: &Run) -> bool {
    let changed = run.attempts.last().is_some_and(|attempt| attempt.stat.files > 0 && attempt.head.is_some());
    run.state == RunState::Passed && changed
}

/// Contests that begin now: everybody is done and somebody has something to offer.
pub fn to_open(batch: &Batch, runs: &[Run]) -> Vec<Contest> {
    let contests = Contests::of(batch);
    if contests.competing.is_empty() || matches!(batch.state, BatchState::Cancelling | BatchState::Ended) {
        return Vec::new();
    }
    // A number is nobody else's again, even when its contest is gone: answers to it may be on their way.
    let known = batch.contests.iter().map(|contest| contest.number).max().unwrap_or(0).max(batch.opened);
    let open = groups(runs).filter_map(|group| {
        let task = contests.competing.get(group[0].task.as_str())?;
        let begins = group.iter().all(|run| run.state.is_over()) && group.iter().any(is_candidate);
        (begins && contests.find(&group[0]).is_none()).then_some((*task, group))
    });
    (known + 1..).zip(open).map(|(number, (task, group))| opened(batch, task, group, number)).collect()
}

fn opened(batch: &Batch, task: &PlanTask, group: &[Run], number: u32) -> Contest {
    let first = &group[0];
    let mut candidates: Vec<&Run> = group.iter().filter(|run| is_candidate(run)).collect();
    candidates.sort_by(|a, b| rank::compare(a, b).then(a.number.cmp(&b.number)));
    let candidates: Vec<RunId> = candidates.into_iter().map(|run| run.id.clone()).collect();
    let seed = mixed(batch.plan.execution.seed ^ (u64::from(number) << 32));
    let mut contest = Contest {
        number,
        task: first.task.clone(),
        prompt: first.prompt.clone(),
        repository: first.repository.clone(),
        candidates,
        seed,
        asks: Vec::new(),
        ranking: Vec::new(),
        decided: None,
        note: None,
        state: ContestState::Judging,
        landed: false,
        unlanded: None,
        spend: Spend::default(),
    };
    if task.judge.is_some() && contest.candidates.len() > 1 {
        if contest.candidates.len() > MOST {
            contest.note = Some(format!("no judge was asked: it can compare {MOST} candidates at most"));
        } else {
            contest.asks = orders(&contest.candidates, seed).map(Ask::of).to_vec();
        }
    }
    contest
}

/// The two orders in which a judge sees the candidates: drawn by the seed, and the reverse of that, so that who comes first the one
/// time comes last the other.
pub fn orders(candidates: &[RunId], seed: u64) -> [Vec<RunId>; 2] {
    let mut order = candidates.to_vec();
    // By their ids first, so that what is known of them does not show in the order.
    order.sort();
    let mut state = seed;
    for last in (1..order.len()).rev() {
        state = mixed(state);
        let other = usize::try_from(state % (last as u64 + 1)).unwrap_or(0);
        order.swap(last, other);
    }
    let mut reversed = order.clone();
    reversed.reverse();
    [order, reversed]
}

/// A number that looks nothing like its neighbour's (the finalizer of splitmix64).
fn mixed(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

/// The contest with its decision, once everything that was asked is answered; absent before.
pub fn decided(contest: &Contest, land: bool) -> Option<Contest> {
    if contest.decided.is_some() || contest.asks.iter().any(|ask| ask.answer.is_none()) {
        return None;
    }
    let mut decided = contest.clone();
    let (ranking, by, note) = settle(&contest.candidates, &contest.asks);
    (decided.ranking, decided.decided) = (ranking, Some(by));
    decided.note = note.or(decided.note);
    decided.state = if land { ContestState::Landing } else { ContestState::Closed };
    Some(decided)
}

/// Decides by the judge as far as it says the same in both orders, and by evidence otherwise. `evidence` has the best first.
fn settle(evidence: &[RunId], asks: &[Ask]) -> (Vec<RunId>, Decided, Option<String>) {
    let by_evidence = |by, note| (evidence.to_vec(), by, note);
    let mut said: Vec<(&Vec<RunId>, &String)> = Vec::new();
    for ask in asks {
        match &ask.answer {
            Some(Answer::Ranked { order, reason }) => said.push((order, reason)),
            Some(Answer::Errored { reason }) => return by_evidence(Decided::NoAnswer, Some(reason.clone())),
            None => return by_evidence(Decided::NoAnswer, None),
        }
    }
    let [(one, reason), (other, _)] = said[..] else { return by_evidence(Decided::Evidence, None) };
    let place = |order: &[RunId], run: &RunId| order.iter().position(|known| known == run).unwrap_or(usize::MAX);
    // Only what it says both times is its opinion; the rest may be the place where it saw a candidate.
    let above = |a: &RunId, b: &RunId| place(one, a) < place(one, b) && place(other, a) < place(other, b);
    let mut left: Vec<&RunId> = evidence.iter().collect();
    let mut ranking = Vec::new();
    while let Some(at) = left.iter().position(|run| !left.iter().any(|rival| above(rival, run))) {
        ranking.push(left.remove(at).clone());
    }
    let agreed = one.first() == other.first();
    let note = match (agreed, one.first(), other.first()) {
        (true, ..) => (!reason.is_empty()).then(|| reason.clone()),
        (false, Some(one), Some(other)) => Some(format!("{} in one order, {} in the other", short(one), short(other))),
        _ => None,
    };
    (ranking, if agreed { Decided::Judge } else { Decided::Tie }, note)
}

fn short(run: &RunId) -> String {
    format!("run {}", run.as_str().rsplit_once(".r").map_or("?", |(_, number)| number))
}

/// Whether a batch has to wait for its contests.
pub fn is_open(batch: &Batch, runs: &[Run]) -> bool {
    batch.contests.iter().any(|contest| contest.state != ContestState::Closed) || !to_open(batch, runs).is_empty()
}

/// The contests of a batch, found quickly: a batch may have thousands of runs.
pub struct Contests<'a> {
    competing: HashMap<&'a str, &'a PlanTask>,
    known: HashMap<(&'a str, &'a str, &'a str), &'a Contest>,
}

impl<'a> Contests<'a> {
    /// Of a batch.
    pub fn of(batch: &'a Batch) -> Self {
        let competing = batch.plan.tasks.iter().filter(|task| task.best_of.is_some());
        let key = |contest: &'a Contest| (contest.task.as_str(), contest.prompt.as_str(), contest.repository.as_str());
        Self {
            competing: competing.map(|task| (task.id.as_str(), task)).collect(),
            known: batch.contests.iter().map(|contest| (key(contest), contest)).collect(),
        }
    }

    fn find(&self, run: &Run) -> Option<&'a Contest> {
        self.known.get(&(run.task.as_str(), run.prompt.as_str(), run.repository.as_str())).copied()
    }

    /// Whether what depends on a run may begin as far as this run goes.
    pub fn is_settled(&self, run: &Run) -> bool {
        if !self.competing.contains_key(run.task.as_str()) {
            return run.state == RunState::Passed;
        }
        self.find(run).is_some_and(|contest| contest.state == ContestState::Closed && contest.unlanded.is_none())
    }

    /// Of runs of the same thing the one because of which what depends on them will never begin: it is over and did not pass, or nobody
    /// of those who compete can win.
    pub fn hopeless<'r>(&self, group: &'r [Run]) -> Option<&'r Run> {
        let first = group.first()?;
        if !self.competing.contains_key(first.task.as_str()) {
            return group.iter().find(|run| run.state.is_over() && run.state != RunState::Passed);
        }
        let lost = match self.find(first) {
            Some(contest) => contest.state == ContestState::Closed && contest.unlanded.is_some(),
            None => group.iter().all(|run| run.state.is_over() && !is_candidate(run)),
        };
        lost.then_some(first)
    }
}

#[cfg(test)]
mod tests;
