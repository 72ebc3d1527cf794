//! Turns: one prompt and everything until the agent stops, ending in a checkpoint.

use serde::{Deserialize, Serialize};

use super::attachment::Attachment;
use super::diff::DiffStat;
use super::failure::{Failure, Silence};
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
    /// The waiting prompt it came from; absent for turns of an older divisi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_id: Option<PromptId>,
    /// The prompt as delivered.
    pub prompt: String,
    /// What went with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
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
    /// Why it failed or its agent was lost, told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Set while its agent has been silent for too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<Silence>,
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
    /// What goes with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// True when it goes before what waited already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub urgent: bool,
    /// The running turn it is on its way into; absent while it waits for a turn of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steers: Option<TurnId>,
}
