//! Waiting for something to become true.

use std::time::{Duration, Instant};

/// How often a condition is looked at. Tests never wait for a duration, so this is the only sleep.
const POLL: Duration = Duration::from_millis(5);

/// Waits until `condition` holds; panics with `what` when it does not within `deadline`.
#[track_caller]
pub(crate) fn wait_until(deadline: Duration, what: &str, condition: impl FnMut() -> bool) {
    assert!(holds_within(deadline, condition), "waited {deadline:?} in vain until {what}");
}

/// Whether `condition` became true before `deadline` had passed; it is looked at once at least.
pub(crate) fn holds_within(deadline: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if began.elapsed() >= deadline {
            return false;
        }
        std::thread::sleep(POLL);
    }
}

/// Waits until `look` finds something; panics with `what` when it does not within `deadline`. For tests on the async runtime.
pub(crate) async fn found_within<T>(deadline: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < deadline, "waited {deadline:?} in vain for {what}");
        tokio::time::sleep(POLL).await;
    }
}
