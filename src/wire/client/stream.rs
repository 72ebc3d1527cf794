//! A connection's two halves and what comes in on one of them.

use std::io::ErrorKind;
use std::path::Path;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::model::Refusal;
use crate::wire::client::{Caller, ConnectError, HELLO_WITHIN};
use crate::wire::error::{ErrorObject, PROTOCOL_MISMATCH};
use crate::wire::line::{LONGEST_ANSWER, Line, LineReader};
use crate::wire::message::{FromDaemon, Hello, Id, Welcome, request};
use crate::wire::method::HELLO;

/// What the daemon sent.
pub(super) enum Incoming {
    /// An answer to the request with this id.
    Answer(i64, Result<Value, Refusal>),
    /// A notification.
    Notification(String, Value),
}

/// A connection that has said hello.
pub(super) struct Stream {
    pub(super) read: ReadHalf,
    write: OwnedWriteHalf,
}

pub(super) struct ReadHalf(LineReader<OwnedReadHalf>);

impl Stream {
    /// Connects and says hello.
    pub(super) async fn open(socket: &Path, caller: &Caller) -> Result<(Self, Welcome), ConnectError> {
        let (stream, answer) = Self::greet(socket, caller).await?;
        match answer {
            Ok(welcome) => {
                let welcome = serde_json::from_value(welcome)
                    .map_err(|error| failed(socket, &format!("its welcome cannot be read: {error}")))?;
                Ok((stream, welcome))
            }
            Err(error) if error.code == PROTOCOL_MISMATCH => Err(ConnectError::Mismatch(error)),
            Err(error) => Err(ConnectError::Refused(error.into())),
        }
    }

    /// Connects and says hello, whatever the answer; after a mismatch the connection can still stop the daemon.
    pub(super) async fn greet(
        socket: &Path,
        caller: &Caller,
    ) -> Result<(Self, Result<Value, ErrorObject>), ConnectError> {
        let stream = match UnixStream::connect(socket).await {
            Ok(stream) => stream,
            Err(error) if is_gone(error.kind()) => return Err(ConnectError::NotRunning),
            Err(error) => {
                let message = format!("failed to connect to the daemon at {}: {error}", socket.display());
                return Err(ConnectError::Refused(Refusal::environment(message)));
            }
        };
        if !crate::wire::socket::is_own_peer(&stream) {
            let message = format!("failed to connect to the daemon at {}: it runs as another user", socket.display());
            return Err(ConnectError::Refused(Refusal::environment(message)));
        }
        let (read, write) = stream.into_split();
        let mut stream = Self { read: ReadHalf(LineReader::new(read, LONGEST_ANSWER)), write };
        let hello = Hello {
            client: caller.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: caller.protocol,
        };
        let answer = match timeout(HELLO_WITHIN, stream.ask(HELLO, &json!(hello))).await {
            Err(_) => return Err(failed(socket, "it does not answer").into()),
            // It closed at once: it is on its way out, or was never ours.
            Ok(None) => return Err(ConnectError::NotRunning),
            Ok(Some(answer)) => answer,
        };
        Ok((stream, answer))
    }

    /// One request and its answer, on a connection that has no other; absent when the daemon closed it.
    pub(super) async fn ask(&mut self, method: &str, params: &Value) -> Option<Result<Value, ErrorObject>> {
        self.write.write_all(&request(1, method, params)).await.ok()?;
        loop {
            let message = self.read.message().await?;
            if message.method.is_none() {
                return Some(message.error.map_or(Ok(message.result), Err));
            }
        }
    }

    pub(super) fn split(self) -> (ReadHalf, OwnedWriteHalf) {
        (self.read, self.write)
    }
}

/// Nobody listens, or whoever did ended while we were waiting to be accepted.
fn is_gone(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
    )
}

fn failed(socket: &Path, why: &str) -> Refusal {
    Refusal::environment(format!("failed to talk to the daemon at {}: {why}", socket.display()))
        .hint("divisi daemon restart    # agents keep running")
}

impl From<Refusal> for ConnectError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl ReadHalf {
    /// The next message; absent when the daemon closed the connection or sends nonsense. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Incoming> {
        loop {
            let message = self.message().await?;
            match (message.method, message.id) {
                (Some(method), _) => return Some(Incoming::Notification(method, message.params)),
                (None, Some(Id::Number(id))) => {
                    return Some(Incoming::Answer(
                        id,
                        message.error.map_or(Ok(message.result), |error| Err(error.into())),
                    ));
                }
                // An error without an id is about the connection itself; the end of it follows.
                (None, _) => {}
            }
        }
    }

    async fn message(&mut self) -> Option<FromDaemon> {
        match self.0.next().await {
            Ok(Line::Full(line)) => serde_json::from_slice(&line).ok(),
            Ok(Line::TooLong | Line::End { .. }) | Err(_) => None,
        }
    }
}
