//! The queue: what a batch does next, decided from its facts alone. No clock, no randomness: the same facts give the same steps.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::batch::contest::{self, Contests};
use crate::model::batch::{Attempt, AttemptOutcome, Batch, BatchState, Machine, Run, RunState, Spend, StopReason};
use crate::model::case::{CaseAttempt, PlanCase};
use crate::model::plan::{Budget, OnFailure, PlanAgent, PlanPrompt, PlanTask};

/// The longest pause before another attempt, milliseconds, unless the plan's first one is longer.
const LONGEST_PAUSE: u64 = 60_000;

/// What the queue is decided with, besides the batch and its runs.
pub struct Facts<'a> {
    /// Milliseconds since the epoch.
    pub now: i64,
    /// The machine.
    pub machine: Machine,
    /// What attempts that are under way used so far, by the run's place.
    pub used: &'a dyn Fn(usize) -> Spend,
    /// What judges of contests that are under way used so far.
    pub judges: Spend,
    /// Whether the run at a place has done its work and passed, and only waits to be landed, or is being landed.
    pub landing: &'a dyn Fn(usize) -> bool,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Start an attempt of the run at this place.
    Start(usize),
    /// Stop its attempt.
    Stop(usize, StopReason),
    /// It will not be run.
    Settle(usize, RunState, String),
    /// Nothing is left to do.
    End(Option<String>),
    /// The batch is being ended before its time.
    GiveUp(String),
}

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// In this order. After they were carried out the queue is asked again, until there are none.
    pub steps: Vec<Step>,
    /// When to ask again at the latest, milliseconds since the epoch.
    pub wake_at: Option<i64>,
    /// Why no run starts although there is room and some wait.
    pub held: Option<String>,
}

/// Decides. Carrying out the steps changes the facts so that they are not decided again.
pub fn decide(batch: &Batch, runs: &[Run], facts: &Facts<'_>) -> Decision {
    let mut decision = Decision::default();
    if batch.state == BatchState::Ended {
        return decision;
    }
    stop_late(batch, runs, facts, &mut decision);
    if let Some(reason) = over_budget(batch, runs, facts).filter(|_| batch.state != BatchState::Cancelling) {
        decision.steps.push(Step::GiveUp(reason));
        return decision;
    }
    if batch.state == BatchState::Cancelling {
        wind_up(batch, runs, &mut decision);
    } else {
        settle_hopeless(batch, runs, &mut decision);
    }
    let over = runs.iter().all(|run| run.state.is_over()) && !contest::is_open(batch, runs);
    if decision.steps.is_empty() && over {
        decision.steps.push(Step::End(batch.reason.clone()));
        return decision;
    }
    if batch.state == BatchState::Active && decision.steps.is_empty() {
        start(batch, runs, facts, &mut decision);
    }
    decision
}

/// How long an attempt of a run may take, milliseconds; of one at a case the agent's part of it.
pub fn time_limit(batch: &Batch, run: &Run) -> i64 {
    let plan = &batch.plan;
    let of_agent = agent_of(batch, run).and_then(|agent| agent.timeout_sec);
    let of_task = || task_of(batch, run)?.timeout_sec;
    let of_case = || case_of(batch, run)?.agent_sec;
    let seconds = of_agent.or_else(of_task).or_else(of_case).unwrap_or(plan.execution.timeout_sec);
    i64::try_from(seconds).unwrap_or(i64::MAX / 1000).saturating_mul(1000)
}

/// A run's agent in the plan.
pub fn agent_of<'a>(batch: &'a Batch, run: &Run) -> Option<&'a PlanAgent> {
    batch.plan.agents.iter().find(|agent| agent.id == run.agent)
}

/// The case that a run is an attempt at.
pub fn case_of<'a>(batch: &'a Batch, run: &Run) -> Option<&'a PlanCase> {
    prompt_of(batch, run)?.case.as_deref()
}

/// A run's prompt in the plan.
pub fn prompt_of<'a>(batch: &'a Batch, run: &Run) -> Option<&'a PlanPrompt> {
    task_of(batch, run)?.prompts.iter().find(|prompt| prompt.id == run.prompt)
}

/// A run's task in the plan.
pub fn task_of<'a>(batch: &'a Batch, run: &Run) -> Option<&'a PlanTask> {
    batch.plan.tasks.iter().find(|task| task.id == run.task)
}

