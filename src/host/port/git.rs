//! Port of git: everything that touches a repository. All methods block and are called on blocking threads; the driver serialises
//! writers per repository and bounds how many git processes run at once.

use crate::model::Refusal;
use crate::model::diff::{Diff, DiffRange, DiffStat};
use crate::model::evaluation::MergeResult;
use crate::model::id::{HunkId, Oid};
use crate::model::landing::{Landing, LandingState, Preflight};
use crate::model::query::{Finding, RepositoryConfig};
use crate::model::timeline::{Pick, Rewind, Start};
use crate::model::worktree::{Base, Worktree};

/// A repository, recognised and found workable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryFacts {
    /// Absolute path of the main worktree, or of the bare repository.
    pub repository: String,
    /// Absolute, canonical path of the common git directory.
    pub common_dir: String,
    /// The directory new worktrees go under, absolute.
    pub worktrees_root: String,
}

/// A base that exists, with what names are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedBase {
    /// The repository.
    pub facts: RepositoryFacts,
    /// The base.
    pub base: Base,
    /// Names a new session cannot have, case-folded: entries of the worktrees root, first components of `refs/heads/divisi/*`.
    pub taken: Vec<String>,
    /// `.divisi.toml` at the base's worktree, when there is one.
    pub config: Option<RepositoryConfig>,
    /// The first commit, when it is not the base's.
    pub start: Option<Start>,
}

/// A worktree that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedWorktree {
    /// The branch's commit.
    pub head: Oid,
    /// What a person should know, one sentence each.
    pub notes: Vec<String>,
    /// What it has since the base, when it did not begin at it.
    pub stat: Option<DiffStat>,
}

/// The end of a turn, committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The commit, when there was something to commit.
    pub commit: Option<Oid>,
    /// The branch's commit now.
    pub head: Oid,
    /// What changed since the turn's first commit.
    pub turn_stat: DiffStat,
    /// What changed since the base.
    pub stat: DiffStat,
}

/// The files are as they were at a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewound {
    /// The commit of the state before.
    pub before: Oid,
    /// What that state had since the base.
    pub before_stat: DiffStat,
    /// What it had since the last checkpoint.
    pub before_step: DiffStat,
    /// The branch's commit now.
    pub head: Oid,
    /// What changed since the base.
    pub stat: DiffStat,
    /// What going back changed.
    pub step: DiffStat,
}

/// What is taken of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The session's name, for messages.
    pub name: String,
    /// Its worktree.
    pub worktree: Worktree,
    /// What of it.
    pub pick: Pick,
}

/// Work of a session that its base does not have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unlanded {
    /// Commits on the branch whose change is not in the base.
    pub commits: u32,
    /// Uncommitted paths (staged, unstaged, untracked).
    pub dirty: u32,
}

/// A checkout apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Apart {
    /// Its files, as git lists them.
    pub files: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Repositories and worktrees.
pub trait Git: Send + Sync {
    /// Finds the repository around a path.
    ///
    /// # Errors
    /// When there is none, or it is of a kind that cannot be worked in, in one clear sentence.
    fn inspect(&self, path: &str) -> Result<RepositoryFacts, Refusal>;

    /// Resolves a base (branch, tag, commit, `pr:N` when fetched; absent: what is checked out at `path`) and collects taken names.
    ///
    /// # Errors
    /// When it does not exist, is not a commit, or the repository has no commits yet.
    fn resolve_base(&self, path: &str, label: Option<&str>) -> Result<ResolvedBase, Refusal>;

    /// Creates the worktree and its branch, locked with a reason, copies what `.worktreeinclude` names. Everything is validated
    /// first; on failure nothing is left behind.
    ///
    /// # Errors
    /// When git refuses, the disk is full, or the name is taken after all.
    fn create_worktree(&self, worktree: &Worktree) -> Result<CreatedWorktree, Refusal>;

    /// Removes whatever an interrupted creation left (directory, administrative directory, branch at its base commit, locks). Does
    /// nothing when the worktree holds work. Idempotent.
    ///
    /// # Errors
    /// When something could not be removed.
    fn clean_worktree(&self, worktree: &Worktree) -> Result<(), Refusal>;

    /// Whether the worktree is on disk, registered for its branch and complete; its head if so.
    ///
    /// # Errors
    /// When git cannot be asked.
    fn check_worktree(&self, worktree: &Worktree) -> Result<Option<Oid>, Refusal>;

    /// Writes files below the worktree's untracked `AGENT_CONTEXT/` directory (relative names, whole contents; directories end with a slash).
    ///
    /// # Errors
    /// When a file cannot be written.
    fn write_context(&self, worktree: &Worktree, files: &[(String, String)]) -> Result<(), Refusal>;

