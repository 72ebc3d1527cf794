//! What a connection still has to send: bounded in bytes, and given up when the other end does not read for long.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// Bytes that may wait for one client.
pub(super) const BUDGET: usize = 8 * 1024 * 1024;

struct Queued {
    bytes: Vec<u8>,
    /// Told once it is written.
    written: Option<oneshot::Sender<()>>,
    _permit: OwnedSemaphorePermit,
}

/// The sending side, cheap to clone. Whoever sends waits while the budget is used up.
#[derive(Clone)]
pub(super) struct Outgoing {
    queue: mpsc::UnboundedSender<Queued>,
    budget: Arc<Semaphore>,
}

/// The other end is gone, or did not read for too long.
#[derive(Debug)]
pub(super) struct Gone;

impl Outgoing {
    /// A queue, and the work of writing it out, which ends when every sender is dropped, writing fails, or nothing could be written
    /// for `stall`.
    pub(super) fn new<W: AsyncWrite + Unpin>(sink: W, stall: Duration) -> (Self, impl Future<Output = ()>) {
        let (queue, waiting) = mpsc::unbounded_channel();
        let outgoing = Self { queue, budget: Arc::new(Semaphore::new(BUDGET)) };
        let budget = Arc::clone(&outgoing.budget);
        (outgoing, async move {
            write_out(sink, waiting, stall).await;
            budget.close();
        })
    }

    /// Queues one message, waiting for room. A message larger than the whole budget waits until it is alone.
    pub(super) async fn send(&self, bytes: Vec<u8>) -> Result<(), Gone> {
        let cost = u32::try_from(bytes.len().min(BUDGET)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.budget).acquire_many_owned(cost).await.map_err(|_| Gone)?;
        self.queue.send(Queued { bytes, written: None, _permit: permit }).map_err(|_| Gone)
    }

    /// [`Outgoing::send`], and waits until the system has taken all of it.
    pub(super) async fn send_through(&self, bytes: Vec<u8>) -> Result<(), Gone> {
        let cost = u32::try_from(bytes.len().min(BUDGET)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.budget).acquire_many_owned(cost).await.map_err(|_| Gone)?;
        let (written, taken) = oneshot::channel();
        self.queue.send(Queued { bytes, written: Some(written), _permit: permit }).map_err(|_| Gone)?;
        taken.await.map_err(|_| Gone)
    }
}

async fn write_out<W: AsyncWrite + Unpin>(mut sink: W, mut waiting: mpsc::UnboundedReceiver<Queued>, stall: Duration) {
    while let Some(message) = waiting.recv().await {
        let mut rest = message.bytes.as_slice();
        while !rest.is_empty() {
            match timeout(stall, sink.write(rest)).await {
                Ok(Ok(written)) if written > 0 => rest = &rest[written..],
                Ok(_) => return,
                Err(_) => {
                    tracing::warn!("dropped a client that read nothing for {} s", stall.as_secs_f32());
                    return;
                }
            }
        }
        if let Some(written) = message.written {
            // Nobody waits when the terminal was closed meanwhile.
            let _ = written.send(());
        }
    }
    // The other end may be gone already; there is nothing left to tell it.
    let _ = sink.shutdown().await;
}
