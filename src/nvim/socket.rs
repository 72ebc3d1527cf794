//! [`Backend`] over the daemon's unix socket: JSON-RPC 2.0, one message per line.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

use super::backend::{Backend, Batch, CallError, Daemon, Link};
use crate::model::id::Seq;
use crate::model::{Refusal, RefusalKind};

/// The oldest and newest protocol this face speaks.
const PROTOCOL: (u64, u64) = (1, 1);
/// A line longer than this ends the connection.
const MAX_LINE: u64 = 64 * 1024 * 1024;

/// Connects to a socket at a known path; starts nothing.
#[derive(Debug, Clone)]
pub struct SocketBackend {
    /// The socket's path.
    pub path: PathBuf,
}

type Waiting = HashMap<u64, oneshot::Sender<Result<Value, CallError>>>;

#[derive(Default)]
struct Shared {
    waiting: Mutex<Option<Waiting>>,
    batches: Mutex<Option<mpsc::UnboundedSender<Batch>>>,
}

/// One connection.
pub struct SocketLink {
    daemon: Daemon,
    shared: Arc<Shared>,
    next: AtomicU64,
    lines: mpsc::UnboundedSender<String>,
}

#[async_trait]
impl Backend for SocketBackend {
    async fn connect(&self, _start: bool) -> Result<Arc<dyn Link>, Refusal> {
        let stream = UnixStream::connect(&self.path).await.map_err(|error| {
            Refusal::environment(format!("failed to connect to the daemon at {}: {error}", self.path.display()))
                .hint("see whether it runs: divisi daemon status")
        })?;
        let (read, write) = stream.into_split();
        let (lines, outgoing) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { waiting: Mutex::new(Some(HashMap::new())), batches: Mutex::default() });
        tokio::spawn(write_lines(write, outgoing));
        tokio::spawn(read_lines(read, Arc::clone(&shared)));
        let mut link = SocketLink { daemon: Daemon::default(), shared, next: AtomicU64::new(1), lines };
        let hello = json!({
            "client": "nvim",
            "version": env!("CARGO_PKG_VERSION"),
            "protocol": { "min": PROTOCOL.0, "max": PROTOCOL.1 },
        });
        let answer = link.call("hello", hello).await.map_err(|error| match error {
            CallError::Refused(refusal) => refusal,
            CallError::Lost => Refusal::environment("the daemon closed the connection during the hello"),
        })?;
        link.daemon = Daemon {
            version: answer.get("version").and_then(Value::as_str).unwrap_or("?").to_owned(),
            protocol: answer.get("protocol").and_then(Value::as_u64).unwrap_or(PROTOCOL.1),
            socket: self.path.display().to_string(),
        };
        Ok(Arc::new(link))
    }
}

#[async_trait]
impl Link for SocketLink {
    fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    async fn call(&self, method: &str, params: Value) -> Result<Value, CallError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        match lock(&self.shared.waiting).as_mut() {
            Some(waiting) => waiting.insert(id, reply),
            None => return Err(CallError::Lost),
        };
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.lines.send(message.to_string()).map_err(|_| CallError::Lost)?;
        answer.await.unwrap_or(Err(CallError::Lost))
    }

    async fn subscribe(&self, after: Option<Seq>) -> Result<mpsc::UnboundedReceiver<Batch>, CallError> {
        let (sender, batches) = mpsc::unbounded_channel();
        *lock(&self.shared.batches) = Some(sender);
        let mut params = json!({ "views": true });
        if let Some(after) = after {
            params["after"] = json!(after.0);
        }
        self.call("event/subscribe", params).await?;
        Ok(batches)
    }
}

async fn write_lines(mut write: OwnedWriteHalf, mut lines: mpsc::UnboundedReceiver<String>) {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        if write.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_lines(read: OwnedReadHalf, shared: Arc<Shared>) {
    let mut reader = BufReader::new(read);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).await {
            Ok(read) if read > 0 && line.ends_with(b"\n") => {}
            _ => break,
        }
        match serde_json::from_slice::<Value>(&line) {
            Ok(message) => receive(message, &shared),
            Err(error) => tracing::warn!(%error, "the daemon sent a line that is not JSON"),
        }
    }
    // Whoever waits learns that no answer comes.
    lock(&shared.waiting).take();
    lock(&shared.batches).take();
}

fn receive(mut message: Value, shared: &Shared) {
    if let Some(id) = message.get("id").and_then(Value::as_u64) {
        let reply = lock(&shared.waiting).as_mut().and_then(|waiting| waiting.remove(&id));
        if let Some(reply) = reply {
            let result = match message.get("error").filter(|error| !error.is_null()) {
                Some(error) => Err(CallError::Refused(refusal(error))),
                None => Ok(message["result"].take()),
            };
            // The caller may have given up.
            let _ = reply.send(result);
        }
        return;
    }
    if message.get("method").and_then(Value::as_str) != Some("event/batch") {
        return;
    }
    let mut list = |key: &str| match message["params"].get_mut(key).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let batch = Batch { events: list("events"), sessions: list("sessions") };
    let mut batches = lock(&shared.batches);
    if batches.as_ref().is_some_and(|sender| sender.send(batch).is_err()) {
        *batches = None;
    }
}

fn refusal(error: &Value) -> Refusal {
    let of = |key: &str| error.get("data").and_then(|data| data.get(key)).or_else(|| error.get(key));
    Refusal {
        kind: of("kind").and_then(|kind| serde_json::from_value(kind.clone()).ok()).unwrap_or(RefusalKind::Internal),
        message: error.get("message").and_then(Value::as_str).unwrap_or("the daemon gave no reason").to_owned(),
        hints: of("hints").and_then(|hints| serde_json::from_value(hints.clone()).ok()).unwrap_or_default(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