fn stop_late(batch: &Batch, runs: &[Run], facts: &Facts<'_>, decision: &mut Decision) {
    for (place, run) in runs.iter().enumerate() {
        let Some(attempt) = run.current().filter(|attempt| attempt.stopping.is_none()) else { continue };
        let limit = time_limit(batch, run);
        let due = match attempt.case.as_deref() {
            None => attempt.started_at.saturating_add(limit),
            // Preparing and testing have limits of their own.
            Some(CaseAttempt { working_since: Some(since), worked_ms, .. }) => {
                since.saturating_add(limit).saturating_sub(*worked_ms)
            }
            Some(_) => continue,
        };
        if due > facts.now {
            wake(decision, due);
        } else if !(facts.landing)(place) {
            // The limit is for the work. Landing waits for those before it, and each of its steps has a limit of its own.
            decision.steps.push(Step::Stop(place, StopReason::TimedOut));
        }
    }
}

fn wake(decision: &mut Decision, at: i64) {
    decision.wake_at = Some(decision.wake_at.map_or(at, |known| known.min(at)));
}

/// What all attempts used so far.
pub fn spent(batch: &Batch, runs: &[Run], used: &dyn Fn(usize) -> Spend) -> Spend {
    runs.iter().enumerate().fold(batch.judged(), |sum, (place, run)| {
        let sum = sum.plus(run.spent());
        if run.current().is_some() { sum.plus(used(place)) } else { sum }
    })
}

/// Why nothing more may be used, if that is so.
pub fn over_budget(batch: &Batch, runs: &[Run], facts: &Facts<'_>) -> Option<String> {
    let budget = batch.plan.execution.budget;
    if budget == Budget::default() {
        return None;
    }
    let spent = spent(batch, runs, facts.used).plus(facts.judges);
    if let (Some(limit), Some(usd)) = (budget.usd_micros, spent.usd_micros)
        && usd >= limit
    {
        return Some(format!("the budget of {} is used up ({})", dollars(limit), dollars(usd)));
    }
    if let Some(limit) = budget.tokens.filter(|limit| spent.tokens >= *limit) {
        return Some(format!("the budget of {limit} tokens is used up ({})", spent.tokens));
    }
    None
}

/// Money for people.
pub fn dollars(micros: i64) -> String {
    if (1..5_000).contains(&micros) {
        return "under $0.01".to_owned();
    }
    let cents = (micros.saturating_add(5_000)) / 10_000;
    format!("${}.{:02}", cents / 100, (cents % 100).abs())
}

/// Everything that waits is given up, everything that runs is stopped.
fn wind_up(batch: &Batch, runs: &[Run], decision: &mut Decision) {
    let budget = batch.reason.as_deref().is_some_and(|reason| reason.starts_with("the budget"));
    let reason = batch.reason.clone().unwrap_or_else(|| "the batch was cancelled".to_owned());
    let (why, state) =
        if budget { (StopReason::Budget, RunState::Skipped) } else { (StopReason::Cancelled, RunState::Cancelled) };
    for (place, run) in runs.iter().enumerate() {
        match run.state {
            RunState::Queued => decision.steps.push(Step::Settle(place, state, reason.clone())),
            RunState::Running if run.current().is_some_and(|attempt| attempt.stopping.is_none()) => {
                decision.steps.retain(|step| !matches!(step, Step::Stop(stopped, _) if *stopped == place));
                decision.steps.push(Step::Stop(place, why));
            }
            _ => {}
        }
    }
}

/// Tasks that others depend on.
fn needed(batch: &Batch) -> HashSet<&str> {
    batch.plan.tasks.iter().flat_map(|task| &task.depends_on).map(String::as_str).collect()
}

fn tasks(batch: &Batch) -> HashMap<&str, &PlanTask> {
    batch.plan.tasks.iter().map(|task| (task.id.as_str(), task)).collect()
}

