//! Runs of benchmarks as people look at them.

use std::path::PathBuf;

use super::bench::Share;

/// A run in short.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchRun {
    /// Its directory's name.
    pub id: String,
    /// Its directory.
    pub path: PathBuf,
    /// The suite's name.
    pub suite: String,
    /// Who attempted the cases, by name.
    pub contestants: Vec<String>,
    /// When it began, milliseconds since the epoch; 0: nobody knows.
    pub begun_at: i64,
    /// When the newest attempt ended; absent: none has, or nobody knows.
    pub newest_at: Option<i64>,
    /// Attempts that ended.
    pub attempts: usize,
    /// Those that say something about who attempted them,
    pub counted: usize,
    /// and of these those that resolved their case.
    pub resolved: usize,
    /// Resolved of those that count.
    pub share: Option<Share>,
    /// What agents cost so far, millionths of a dollar; absent: nobody knows.
    pub cost_micros: Option<i64>,
    /// Whether some of them have no known cost.
    pub cost_partial: bool,
}

/// A run with its cases.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchRunDetail {
    /// In short.
    pub run: BenchRun,
    /// Its attempts, in the order they ended.
    pub cases: Vec<BenchCase>,
}

/// One attempt at a case.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchCase {
    /// The case.
    pub case: String,
    /// Its repository or language.
    pub group: String,
    /// Who attempted it.
    pub contestant: String,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How it ended, in words.
    pub outcome: String,
    /// Why, where there is something to say.
    pub why: Option<String>,
    /// Whether its case is resolved.
    pub resolved: bool,
    /// Whether it says something about who attempted it.
    pub counts: bool,
    /// How long all of it took, milliseconds; absent: nobody knows.
    pub took_ms: Option<u64>,
    /// How often the tests were run.
    pub iterations: u32,
    /// What it cost, millionths of a dollar.
    pub cost_micros: Option<i64>,
    /// The agent's session.
    pub session: Option<String>,
    /// The directory of its patch and its test output, below the run's; absent: nothing is kept.
    pub artefacts: Option<String>,
}

/// What is kept of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Artefact {
    /// What the agent changed.
    Patch,
    /// What the tests printed.
    Log,
}
