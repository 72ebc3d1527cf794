//! Benchmarks: what is asked for, what an agent is given, and what became of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::container::{Containers, Image};
use super::meter::{Allowance, Meter};
use super::retries::Retries;
use super::suite::Limits;
use super::usage::Usage;

/// How one attempt at a case ended. Told apart because they count differently: a verdict is never repeated, and a machine that is not
/// able to run a case says nothing about who attempted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "why", rename_all = "snake_case")]
pub enum Outcome {
    /// What the case asks for holds.
    Resolved,
    /// A part of what failed holds, and nothing broke.
    Partial,
    /// It does not.
    Unresolved,
    /// The agent changed nothing.
    EmptyPatch,
    /// What the agent changed could not be put on a fresh checkout: the command's last words.
    ApplyFailed(String),
    /// The tests did not end in time.
    TimedOut,
    /// The tests used more than they may, and were ended: of what.
    OverLimit(String),
    /// What the tests said cannot be graded.
    NotGradable,
    /// The tests failed in a way that may be the patch's fault or the machine's: which.
    Ambiguous(String),
    /// The agent did not end in time, or failed: why.
    AgentFailed(String),
    /// The case could not be prepared here (its repository, its setup): why. Says nothing about the agent.
    Infrastructure(String),
    /// Ended by the person.
    Cancelled,
    /// What the run may use was used up.
    Budget,
}

impl Outcome {
    /// The field's word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Partial => "partial",
            Self::Unresolved => "unresolved",
            Self::OverLimit(_) => "over limit",
            Self::NotGradable => "not gradable",
            Self::Ambiguous(_) => "ambiguous",
            Self::EmptyPatch => "empty patch",
            Self::ApplyFailed(_) => "apply failed",
            Self::TimedOut => "timed out",
            Self::AgentFailed(_) => "agent failed",
            Self::Infrastructure(_) => "infrastructure",
            Self::Cancelled => "cancelled",
            Self::Budget => "budget",
        }
    }

    /// Whether it says something about who attempted it.
    pub fn counts(&self) -> bool {
        !matches!(self, Self::Infrastructure(_) | Self::Cancelled | Self::Budget)
    }

    /// Why, where there is something to say.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::ApplyFailed(why)
            | Self::OverLimit(why)
            | Self::Ambiguous(why)
            | Self::AgentFailed(why)
            | Self::Infrastructure(why) => Some(why),
            _ => None,
        }
    }
}

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchRequest {
    /// The cases: a suite's file, a directory of exercises, or a file of them.
    pub suite: PathBuf,
    /// Only cases whose id is one of these, or begins with one followed by `/`; empty: all.
    pub only: Vec<String>,
    /// At most this many, chosen by `seed`; absent: all.
    pub size: Option<usize>,
    /// What a choice depends on.
    pub seed: u64,
    /// Attempts at a case.
    pub attempts: u32,
    /// Cases at once.
    pub concurrency: usize,
    /// The run's directory, made when it is missing. What is finished in it is not done again.
    pub directory: PathBuf,
    /// Clones of the repositories that SWE-bench instances name, as `owner__repo`, `owner/repo` or `repo`.
    pub repositories: Option<PathBuf>,
    /// What SWE-bench instances need to run here: a file of environments.
    pub environments: Option<PathBuf>,
    /// Variables of setups and tests, beside the few that every command gets.
    pub environment: Vec<(String, String)>,
    /// Who attempts the cases.
    pub contestant: Contestant,
    /// What is asked of the agent beside its name, for the record.
    pub asked: Asked,
    /// Whether the checkouts stay.
    pub keep: bool,
    /// What the attempts may use together.
    pub allowance: Allowance,
    /// What each command of a case may use; a case may say otherwise.
    pub limits: Limits,
    /// Where packages and environments are kept from one setup to the next, made when it is missing.
    pub cache: PathBuf,
    /// Whether SWE-bench instances are judged in containers.
    pub containers: Containers,
    /// Of a run that is repeated: in which image each case was judged, or that it was without a container.
    pub images: BTreeMap<String, Option<Image>>,
    /// Whether tests may use the network; absent: not in a container, and without one they may.
    pub network: Option<bool>,
    /// How often what fails here is tried again.
    pub retries: Retries,
}

/// An agent and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Asked {
    /// Its name; `gold` and `null` are nobody.
    pub agent: String,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The profile of its credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

impl Asked {
    /// Who that is.
    pub fn contestant(&self) -> Contestant {
        match (self.agent.as_str(), &self.model) {
            ("gold", _) => Contestant::Gold,
            ("null", _) => Contestant::Null,
            (name, Some(model)) => Contestant::Agent(format!("{name}:{model}")),
            (name, None) => Contestant::Agent(name.to_owned()),
        }
    }
}

