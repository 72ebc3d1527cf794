//! A run of benchmarks as it is recorded in its directory, and what is different when it is repeated.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::attempt::{Asked, BenchRequest};
use super::container::Image;
use super::meter::Allowance;
use super::retries::Retries;
use super::suite::Limits;

/// What a run was made with: `run.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Of this file.
    pub version: u32,
    /// Of divisi.
    pub divisi: String,
    /// The suite's name.
    pub suite: String,
    /// What a choice of cases depended on.
    pub seed: u64,
    /// Attempts at a case.
    pub attempts: u32,
    /// What the machine says of its tools, in a fixed order: name and first line.
    pub tools: Vec<(String, String)>,
    /// What was asked for; absent in runs of earlier versions, which cannot be repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<RunSetup>,
    /// The cases, as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<CaseRecord>,
}

/// What a run was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSetup {
    /// Where the suite was.
    pub suite: PathBuf,
    /// At most so many cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// Cases at once.
    pub concurrency: usize,
    /// Where clones were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repositories: Option<PathBuf>,
    /// The file of environments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environments: Option<PathBuf>,
    /// Variables of setups and tests: names, and hashes of their values, which may be secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<(String, String)>,
    /// Who attempts the cases; nobody's name is empty where cases were validated.
    pub asked: Asked,
    /// What the attempts might use together.
    #[serde(default)]
    pub allowance: Allowance,
    /// What commands of cases might use.
    #[serde(default)]
    pub limits: Limits,
    /// Whether tests might use the network, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<bool>,
    /// The engine of containers and its version, where one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// How often what failed on the machine was tried again.
    #[serde(default)]
    pub retries: Retries,
}

/// A case as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// Its id.
    pub id: String,
    /// Hash of everything that decides its verdict.
    pub digest: String,
    /// Hash of what prepares its checkout: the setup, and the variables it gives.
    pub environment: String,
    /// What the agent was told first,
    pub prompt: String,
    /// and what after that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follow_ups: Vec<String>,
    /// The image in which it was judged; absent: without a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
}

/// Asks to repeat a run. What is given holds instead of what is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    /// The run's directory.
    pub directory: PathBuf,
    /// Where the suite is now.
    pub suite: Option<PathBuf>,
    /// Where clones are now.
    pub repositories: Option<PathBuf>,
    /// The file of environments now.
    pub environments: Option<PathBuf>,
    /// Values of variables.
    pub environment: Vec<(String, String)>,
    /// The new run's directory.
    pub out: PathBuf,
    /// See [`BenchRequest::cache`].
    pub cache: PathBuf,
}

/// A run that repeats another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    /// What to run.
    pub request: BenchRequest,
    /// What is not as it was, so that results may differ for other reasons than chance.
    pub differences: Vec<Difference>,
}

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What.
    pub what: String,
    /// As it was.
    pub was: String,
    /// As it is.
    pub now: String,
}
