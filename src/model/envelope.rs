//! The envelope of an event: its number, its time, and what brought it about.

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::id::{CommandId, JobId, Seq, SessionId};

/// What brought an event about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Cause {
    /// A client's command.
    Command {
        /// Its id.
        id: CommandId,
    },
    /// Output of a job up to a journal offset; committing the event commits the offset.
    Journal {
        /// The job.
        job: JobId,
        /// Journal bytes consumed once this event is committed.
        offset: u64,
    },
    /// The engine itself: the result of an effect.
    Host,
    /// Recovery after a start.
    Recovery,
}

/// One committed event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Its number.
    pub seq: Seq,
    /// When it was committed, milliseconds since the epoch.
    pub time: i64,
    /// The session it belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// What brought it about.
    pub cause: Cause,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}