/// Runs that wait for what will not come.
fn settle_hopeless(batch: &Batch, runs: &[Run], decision: &mut Decision) {
    let stop = batch.plan.execution.on_failure == OnFailure::Stop;
    let needed = needed(batch);
    if !stop && needed.is_empty() {
        return;
    }
    let contests = Contests::of(batch);
    let mut hopeless: HashMap<&str, &Run> = HashMap::new();
    let mut failed: Option<&Run> = None;
    for group in contest::groups(runs) {
        // Who competes and loses has not failed: somebody else won.
        let Some(run) = contests.hopeless(group) else { continue };
        hopeless.entry(&run.task).or_insert(run);
        failed = failed.or_else(|| group.iter().find(|run| stop && run.state == RunState::Failed));
    }
    if failed.is_none() && hopeless.is_empty() {
        return;
    }
    let tasks = tasks(batch);
    for (place, run) in runs.iter().enumerate().filter(|(_, run)| run.state == RunState::Queued) {
        if let Some(failed) = failed {
            let reason = format!("run {} failed, and the plan stops at the first failure", failed.number);
            decision.steps.push(Step::Settle(place, RunState::Skipped, reason));
            continue;
        }
        let depends = tasks.get(run.task.as_str()).map(|task| task.depends_on.as_slice()).unwrap_or_default();
        if let Some(other) = depends.iter().find_map(|task| hopeless.get(task.as_str())) {
            let reason = format!("run {} of the task '{}' did not pass", other.number, other.task);
            decision.steps.push(Step::Settle(place, RunState::Skipped, reason));
        }
    }
}

/// Tasks of which something is not done that others wait for.
fn unfinished<'a>(batch: &'a Batch, runs: &'a [Run]) -> HashSet<&'a str> {
    let needed = needed(batch);
    if needed.is_empty() {
        return needed;
    }
    let contests = Contests::of(batch);
    let open = |run: &&Run| needed.contains(run.task.as_str()) && !contests.is_settled(run);
    runs.iter().filter(open).map(|run| run.task.as_str()).collect()
}

fn start(batch: &Batch, runs: &[Run], facts: &Facts<'_>, decision: &mut Decision) {
    let under_way = || runs.iter().filter(|run| run.state == RunState::Running);
    let mut running = u32::try_from(under_way().count()).unwrap_or(u32::MAX);
    if running >= batch.concurrency {
        return; // The end of one of them brings us here again.
    }
    let (mut of_agent, mut of_repository) = (BTreeMap::<&str, u32>::new(), BTreeMap::<&str, u32>::new());
    for run in under_way() {
        *of_agent.entry(&run.agent).or_default() += 1;
        *of_repository.entry(&run.repository).or_default() += 1;
    }
    let (tasks, unfinished) = (tasks(batch), unfinished(batch, runs));
    let mut waiting: Vec<(i32, usize)> = runs
        .iter()
        .enumerate()
        .filter(|(_, run)| run.state == RunState::Queued)
        .map(|(place, run)| (tasks.get(run.task.as_str()).map_or(0, |task| task.priority), place))
        .collect();
    waiting.sort_by_key(|(priority, place)| (std::cmp::Reverse(*priority), *place));
    let mut room = Room::new(batch, runs, facts);
    for (_, place) in waiting {
        let run = &runs[place];
        if running >= batch.concurrency {
            break;
        }
        if let Some(at) = run.not_before.filter(|at| *at > facts.now) {
            wake(decision, at);
            continue;
        }
        let depends = tasks.get(run.task.as_str()).map(|task| task.depends_on.as_slice()).unwrap_or_default();
        if depends.iter().any(|task| unfinished.contains(task.as_str())) {
            continue;
        }
        let limit = agent_of(batch, run).and_then(|agent| agent.concurrency).unwrap_or(u32::MAX);
        if of_agent.get(run.agent.as_str()).is_some_and(|count| *count >= limit) {
            continue;
        }
        let limit = batch.plan.execution.per_repository.unwrap_or(u32::MAX);
        if of_repository.get(run.repository.as_str()).is_some_and(|count| *count >= limit) {
            continue;
        }
        if let Some(why) = room.refuses(running) {
            decision.held = Some(why);
            wake(decision, facts.now.saturating_add(1_000));
            break;
        }
        room.take();
        running += 1;
        *of_agent.entry(&run.agent).or_default() += 1;
        *of_repository.entry(&run.repository).or_default() += 1;
        decision.steps.push(Step::Start(place));
    }
}

/// What the machine and the budget have room for. Something may always run: else nothing would ever go on.
struct Room<'a> {
    batch: &'a Batch,
    machine: Machine,
    /// What is used and what those that run are expected to use.
    promised: Spend,
    /// What an attempt uses, from those that ended.
    usual: Spend,
}