/// Who attempts cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contestant {
    /// Nobody: no case may be resolved by it.
    Null,
    /// The reference: every case must be resolved by it.
    Gold,
    /// An agent, by the name under which its results are kept.
    Agent(String),
}

impl Contestant {
    /// The name under which results are kept.
    pub fn name(&self) -> &str {
        match self {
            Self::Null => "null",
            Self::Gold => "gold",
            Self::Agent(name) => name,
        }
    }
}

/// One turn of an agent at a case.
#[derive(Debug, Clone)]
pub struct Task {
    /// The case's id.
    pub case: String,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The repository to work in: one commit, nothing of what came later.
    pub repository: PathBuf,
    /// What to say.
    pub prompt: String,
    /// The session of the turns before; absent in the first.
    pub session: Option<String>,
    /// How long the agent may take.
    pub limit: Duration,
    /// Where it is taken down what the attempt used, under `meter_key`; the turn ends when nothing is left.
    pub meter: Arc<Meter>,
    /// The attempt's name there.
    pub meter_key: String,
}

/// What an agent did in a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solved {
    /// Where the files are that it worked on.
    pub files: PathBuf,
    /// Its session.
    pub session: String,
    /// What the session used so far.
    pub usage: Usage,
    /// How often it used which tool.
    pub tools: BTreeMap<String, u32>,
}

/// Why an agent has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsolved {
    /// It failed, or took too long: why.
    Agent(String),
    /// It could not work (no daemon, a rate limit): why. Another time it may.
    Infrastructure(String),
    /// It cannot work here (not installed, not logged in, no such model): why.
    Never(String),
    /// The person ended it.
    Cancelled,
    /// What the run may use was used up.
    Budget,
}

/// The agent that attempts cases.
#[derive(Clone, Copy)]
pub struct Solver<'a> {
    /// Has it do a turn.
    pub solve: &'a (dyn Fn(&Task) -> Result<Solved, Unsolved> + Sync),
    /// A session that it told of is not needed any more, and its repository goes next.
    pub leave: &'a (dyn Fn(&str) + Sync),
}

/// The result of an attempt: a line of a run's `results.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempted {
    /// The case.
    pub case: String,
    /// Its repository or language.
    pub group: String,
    /// Who attempted it.
    pub contestant: String,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Hash of the case as it was.
    pub digest: String,
    /// SHA-256 of the patch.
    pub patch_sha256: String,
    /// How often the tests were run.
    pub iterations: u32,
    /// Milliseconds of preparing checkouts, of the agent, and of the tests.
    pub prepare_ms: u64,
    /// See `prepare_ms`.
    pub agent_ms: u64,
    /// See `prepare_ms`.
    pub test_ms: u64,
    /// The agent's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// How often it used which tool.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, u32>,
    /// When it ended, milliseconds since the epoch.
    pub at: i64,
    /// The directory of its patch and its test output, below the run's.
    pub artefacts: String,
    /// What was known of the case on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// The image in which it was judged; absent: without a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The environment that its checkouts had: the name of a file in the run's `environments`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What failed on this machine and was tried again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

impl Attempted {
    /// Whether it says something about who attempted it.
    pub fn counts(&self) -> bool {
        self.outcome.counts() && !self.validity.is_some_and(Validity::is_flaw)
    }
}

/// What `null` and `gold` say of a case, on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// The tests fail without the reference and pass with it.
    Valid,
    /// They pass although nothing was done.
    NullPasses,
    /// They fail although the reference is there.
    GoldFails,
    /// It has no reference.
    NoReference,
    /// It could not be run.
    Broken,
}

impl Validity {
    /// Whether no attempt at such a case says anything.
    pub fn is_flaw(self) -> bool {
        matches!(self, Self::NullPasses | Self::GoldFails)
    }

    /// What it says, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::NullPasses => "passes with nothing done",
            Self::GoldFails => "fails with the reference",
            Self::NoReference => "has no reference",
            Self::Broken => "cannot be run here",
        }
    }
}

/// What a case is worth on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// The case.
    pub case: String,
    /// What it is worth.
    pub validity: Validity,
    /// Why, where there is more to say.
    pub why: String,
}

/// What happened, as it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// How many attempts there are, and how many of them were done by an earlier run.
    Planned {
        /// All.
        attempts: usize,
        /// Done before.
        done: usize,
    },
    /// Something that the person should know.
    Noted(String),
    /// One begins.
    Begun {
        /// The case.
        case: String,
        /// Who attempts it.
        contestant: String,
    },
    /// Something failed on this machine, and is tried again.
    Again {
        /// The case.
        case: String,
        /// Who attempts it.
        contestant: String,
        /// What failed.
        why: String,
        /// What is waited before.
        pause: Duration,
    },
    /// One has ended.
    Ended(Box<Attempted>),
}
