//! Programs that a killed daemon had run: nobody waits for them any more, but they still work.
//!
//! [`super::run`] waits for what it starts, so after an orderly end there are none. A daemon that is killed leaves the program of the
//! moment behind, and what that one still writes must not come after the next daemon has looked.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use crate::base::clock;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// Waits until no program lives whose name begins with `name` and whose environment says `variable=value`; at most for `limit`. Returns
/// how many were left then. Blocks. Others than this user's cannot be seen, and need not be: they are not ours.
pub fn await_end(name: &str, variable: &str, value: &OsStr, limit: Duration) -> usize {
    let deadline = clock::instant() + limit;
    let wanted = [variable.as_bytes(), b"=", value.as_bytes()].concat();
    loop {
        let left = living(name, &wanted);
        if left == 0 || clock::instant() >= deadline {
            return left;
        }
        clock::pause(PAUSE);
    }
}

fn living(name: &str, wanted: &[u8]) -> usize {
    let Ok(entries) = fs::read_dir("/proc") else { return 0 };
    let is_wanted = |process: &fs::DirEntry| {
        let file = |of: &str| fs::read(process.path().join(of)).unwrap_or_default();
        // First the cheap question. A dead process has no environment.
        file("comm").starts_with(name.as_bytes())
            && file("environ").split(|&byte| byte == 0).any(|entry| entry == wanted)
    };
    entries.flatten().filter(is_wanted).count()
}
