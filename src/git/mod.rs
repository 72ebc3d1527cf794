//! Driver: git, by its own program, hardened so that nothing planted in a repository runs.
//!
//! `command` and `call` are the one way to run it. Everything else is a file per operation of [`crate::host::port::Git`]; the order of steps
//! in each is chosen so that a kill at any point leaves a state that the next call recognises.

mod admin;
mod ages;
mod apart;
mod base;
mod beneath;
mod call;
mod checkouts;
mod checkpoint;
mod clean;
mod combine;
mod command;
mod config_overrides;
mod context;
mod create;
mod diff;
mod doctor;
mod extra;
mod include;
mod inspect;
mod land;
mod lock;
mod loose;
mod merge;
mod object;
mod patches;
mod preflight;
mod preserve;
mod queue;
mod refs;
mod remove;
mod restore;
mod round;
mod seal;
mod snapshot;
mod status;
mod text;
mod timeline;
mod trash;
mod untouched;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use crate::host::port;
use crate::host::port::{Apart, Checkpoint, CreatedWorktree, Part, RepositoryFacts, ResolvedBase, Rewound, Unlanded};
use crate::model::Refusal;
use crate::model::diff::{Diff, DiffRange};
use crate::model::id::{HunkId, Oid};
use crate::model::landing::{Landing, LandingState, Preflight};
use crate::model::query::{Finding, RepositoryConfig};
use crate::model::settings::Settings;
use crate::model::timeline::Rewind;
use crate::model::worktree::Worktree;

use command::{Git, LOCK_WAIT};

/// The driver of git. All methods block.
#[derive(Debug)]
pub struct GitDriver {
    git: Git,
}

impl GitDriver {
    /// For the one daemon of this `state_dir`: waits for what git may still do for a daemon that was killed (otherwise a branch could
    /// appear after recovery cleaned up), then finds git on the `PATH` and checks its age. `state_dir` holds an empty directory that stands for hooks.
    ///
    /// # Errors
    /// When git is missing or older than 2.38, or the directory cannot be made.
    pub fn new(settings: &Settings, state_dir: &Path) -> Result<Self, Refusal> {
        let environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        Git::await_orphans(state_dir);
        Self::with_environment(settings, state_dir, &environment, patience(&environment))
    }

    /// Only the wait of [`GitDriver::new`]. Blocks.
    pub fn await_orphans(state_dir: &Path) {
        Git::await_orphans(state_dir);
    }

    /// The same with an explicit environment instead of the process's own, and another patience with locks of others (an ordinary
    /// driver waits 10 seconds).
    ///
    /// # Errors
    /// As [`GitDriver::new`].
    pub fn with_environment(
        settings: &Settings,
        state_dir: &Path,
        environment: &[(OsString, OsString)],
        lock_wait: Duration,
    ) -> Result<Self, Refusal> {
        Ok(Self { git: Git::new(settings, state_dir, environment, lock_wait)? })
    }
}

/// How long locks of others are waited for. Tests may be less patient.
fn patience(environment: &[(OsString, OsString)]) -> Duration {
    if cfg!(debug_assertions) {
        let wanted = environment.iter().find(|(name, _)| name == "DIVISI_TEST_LOCK_WAIT_MS");
        if let Some(wanted) = wanted.and_then(|(_, value)| value.to_str()?.parse().ok()) {
            return Duration::from_millis(wanted);
        }
    }
    LOCK_WAIT
}

impl port::Git for GitDriver {
    fn inspect(&self, path: &str) -> Result<RepositoryFacts, Refusal> {
        Ok(inspect::inspect(&self.git, path)?.facts)
    }

    fn resolve_base(&self, path: &str, label: Option<&str>) -> Result<ResolvedBase, Refusal> {
        base::resolve(&self.git, path, label)
    }

    fn create_worktree(&self, worktree: &Worktree) -> Result<CreatedWorktree, Refusal> {
        create::create(&self.git, worktree)
    }

    fn clean_worktree(&self, worktree: &Worktree) -> Result<(), Refusal> {
        clean::clean(&self.git, worktree)
    }

    fn check_worktree(&self, worktree: &Worktree) -> Result<Option<Oid>, Refusal> {
        if admin::presence(worktree) != admin::Presence::Whole {
            return Ok(None);
        }
        refs::read(&self.git, &admin::place(worktree), "HEAD")
    }

    fn write_context(&self, worktree: &Worktree, files: &[(String, String)]) -> Result<(), Refusal> {
        context::write(worktree, files)
    }

    fn checkpoint(
        &self,
        worktree: &Worktree,
        from: &Oid,
        message: &str,
        name: Option<&str>,
    ) -> Result<Checkpoint, Refusal> {
        checkpoint::checkpoint(&self.git, worktree, from, message, name)
    }

    fn keep_checkpoint(&self, worktree: &Worktree, name: &str, commit: &Oid) -> Result<(), Refusal> {
        timeline::keep(&self.git, worktree, name, commit)
    }

    fn rewind(
        &self,
        worktree: &Worktree,
        from: &Oid,
        rewind: &Rewind,
        messages: [&str; 2],
    ) -> Result<Rewound, Refusal> {
        timeline::rewind(&self.git, worktree, from, rewind, messages)
    }

