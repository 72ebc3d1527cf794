//! The seam between this face and the daemon: connect, ask, subscribe. Everything above it is independent of the wire.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::model::Refusal;
use crate::model::id::Seq;
use crate::wire::client::EditorLink;

/// What the daemon said of itself in its hello.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Daemon {
    /// divisi's version.
    pub version: String,
    /// The protocol's number.
    pub protocol: u64,
    /// Where it listens.
    pub socket: String,
}

/// Events that were committed together or one after another, with the views of the sessions they touched.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Envelopes, oldest first, as the daemon sent them.
    pub events: Vec<Value>,
    /// Views as they are now.
    pub sessions: Vec<Value>,
}

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// The daemon said no.
    Refused(Refusal),
    /// The connection ended before an answer came. The call may have been carried out; with the same command id it can be repeated.
    Lost,
}

/// One connection to the daemon.
#[async_trait]
pub trait Link: Send + Sync {
    /// What the daemon said of itself.
    fn daemon(&self) -> &Daemon;

    /// Submits a command or asks a query. `params` of a command carry `command_id`.
    async fn call(&self, method: &str, params: Value) -> Result<Value, CallError>;

    /// Subscribes to everything after a cursor (absent: from now on), with views. The receiver ends with the connection.
    async fn subscribe(&self, after: Option<Seq>) -> Result<mpsc::UnboundedReceiver<Batch>, CallError>;

    /// Attaches this process's editor, on a connection of its own.
    async fn editor(&self) -> Result<EditorLink, CallError> {
        Err(CallError::Lost)
    }

    /// Whether the daemon said that it ends; known once the receiver of [`Self::subscribe`] has ended.
    fn dismissed(&self) -> bool;
}

/// Makes connections.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Connects and says hello. Only with `start` a daemon is started when none runs: a person who stopped it is not overruled by
    /// an editor that happens to be open.
    async fn connect(&self, start: bool) -> Result<Arc<dyn Link>, Refusal>;
}
