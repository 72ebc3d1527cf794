//! Landing: bringing a session's work back to its base.

use serde::{Deserialize, Serialize};

use super::diff::DiffStat;
use super::evaluation::GateView;
use super::id::{LandingId, Oid, SessionId};

/// How commits are brought over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// One commit on the base.
    #[default]
    Squash,
    /// The session's commits on top of the base.
    Rebase,
    /// A merge commit.
    Merge,
}

/// A predicted conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictedConflict {
    /// With what: the base's name, or another session's name.
    pub with: String,
    /// The other session, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Paths that conflict.
    pub paths: Vec<String>,
}

/// What `preflight` found. A landing of exactly this is refused when it no longer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preflight {
    /// The session.
    pub session: SessionId,
    /// The commit that would land (the worktree's changes are committed as a checkpoint first).
    pub head: Oid,
    /// The target's full ref name.
    pub onto: String,
    /// The target's commit now.
    pub onto_commit: Oid,
    /// Commits on the target since the session grew from it.
    pub behind: u32,
    /// Commits of the session that the target lacks.
    pub ahead: u32,
    /// Whether the worktree has uncommitted changes.
    pub dirty: bool,
    /// What would change on the target.
    pub stat: DiffStat,
    /// Conflicts with the target.
    pub conflicts: Vec<PredictedConflict>,
    /// Conflicts with other live sessions of the repository.
    pub overlaps: Vec<PredictedConflict>,
    /// Where the target is checked out, and whether that checkout is clean; absent when it is nowhere checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout: Option<TargetCheckout>,
    /// How it would be brought over unless the request says otherwise.
    #[serde(default)]
    pub strategy: Strategy,
    /// The gates; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<GateView>,
    /// Whether a landing would be accepted now.
    pub ready: bool,
    /// Why not, one sentence each.
    pub blockers: Vec<String>,
}

/// The user's checkout of the landing's target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetCheckout {
    /// Its path.
    pub path: String,
    /// Clean checkouts follow the landing; others are left alone.
    pub clean: bool,
}

/// Where a landing stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum LandingState {
    /// Intended and journaled.
    Started,
    /// Conflicts are left in the session's worktree.
    Conflicted {
        /// Which files.
        paths: Vec<String>,
    },
    /// On the target.
    Completed {
        /// The target's new commit.
        commit: Oid,
        /// What happened to the checkout of the target, one sentence; empty when there is none.
        checkout: String,
    },
    /// Rolled back.
    Failed {
        /// Why.
        reason: String,
    },
    /// Given up by the person; the worktree is as before.
    Aborted,
}

/// One attempt to land.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landing {
    /// Its id.
    pub id: LandingId,
    /// The session.
    pub session: SessionId,
    /// How.
    pub strategy: Strategy,
    /// The commit that was checked and is landed.
    pub head: Oid,
    /// The target's full ref name.
    pub onto: String,
    /// The target's commit that was checked; compare-and-swap against it.
    pub onto_commit: Oid,
    /// The message of a squash or merge commit.
    pub message: String,
    /// How it stood before the gates when it was begun; absent when there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<GateView>,
    /// The tree that was judged, when it is not the commit's own: what is made has to be that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<Oid>,
    /// Somebody landed it although the gates had not passed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gates_skipped: bool,
    /// Author and committer date of what is made, milliseconds since the epoch; recomputing gives the same commit.
    pub started_at: i64,
    /// Where it stands.
    #[serde(flatten)]
    pub state: LandingState,
}
