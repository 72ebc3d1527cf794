//! The editor's process, which this one does not outlive.

use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::Notify;

/// Tells of the end of a process, from a thread of its own. False where the kernel has no handles of processes.
pub(super) fn watch(process: i32, gone: &Arc<Notify>) -> bool {
    let Some(pid) = rustix::process::Pid::from_raw(process) else { return false };
    let Ok(handle) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) else { return false };
    let gone = Arc::clone(gone);
    std::thread::spawn(move || {
        let mut ends = [PollFd::new(&handle, PollFlags::IN)];
        while poll(&mut ends, None) == Err(rustix::io::Errno::INTR) {}
        gone.notify_one();
    });
    true
}

/// Whether a process is gone.
pub(super) fn is_gone(process: i32) -> bool {
    let Some(pid) = rustix::process::Pid::from_raw(process) else { return false };
    rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
}
