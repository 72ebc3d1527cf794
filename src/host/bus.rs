//! Publishes committed events. The channel is the fast path, the store is the truth: every subscriber has a cursor and is refilled by
//! sequence number, so a slow one is slow alone and none ever misses an event.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::host::gap;
use crate::host::port::Store;
use crate::model::id::{Seq, SessionId};
use crate::model::{Envelope, Refusal};

/// Events kept in memory for subscribers that keep up.
const RECENT: usize = 4096;

/// Events a subscriber gets at once.
const PAGE: usize = 1000;

/// The newest committed events and who waits for the next.
pub struct Bus {
    store: Arc<dyn Store>,
    recent: Mutex<VecDeque<Arc<Envelope>>>,
    head: watch::Sender<Seq>,
}

impl Bus {
    /// A bus over a store; its head is the store's.
    pub fn new(store: Arc<dyn Store>) -> Arc<Self> {
        let head = store.head();
        Arc::new(Self { store, recent: Mutex::new(VecDeque::new()), head: watch::Sender::new(head) })
    }

    /// Publishes events that have been committed, in order.
    pub fn publish(&self, events: &[Arc<Envelope>]) {
        let Some(last) = events.last() else { return };
        {
            let mut recent = self.recent();
            recent.extend(events.iter().cloned());
            let surplus = recent.len().saturating_sub(RECENT);
            recent.drain(..surplus);
        }
        self.head.send_replace(last.seq);
    }

    /// The newest published event's number.
    pub fn head(&self) -> Seq {
        *self.head.borrow()
    }

    /// A subscription to everything after `after` (absent: after now), all sessions or one.
    pub fn subscribe(self: &Arc<Self>, after: Option<Seq>, session: Option<SessionId>) -> Subscription {
        let head = self.head.subscribe();
        let cursor = after.unwrap_or_else(|| self.head());
        Subscription { bus: Arc::clone(self), head, cursor, session }
    }

    fn recent(&self) -> MutexGuard<'_, VecDeque<Arc<Envelope>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Events after a cursor from memory, when memory reaches back that far.
    fn recent_after(&self, after: Seq) -> Option<Vec<Arc<Envelope>>> {
        let recent = self.recent();
        let first = recent.front()?.seq;
        if first.0 > after.0 + 1 {
            return None;
        }
        let skip = usize::try_from(after.0 + 1 - first.0).unwrap_or(usize::MAX);
        Some(recent.iter().skip(skip).take(PAGE).cloned().collect())
    }
}

/// A position in the stream of events.
pub struct Subscription {
    bus: Arc<Bus>,
    head: watch::Receiver<Seq>,
    cursor: Seq,
    session: Option<SessionId>,
}

impl Subscription {
    /// The next events, in order, at most a thousand; waits until there is one. In the place of a damaged event stands a
    /// `fault.raised` of the part `store` with the same number. Cancel safe.
    ///
    /// # Errors
    /// When events have to be read from the store and cannot be; the cursor stays where it was.
    pub async fn next(&mut self) -> Result<Vec<Arc<Envelope>>, Refusal> {
        loop {
            let head = *self.head.borrow_and_update();
            if self.cursor < head {
                let page = match self.bus.recent_after(self.cursor) {
                    Some(page) => page,
                    None => self.refill().await?,
                };
                if let Some(last) = page.last() {
                    self.cursor = last.seq;
                }
                let wanted: Vec<_> = match &self.session {
                    Some(session) => page
                        .into_iter()
                        .filter(|event| event.session.as_ref() == Some(session) || gap::is_notice(event))
                        .collect(),
                    None => page,
                };
                if !wanted.is_empty() {
                    return Ok(wanted);
                }
                continue;
            }
            if self.head.changed().await.is_err() {
                return Err(Refusal::environment("the host is shutting down"));
            }
        }
    }

    /// The last event that was handed out (or skipped as another session's).
    pub fn cursor(&self) -> Seq {
        self.cursor
    }

    async fn refill(&self) -> Result<Vec<Arc<Envelope>>, Refusal> {
        let store = Arc::clone(&self.bus.store);
        let after = self.cursor;
        let page = tokio::task::spawn_blocking(move || gap::events(store.as_ref(), after, None, PAGE))
            .await
            .map_err(|error| Refusal::internal(format!("failed to read events after {after}: {error}")))??;
        if page.is_empty() {
            return Err(Refusal::internal(format!("events after {after} are announced but not in the store")));
        }
        Ok(page.into_iter().map(Arc::new).collect())
    }
}
