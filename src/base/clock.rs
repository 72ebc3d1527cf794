//! The only place that reads a clock, so that everything else can be given one.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch, UTC.
pub type Millis = i64;

/// Reads the wall clock.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A point on the monotonic clock, for deadlines and durations.
pub fn instant() -> Instant {
    Instant::now()
}

/// Lets a moment pass between two looks at something that tells of no event (another program's lock file, another process's end). The
/// looking has to have a deadline; never for use on the async runtime.
pub fn pause(moment: Duration) {
    thread::sleep(moment);
}
