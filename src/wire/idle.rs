//! The daemon goes when nobody needs it: no clients and no sessions for a while.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::host::handle::HostHandle;
use crate::model::query::{DaemonStatus, Query};
use crate::wire::stop::Stop;

/// Triggers `stop` once there has been no client for `after` and the host knows no session. Zero: never.
pub async fn stop_when_idle(host: HostHandle, mut clients: watch::Receiver<u32>, after: Duration, stop: Stop) {
    if after.is_zero() {
        return;
    }
    loop {
        if clients.wait_for(|count| *count == 0).await.is_err() {
            return;
        }
        match timeout(after, clients.changed()).await {
            Ok(Ok(())) => continue,
            Ok(Err(_)) => return,
            Err(_) => {}
        }
        let status = host.query(Query::DaemonStatus {}).await.and_then(|value| {
            serde_json::from_value::<DaemonStatus>(value)
                .map_err(|error| crate::model::Refusal::internal(format!("failed to read the host's status: {error}")))
        });
        match status {
            Ok(status) if status.sessions == 0 && status.batches == 0 && *clients.borrow() == 0 => {
                tracing::info!("stopping: no clients and no sessions for {} s", after.as_secs());
                stop.trigger();
                return;
            }
            Ok(_) => {}
            Err(refusal) => tracing::warn!("failed to see whether the daemon is idle: {refusal}"),
        }
    }
}