    fn combine(&self, parts: &[Part], message: &str) -> Result<Oid, Refusal> {
        combine::combine(&self.git, parts, message)
    }

    fn grown_from(&self, worktree: &Worktree) -> Result<Oid, Refusal> {
        timeline::grown_from(&self.git, worktree)
    }

    fn unlanded(&self, worktree: &Worktree) -> Result<Unlanded, Refusal> {
        checkpoint::unlanded(&self.git, worktree)
    }

    fn preserve(&self, worktree: &Worktree) -> Result<Option<String>, Refusal> {
        preserve::preserve(&self.git, worktree)
    }

    fn remove_worktree(&self, worktree: &Worktree) -> Result<Option<String>, Refusal> {
        remove::remove(&self.git, worktree)
    }

    fn restore_worktree(&self, worktree: &Worktree) -> Result<Oid, Refusal> {
        restore::restore(&self.git, worktree)
    }

    fn diff(
        &self,
        worktree: &Worktree,
        range: &DiffRange,
        turn: Option<(&Oid, &Oid)>,
        stat_only: bool,
    ) -> Result<Diff, Refusal> {
        diff::diff(&self.git, worktree, range, turn, stat_only)
    }

    fn patch(&self, worktree: &Worktree, range: &DiffRange, turn: Option<(&Oid, &Oid)>) -> Result<String, Refusal> {
        diff::patch(&self.git, worktree, range, turn)
    }

    fn patches(&self, repository: &str, changes: &[(Oid, Oid)], limit: usize) -> Result<Vec<String>, Refusal> {
        patches::patches(&self.git, repository, changes, limit)
    }

    fn base_file(&self, worktree: &Worktree, path: &str) -> Result<Option<String>, Refusal> {
        diff::old_file(&self.git, worktree, path, 0)
    }

    fn find_hunk(&self, worktree: &Worktree, hunk: &HunkId) -> Result<(HunkId, String), Refusal> {
        diff::find_hunk(&self.git, worktree, &DiffRange::Session, hunk)
    }

    fn find_round_hunk(&self, worktree: &Worktree, number: u32, hunk: &HunkId) -> Result<(HunkId, String), Refusal> {
        diff::find_hunk(&self.git, worktree, &DiffRange::Round { number: Some(number) }, hunk)
    }

    fn round_file(&self, worktree: &Worktree, number: u32, path: &str) -> Result<Option<String>, Refusal> {
        diff::old_file(&self.git, worktree, path, number)
    }

    fn working_file(&self, worktree: &Worktree, path: &str) -> Result<Option<String>, Refusal> {
        round::working_file(worktree, path)
    }

    fn snapshot_round(&self, worktree: &Worktree, number: u32) -> Result<Oid, Refusal> {
        round::snapshot(&self.git, worktree, number)
    }

    fn is_applied(&self, worktree: &Worktree, patch: &str, reverse: bool) -> Result<bool, Refusal> {
        diff::is_applied(&self.git, worktree, patch, reverse)
    }

    fn apply(&self, worktree: &Worktree, patch: &str, reverse: bool) -> Result<(), Refusal> {
        diff::apply(&self.git, worktree, patch, reverse)
    }

    fn preflight(
        &self,
        worktree: &Worktree,
        onto: Option<&str>,
        others: &[(String, Worktree)],
    ) -> Result<Preflight, Refusal> {
        preflight::preflight(&self.git, worktree, onto, others)
    }

    fn merge_result(
        &self,
        worktree: &Worktree,
        onto: Option<&str>,
        head: &Oid,
    ) -> Result<Option<crate::model::evaluation::MergeResult>, Refusal> {
        preflight::merge_result(&self.git, worktree, onto, head)
    }

    fn land(&self, worktree: &Worktree, landing: &Landing) -> Result<LandingState, Refusal> {
        land::land(&self.git, worktree, landing)
    }

    fn continue_landing(&self, worktree: &Worktree, landing: &Landing) -> Result<LandingState, Refusal> {
        land::conflict::go_on(&self.git, worktree, landing)
    }

    fn abort_landing(&self, worktree: &Worktree, landing: &Landing) -> Result<(), Refusal> {
        land::conflict::abort(&self.git, worktree, landing)
    }

    fn check_out_apart(
        &self,
        worktree: &Worktree,
        commit: &Oid,
        base: &Oid,
        restore: &[String],
        into: &str,
    ) -> Result<Apart, Refusal> {
        apart::check_out(&self.git, worktree, commit, base, restore, into)
    }

    fn scan(&self, repository: &str, known: &[Worktree]) -> Result<Vec<Finding>, Refusal> {
        doctor::scan(&self.git, repository, known)
    }

    fn fix(&self, repository: &str, known: &[Worktree]) -> Result<Vec<String>, Refusal> {
        doctor::fix(&self.git, repository, known)
    }

    fn repository_config(&self, path: &str) -> Result<RepositoryConfig, Refusal> {
        base::repository_config(&self.git, path)
    }

    fn processes(&self) -> u64 {
        self.git.processes()
    }
}
