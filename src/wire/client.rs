//! The faces' end of the wire.

mod editor;
mod follow;
mod stream;
mod terminal;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use editor::{EditorLink, Heard, Saying, attach_editor};
pub use follow::{Batch, Follow, Follower, Revive, Starting};
pub use terminal::{FromTerminal, TerminalInputs, TerminalOutputs, open_terminal};

use crate::base::paths::PROTOCOL;
use crate::model::command::{Command, Receipt};
use crate::model::id::CommandId;
use crate::model::query::Query;
use crate::model::session::SessionView;
use crate::model::{Refusal, RefusalKind};
use crate::wire::client::stream::{Incoming, Stream};
use crate::wire::error::ErrorObject;
use crate::wire::message::{ProtocolRange, Welcome, request};
use crate::wire::method;

/// A `hello` has to be answered within this: longer than any load we know, shorter than a person's patience.
pub(super) const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The face's name, for "answered by".
    pub name: String,
    /// Protocols it speaks.
    pub protocol: ProtocolRange,
}

impl Caller {
    /// A face of this release.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), protocol: ProtocolRange { min: PROTOCOL, max: PROTOCOL } }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No daemon listens.
    #[error("no daemon listens")]
    NotRunning,
    /// One listens, and speaks another protocol.
    #[error("{}", .0.message)]
    Mismatch(ErrorObject),
    /// It said no, or something failed.
    #[error(transparent)]
    Refused(Refusal),
}

impl From<ConnectError> for Refusal {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::NotRunning => {
                Self::environment("no daemon is running").hint("any divisi command starts one, or: divisi daemon run")
            }
            ConnectError::Mismatch(error) => error.into(),
            ConnectError::Refused(refusal) => refusal,
        }
    }
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The daemon refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The connection ended before the answer; a command may be repeated with the same id.
    #[error("the daemon closed the connection")]
    Lost,
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => refusal,
            CallError::Lost => Self::environment("the daemon closed the connection before it answered")
                .hint("try again: the next command starts a new daemon"),
        }
    }
}

/// Whoever waits for an answer, by the request's id; absent once the connection has ended.
type Unanswered = Option<HashMap<i64, oneshot::Sender<Result<Value, Refusal>>>>;

type Waiting = Arc<Mutex<Unanswered>>;

/// A connection for requests; any number at once.
pub struct Client {
    welcome: Welcome,
    write: tokio::sync::Mutex<(OwnedWriteHalf, i64)>,
    waiting: Waiting,
    reader: JoinHandle<()>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Client {
    /// Connects and says hello.
    ///
    /// # Errors
    /// When nobody listens, the protocols differ, or the daemon refuses.
    pub async fn connect(socket: &Path, caller: &Caller) -> Result<Self, ConnectError> {
        let (stream, welcome) = Stream::open(socket, caller).await?;
        let (mut read, write) = stream.split();
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        let answered = Arc::clone(&waiting);
        let reader = tokio::spawn(async move {
            while let Some(Incoming::Answer(id, result)) = read.next().await {
                let waits = locked(&answered).as_mut().and_then(|waiting| waiting.remove(&id));
                if let Some(waits) = waits {
                    // Whoever asked may have given up.
                    let _ = waits.send(result);
                }
            }
            // Dropping the senders tells everyone who waits.
            locked(&answered).take();
        });
        Ok(Self { welcome, write: tokio::sync::Mutex::new((write, 1)), waiting, reader })
    }

    /// What the daemon said of itself.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Calls a method.
    ///
    /// # Errors
    /// The refusal, or that the connection is lost.
    pub async fn call(&self, method: &str, params: &Value) -> Result<Value, CallError> {
        let (answer, waits) = oneshot::channel();
        {
            let mut write = self.write.lock().await;
            write.1 += 1;
            let id = write.1;
            match locked(&self.waiting).as_mut() {
                Some(waiting) => waiting.insert(id, answer),
                None => return Err(CallError::Lost),
            };
            if write.0.write_all(&request(id, method, params)).await.is_err() {
                return Err(CallError::Lost);
            }
        }
        Ok(waits.await.map_err(|_| CallError::Lost)??)
    }

    /// Submits a command under an id; the same id again gets the first receipt.
    ///
    /// # Errors
    /// The refusal, or that the connection is lost.
    pub async fn submit(&self, id: &CommandId, command: &Command) -> Result<Receipt, CallError> {
        let (method, mut params) =
            method::of_command(command).map_err(|error| unreadable("write the command", &error))?;
        if let Value::Object(params) = &mut params {
            params.insert("command_id".to_owned(), id.as_str().into());
        }
        let value = self.call(&method, &params).await?;
        Ok(serde_json::from_value(value).map_err(|error| unreadable("read the daemon's receipt", &error))?)
    }

    /// Asks a query.
    ///
    /// # Errors
    /// The refusal, or that the connection is lost.
    pub async fn query<T: DeserializeOwned>(&self, query: &Query) -> Result<T, CallError> {
        let (method, params) = method::of_query(query).map_err(|error| unreadable("write the query", &error))?;
        let value = self.call(&method, &params).await?;
        Ok(serde_json::from_value(value).map_err(|error| unreadable("read the daemon's answer", &error))?)
    }

    /// One session, by id, prefix or name.
    ///
    /// # Errors
    /// The refusal, or that the connection is lost.
    pub async fn session(&self, reference: &str, repository: Option<String>) -> Result<SessionView, CallError> {
        let show = crate::model::query::ShowSession { session: reference.to_owned(), repository };
        self.query(&Query::ShowSession(show)).await
    }

    /// Asks the daemon to end; agents keep running.
    ///
    /// # Errors
    /// The refusal, or that the connection is lost.
    pub async fn stop_daemon(&self) -> Result<(), CallError> {
        self.call(method::DAEMON_STOP, &serde_json::json!({})).await.map(|_| ())
    }

    /// Asks a daemon of any protocol to end. Whether it did is seen by connecting.
    pub async fn stop_other(socket: &Path, caller: &Caller) {
        if let Ok((mut stream, _)) = Stream::greet(socket, caller).await {
            // The answer does not matter: it ends, or it is seen to be still there.
            let _ = tokio::time::timeout(HELLO_WITHIN, stream.ask(method::DAEMON_STOP, &serde_json::json!({}))).await;
        }
    }

    /// A new command id.
    pub fn command_id() -> CommandId {
        super::connection::fresh_command_id()
    }

    /// Waits until the daemon has closed the connection.
    pub async fn closed(&mut self) {
        // The reader neither panics nor is cancelled while `self` lives.
        let _ = (&mut self.reader).await;
    }
}

fn locked(waiting: &Waiting) -> std::sync::MutexGuard<'_, Unanswered> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unreadable(doing: &str, error: &serde_json::Error) -> Refusal {
    Refusal {
        kind: RefusalKind::Internal,
        message: format!("failed to {doing}: {error}"),
        hints: vec!["divisi daemon restart    # when the daemon is of another version".to_owned()],
    }
}
