//! Following events across lost connections and restarted daemons: each event once, in order, none missing.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::base::clock;
use crate::model::id::{Seq, SessionId};
use crate::model::session::SessionView;
use crate::model::{Envelope, Refusal};
use crate::wire::client::stream::{Incoming, Stream};
use crate::wire::client::{Caller, ConnectError};
use crate::wire::error::{CONFLICT, ErrorObject};
use crate::wire::message::{EventBatch, Subscribe, Subscribed};
use crate::wire::method::{EVENT_BATCH, EVENT_CLOSED, EVENT_SUBSCRIBE};

/// Starting a daemon, in progress.
pub type Starting = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send>>;

/// Starts a daemon when the one that was followed is lost without a word.
#[derive(Clone)]
pub struct Revive(pub Arc<dyn Fn() -> Starting + Send + Sync>);

impl std::fmt::Debug for Revive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Revive")
    }
}

/// What to follow.
#[derive(Debug, Clone)]
pub struct Follow {
    /// The daemon's socket.
    pub socket: PathBuf,
    /// Who follows.
    pub caller: Caller,
    /// Only events after this one; absent: from now on.
    pub after: Option<Seq>,
    /// Only this session's.
    pub session: Option<SessionId>,
    /// The views of touched sessions too.
    pub views: bool,
    /// For how long a lost daemon is waited for.
    pub patience: Duration,
    /// How a daemon that died is replaced; absent: somebody else has to. One that was told to stop is never replaced.
    pub revive: Option<Revive>,
}

/// A batch of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The events, in order.
    pub events: Vec<Envelope>,
    /// Views of the sessions they touched, when asked for.
    pub sessions: Vec<SessionView>,
}

/// A follower, on a connection of its own: one that reads slowly slows down nobody else.
pub struct Follower {
    follow: Follow,
    cursor: Seq,
    stream: Option<(Stream, String)>,
    head: Seq,
    /// The daemon said that it ends.
    told: bool,
}

impl Follower {
    /// Connects and subscribes.
    ///
    /// # Errors
    /// When there is no daemon or it refuses.
    pub async fn open(follow: Follow) -> Result<Self, Refusal> {
        let until = clock::instant() + follow.patience;
        let (stream, subscribed) = loop {
            match (subscribe(&follow, follow.after).await, &follow.revive) {
                // Again when one that was just started is gone already: whoever waits for work waits on.
                (Err(ConnectError::NotRunning), Some(revive)) if clock::instant() < until => (revive.0)().await?,
                (subscribed, _) => break subscribed?,
            }
        };
        let cursor = follow.after.unwrap_or(subscribed.head);
        let stream = Some((stream, subscribed.subscription));
        Ok(Self { follow, cursor, stream, head: subscribed.head, told: false })
    }

    /// The last event that was handed out.
    pub fn cursor(&self) -> Seq {
        self.cursor
    }

    /// The newest committed event when the subscription (the newest one, after a reconnection) began.
    pub fn head(&self) -> Seq {
        self.head
    }

    /// The next events. Reconnects when the connection is lost and resumes after the last event handed out. Cancel safe.
    ///
    /// # Errors
    /// When the daemon refuses, or is not back within the patience.
    pub async fn next(&mut self) -> Result<Batch, Refusal> {
        loop {
            let Some((stream, subscription)) = &mut self.stream else {
                self.reconnect().await?;
                continue;
            };
            match stream.read.next().await {
                Some(Incoming::Notification(method, params)) if method == EVENT_BATCH => {
                    let batch: EventBatch = serde_json::from_value(params)
                        .map_err(|error| Refusal::internal(format!("failed to read events of the daemon: {error}")))?;
                    if batch.subscription != *subscription {
                        continue;
                    }
                    let events: Vec<_> = batch.events.into_iter().filter(|event| event.seq > self.cursor).collect();
                    if let Some(last) = events.last() {
                        self.cursor = last.seq;
                        return Ok(Batch { events, sessions: batch.sessions });
                    }
                }
                Some(Incoming::Notification(method, params)) if method == EVENT_CLOSED => {
                    let error: Option<ErrorObject> =
                        params.get("error").and_then(|error| serde_json::from_value(error.clone()).ok());
                    tracing::debug!("the subscription ended: {error:?}");
                    self.stream = None;
                    self.told = true;
                    // The daemon is stopping, or cannot read its store for the moment.
                    sleep(Duration::from_millis(50)).await;
                }
                Some(_) => {}
                None => self.stream = None,
            }
        }
    }

    async fn reconnect(&mut self) -> Result<(), Refusal> {
        let until = clock::instant() + self.follow.patience;
        let mut pause = Duration::from_millis(10);
        let mut revived = None;
        loop {
            match subscribe(&self.follow, Some(self.cursor)).await {
                Ok((stream, subscribed)) => {
                    self.head = subscribed.head;
                    self.stream = Some((stream, subscribed.subscription));
                    self.told = false;
                    return Ok(());
                }
                Err(ConnectError::Mismatch(error)) => return Err(error.into()),
                Err(ConnectError::NotRunning)
                    if !self.told && !matches!(revived, Some(Err(_))) && clock::instant() < until =>
                {
                    match &self.follow.revive {
                        // A daemon that cannot start says why, and is waited for like any other.
                        Some(revive) => revived = Some((revive.0)().await),
                        None => revived = Some(Err(ConnectError::NotRunning.into())),
                    }
                }
                Err(ConnectError::Refused(refusal)) if crate::wire::error::code_of(refusal.kind) == CONFLICT => {
                    return Err(refusal);
                }
                Err(error) if clock::instant() >= until => {
                    let why = match revived {
                        Some(Err(refusal)) => refusal,
                        _ => Refusal::from(error),
                    };
                    return Err(Refusal::environment(format!("the daemon was lost and is not back: {}", why.message))
                        .hint("divisi daemon status"));
                }
                Err(_) => {
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(500));
                }
            }
        }
    }
}

async fn subscribe(follow: &Follow, after: Option<Seq>) -> Result<(Stream, Subscribed), ConnectError> {
    let (mut stream, _) = Stream::open(&follow.socket, &follow.caller).await?;
    let params = json!(Subscribe { after, session: follow.session.clone(), views: follow.views });
    let value = match stream.ask(EVENT_SUBSCRIBE, &params).await {
        None => return Err(ConnectError::NotRunning),
        Some(Err(error)) => return Err(ConnectError::Refused(error.into())),
        Some(Ok(value)) => value,
    };
    let subscribed = serde_json::from_value(value)
        .map_err(|error| Refusal::internal(format!("failed to read the daemon's answer: {error}")))?;
    Ok((stream, subscribed))
}
