//! Plans: what a batch is to do, read and checked, with every reference resolved. Reading one is `batch::read`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::case::{PlanCase, PlanCases};
use super::evaluation::{Evaluator, Suite};
use super::id::Oid;
use super::judge::Judge;

/// A plan as it is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How it is carried out.
    pub execution: Execution,
    /// Who works.
    pub agents: Vec<PlanAgent>,
    /// On what.
    pub tasks: Vec<PlanTask>,
    /// What every run is judged by; tasks and agents add to it: `batch::suites`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite: Option<Box<Suite>>,
    /// Whether a run that passed is landed.
    #[serde(default)]
    pub land: bool,
    /// Only combinations that one of these takes are run; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<Selector>,
    /// Combinations that are not run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Selector>,
    /// What the report shows; empty: everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collection: Vec<Metric>,
    /// What is written when it has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<ExportFormat>,
    /// What a person should know of how it was read, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How a plan is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Runs at the same time, at most.
    pub concurrency: u32,
    /// Of them in one repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_repository: Option<u32>,
    /// How long an attempt may take, seconds.
    pub timeout_sec: u64,
    /// Attempts of one run, at most.
    pub max_attempts: u32,
    /// Before the second attempt, milliseconds; doubled with each, with jitter.
    pub backoff_ms: u64,
    /// How often every combination is run.
    pub repeat: u32,
    /// What it may cost.
    #[serde(default)]
    pub budget: Budget,
    /// What a run that failed means for the others.
    pub on_failure: OnFailure,
    /// Whose worktrees stay.
    pub keep: Keep,
    /// For the jitter.
    #[serde(default)]
    pub seed: u64,
    /// No run starts while less of the machine's memory is available, per cent.
    pub min_memory_percent: u8,
    /// No run starts while the load per processor is higher, per cent.
    pub max_load_percent: u32,
    /// No run starts while less is free on one of the disks that the batch writes to, MiB.
    #[serde(default)]
    pub min_disk_mb: u64,
}

/// What a batch may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Budget {
    /// Millionths of a dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd_micros: Option<i64>,
    /// Tokens, all kinds together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
}

/// What a run that failed means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Nothing.
    #[default]
    Continue,
    /// No more are started.
    Stop,
}

/// Whose worktrees stay when their runs are over. What is removed is kept under a ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// All.
    All,
    /// Those of attempts that did not pass.
    #[default]
    Failed,
    /// None.
    None,
}

/// Somebody who works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanAgent {
    /// Its name in the plan.
    pub id: String,
    /// The agent's catalog name.
    pub agent: String,
    /// The model to ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The mode to ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Variables it is given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Of the configured MCP servers these; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp_servers: Option<Vec<String>>,
    /// Runs of it at the same time, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// How long its attempts may take, seconds; absent: the task's or the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_sec: Option<u64>,
    /// What its runs are judged by, besides what the plan and the task have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluators: Vec<Evaluator>,
}

/// Something to work on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanTask {
    /// Its name in the plan.
    pub id: String,
    /// What is asked; every one is a run of its own.
    pub prompts: Vec<PlanPrompt>,
    /// Where.
    pub repositories: Vec<PlanRepository>,
    /// Higher ones start first.
    #[serde(default)]
    pub priority: i32,
    /// Tasks whose runs all have to pass before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// How long an attempt may take, seconds; absent: the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_sec: Option<u64>,
    /// How often every combination is run; absent: the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u32>,
    /// What its runs are judged by, besides what the plan has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluators: Vec<Evaluator>,
    /// Paths and globs that are taken from the base before its runs are judged, besides the plan's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restore: Vec<String>,
    /// Attempts of every agent, of which all together only the best one counts; absent: each counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_of: Option<u32>,
    /// Who is asked which candidate is the best, of those that passed; absent: evidence decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<Judge>,
    /// Its prompts are cases of a benchmark: which, and where they come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cases: Option<Box<PlanCases>>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanPrompt {
    /// Its name in the task.
    pub id: String,
    /// The text; empty until `file` was read.
    pub text: String,
    /// The file it comes from, relative to the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What is asked after that, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follow_ups: Vec<String>,
    /// It is the task of this case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Box<PlanCase>>,
}

/// Where something is worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRepository {
    /// As the plan names it; relative to the plan's directory.
    pub path: String,
    /// The base; absent: what is checked out there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The absolute path, once it was looked up.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub absolute: String,
    /// The base's commit, once it was looked up: every run begins there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Oid>,
}

/// Combinations, by the parts that are named.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Selector {
    /// An agent's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// A task's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// A prompt's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// A repository's path as in the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
}

/// What a report shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// How many passed.
    SuccessRate,
    /// Turns.
    AvgIterations,
    /// Tokens.
    TokenUsage,
    /// Money.
    CostAnalysis,
    /// Time.
    ExecutionTime,
    /// Tool calls.
    ToolUsageStats,
}

/// A report's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// One JSON document per run.
    Jsonl,
    /// A table.
    Csv,
    /// Markdown.
    Md,
    /// One self-contained page.
    Html,
}

impl ExportFormat {
    /// The word in plans and file names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Md => "md",
            Self::Html => "html",
        }
    }
}
