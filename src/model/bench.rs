//! Benchmarks: what is asked of them and what comes out. Instances are named as their datasets name them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::attempt::Validity;
use super::effort::{CaseEffort, Effort};

/// Which release of the official harness decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Harness {
    /// 4.1.0
    #[serde(rename = "4.1.0")]
    V4,
    /// 5.0.2
    #[default]
    #[serde(rename = "5.0.2")]
    V5,
}

/// Which instances of a dataset are meant; everything that is given has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Only these ids.
    pub ids: Vec<String>,
    /// Only these projects: `owner/repo`, or `repo`.
    pub repos: Vec<String>,
    /// Only projects in these languages.
    pub languages: Vec<String>,
    /// Draw, reproducibly, instead of taking the first ones.
    pub seed: Option<u64>,
    /// At most so many.
    pub size: Option<usize>,
}

/// Asks for the instances of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListCases {
    /// The dataset's file.
    pub dataset: PathBuf,
    /// Which of them.
    pub chosen: Chosen,
}

/// Parameters of `bench/check`: problems of a suite of benchmark cases, each with line, column and suggestion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckCases {
    /// The file's content.
    pub text: String,
    /// The file, absolute: what it names is relative to its directory.
    pub path: String,
}

/// Asks for verdicts on saved logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GradeLogs {
    /// The dataset's file.
    pub dataset: PathBuf,
    /// Which of its instances.
    pub chosen: Chosen,
    /// The file of predictions, or `gold`.
    pub predictions: PathBuf,
    /// The folder of logs.
    pub logs: PathBuf,
    /// Which release decides.
    pub harness: Harness,
    /// Where reports are written; nothing is written without it.
    pub out: Option<PathBuf>,
    /// The run's name in the reports; absent: as the logs' folder is called.
    pub run_id: Option<String>,
}

/// An instance, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseLine {
    /// Its id.
    pub instance_id: String,
    /// `owner/repo`
    pub repo: String,
    /// What the project is written in, in small letters; absent where that is not known.
    pub language: Option<String>,
    /// The version of the project.
    pub version: String,
    /// How many tests have to pass that fail without the fix.
    pub fail_to_pass: usize,
    /// How many have to go on passing.
    pub pass_to_pass: usize,
    /// Which reader understands its logs; absent where there is none.
    pub log_parser: Option<String>,
}

/// How many of the expected tests did what they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// That many did.
    pub passed: usize,
    /// Of so many.
    pub total: usize,
}

/// How an instance ended in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseVerdict {
    /// Its id.
    pub instance_id: String,
    /// `owner/repo`
    pub repo: String,
    /// `resolved`, `partial`, `unresolved`, `empty_patch`, `apply_failed`, `timed_out`, `over_limit`, `not_gradable`, `infrastructure`, `ambiguous`,
    /// `cancelled`, `budget`, or `error` in reports that do not tell these apart.
    pub outcome: String,
    /// Why, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Tests that should pass now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_to_pass: Option<Expected>,
    /// Tests that should go on passing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_to_pass: Option<Expected>,
    /// Which attempt at it, from 1.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub attempt: u32,
    /// True when it says nothing of who attempted it, so that it is not counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
    /// What a validation said of the instance on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// What it took, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<CaseEffort>,
    /// The directory of its patch and its test output, below the run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artefacts: Option<String>,
}

fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_first(attempt: &u32) -> bool {
    *attempt == 1
}

impl CaseVerdict {
    /// Whether it is resolved.
    pub fn resolved(&self) -> bool {
        self.outcome == "resolved"
    }
}

/// A share with its interval at 95 %, each from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The share itself.
    pub share: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The results of one project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RepoResult {
    /// `owner/repo`
    pub repo: String,
    /// Resolved,
    pub resolved: usize,
    /// of so many submitted.
    pub submitted: usize,
    /// As a share.
    pub share: Option<Share>,
    /// What its attempts took, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
}

/// A run, summarised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// The run's name.
    pub run_id: String,
    /// What made the patches.
    pub models: Vec<String>,
    /// Which release decided, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harness: Option<Harness>,
    /// The dataset's file name, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// The SHA-256 of the dataset's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_sha256: Option<String>,
    /// The version of divisi that wrote this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divisi: Option<String>,
    /// How many instances there are to solve.
    pub total: usize,
    /// How many have a prediction.
    pub submitted: usize,
    /// How many are resolved.
    pub resolved: usize,
    /// Resolved of submitted.
    pub share: Option<Share>,
    /// How many ended in which way.
    pub outcomes: BTreeMap<String, usize>,
    /// By project, the largest first.
    pub repos: Vec<RepoResult>,
    /// Every instance with a prediction, by id.
    pub cases: Vec<CaseVerdict>,
    /// How many attempts are left out because their cases are not valid on this machine.
    #[serde(default, skip_serializing_if = "is_none")]
    pub flagged: usize,
    /// How many attempts were judged in a container of their instance's image.
    #[serde(default, skip_serializing_if = "is_none")]
    pub contained: usize,
    /// What all attempts took, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
    /// Of several attempts at a case: the chances of success.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pass_at: Vec<PassAt>,
    /// Of several attempts at a case: cases that did not end the same every time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsteady: Vec<CaseAttempts>,
    /// Files that were written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_none(number: &usize) -> bool {
    *number == 0
}

/// Something of what an attempt left behind, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Excerpt {
    /// The beginning of its patch.
    pub patch: String,
    /// The end of what the tests said.
    pub said: String,
}

/// Two runs beside each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunComparison {
    /// Instances that both have.
    pub common: usize,
    /// Resolved in both.
    pub both: usize,
    /// Resolved in neither.
    pub neither: usize,
    /// Resolved only in the second.
    pub gained: Vec<String>,
    /// Resolved only in the first.
    pub lost: Vec<String>,
    /// Instances that only the first has.
    pub only_first: Vec<String>,
    /// Instances that only the second has.
    pub only_second: Vec<String>,
    /// How likely changes are to be at least this lopsided if both are equally good (`McNemar`, exact).
    pub p_value: f64,
}

/// An instance over several runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseAttempts {
    /// Its id.
    pub instance_id: String,
    /// In how many runs it is.
    pub attempts: usize,
    /// In how many of them it is resolved.
    pub resolved: usize,
    /// The variance of that, 0 to 0.25.
    pub variance: f64,
}

/// The chance of success within some attempts, over all instances that have as many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PassAt {
    /// Attempts.
    pub k: usize,
    /// That at least one of them succeeds.
    pub any: f64,
    /// That all of them do.
    pub all: f64,
}

/// What `divisi bench report` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchReport {
    /// Every run.
    pub runs: Vec<RunSummary>,
    /// Of exactly two runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<RunComparison>,
    /// Of more than one run: the chances of success.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pass_at: Vec<PassAt>,
    /// Of more than one run: instances that are not the same in all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsteady: Vec<CaseAttempts>,
}
