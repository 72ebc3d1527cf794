//! What is asked about batches.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::yaml::Problem;
use crate::model::id::{BatchId, RunId};
use crate::model::plan::ExportFormat;
use crate::model::secret::Secret;

/// Parameters of `batch/create`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateBatch {
    /// The plan, YAML or JSON.
    pub text: String,
    /// The plan's file, absolute: what it names is relative to its directory.
    pub path: String,
    /// Which of the plan's environments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Runs at the same time, at least 1; absent: as many as the plan says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// The caller's variables, as for `session/create`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub caller: BTreeMap<String, Option<Secret>>,
}

/// Parameters of commands that need only a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfBatch {
    /// Which.
    pub batch: BatchId,
}

/// Parameters of `batch/retry`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryRuns {
    /// Which batch.
    pub batch: BatchId,
    /// Which runs; empty: all that failed, were cancelled or skipped.
    #[serde(default)]
    pub runs: Vec<RunId>,
}

/// Parameters of `batch/concurrency`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetConcurrency {
    /// Which batch.
    pub batch: BatchId,
    /// Runs at the same time, at least 1.
    pub concurrency: u32,
}

/// Parameters of `batch/get`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetBatch {
    /// Id, unique prefix of it, or the name of a plan (its newest batch).
    pub batch: String,
}

/// Parameters of `plan/check`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckPlan {
    /// The plan, YAML or JSON.
    pub text: String,
    /// The plan's file, absolute.
    pub path: String,
    /// Which of the plan's environments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

/// Answer of `plan/check`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlanCheck {
    /// What is wrong; nothing starts with any.
    pub problems: Vec<Problem>,
    /// What is probably not meant so; it can be started all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Problem>,
    /// The plan's name, when it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many runs it is.
    pub runs: u32,
    /// Names of the agents of the catalog it uses, with their profiles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<(String, Option<String>)>,
    /// What runs are judged by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judged_by: Vec<JudgedBy>,
    /// What is worth knowing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What the runs of a task by some agents are judged by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedBy {
    /// The task's id.
    pub task: String,
    /// The agents' ids.
    pub agents: Vec<String>,
    /// The evaluators in their order; empty: nothing judges them.
    pub evaluators: Vec<OneJudgedBy>,
}

/// An evaluator of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneJudgedBy {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Whether a run passes only when it passes.
    pub required: bool,
    /// Where it stands: `plan`, `task` or `agent`, the last of them that names its id.
    pub from: String,
}

/// Parameters of `batch/export`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportBatch {
    /// Id, unique prefix of it, or the name of a plan (its newest batch).
    pub batch: String,
    /// As what.
    pub format: ExportFormat,
}
