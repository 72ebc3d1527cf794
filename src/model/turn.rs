//! Turns: one prompt and everything until the agent stops, ending in a checkpoint.

use serde::{Deserialize, Serialize};

use super::diff::DiffStat;
use super::id::{Oid, PromptId, SessionId, TurnId};
use super::usage::Usage;

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum TurnOutcome {
    /// The agent finished.
    Done {
        /// The protocol's stop reason (`end_turn`, `exit 0`, ...).
        stop_reason: String,
    },
    /// The agent or its command failed.
    Failed {
        /// One line: why.
        reason: String,
    },
    /// A person stopped it, or the process was lost.
    Interrupted {
        /// One line: by what.
        reason: String,
    },
}

/// One turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Its id.
    pub id: TurnId,
    /// The session.
    pub session: SessionId,
    /// One-based.
    pub number: u32,
    /// The prompt as delivered.
    pub prompt: String,
    /// When it started, milliseconds since the epoch.
    pub started_at: i64,
    /// True once somebody asked for it to be stopped.
    #[serde(default)]
    pub stopping: bool,
    /// When it ended: the agent stopped and the checkpoint is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// How the agent stopped; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none", flatten)]
    pub outcome: Option<TurnOutcome>,
    /// The branch's commit when the turn began.
    pub from: Oid,
    /// The checkpoint, when the turn changed something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Oid>,
    /// The branch's commit when the turn had ended, whoever committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Oid>,
    /// What the turn changed.
    #[serde(default)]
    pub stat: DiffStat,
    /// What it used.
    #[serde(default)]
    pub usage: Usage,
}

/// A prompt that waits: visible, editable and cancellable until delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedPrompt {
    /// Its id.
    pub id: PromptId,
    /// The session.
    pub session: SessionId,
    /// The text.
    pub text: String,
    /// When it was queued, milliseconds since the epoch.
    pub queued_at: i64,
}
