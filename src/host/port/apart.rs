//! Programs without a network, as a suite or the person may want them.

use std::time::Duration;

use tokio::sync::watch;

use super::{Bounds, JobSpec, Jobs, Judged, Stopped};
use crate::base::text::visible_line;
use crate::model::Refusal;
use crate::model::job::JobEnd;

/// What puts a command into a network namespace of its own, in the order in which it is tried. In a user namespace not even root leaves
/// it; where the system has none for its users, root may have one without.
const FENCES: [&[&str]; 2] = [&["unshare", "--user", "--map-root-user", "--net", "--"], &["unshare", "--net", "--"]];
/// Servers of tests are on the loopback, which is down at first. Where there is no `ip` it stays so.
const LOOPBACK: [&str; 4] = ["/bin/sh", "-c", "ip link set lo up 2>/dev/null; exec \"$@\"", "apart"];
/// How long it may take to find out.
const PROBE: Duration = Duration::from_secs(10);

/// The words that come before a command so that it has no network; why there are none on this system. `probe` makes a job of words.
///
/// # Errors
/// When no job can be started.
pub async fn words(
    jobs: &dyn Jobs,
    probe: impl Fn(Vec<String>) -> JobSpec,
    cancel: &watch::Receiver<bool>,
) -> Result<Result<Vec<String>, String>, Refusal> {
    let mut why = String::new();
    for fence in FENCES {
        let words: Vec<String> = fence.iter().chain(&LOOPBACK).map(|word| (*word).to_owned()).collect();
        let tried = words.iter().cloned().chain(["true".to_owned()]).collect();
        let bounds = Bounds { time: PROBE, processes: 100, output: 64 * 1024, memory: 0 };
        let Judged { end, stopped, stderr, .. } = jobs.judge(&probe(tried), bounds, cancel.clone()).await?;
        if stopped == Some(Stopped::Cancelled) {
            return Ok(Err("it was cancelled".to_owned()));
        }
        if matches!(end, JobEnd::Exited { code: 0, .. }) {
            return Ok(Ok(words));
        }
        let stderr = String::from_utf8_lossy(&stderr);
        if let Some(line) = stderr.lines().find(|line| !line.trim().is_empty()).filter(|_| why.is_empty()) {
            why = format!(" ({})", visible_line(line, 200));
        }
    }
    Ok(Err(format!(
        "the network cannot be turned off: this system gives its users no network namespaces{why}; allow them, or let the suite use \
         the network"
    )))
}
