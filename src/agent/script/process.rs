//! Bad manners of processes: ignoring signals, and leaving others behind.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::base::clock;
use crate::process::detached;

/// How long a process that is left behind lives at most, so that a broken test leaves nothing for ever.
const LINGER: Duration = Duration::from_secs(600);

/// Does nothing for as long.
pub(super) fn pause(time: Duration) {
    let end = clock::instant() + time;
    loop {
        let left = end.saturating_duration_since(clock::instant());
        if left.is_zero() {
            return;
        }
        std::thread::park_timeout(left);
    }
}

/// Makes SIGTERM do nothing from here on.
pub(super) fn ignore_term() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _inside = runtime.enter();
    // The handler that this installs stays for the life of the process; nobody reads what it collects.
    let _unread = signal(SignalKind::terminate())?;
    Ok(())
}

/// Leaves a process behind that keeps our standard output open; gives its id.
pub(super) fn leak(own_session: bool) -> io::Result<u32> {
    let own = std::env::current_exe()?;
    let mut arguments = vec!["agent-script", "--linger"];
    if own_session {
        arguments.extend(["setsid", "ignore-term"]);
    }
    detached::start(&own, &arguments)
}

/// What the process that is left behind does.
pub(super) fn linger(manners: &[&str]) -> i32 {
    let setsid = !manners.contains(&"setsid") || rustix::process::setsid().is_ok();
    let ignore = !manners.contains(&"ignore-term") || ignore_term().is_ok();
    pause(LINGER);
    i32::from(!(setsid && ignore))
}

/// Closes standard output for good: what is written to it goes nowhere, and its reader sees the end.
pub(super) fn close_stdout() -> io::Result<()> {
    let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    Ok(())
}
