//! Worktrees: linked checkouts, each owned by one session for ever.

use serde::{Deserialize, Serialize};

use super::id::{Oid, SessionId};
use super::timeline::Start;

/// The directory in a worktree in which the agent finds its task and its rules. It is never part of a commit that divisi makes.
pub const CONTEXT: &str = "AGENT_CONTEXT";

/// How far a session's worktree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorktreeState {
    /// Journaled, not yet on disk (or being made anew after a crash).
    Intended,
    /// On disk, registered with git and locked for its session.
    Ready,
    /// Could not be made; nothing was left behind.
    Failed,
    /// Being removed; what it held is already preserved.
    Removing,
    /// Gone. The preserved ref, when there is one, brings it back.
    Removed,
}

/// Where a session grew from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// What the person named (`main`, `v1.2`, a commit, `pr:12`).
    pub label: String,
    /// The full ref name, when the base is a local branch: landing goes there (`refs/heads/main`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit it named at creation.
    pub commit: Oid,
}

/// The facts of a session's worktree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worktree {
    /// Its owner.
    pub session: SessionId,
    /// Absolute path of the repository's main worktree (or of the bare repository).
    pub repository: String,
    /// Absolute path of the repository's common git directory.
    pub common_dir: String,
    /// Absolute path of this worktree. Never used by another session.
    pub path: String,
    /// The branch's full ref name: `refs/heads/divisi/<name>/work`.
    pub branch: String,
    /// Where it grew from.
    pub base: Base,
    /// Its first commit, when that is not its base's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// How far it is.
    pub state: WorktreeState,
    /// The first of ten ports reserved for it (`DIVISI_PORT`).
    pub port: u16,
    /// `refs/divisi/preserved/<session>` once something was captured at removal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preserved: Option<String>,
}

impl Worktree {
    /// The commit that the worktree was made with.
    pub fn first_commit(&self) -> &Oid {
        self.start.as_ref().map_or(&self.base.commit, |start| &start.commit)
    }
}