impl<'a> Room<'a> {
    fn new(batch: &'a Batch, runs: &[Run], facts: &Facts<'_>) -> Self {
        if batch.plan.execution.budget == Budget::default() {
            let nothing = Spend::default();
            return Self { batch, machine: facts.machine, promised: nothing, usual: nothing };
        }
        let ended: Vec<&Attempt> =
            runs.iter().flat_map(|run| &run.attempts).filter(|attempt| attempt.outcome.is_some()).collect();
        let sum = ended.iter().fold(Spend::default(), |sum, attempt| sum.plus(attempt.spend));
        let count = ended.len().max(1);
        let usual = Spend {
            tokens: sum.tokens / count as u64,
            usd_micros: sum.usd_micros.map(|usd| usd / i64::try_from(count).unwrap_or(i64::MAX)),
            partial: false,
        };
        let of_judges = facts.judges.plus(batch.judged());
        let promised = runs.iter().enumerate().fold(of_judges, |sum, (place, run)| {
            let sum = sum.plus(run.spent());
            if run.current().is_none() {
                return sum;
            }
            let used = (facts.used)(place);
            sum.plus(Spend {
                tokens: used.tokens.max(usual.tokens),
                usd_micros: used.usd_micros.max(usual.usd_micros),
                partial: false,
            })
        });
        Self { batch, machine: facts.machine, promised, usual }
    }

    fn refuses(&self, running: u32) -> Option<String> {
        let execution = &self.batch.plan.execution;
        let free = self.machine.disk_mb;
        if free < execution.min_disk_mb {
            // Not even one: it could only fail.
            return Some(format!("only {free} MiB are free on the disk (the plan wants {})", execution.min_disk_mb));
        }
        if running == 0 {
            return None;
        }
        if self.machine.memory_percent < execution.min_memory_percent {
            return Some(format!("only {} % of the memory is available", self.machine.memory_percent));
        }
        if self.machine.load_percent > execution.max_load_percent {
            return Some(format!("the load is {} % per processor", self.machine.load_percent));
        }
        let with = self.promised.plus(self.usual);
        let over_usd = execution.budget.usd_micros.zip(with.usd_micros).is_some_and(|(limit, usd)| usd > limit);
        let over_tokens = execution.budget.tokens.is_some_and(|limit| with.tokens > limit);
        (over_usd || over_tokens).then(|| "what runs may use up the budget".to_owned())
    }

    fn take(&mut self) {
        self.promised = self.promised.plus(self.usual);
    }
}

/// What becomes of a run whose attempt has just ended: where it stands, and when it is tried again.
pub fn after(
    batch: &Batch,
    run: &Run,
    outcome: AttemptOutcome,
    now: i64,
    not_before: Option<i64>,
) -> (RunState, Option<i64>) {
    let tried = u32::try_from(run.attempts.len()).unwrap_or(u32::MAX).saturating_sub(run.discounted);
    match outcome {
        AttemptOutcome::Done => (RunState::Passed, None),
        AttemptOutcome::Cancelled => (RunState::Cancelled, None),
        AttemptOutcome::Budget => (RunState::Skipped, None),
        _ if batch.state == BatchState::Cancelling => (RunState::Cancelled, None),
        outcome if may_pass_again(batch, run, outcome) && tried < batch.plan.execution.max_attempts => {
            let pause = i64::try_from(pause(batch, run, tried)).unwrap_or(i64::MAX);
            (RunState::Queued, Some(now.saturating_add(pause).max(not_before.unwrap_or(0))))
        }
        _ => (RunState::Failed, None),
    }
}

/// Whether the same may come out otherwise another time. At a case of a benchmark every attempt counts but those that say nothing of
/// the agent: who crashes or takes too long has not resolved it.
fn may_pass_again(batch: &Batch, run: &Run, outcome: AttemptOutcome) -> bool {
    match case_of(batch, run) {
        None => outcome.may_pass_again(),
        Some(_) => matches!(outcome, AttemptOutcome::Infrastructure | AttemptOutcome::RateLimited),
    }
}

/// Half to one and a half times the plan's pause, doubled with each attempt: by the seed, the run and the attempt.
fn pause(batch: &Batch, run: &Run, tried: u32) -> u64 {
    let first = batch.plan.execution.backoff_ms;
    let doubled = first.saturating_mul(1 << tried.saturating_sub(1).min(20)).min(LONGEST_PAUSE.max(first));
    let seed = batch.plan.execution.seed ^ (u64::from(run.number) << 32) ^ u64::from(tried);
    let jitter = mixed(seed) % 1_001; // thousandths
    doubled / 2 + doubled.saturating_mul(jitter) / 1_000
}

/// A number that looks nothing like its neighbour's (the finalizer of splitmix64).
fn mixed(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

#[cfg(test)]
mod tests;
