//! Jobs: an agent's process under its shim, with a journal that outlives the daemon.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::agent::AgentReady;
use super::id::{JobId, SessionId, TurnId};
use super::terminal::OnTerminal;

/// What happens to an agent when the daemon dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDaemonDeath {
    /// It goes on; the next daemon attaches. Without a daemon for the length of the lease it is ended.
    #[default]
    Keep,
    /// Its shim ends it.
    Kill,
}

/// A process that can be found again: the pid alone may be reused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// Process id.
    pub pid: i32,
    /// Start time in clock ticks since boot (`/proc/PID/stat`, field 22).
    pub start_time: u64,
    /// The boot's id.
    pub boot_id: String,
}

/// How a job's process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ended")]
pub enum JobEnd {
    /// It exited by itself or after a request.
    Exited {
        /// Its exit code.
        code: i32,
        /// Whether it was asked to stop.
        stopped: bool,
        /// Processes of its tree that outlived it and were ended.
        leaked: u32,
    },
    /// A signal ended it.
    Signaled {
        /// Which.
        signal: i32,
        /// Whether it was asked to stop.
        stopped: bool,
        /// Processes of its tree that outlived it and were ended.
        leaked: u32,
    },
    /// It never ran.
    NotStarted {
        /// Why.
        reason: String,
    },
    /// Its shim is gone without a word (killed, or the machine restarted).
    Lost,
}

/// One process of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The session.
    pub session: SessionId,
    /// The turn it serves, for agents that run once per turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// The agent's catalog name.
    pub agent: String,
    /// The agent's earlier conversation that it goes on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<AgentReady>,
    /// Options a person chose before it was started.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub chosen: BTreeMap<String, String>,
    /// That it is on a terminal, and how it was begun there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<OnTerminal>,
    /// True once the agent in it said that it is ready; it may say so again, with more of what it is.
    #[serde(default)]
    pub ready: bool,
    /// Journal bytes whose meaning is committed.
    pub offset: u64,
    /// How it ended; absent while it lives.
    #[serde(default, skip_serializing_if = "Option::is_none", flatten)]
    pub end: Option<JobEnd>,
}