    /// Commits everything uncommitted on the session's branch, hooks not run, authored as the user, with the message given.
    /// Idempotent: with nothing to commit it only reports. `from` is the turn's first commit. With a `name` what is there then is kept
    /// as by [`Git::keep_checkpoint`], and where the session began as `start`; that these could not be kept is no error.
    ///
    /// # Errors
    /// When the worktree is gone or git refuses (locked index: waits, then names the holder).
    fn checkpoint(
        &self,
        worktree: &Worktree,
        from: &Oid,
        message: &str,
        name: Option<&str>,
    ) -> Result<Checkpoint, Refusal>;

    /// Keeps a commit under `refs/divisi/checkpoints/<session>/<name>`. Idempotent.
    ///
    /// # Errors
    /// When git refuses.
    fn keep_checkpoint(&self, worktree: &Worktree, name: &str, commit: &Oid) -> Result<(), Refusal>;

    /// Brings the working files to a commit's, as a new commit on the session's branch. Whatever they were is committed and kept as
    /// `rewind.before` first. Idempotent: what an interrupted call left is recognised. `from` is the last checkpoint.
    ///
    /// # Errors
    /// When the commit is gone, a file is in the way, or git refuses; then the files are as they were.
    fn rewind(&self, worktree: &Worktree, from: &Oid, rewind: &Rewind, messages: [&str; 2])
    -> Result<Rewound, Refusal>;

    /// Makes a commit of what several sessions changed, merged in their order onto the first one's base; no ref and no file changes.
    ///
    /// # Errors
    /// When two of them conflict (the paths are named), or something picked is not there.
    fn combine(&self, parts: &[Part], message: &str) -> Result<Oid, Refusal>;

    /// Where a session's own work begins: the newest commit it shares with its base.
    ///
    /// # Errors
    /// When neither its worktree nor its branch is there.
    fn grown_from(&self, worktree: &Worktree) -> Result<Oid, Refusal>;

    /// Work that a removal would take away.
    ///
    /// # Errors
    /// When git cannot be asked.
    fn unlanded(&self, worktree: &Worktree) -> Result<Unlanded, Refusal>;

    /// Captures everything not reachable from another branch under `refs/divisi/preserved/<session>`; returns the ref when there was
    /// something. Idempotent.
    ///
    /// # Errors
    /// When it cannot be captured; then nothing may be deleted.
    fn preserve(&self, worktree: &Worktree) -> Result<Option<String>, Refusal>;

    /// Removes worktree and branch after ownership was proven and what only they hold was kept as by [`Git::preserve`], whose ref is
    /// returned: rename to a trash directory, then deletion in the background. Idempotent.
    ///
    /// # Errors
    /// When ownership cannot be proven or git refuses.
    fn remove_worktree(&self, worktree: &Worktree) -> Result<Option<String>, Refusal>;

    /// Brings a removed worktree back from its preserved ref (or its base), uncommitted changes uncommitted again.
    ///
    /// # Errors
    /// When path or branch are taken, or nothing was preserved and the base is gone.
    fn restore_worktree(&self, worktree: &Worktree) -> Result<Oid, Refusal>;

    /// A diff. `turn` gives the two commits for [`DiffRange::Turn`].
    ///
    /// # Errors
    /// When git cannot be asked.
    fn diff(
        &self,
        worktree: &Worktree,
        range: &DiffRange,
        turn: Option<(&Oid, &Oid)>,
        stat_only: bool,
    ) -> Result<Diff, Refusal>;

    /// The same as a patch.
    ///
    /// # Errors
    /// When git cannot be asked.
    fn patch(&self, worktree: &Worktree, range: &DiffRange, turn: Option<(&Oid, &Oid)>) -> Result<String, Refusal>;

    /// What each of the commits changed since the other one beside it, as patches in the same order, each cut behind a whole line at
    /// about `limit` bytes; empty where a commit is not there any more. One process for all of them.
    ///
    /// # Errors
    /// When git cannot be asked.
    fn patches(&self, repository: &str, changes: &[(Oid, Oid)], limit: usize) -> Result<Vec<String>, Refusal>;

    /// A file at the session's merge base; `None` when it does not exist there.
    ///
    /// # Errors
    /// When it is not text or git cannot be asked.
    fn base_file(&self, worktree: &Worktree, path: &str) -> Result<Option<String>, Refusal>;

    /// Finds the hunk by id or unique prefix in the session's diff; returns its full id and its patch.
    ///
    /// # Errors
    /// When there is none or more than one.
    fn find_hunk(&self, worktree: &Worktree, hunk: &HunkId) -> Result<(HunkId, String), Refusal>;

