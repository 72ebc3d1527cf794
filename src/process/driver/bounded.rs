//! Running a program to its end.

use std::collections::VecDeque;
use std::time::Duration;

use super::JobDriver;
use crate::base::clock;
use crate::host::port::{JobHandle, JobSpec, Jobs as _, RecordKind};
use crate::model::Refusal;
use crate::model::job::{JobEnd, OnDaemonDeath};

/// How much output is kept: the end of it, where errors are.
const KEPT: usize = 1 << 20;
/// Between SIGTERM and SIGKILL when the time is over.
const GRACE: Duration = Duration::from_secs(2);

/// See [`crate::host::port::Jobs::run`]. The program dies with the daemon, and with the future (then its directory
/// stays until somebody forgets the job).
pub(super) async fn run(driver: &JobDriver, spec: &JobSpec, limit: Duration) -> Result<(JobEnd, String), Refusal> {
    let spec = JobSpec { on_daemon_death: OnDaemonDeath::Kill, ..spec.clone() };
    let handle = driver.start(&spec).await?;
    let result = follow(handle, limit).await;
    let forgotten = driver.forget(&spec.job).await;
    let outcome = result?;
    forgotten?;
    Ok(outcome)
}

async fn follow(mut handle: JobHandle, limit: Duration) -> Result<(JobEnd, String), Refusal> {
    let mut deadline = clock::instant().checked_add(limit);
    let mut kept = VecDeque::new();
    let mut left_out = false;
    let mut end = JobEnd::Lost;
    let mut offset = 0;
    loop {
        let records = match deadline {
            None => handle.reader.read(offset).await?,
            Some(until) => {
                let Ok(records) = tokio::time::timeout_at(until.into(), handle.reader.read(offset)).await else {
                    deadline = None;
                    // An error means that it has just ended by itself.
                    let _ = handle.control.stop(GRACE).await;
                    continue;
                };
                records?
            }
        };
        let Some(last) = records.last() else { break };
        offset = last.offset;
        for record in records {
            match record.kind {
                RecordKind::Stdout | RecordKind::Stderr => left_out |= keep(&mut kept, &record.bytes),
                RecordKind::Ended => end = record.end.unwrap_or(JobEnd::Lost),
                RecordKind::Stdin | RecordKind::Started | RecordKind::Resized => {}
            }
        }
    }
    let output = String::from_utf8_lossy(kept.make_contiguous()).into_owned();
    Ok((end, if left_out { format!("[the beginning was left out]\n{output}") } else { output }))
}

/// Keeps the end of the output. True when something was let go.
fn keep(kept: &mut VecDeque<u8>, bytes: &[u8]) -> bool {
    kept.extend(bytes);
    let over = kept.len().saturating_sub(KEPT);
    kept.drain(..over);
    over > 0
}
