//! Port of the places in which evaluators work: made for one evaluation, gone after it.

use std::path::PathBuf;

use crate::model::Refusal;
use crate::model::id::EvaluationId;

/// Where an evaluation works. All paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The files of the commit.
    pub checkout: String,
    /// The home directory of its programs.
    pub home: String,
    /// Where cargo builds.
    pub target: String,
}

/// Tells whether what was kept of a place is what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal(pub [u8; 32]);

/// What is done about a program's place before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Others will want it too: it is copied.
    Copied,
    /// Nobody will want it any more: it is moved, which costs nothing.
    Moved,
}

/// Makes places for evaluations, in the state directory, readable by the user alone. All methods block.
pub trait Grounds: Send + Sync {
    /// Makes an evaluation's place, empty; what an earlier daemon left there is removed first.
    ///
    /// # Errors
    /// When the directories cannot be made.
    fn make(&self, evaluation: &EvaluationId) -> Result<Ground, Refusal>;

    /// Keeps a place as it is now (its checkout, its home, what was built), for [`Grounds::put_back`].
    ///
    /// # Errors
    /// When it cannot be copied.
    fn keep(&self, ground: &Ground) -> Result<Seal, Refusal>;

    /// Puts a place back to what was kept of it, whatever a program did to it: everything that is there now goes away, with its
    /// directories. The paths stay the same.
    ///
    /// # Errors
    /// When somebody has been at what was kept, or it cannot be copied.
    fn put_back(&self, ground: &Ground, seal: Seal, again: Again) -> Result<(), Refusal>;

    /// Deletes the git directory of a checkout, so that it can be made anew.
    ///
    /// # Errors
    /// When it cannot be deleted.
    fn without_git(&self, ground: &Ground) -> Result<(), Refusal>;

    /// Removes it with everything in it.
    ///
    /// # Errors
    /// When something cannot be deleted.
    fn remove(&self, evaluation: &EvaluationId) -> Result<(), Refusal>;

    /// Removes everything that evaluations ever left. For the start, when none runs.
    fn sweep(&self);

    /// Deletes a file of the checkout, so that what is read there later was written since. One that is not there is no error.
    ///
    /// # Errors
    /// Why it cannot be deleted, one sentence.
    fn clear(&self, ground: &Ground, path: &str) -> Result<(), String>;

    /// A file of the checkout as text, at most `limit` bytes; links out of the checkout are not followed.
    ///
    /// # Errors
    /// Why it cannot be read, one sentence.
    fn read(&self, ground: &Ground, path: &str, limit: u64) -> Result<String, String>;

    /// Whether a program is there: on a `PATH`, or below the checkout when its name has a slash.
    fn has(&self, ground: &Ground, program: &str, search: &str) -> bool;

    /// The suite that a person has configured by now, where `known` was configured when the daemon began: gates count from the moment
    /// they are set.
    ///
    /// # Errors
    /// When the configuration cannot be read: nobody knows whether there are gates.
    fn gates(&self, known: Option<PathBuf>) -> Result<Option<PathBuf>, Refusal>;

    /// A file that a person configured, as text.
    ///
    /// # Errors
    /// When it cannot be read.
    fn configured(&self, path: &str) -> Result<String, Refusal>;

    /// Lends what cargo downloaded before to an evaluation's own home of cargo, without its credentials.
    fn lend_cargo(&self, ground: &Ground, cargo_home: &str);
}
