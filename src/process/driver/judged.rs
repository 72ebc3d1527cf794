//! Running a program of an evaluation to its end, under limits.

use std::time::Duration;

use tokio::sync::watch;

use super::{JobDriver, blocking};
use crate::base::clock;
use crate::host::port::{Attached, Bounds, JobHandle, JobSpec, Jobs as _, Judged, RecordKind, Stopped};
use crate::model::Refusal;
use crate::model::id::JobId;
use crate::model::job::{JobEnd, OnDaemonDeath};
use crate::process::tree::{self, memory};

/// Between two counts of processes.
const COUNTED: Duration = Duration::from_millis(20);
/// How long those that multiply are ended at once, before the shim goes on with it.
const AT_ONCE: Duration = Duration::from_secs(3);
/// Between SIGTERM and SIGKILL when somebody cancels or the time is over; who uses too much is ended at once.
const GRACE: Duration = Duration::from_millis(500);

/// See [`crate::host::port::Jobs::judge`].
pub(super) async fn run(
    driver: &JobDriver,
    spec: &JobSpec,
    bounds: Bounds,
    cancel: watch::Receiver<bool>,
) -> Result<Judged, Refusal> {
    let mut spec = JobSpec { on_daemon_death: OnDaemonDeath::Kill, ..spec.clone() };
    let most = blocking(move || Ok(tree::own_tasks().saturating_add(bounds.processes))).await?;
    // The kernel's own bound counts all tasks of the user (and is none for root); people and the daemon come before evaluators.
    let bound = match bounds.processes {
        0 => String::new(),
        _ => format!("ulimit -u {most} 2>/dev/null || ulimit -p {most} 2>/dev/null; "),
    };
    let script = format!("{bound}exec nice -n 10 \"$@\"");
    let around = ["/bin/sh", "-c", &script, "bounded"].map(str::to_owned);
    spec.command.splice(0..0, around);
    let handle = driver.start(&spec).await?;
    let result = follow(handle, bounds, cancel).await;
    let forgotten = driver.forget(&spec.job).await;
    let judged = result?;
    forgotten?;
    Ok(judged)
}

async fn follow(mut handle: JobHandle, bounds: Bounds, mut cancel: watch::Receiver<bool>) -> Result<Judged, Refusal> {
    let deadline = clock::instant() + bounds.time;
    let shim = handle.shim.pid;
    let mut count = tokio::time::interval(COUNTED);
    let mut judged = Judged { end: JobEnd::Lost, stopped: None, stdout: Vec::new(), stderr: Vec::new() };
    let mut printed = 0_u64;
    let mut offset = 0;
    loop {
        let stopped = judged.stopped.is_some();
        let wanted = tokio::select! {
            records = handle.reader.read(offset) => {
                let records = records?;
                let Some(last) = records.last() else { return Ok(judged) };
                offset = last.offset;
                for record in records {
                    let into = match record.kind {
                        RecordKind::Stdout => &mut judged.stdout,
                        RecordKind::Stderr => &mut judged.stderr,
                        RecordKind::Ended => {
                            judged.end = record.end.unwrap_or(JobEnd::Lost);
                            continue;
                        }
                        RecordKind::Stdin | RecordKind::Started | RecordKind::Resized => continue,
                    };
                    printed = printed.saturating_add(record.bytes.len() as u64);
                    if printed <= bounds.output {
                        into.extend_from_slice(&record.bytes);
                    }
                }
                (printed > bounds.output).then_some((Stopped::Output, Duration::ZERO))
            }
            () = tokio::time::sleep_until(deadline.into()), if !stopped => Some((Stopped::Time, GRACE)),
            () = cancelled(&mut cancel), if !stopped => Some((Stopped::Cancelled, GRACE)),
            _ = count.tick(), if !stopped => {
                let most = match bounds.processes {
                    0 => usize::MAX,
                    most => usize::try_from(most).unwrap_or(usize::MAX),
                };
                let over = blocking(move || {
                    let tree = tree::quick(shim);
                    if tree.len() > most {
                        tree::end_at_once(shim, AT_ONCE);
                        return Ok(Some(Stopped::Processes));
                    }
                    let over = bounds.memory > 0 && memory::is_over(&tree, bounds.memory);
                    Ok(over.then_some(Stopped::Memory))
                });
                over.await?.map(|why| (why, Duration::ZERO))
            }
        };
        if let Some((why, grace)) = wanted.filter(|_| !stopped) {
            judged.stopped = Some(why);
            // An error means that it has just ended by itself.
            let _ = handle.control.stop(grace).await;
        }
    }
}

/// Waits until somebody cancels, or nobody can any more.
async fn cancelled(cancel: &mut watch::Receiver<bool>) {
    let _ = cancel.wait_for(|cancelled| *cancelled).await;
}

/// See [`crate::host::port::Jobs::clear`].
pub(super) async fn clear(driver: &JobDriver, job: &JobId) -> Result<(), Refusal> {
    if let Attached::Alive(mut handle) = driver.attach(job).await? {
        let _ = handle.control.stop(Duration::ZERO).await;
        let mut offset = 0;
        while let Some(last) = handle.reader.read(offset).await?.last() {
            offset = last.offset;
        }
    }
    driver.forget(job).await
}