    /// The same in the diff since a round's baseline.
    ///
    /// # Errors
    /// When there is none or more than one.
    fn find_round_hunk(&self, worktree: &Worktree, number: u32, hunk: &HunkId) -> Result<(HunkId, String), Refusal>;

    /// A file at a round's baseline; `None` when it does not exist there.
    ///
    /// # Errors
    /// When it is not text, the baseline is gone, or git cannot be asked.
    fn round_file(&self, worktree: &Worktree, number: u32, path: &str) -> Result<Option<String>, Refusal>;

    /// A file of the worktree, links not followed; `None` when it does not exist.
    ///
    /// # Errors
    /// When it is not text, too large, or cannot be read.
    fn working_file(&self, worktree: &Worktree, path: &str) -> Result<Option<String>, Refusal>;

    /// Keeps the working files (untracked ones included) as the baseline of a review's round, under
    /// `refs/divisi/<session>/round/<number>`. Touches neither branch nor index. Idempotent: a baseline that exists is kept.
    ///
    /// # Errors
    /// When the worktree is gone or git refuses.
    fn snapshot_round(&self, worktree: &Worktree, number: u32) -> Result<Oid, Refusal>;

    /// Whether [`Git::apply`] of the same was done already: only the opposite could be done now.
    ///
    /// # Errors
    /// When the worktree is gone or git cannot be asked.
    fn is_applied(&self, worktree: &Worktree, patch: &str, reverse: bool) -> Result<bool, Refusal>;

    /// Applies a patch to the working files, reversed or not.
    ///
    /// # Errors
    /// When it does not apply; then nothing was changed.
    fn apply(&self, worktree: &Worktree, patch: &str, reverse: bool) -> Result<(), Refusal>;

    /// What a landing would meet. `others` are the live worktrees of the same repository with their sessions' names.
    ///
    /// # Errors
    /// When the target does not exist or git cannot be asked.
    fn preflight(
        &self,
        worktree: &Worktree,
        onto: Option<&str>,
        others: &[(String, Worktree)],
    ) -> Result<Preflight, Refusal>;

    /// What landing a commit would make of the target as it is now, as a commit that no ref names; absent when that is the session's
    /// commit itself. The same commits make the same result.
    ///
    /// # Errors
    /// When they conflict (the paths are named), or the target does not exist.
    fn merge_result(&self, worktree: &Worktree, onto: Option<&str>, head: &Oid)
    -> Result<Option<MergeResult>, Refusal>;

    /// Lands exactly `landing.head` on `landing.onto` by compare-and-swap against `landing.onto_commit`. Idempotent: what was already
    /// done is recognised. Never leaves the target between two states. With conflicts the conflicted merge or rebase is left in the
    /// session's worktree.
    ///
    /// # Errors
    /// Only when git cannot be run at all; everything else is a state.
    fn land(&self, worktree: &Worktree, landing: &Landing) -> Result<LandingState, Refusal>;

    /// Goes on after conflicts were resolved in the worktree.
    ///
    /// # Errors
    /// When conflicts remain (their paths are named).
    fn continue_landing(&self, worktree: &Worktree, landing: &Landing) -> Result<LandingState, Refusal>;

    /// Gives a conflicted landing up; the worktree is as before the landing.
    ///
    /// # Errors
    /// When git refuses.
    fn abort_landing(&self, worktree: &Worktree, landing: &Landing) -> Result<(), Refusal>;

    /// Puts the files of a commit into an empty directory outside of every repository, with a git directory of its own to which the
    /// repository's objects are lent. What the patterns in `restore` name is as `base` has it. Nothing of the repository's
    /// configuration acts, and nothing is written to the repository.
    ///
    /// # Errors
    /// When git cannot do it.
    fn check_out_apart(
        &self,
        worktree: &Worktree,
        commit: &Oid,
        base: &Oid,
        restore: &[String],
        into: &str,
    ) -> Result<Apart, Refusal>;

    /// Compares a repository with what is known of it.
    ///
    /// # Errors
    /// When git cannot be asked.
    fn scan(&self, repository: &str, known: &[Worktree]) -> Result<Vec<Finding>, Refusal>;

    /// Repairs what [`Git::scan`] found and marked as fixable; returns what was done. Unlanded work is preserved first.
    ///
    /// # Errors
    /// When git cannot be asked.
    fn fix(&self, repository: &str, known: &[Worktree]) -> Result<Vec<String>, Refusal>;

    /// The repository's `.divisi.toml` (`trusted` is left false).
    ///
    /// # Errors
    /// When there is no repository or the file cannot be read.
    fn repository_config(&self, path: &str) -> Result<RepositoryConfig, Refusal>;

    /// Git processes started so far.
    fn processes(&self) -> u64;
}
