//! [`Backend`] over the wire's client.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::backend::{Backend, Batch, CallError, Daemon, Link};
use crate::base::paths::Paths;
use crate::model::Refusal;
use crate::model::id::Seq;
use crate::wire::client::{self, Caller, Client, EditorLink, Follow, Follower};
use crate::wire::start::connect_or_start;

/// Starts a detached daemon; the reading end of its standard output tells when it is ready.
pub type StartDaemon = fn(&Paths) -> std::io::Result<OwnedFd>;

/// Connects to the daemon of these paths.
pub struct DaemonBackend {
    /// Where it is.
    pub paths: Paths,
    /// How one is started.
    pub start: StartDaemon,
    /// The face that calls.
    pub face: &'static str,
}

/// How long a lost connection has to tell how it ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

struct DaemonLink {
    client: Client,
    daemon: Daemon,
    paths: Paths,
    face: &'static str,
    dismissed: Arc<AtomicBool>,
    /// True once a call found its connection lost: following ends too, so that both are made anew together.
    lost: watch::Sender<bool>,
}

#[async_trait]
impl Backend for DaemonBackend {
    async fn connect(&self, start: bool) -> Result<Arc<dyn Link>, Refusal> {
        let caller = Caller::new(self.face);
        let client = if start {
            let start = || (self.start)(&self.paths);
            connect_or_start(&self.paths, &caller, &start).await?
        } else {
            Client::connect(&self.paths.socket, &caller).await?
        };
        let welcome = client.welcome();
        let daemon = Daemon {
            version: welcome.version.clone(),
            protocol: u64::from(welcome.protocol),
            socket: self.paths.socket.display().to_string(),
        };
        let dismissed = Arc::new(AtomicBool::new(false));
        Ok(Arc::new(DaemonLink {
            client,
            daemon,
            paths: self.paths.clone(),
            face: self.face,
            dismissed,
            lost: watch::Sender::new(false),
        }))
    }
}

#[async_trait]
impl Link for DaemonLink {
    fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    async fn call(&self, method: &str, params: Value) -> Result<Value, CallError> {
        self.client.call(method, &params).await.map_err(|error| match error {
            client::CallError::Refused(refusal) => CallError::Refused(refusal),
            client::CallError::Lost => {
                self.lost.send_replace(true);
                CallError::Lost
            }
        })
    }

    async fn subscribe(&self, after: Option<Seq>) -> Result<mpsc::UnboundedReceiver<Batch>, CallError> {
        // A connection of its own: many events never delay an answer. It is not made again when it is lost: the host above connects
        // anew and takes a fresh snapshot.
        let follow = Follow {
            socket: self.paths.socket.clone(),
            caller: Caller::new(self.face),
            after,
            session: None,
            views: true,
            patience: Duration::ZERO,
            revive: None,
        };
        let mut follower = Follower::open(follow).await.map_err(CallError::Refused)?;
        let (sender, batches) = mpsc::unbounded_channel();
        let dismissed = Arc::clone(&self.dismissed);
        let mut lost = self.lost.subscribe();
        tokio::spawn(async move {
            loop {
                let batch = tokio::select! {
                    biased;
                    batch = follower.next_here() => batch,
                    _ = lost.wait_for(|lost| *lost) => None,
                };
                let Some(batch) = batch else { break };
                let events = batch.events.iter().filter_map(|event| serde_json::to_value(event).ok()).collect();
                let sessions = batch.sessions.iter().filter_map(|view| serde_json::to_value(view).ok()).collect();
                if sender.send(Batch { events, sessions }).is_err() {
                    return;
                }
            }
            // When the other connection ended first, the reason may still be on its way here.
            let _ = timeout(LAST_WORDS, async { while follower.next_here().await.is_some() {} }).await;
            // Before the sender goes: whoever sees the end may ask why.
            dismissed.store(follower.told(), Ordering::SeqCst);
        });
        Ok(batches)
    }

    async fn editor(&self) -> Result<EditorLink, CallError> {
        client::attach_editor(&self.paths.socket, &Caller::new(self.face)).await.map_err(|error| match error {
            client::CallError::Refused(refusal) => CallError::Refused(refusal),
            client::CallError::Lost => CallError::Lost,
        })
    }

    fn dismissed(&self) -> bool {
        self.dismissed.load(Ordering::SeqCst)
    }
}
