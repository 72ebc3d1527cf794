//! Port of endpoints: where agents with an interface of their own find the editor of a person who looks at their worktree.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::{broadcast, watch};

use crate::model::Refusal;
use crate::model::editor::{EditorProtocol, EditorQuestion, Mention, Selection};
use crate::model::id::JobId;

/// Whom an endpoint is for.
#[derive(Debug, Clone)]
pub struct EndpointSpec {
    /// The process.
    pub job: JobId,
    /// How it speaks with editors.
    pub protocol: EditorProtocol,
    /// The session's worktree, absolute.
    pub worktree: String,
    /// What the process is started with.
    pub environment: BTreeMap<String, String>,
}

/// The way from an endpoint to the editors.
#[async_trait]
pub trait EditorDoor: Send + Sync {
    /// Asks the editor that shows the session's worktree. Dropping the future takes the question back.
    ///
    /// # Errors
    /// When no editor shows it, or the editor goes or cannot answer.
    async fn ask(&self, question: EditorQuestion) -> Result<Value, Refusal>;

    /// What was selected last in a file of the worktree, now and later.
    fn selection(&self) -> watch::Receiver<Option<Selection>>;

    /// What people hand to the agent from now on.
    fn mentions(&self) -> broadcast::Receiver<Mention>;

    /// An agent listens, until the answer is dropped.
    fn listens(&self) -> Box<dyn Send + Sync>;
}

/// An endpoint that is open. Dropping it closes it; the next daemon can open it again.
pub trait Endpoint: Send + Sync {
    /// What the process has to be started with to find it.
    fn variables(&self) -> BTreeMap<String, String>;

    /// The process has ended: it is closed for good.
    fn close(self: Box<Self>);
}

/// Makes endpoints.
#[async_trait]
pub trait Endpoints: Send + Sync {
    /// Opens one for a process that is about to start.
    ///
    /// # Errors
    /// When no port can be had or the process could not be told of it.
    async fn open(&self, spec: &EndpointSpec, door: Arc<dyn EditorDoor>) -> Result<Box<dyn Endpoint>, Refusal>;

    /// Opens the one that an earlier daemon had opened for a process that still runs; absent: it had none.
    ///
    /// # Errors
    /// When its port is taken.
    async fn reopen(&self, job: &JobId, door: Arc<dyn EditorDoor>) -> Result<Option<Box<dyn Endpoint>>, Refusal>;
}
