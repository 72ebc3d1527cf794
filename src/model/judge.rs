//! Judges: agents that are asked what other agents' work is worth. What a judge sees of that work is data, and who did it is not said.

use serde::{Deserialize, Serialize};

use super::id::{BatchId, EvaluationId, SessionId};

/// Who judges, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judge {
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
    /// What good work is, in the words of whoever wrote the suite or plan; empty: only what was asked for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rubric: String,
    /// After how many seconds it is not waited for any longer.
    #[serde(default = "Judge::ten_minutes")]
    pub wait_sec: u64,
}

impl Judge {
    /// Characters of a rubric at most.
    pub const RUBRIC: usize = 20_000;

    fn ten_minutes() -> u64 {
        600
    }
}

/// What a session is there to judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judging {
    /// For whom.
    #[serde(flatten)]
    pub of: JudgedFor,
    /// The word that marks what it says as its answer. Only its prompt has it, so nothing that it reads can answer for it.
    pub mark: String,
    /// It is given up after that moment, milliseconds since the epoch.
    pub until: i64,
    /// How many were asked the same before and crashed.
    #[serde(default)]
    pub lost: u32,
}

/// Who waits for what a judge says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "for")]
pub enum JudgedFor {
    /// An evaluator of an evaluation.
    Evaluation {
        /// The session that is judged.
        session: SessionId,
        /// The evaluation.
        evaluation: EvaluationId,
        /// The evaluator's id.
        evaluator: String,
    },
    /// A contest of a batch.
    Contest {
        /// The batch.
        batch: BatchId,
        /// The contest's number.
        contest: u32,
        /// Which of its questions, zero-based.
        ask: u32,
    },
}
