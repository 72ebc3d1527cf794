//! Comparisons: what several sessions made of the same task, side by side.

use serde::{Deserialize, Serialize};

use super::diff::{DiffStat, FileDiff};
use super::evaluation::EvaluationSummary;
use super::id::{Oid, SessionId};
use super::session::SessionState;
use super::usage::Usage;

/// One of the sessions compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its id.
    pub session: SessionId,
    /// Its name.
    pub name: String,
    /// The agent's catalog name.
    pub agent: String,
    /// The model, when one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it is doing.
    pub state: SessionState,
    /// Why, one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Turns so far.
    pub turns: u32,
    /// What it used.
    pub usage: Usage,
    /// Time its turns took, milliseconds.
    pub duration_ms: i64,
    /// The commit it grew from.
    pub base: Oid,
    /// What it changed since its base, files as they are now.
    pub stat: DiffStat,
    /// The newest evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<EvaluationSummary>,
    /// How the contest of a batch came out that it was in, one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contest: Option<String>,
}

/// A file that at least one of them touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedFile {
    /// Its path.
    pub path: String,
    /// What each candidate did to it, in their order; absent where it did nothing. Hunks with the same id are the same change.
    pub sides: Vec<Option<FileDiff>>,
}

/// Several sessions side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The sessions, in the order asked for.
    pub candidates: Vec<Candidate>,
    /// Files in order of their paths.
    pub files: Vec<ComparedFile>,
}
