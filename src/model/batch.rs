//! Batches: the runs of a plan, each an attempt or several, each attempt a session.

use serde::{Deserialize, Serialize};

use super::case::{CaseAttempt, CaseChange};
use super::contest::Contest;
use super::diff::DiffStat;
use super::id::{BatchId, Oid, RunId, SessionId};
use super::plan::{ExportFormat, Plan};

mod gates;
mod request;
mod spend;
mod statistics;

pub use gates::Gates;
pub use request::SetConcurrency;
pub use request::{
    CheckPlan, CreateBatch, ExportBatch, GetBatch, JudgedBy, OfBatch, OneJudgedBy, PlanCheck, RetryRuns,
};
pub use spend::Spend;
pub use statistics::{AgentStatistics, Pair, Repeated, Statistics};

/// Where a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// Runs start as there is room.
    Active,
    /// No run starts; those that run go on.
    Paused,
    /// What runs is being stopped.
    Cancelling,
    /// Nothing runs and nothing will.
    Ended,
}

impl BatchState {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Cancelling => "cancelling",
            Self::Ended => "ended",
        }
    }
}

/// A batch without its runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// What it carries out.
    pub plan: Plan,
    /// The plan's file, absolute; empty when there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// When it was created, milliseconds since the epoch.
    pub created_at: i64,
    /// When it ended last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// Where it stands.
    pub state: BatchState,
    /// Why it ended or is being ended before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Runs at the same time, now.
    pub concurrency: u32,
    /// What competes, of which the best one counts. Each is stored by itself: a batch has thousands of them, and its plan is long.
    #[serde(default, skip_serializing)]
    pub contests: Vec<Contest>,
    /// How many contests there were, of which some are gone; no number is given twice.
    #[serde(default)]
    pub opened: u32,
    /// What judges used of contests that are gone because who competed in them ran again.
    #[serde(default, skip_serializing_if = "Spend::is_none")]
    pub earlier: Spend,
    /// How its runs came out and what they used, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

impl Batch {
    /// Takes a contest that was stored beside it.
    pub fn take_contest(&mut self, contest: Contest) {
        self.opened = self.opened.max(contest.number);
        self.contests.push(contest);
    }

    /// What judges of its contests used.
    pub fn judged(&self) -> Spend {
        self.contests.iter().fold(self.earlier, |sum, contest| sum.plus(contest.spent()))
    }
}

/// How runs came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// How many are where.
    pub counts: RunCounts,
    /// What they used.
    pub spend: Spend,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It waits for its turn.
    Queued,
    /// An attempt is under way.
    Running,
    /// Done.
    Passed,
    /// It failed for good.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It will not be run: the budget is used up, or what it depends on failed.
    Skipped,
}

impl RunState {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    /// Nothing more happens to it unless somebody asks for it.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// One combination of agent, task, prompt and repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its number in the batch, one-based.
    pub number: u32,
    /// The task's id.
    pub task: String,
    /// The prompt's id.
    pub prompt: String,
    /// The agent's id in the plan.
    pub agent: String,
    /// The repository as the plan names it.
    pub repository: String,
    /// Which of the repetitions of the same combination, one-based.
    pub repetition: u32,
    /// Where it stands.
    pub state: RunState,
    /// Why, when it is over or is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Not before this moment, milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<i64>,
    /// Attempts before somebody asked for it to be run again: they do not count against the plan's number.
    #[serde(default)]
    pub discounted: u32,
    /// Attempts, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

impl Run {
    /// The attempt that is under way.
    pub fn current(&self) -> Option<&Attempt> {
        self.attempts.last().filter(|attempt| attempt.outcome.is_none())
    }

    /// How long its attempts took, milliseconds; one that is under way counts up to `now`.
    pub fn duration(&self, now: i64) -> i64 {
        self.attempts.iter().map(|attempt| attempt.ended_at.unwrap_or(now).saturating_sub(attempt.started_at)).sum()
    }

