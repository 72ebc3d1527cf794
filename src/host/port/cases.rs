//! Port of benchmarks' cases: found for a plan, kept for a batch, prepared for an attempt, and judged by their own tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use crate::model::Refusal;
use crate::model::attempt::{Outcome, Validity};
use crate::model::bench::Excerpt;
use crate::model::case::{PlanCase, PlanCases};
use crate::model::container::Containers;
use crate::model::id::{BatchId, SessionId};
use crate::model::plan::PlanPrompt;

/// The cases that a task means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCases {
    /// The suite's file, absolute.
    pub file: String,
    /// The cases, in the order of the suite.
    pub cases: Vec<FoundCase>,
}

/// A case that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCase {
    /// Its id.
    pub id: String,
    /// What is asked.
    pub prompt: String,
    /// What is asked after that.
    pub follow_ups: Vec<String>,
    /// What a plan knows of it.
    pub case: PlanCase,
    /// All of it but its reference, to be kept under `case.key`.
    pub document: Vec<u8>,
}

impl FoundCase {
    /// The prompt that it is in a plan.
    pub fn prompt(&self) -> PlanPrompt {
        PlanPrompt {
            id: self.id.clone(),
            text: self.prompt.clone(),
            file: None,
            follow_ups: self.follow_ups.clone(),
            case: Some(Box::new(self.case.clone())),
        }
    }
}

/// Why cases were not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfound {
    /// The key of the plan that is to blame.
    pub key: &'static str,
    /// What is wrong, one line or several: files of cases say where.
    pub message: String,
    /// What was probably meant.
    pub near: Option<String>,
}

/// An attempt at a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseGround {
    /// Its batch.
    pub batch: BatchId,
    /// Its session, whose name its directory has.
    pub session: SessionId,
    /// The case's key.
    pub key: String,
    /// What is kept of it is called so: run and attempt.
    pub name: String,
    /// Variables of its setup and tests that the plan gives.
    pub variables: BTreeMap<String, String>,
    /// Whether it may be judged in a container.
    pub containers: Containers,
    /// Whether its tests may use the network, where the plan or the configuration says it.
    pub network: Option<bool>,
}

/// An attempt's repository is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedCase {
    /// The repository of one commit, absolute.
    pub repository: String,
    /// Milliseconds it took.
    pub prepare_ms: u64,
}

/// What the tests said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedCase {
    /// How it came out.
    pub verdict: Outcome,
    /// The SHA-256 of the patch that was judged.
    pub patch_sha256: String,
    /// Milliseconds of making the tests' tree.
    pub prepare_ms: u64,
    /// Milliseconds of the tests.
    pub test_ms: u64,
    /// What is said to an agent that may try again.
    pub again: String,
    /// What is known of the case on this machine.
    pub validity: Option<Validity>,
}

/// What of a batch's cases is still needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// Nothing: there is no such batch.
    Nothing,
    /// What its report shows: patches, and the ends of what tests said. Its runs cannot be run again.
    Report,
    /// Everything.
    Everything,
}

/// Why a case has no end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseFailure {
    /// Somebody stopped it.
    Stopped,
    /// This machine could not do it: why.
    Failed(String),
}

/// Cases of benchmarks. All methods block.
pub trait Cases: Send + Sync {
    /// The cases that a task of a plan means; relative paths begin at `directory`.
    ///
    /// # Errors
    /// When the suite is not there or wrong, or nothing of it is chosen.
    fn find(&self, directory: &str, wanted: &PlanCases) -> Result<FoundCases, Unfound>;

    /// Keeps cases for a batch, readable by the user alone: what becomes of the suite's files then does not matter.
    ///
    /// # Errors
    /// When they cannot be written.
    fn keep(&self, batch: &BatchId, cases: &[FoundCase]) -> Result<(), Refusal>;

    /// Removes everything of a batch that was refused.
    fn forget(&self, batch: &BatchId);

    /// Makes an attempt's repository; what an earlier daemon left of it is removed first.
    ///
    /// # Errors
    /// When it cannot be made, or `stop` became true.
    fn prepare(&self, ground: &CaseGround, stop: &AtomicBool) -> Result<PreparedCase, CaseFailure>;

    /// Judges what is in `files`, a worktree of the attempt's repository: as a patch, on another fresh tree. Patch and output are kept.
    ///
    /// # Errors
    /// When that cannot be done, or `stop` became true.
    fn judge(&self, ground: &CaseGround, files: &str, stop: &AtomicBool) -> Result<JudgedCase, CaseFailure>;

    /// Removes an attempt's repository with everything beside it. What was kept of it stays.
    ///
    /// # Errors
    /// When something cannot be deleted.
    fn remove(&self, batch: &BatchId, session: &SessionId) -> Result<(), Refusal>;

    /// Removes what is left of attempts whose sessions are not among `live`, and what nobody needs of batches; ends commands of cases that
    /// an earlier daemon began. For the start, before anything runs.
    fn sweep(&self, live: &BTreeSet<SessionId>, needed: &dyn Fn(&BatchId) -> Needed);

    /// What was kept of an attempt, fit to be shown, each part at most so many bytes; nothing where nothing was.
    fn excerpt(&self, batch: &BatchId, name: &str, room: usize) -> Excerpt;
}
