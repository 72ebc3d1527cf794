//! One client's subscription: from the host's events to batches on its connection, as fast as that client reads and no faster.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use crate::host::bus::Subscription;
use crate::host::handle::HostHandle;
use crate::model::id::SessionId;
use crate::model::session::SessionView;
use crate::model::{Envelope, Event, Refusal};
use crate::wire::error::ErrorObject;
use crate::wire::message::notification;
use crate::wire::method::{EVENT_BATCH, EVENT_CLOSED};
use crate::wire::outgoing::Outgoing;

/// About so many bytes of events go into one batch.
const BATCH: usize = 512 * 1024;

#[derive(Serialize)]
struct Batch<'a> {
    subscription: &'a str,
    events: &'a [Arc<Envelope>],
    sessions: Vec<SessionView>,
}

/// Sends batches until the client is gone or the events cannot be read.
pub(super) async fn pump(id: String, mut events: Subscription, views: bool, host: HostHandle, outgoing: Outgoing) {
    loop {
        let page = match events.next().await {
            Ok(page) => page,
            Err(refusal) => {
                // Whether or not it can still be told: this subscription is over.
                let _ = outgoing.send(closed(&id, refusal)).await;
                return;
            }
        };
        for chunk in chunks(&page) {
            let sessions = if views { views_of(chunk, &host).await } else { Vec::new() };
            let batch = Batch { subscription: &id, events: chunk, sessions };
            if outgoing.send(notification(EVENT_BATCH, &batch)).await.is_err() {
                return;
            }
        }
    }
}

/// The notification that a subscription is over.
pub(super) fn closed(subscription: &str, refusal: Refusal) -> Vec<u8> {
    let params = serde_json::json!({ "subscription": subscription, "error": ErrorObject::from(refusal) });
    notification(EVENT_CLOSED, &params)
}

async fn views_of(events: &[Arc<Envelope>], host: &HostHandle) -> Vec<SessionView> {
    let touched: BTreeSet<SessionId> =
        events.iter().filter(|event| touches(&event.event)).filter_map(|event| event.session.clone()).collect();
    if touched.is_empty() {
        return Vec::new();
    }
    // A host that is shutting down has no views to give; the events are true without them.
    host.views(touched.into_iter().collect()).await.unwrap_or_default()
}

/// Streamed text alone does not change a view.
fn touches(event: &Event) -> bool {
    !matches!(event, Event::AgentMessage { .. } | Event::AgentThought { .. } | Event::AgentOutput { .. })
}

/// Cuts a page into pieces of about [`BATCH`] bytes, at least one event each.
fn chunks(page: &[Arc<Envelope>]) -> impl Iterator<Item = &[Arc<Envelope>]> {
    let mut rest = page;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut size = 0;
        let fits = rest.iter().take_while(|event| {
            let fits = size < BATCH;
            size += weight(&event.event);
            fits
        });
        let (chunk, left) = rest.split_at(fits.count().max(1));
        rest = left;
        Some(chunk)
    })
}

/// About how many bytes an event takes.
fn weight(event: &Event) -> usize {
    200 + match event {
        Event::AgentMessage { text, .. } | Event::AgentThought { text, .. } | Event::AgentOutput { text, .. } => {
            text.len()
        }
        Event::AgentTool { .. } | Event::AgentRaw { .. } | Event::HunkDecided { .. } | Event::Unknown { .. } => {
            serde_json::to_string(event).map_or(0, |text| text.len())
        }
        _ => 1000,
    }
}
