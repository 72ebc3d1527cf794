//! The daemon's end of the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::host::handle::HostHandle;
use crate::wire::connection;
use crate::wire::error::{ENVIRONMENT, ErrorObject};
use crate::wire::message::failure;
use crate::wire::socket::{Bound, is_own_peer};
use crate::wire::stop::Stop;

/// Limits of the server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Requests of one connection that are worked on at once; more wait unread.
    pub in_flight: usize,
    /// Subscriptions of one connection.
    pub subscriptions: usize,
    /// A client that reads nothing for so long while something waits for it is dropped.
    pub stall: Duration,
    /// `hello` has to come within this.
    pub hello: Duration,
    /// At the end, requests that are being worked on get so long.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            in_flight: 64,
            subscriptions: 64,
            stall: Duration::from_secs(30),
            hello: Duration::from_secs(30),
            drain: Duration::from_secs(3),
        }
    }
}

/// What `hello` tells of this daemon.
#[derive(Debug, Clone)]
pub struct About {
    /// divisi's version.
    pub version: String,
    /// The protocol it speaks.
    pub protocol: u32,
    /// Its process id.
    pub pid: u32,
    /// Differs from daemon to daemon.
    pub generation: String,
}

pub(super) struct Shared {
    pub(super) host: HostHandle,
    pub(super) about: About,
    pub(super) limits: Limits,
    pub(super) stop: Stop,
}

/// A server that is not yet running.
pub struct Server {
    bound: Bound,
    shared: Arc<Shared>,
    clients: watch::Sender<u32>,
}

impl Server {
    /// Serves a host on a bound socket until `stop` (which `daemon/stop` triggers too).
    pub fn new(bound: Bound, host: HostHandle, about: About, limits: Limits, stop: Stop) -> Self {
        Self { bound, shared: Arc::new(Shared { host, about, limits, stop }), clients: watch::Sender::new(0) }
    }

    /// How many clients are connected.
    pub fn clients(&self) -> watch::Receiver<u32> {
        self.clients.subscribe()
    }

    /// Serves until stopped; then accepts no more, lets requests that are being worked on finish, and closes every connection.
    pub async fn run(self) {
        let Self { bound, shared, clients } = self;
        let count = Arc::new(AtomicU32::new(0));
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let accepted = tokio::select! {
                () = shared.stop.requested() => break,
                accepted = bound.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) if !is_own_peer(&stream) => {
                    tracing::warn!("refused a connection of another user");
                    drop(stream);
                }
                Ok((stream, _)) if connections.len() >= shared.limits.connections => {
                    turn_away(stream).await;
                }
                Ok((stream, _)) => {
                    let guard = Counted::new(&count, &clients, &shared.host);
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move {
                        connection::run(stream, shared).await;
                        drop(guard);
                    });
                }
                Err(error) => {
                    tracing::warn!("failed to accept a connection: {error}");
                    // Out of descriptors, most likely: others have to close first.
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
        bound.close();
        let drained =
            timeout(shared.limits.drain * 2, async { while connections.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            tracing::warn!("{} connections did not finish in time", connections.len());
        }
    }
}

async fn turn_away(mut stream: UnixStream) {
    let error = ErrorObject::new(ENVIRONMENT, "the daemon has too many connections")
        .hint("close some editors, or restart the daemon: divisi daemon restart");
    // It is turned away in any case; hearing why is a courtesy.
    let _ = timeout(Duration::from_millis(100), stream.write_all(&failure(None, &error))).await;
}

/// Counts a connection for as long as it lives.
struct Counted {
    count: Arc<AtomicU32>,
    clients: watch::Sender<u32>,
    host: HostHandle,
}

impl Counted {
    fn new(count: &Arc<AtomicU32>, clients: &watch::Sender<u32>, host: &HostHandle) -> Self {
        let counted = Self { count: Arc::clone(count), clients: clients.clone(), host: host.clone() };
        counted.tell(counted.count.fetch_add(1, Ordering::SeqCst) + 1);
        counted
    }

    fn tell(&self, count: u32) {
        self.clients.send_replace(count);
        self.host.set_clients(count);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.tell(self.count.fetch_sub(1, Ordering::SeqCst) - 1);
    }
}
