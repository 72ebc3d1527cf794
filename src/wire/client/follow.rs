//! Following events across lost connections and restarted daemons: each event once, in order, none missing.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::base::clock;
use crate::model::id::{Seq, SessionId};
use crate::model::session::SessionView;
use crate::model::{Envelope, Refusal};
use crate::wire::client::stream::{Incoming, Stream};
use crate::wire::client::{Caller, ConnectError};
use crate::wire::error::{CONFLICT, ErrorObject};
use crate::wire::message::{Subscribe, Subscribed};
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

    /// Whether the daemon said that it ends the subscription, rather than vanishing; false again after a reconnection.
    pub fn told(&self) -> bool {
        self.told
    }

    /// The next events. Reconnects when the connection is lost and resumes after the last event handed out. Cancel safe.
    ///
    /// # Errors
    /// When the daemon refuses, or is not back within the patience.
    pub async fn next(&mut self) -> Result<Batch, Refusal> {
        loop {
            if self.stream.is_none() {
                self.reconnect().await?;
            }
            if let Some(batch) = self.next_here().await {
                return Ok(batch);
            }
            if self.told {
                // The daemon is stopping, or cannot read its store for the moment.
                sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// The next events of the connection that stands; absent once it has ended. Cancel safe.
    pub async fn next_here(&mut self) -> Option<Batch> {
        loop {
            let (stream, subscription) = self.stream.as_mut()?;
            match stream.read.next().await {
                Some(Incoming::Notification(method, params)) if method == EVENT_BATCH => {
                    if params.get("subscription").and_then(Value::as_str) != Some(subscription) {
                        continue;
                    }
                    let before = self.cursor;
                    let events = self.unseen(&params);
                    if self.cursor > before {
                        return Some(Batch { events, sessions: readable(&params, "sessions").collect() });
                    }
                }
                Some(Incoming::Notification(method, params)) if method == EVENT_CLOSED => {
                    let error: Option<ErrorObject> =
                        params.get("error").and_then(|error| serde_json::from_value(error.clone()).ok());
                    tracing::debug!("the subscription ended: {error:?}");
                    self.stream = None;
                    self.told = true;
                }
                Some(_) => {}
                None => self.stream = None,
            }
        }
    }

    /// The events of a batch that were not handed out yet. One that cannot be read (a newer daemon's) is left out and passed by.
    fn unseen(&mut self, params: &Value) -> Vec<Envelope> {
        let mut events: Vec<Envelope> = readable(params, "events").collect();
        events.retain(|event| event.seq > self.cursor);
        let numbers = items(params, "events").filter_map(|event| event.get("seq")?.as_u64()).map(Seq);
        self.cursor = numbers.max().map_or(self.cursor, |newest| newest.max(self.cursor));
        events
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

fn items<'a>(params: &'a Value, of: &str) -> impl Iterator<Item = &'a Value> {
    params.get(of).and_then(Value::as_array).into_iter().flatten()
}

/// Those items of a list that can be read.
fn readable<'a, T: DeserializeOwned>(params: &'a Value, of: &'static str) -> impl Iterator<Item = T> + use<'a, T> {
    items(params, of).filter_map(move |item| match T::deserialize(item) {
        Ok(item) => Some(item),
        Err(error) => {
            tracing::warn!(of, %error, "something the daemon sent cannot be read and is left out");
            None
        }
    })
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