    /// What its ended attempts used.
    pub fn spent(&self) -> Spend {
        self.attempts.iter().fold(Spend::default(), |sum, attempt| sum.plus(attempt.spend))
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The agent did all that was asked.
    Done,
    /// The agent or its command failed.
    Failed,
    /// The agent's process ended by itself or was lost.
    Crashed,
    /// It took too long.
    TimedOut,
    /// The provider wants it to be tried later.
    RateLimited,
    /// It could not be started.
    NotStarted,
    /// Somebody cancelled it.
    Cancelled,
    /// The batch's budget is used up.
    Budget,
    /// The case of a benchmark could not be prepared or judged on this machine: it says nothing about the agent.
    Infrastructure,
}

impl AttemptOutcome {
    /// A few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Crashed => "crashed",
            Self::TimedOut => "timed out",
            Self::RateLimited => "rate limited",
            Self::NotStarted => "not started",
            Self::Cancelled => "cancelled",
            Self::Budget => "over budget",
            Self::Infrastructure => "infrastructure",
        }
    }

    /// Whether the same may come out otherwise another time.
    pub fn may_pass_again(self) -> bool {
        matches!(self, Self::Crashed | Self::TimedOut | Self::RateLimited | Self::Infrastructure)
    }
}

/// Why an attempt is being stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It took too long.
    TimedOut,
    /// Somebody cancelled it.
    Cancelled,
    /// The batch's budget is used up.
    Budget,
}

/// One attempt of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// One-based.
    pub number: u32,
    /// Its session.
    pub session: SessionId,
    /// When it started, milliseconds since the epoch.
    pub started_at: i64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// Why it is being stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping: Option<StopReason>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AttemptOutcome>,
    /// Why, one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The branch's commit at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Oid>,
    /// What it changed since the base.
    #[serde(default)]
    pub stat: DiffStat,
    /// Turns.
    #[serde(default)]
    pub turns: u32,
    /// What it used.
    #[serde(default)]
    pub spend: Spend,
    /// What evaluators gave it, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// How many of its evaluators passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<Gates>,
    /// Whether it was landed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub landed: bool,
    /// How far it is, when it is one at a case of a benchmark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Box<CaseAttempt>>,
}

/// The end of an attempt, and what becomes of its run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptEnd {
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Why, one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The branch's commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Oid>,
    /// What it changed since the base.
    #[serde(default)]
    pub stat: DiffStat,
    /// Turns.
    #[serde(default)]
    pub turns: u32,
    /// What it used.
    #[serde(default)]
    pub spend: Spend,
    /// What evaluators gave it, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// How many of its evaluators passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<Gates>,
    /// Whether it was landed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub landed: bool,
    /// How its case came out, in words, when it was an attempt at one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Where the run stands now.
    pub state: RunState,
    /// When it is tried again, milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<i64>,
}

/// A batch as it is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewBatch {
    /// The batch.
    pub batch: Batch,
    /// Its runs, in order.
    pub runs: Vec<Run>,
}

/// What changed about a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum BatchChange {
    /// It stands elsewhere.
    State {
        /// Where.
        state: BatchState,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// As many runs at the same time.
    Concurrency {
        /// How many.
        concurrency: u32,
    },
    /// A contest began or went on.
    Contest {
        /// As it is now.
        contest: Box<Contest>,
    },
    /// An attempt at a case of a benchmark went on.
    Case {
        /// How.
        case: Box<CaseChange>,
    },
}

/// Something about a batch changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchChanged {
    /// Which.
    pub batch: BatchId,
    /// What.
    #[serde(flatten)]
    pub change: BatchChange,
}

/// An attempt of a run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStarted {
    /// Which.
    pub run: RunId,
    /// The attempt.
    pub attempt: Attempt,
}

/// An attempt is being stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStopping {
    /// Which.
    pub run: RunId,
    /// Why.
    pub why: StopReason,
}

/// An attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnded {
    /// Which.
    pub run: RunId,
    /// How.
    #[serde(flatten)]
    pub end: AttemptEnd,
}

/// A run that was over is to be run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunQueued {
    /// Which.
    pub run: RunId,
}

