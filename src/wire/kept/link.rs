//! Keeps a connection to the daemon: connects, takes a snapshot, passes events on, notices gaps, connects again.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{sleep, timeout};

use super::backend::{Backend, Batch, CallError, Daemon, Link};
use crate::base::clock;
use crate::model::Refusal;
use crate::model::id::Seq;

/// Between two attempts to connect, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(3));

/// A daemon that died is replaced at most this often: one that dies at every start must not be started in a loop.
const REVIVE_EVERY: Duration = Duration::from_secs(5);

/// How long a lost connection has to tell how it ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Before a call is tried again over a connection that broke.
const SPIN: Duration = Duration::from_millis(16);

/// What the loop hears of the connection.
#[derive(Debug)]
pub enum Signal {
    /// A connection stands, or events were missed, and this is the state now.
    Snapshot {
        /// The daemon.
        daemon: Daemon,
        /// Views of all sessions.
        sessions: Vec<Value>,
        /// Open approvals.
        approvals: Vec<Value>,
    },
    /// Something happened.
    Batch(Batch),
    /// There is no connection; another attempt follows by itself.
    Lost(Refusal),
}

/// The connection that stands, for those who call.
pub type Current = watch::Receiver<Option<Arc<dyn Link>>>;

/// Runs for ever; ends when nobody listens. A daemon is started at first, in the place of one that died without a word, and when
/// something is `wanted` of it; one that was told to stop stays stopped.
pub async fn keep(
    backend: Arc<dyn Backend>,
    signals: mpsc::UnboundedSender<Signal>,
    current: watch::Sender<Option<Arc<dyn Link>>>,
    wanted: Arc<Notify>,
) {
    let mut last: Option<Seq> = None;
    let mut pause = RETRY.0;
    let mut start = true;
    // Whether the daemon died and was not replaced yet; when one was replaced last.
    let (mut died, mut replaced) = (false, None);
    while !signals.is_closed() {
        if start && died {
            (died, replaced) = (false, Some(clock::instant()));
        }
        let ended = match backend.connect(start).await {
            Ok(link) => {
                let outcome = follow(&link, &signals, &current, &wanted, &mut last).await;
                current.send_replace(None);
                died = !link.dismissed();
                match outcome {
                    Ok(()) => {
                        pause = RETRY.0;
                        Refusal::environment("the connection to the daemon ended")
                    }
                    Err(CallError::Lost) => Refusal::environment("the daemon closed the connection"),
                    Err(CallError::Refused(refusal)) => refusal,
                }
            }
            Err(refusal) => refusal,
        };
        if signals.send(Signal::Lost(ended)).is_err() {
            return;
        }
        let wanted = tokio::select! {
            () = wanted.notified() => true,
            () = sleep(pause) => false,
        };
        pause = if wanted { RETRY.0 } else { (pause * 2).min(RETRY.1) };
        let rested = replaced.is_none_or(|replaced| clock::instant().duration_since(replaced) >= REVIVE_EVERY);
        start = wanted || (died && rested);
    }
}

/// Follows one connection to its end.
async fn follow(
    link: &Arc<dyn Link>,
    signals: &mpsc::UnboundedSender<Signal>,
    current: &watch::Sender<Option<Arc<dyn Link>>>,
    wanted: &Notify,
    last: &mut Option<Seq>,
) -> Result<(), CallError> {
    // Subscribed before the snapshot is taken: what happens in between is in both, and the later one wins.
    let mut batches = link.subscribe(*last).await?;
    current.send_replace(Some(Arc::clone(link)));
    // Whoever wanted a connection has one now. Remembered, the wish would start a daemon that is told to stop later.
    tokio::select! {
        biased;
        () = wanted.notified() => {}
        () = std::future::ready(()) => {}
    }
    let outcome = pass_on(link, signals, &mut batches, last).await;
    if matches!(outcome, Err(CallError::Lost)) {
        // The connection for calls ended first; the other one knows why.
        let rest = async { while batches.recv().await.is_some() {} };
        // One that says nothing has died as far as anyone can tell.
        let _ = timeout(LAST_WORDS, rest).await;
    }
    outcome
}

async fn pass_on(
    link: &Arc<dyn Link>,
    signals: &mpsc::UnboundedSender<Signal>,
    batches: &mut mpsc::UnboundedReceiver<Batch>,
    last: &mut Option<Seq>,
) -> Result<(), CallError> {
    snapshot(link, signals).await?;
    while let Some(batch) = batches.recv().await {
        if advance(last, &batch) {
            // Before the batch: what follows a hole must not be shown until the hole is filled.
            tracing::warn!(?last, "events are missing; taking a new snapshot");
            snapshot(link, signals).await?;
        }
        if signals.send(Signal::Batch(batch)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

async fn snapshot(link: &Arc<dyn Link>, signals: &mpsc::UnboundedSender<Signal>) -> Result<(), CallError> {
    let list = |answer: Value| match answer {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    let sessions = list(link.call("session/list", json!({})).await?);
    let approvals = list(link.call("approval/list", json!({})).await?);
    // Nobody listens when the editor is gone; the caller notices at the next batch.
    let _ = signals.send(Signal::Snapshot { daemon: link.daemon().clone(), sessions, approvals });
    Ok(())
}

/// Moves the cursor; true when a number was skipped.
fn advance(last: &mut Option<Seq>, batch: &Batch) -> bool {
    let mut gap = false;
    for seq in batch.events.iter().filter_map(|event| event.get("seq").and_then(Value::as_u64)) {
        gap |= last.is_some_and(|Seq(last)| seq > last + 1);
        if last.is_none_or(|Seq(last)| seq > last) {
            *last = Some(Seq(seq));
        }
    }
    gap
}

/// Calls over whatever connection stands, waiting for one, and again over the next when it breaks. Commands carry their id: the
/// daemon answers a repeat with the first receipt.
///
/// # Errors
/// The daemon's refusal; or when nobody keeps a connection any more.
pub async fn call(mut current: Current, method: &str, params: Value) -> Result<Value, Refusal> {
    loop {
        let link = match current.wait_for(Option::is_some).await {
            Ok(link) => link.as_ref().map(Arc::clone),
            Err(_) => None,
        };
        let Some(link) = link else { return Err(Refusal::environment("the editor is closing")) };
        match link.call(method, params.clone()).await {
            Ok(value) => return Ok(value),
            Err(CallError::Refused(refusal)) => return Err(refusal),
            // The keeper takes a broken connection away soon; until then this would spin.
            Err(CallError::Lost) => sleep(SPIN).await,
        }
    }
}

#[cfg(test)]
mod tests;
