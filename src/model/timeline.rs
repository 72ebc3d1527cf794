//! Timelines: the states of a session's files that can be gone back to, compared and grown from.
//!
//! Checkpoints have names: `start`, `t3` (the end of turn 3), `c2` (the second one made outside of a turn). Each is a commit under
//! `refs/divisi/checkpoints/<session>/<name>`, so that it stays when an agent rewrites its branch.

use serde::{Deserialize, Serialize};

use super::diff::DiffStat;
use super::id::{HunkId, Oid, SessionId};
use super::usage::Usage;

/// A checkpoint that was made outside of a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its name: `c1`, `c2`, ...
    pub name: String,
    /// Why it was made, one line: `before going back to t1`, `back to t1`, `before landing`.
    pub what: String,
    /// When, milliseconds since the epoch.
    pub at: i64,
    /// The commit.
    pub commit: Oid,
    /// What it changed since the checkpoint before it.
    #[serde(default)]
    pub step: DiffStat,
}

/// Going back to a checkpoint, intended and not yet done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewind {
    /// The checkpoint's name.
    pub to: String,
    /// Its commit.
    pub commit: Oid,
    /// The name under which the state before is kept.
    pub before: String,
    /// The name of the state after.
    pub after: String,
    /// When it was asked for, milliseconds since the epoch.
    pub at: i64,
}

/// Where a session's first commit comes from, when that is not its base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The commit.
    pub commit: Oid,
    /// In words: `from fix at t2`, `combined from a and b`.
    pub what: String,
}

/// What a step of a timeline is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// The beginning.
    Start,
    /// A turn.
    Turn,
    /// A checkpoint outside of a turn.
    Checkpoint,
}

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineStep {
    /// The checkpoint's name.
    pub name: String,
    /// What it is.
    pub kind: StepKind,
    /// When it was made, or began when it is not over, milliseconds since the epoch.
    pub at: i64,
    /// The prompt's first line, or what the checkpoint was made for.
    pub title: String,
    /// How a turn ended (`done`, `failed`, `interrupted`), or `running`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The commit; absent while a turn runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Oid>,
    /// True when the branch was there at the newest checkpoint.
    pub current: bool,
    /// What the step changed.
    pub stat: DiffStat,
    /// What a turn used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// How long a turn took, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
}

/// Parameters of `session/timeline`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimelineOf {
    /// Which session.
    pub session: SessionId,
}

/// A checkpoint of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct At {
    /// Which session.
    pub session: SessionId,
    /// Which checkpoint: a name, a turn's number, or the beginning of a commit; absent: the newest.
    #[serde(default)]
    pub checkpoint: Option<String>,
}

/// Parameters of `session/rewind`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewindSession {
    /// Which session.
    pub session: SessionId,
    /// Which checkpoint, as in [`At`].
    pub checkpoint: String,
}

/// What is taken of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pick {
    /// Which session.
    pub session: SessionId,
    /// Hunks, by id or unique prefix.
    #[serde(default)]
    pub hunks: Vec<HunkId>,
    /// Whole files, by path. Without hunks and files everything the session changed is taken.
    #[serde(default)]
    pub files: Vec<String>,
}

/// Parameters of `session/combine`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CombineSessions {
    /// What is taken, in this order; the first one's base is the new session's.
    pub picks: Vec<Pick>,
    /// The new session's name; absent: made from the picks' names.
    #[serde(default)]
    pub name: Option<String>,
    /// A task for an agent to go on with; absent: nothing is started.
    #[serde(default)]
    pub prompt: Option<String>,
    /// The agent; absent: the first pick's.
    #[serde(default)]
    pub agent: Option<String>,
}

/// Parameters of `session/compare`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareSessions {
    /// Which sessions, two to sixteen.
    pub sessions: Vec<SessionId>,
}