/// A run that waited will not be run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSettled {
    /// Which.
    pub run: RunId,
    /// Where it stands.
    pub state: RunState,
    /// Why.
    pub reason: String,
}

/// How the machine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Memory that programs could get, per cent of all.
    pub memory_percent: u8,
    /// Programs that want to run per processor, per cent, over the last minute.
    pub load_percent: u32,
    /// What is free on the fullest of the disks that batches write to, MiB.
    pub disk_mb: u64,
}

impl Default for Machine {
    /// A machine with nothing to do.
    fn default() -> Self {
        Self { memory_percent: 100, load_percent: 0, disk_mb: u64::MAX }
    }
}

/// How many runs are where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunCounts {
    /// Waiting.
    pub queued: u32,
    /// Under way.
    pub running: u32,
    /// Done.
    pub passed: u32,
    /// Failed for good.
    pub failed: u32,
    /// Cancelled.
    pub cancelled: u32,
    /// Not run.
    pub skipped: u32,
}

impl RunCounts {
    /// Counts runs.
    pub fn of(runs: &[Run]) -> Self {
        let mut counts = Self::default();
        for run in runs {
            *match run.state {
                RunState::Queued => &mut counts.queued,
                RunState::Running => &mut counts.running,
                RunState::Passed => &mut counts.passed,
                RunState::Failed => &mut counts.failed,
                RunState::Cancelled => &mut counts.cancelled,
                RunState::Skipped => &mut counts.skipped,
            } += 1;
        }
        counts
    }

    /// All together.
    pub fn total(self) -> u32 {
        self.queued + self.running + self.passed + self.failed + self.cancelled + self.skipped
    }
}

/// A batch as faces see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchView {
    /// Its id.
    pub id: BatchId,
    /// The plan's name.
    pub name: String,
    /// The plan's file.
    #[serde(default)]
    pub path: String,
    /// Where it stands.
    pub state: BatchState,
    /// Why it ended or is being ended before its time.
    pub reason: Option<String>,
    /// When it was created, milliseconds since the epoch.
    pub created_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Runs at the same time.
    pub concurrency: u32,
    /// How many runs are where.
    pub counts: RunCounts,
    /// What was used so far.
    pub spend: Spend,
    /// What it may cost.
    pub budget: super::plan::Budget,
    /// When it will have ended, about, milliseconds since the epoch; absent while nobody can tell.
    pub eta: Option<i64>,
    /// Why no run starts although there is room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// What the plan wants written at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<ExportFormat>,
}

/// A run as faces see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunView {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// The name of its newest attempt's session, while that is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// What that session is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<String>,
    /// What it used so far.
    pub spend: Spend,
}

/// Answer of `batch/get`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchDetail {
    /// The batch.
    #[serde(flatten)]
    pub view: BatchView,
    /// Its runs, in order.
    pub runs: Vec<RunView>,
    /// Passed runs first, by what speaks for them, for every task, prompt and repository that several agents or repetitions worked on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranking: Vec<Ranked>,
    /// How sure its results are.
    #[serde(default, skip_serializing_if = "Statistics::is_empty")]
    pub statistics: Statistics,
}

/// Candidates for the same thing, the best first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    /// The task's id.
    pub task: String,
    /// The prompt's id.
    pub prompt: String,
    /// The repository.
    pub repository: String,
    /// The candidates.
    pub candidates: Vec<Candidate>,
    /// How the best one was chosen, when the plan asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contest: Option<Box<Contest>>,
}

impl Ranked {
    /// Whether a run won the contest that the plan asked for.
    pub fn has_won(&self, run: &RunId) -> bool {
        self.contest.as_ref().is_some_and(|contest| contest.winner() == Some(run))
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its run.
    pub run: RunId,
    /// The agent's id in the plan.
    pub agent: String,
    /// Its place, one-based; equals share one.
    pub place: u32,
    /// What speaks for or against it, one line.
    pub evidence: String,
}

#[cfg(test)]
pub(crate) mod samples;
