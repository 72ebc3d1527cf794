//! One writer per repository: a map of held repositories within the process, a locked file between processes. And waiting for
//! locks that git or somebody else holds, which are never taken away from a living holder.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, OFlags, flock};

use crate::base::clock;
use crate::model::Refusal;

use super::text;

/// In the common directory: locked by who writes to the repository.
pub(super) const WRITERS: &str = "divisi/lock";

/// How often a lock held by another process is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Who writes where, in this process.
#[derive(Debug, Default)]
pub(super) struct Writers {
    held: Mutex<HashSet<PathBuf>>,
    freed: Condvar,
}

/// The right to write to one repository; given back when dropped.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    writers: &'a Writers,
    common_dir: PathBuf,
    /// Unlocked by closing.
    file: Option<File>,
}

impl Writers {
    /// Waits until nobody else writes to the repository, at most `limit`.
    ///
    /// # Errors
    /// When the lock file cannot be made, or somebody else (who is named) holds it for too long.
    pub(super) fn enter(&self, common_dir: &Path, limit: Duration) -> Result<Writer<'_>, Refusal> {
        let end = clock::instant() + limit;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while held.contains(common_dir) {
            let now = clock::instant();
            if now >= end {
                return Err(too_long(common_dir, limit, "another operation of this daemon"));
            }
            held = self.freed.wait_timeout(held, end - now).unwrap_or_else(PoisonError::into_inner).0;
        }
        held.insert(common_dir.to_owned());
        drop(held);
        match lock_file(common_dir, end, limit) {
            Ok(file) => Ok(Writer { writers: self, common_dir: common_dir.to_owned(), file: Some(file) }),
            Err(refusal) => {
                self.leave(common_dir);
                Err(refusal)
            }
        }
    }

    fn leave(&self, common_dir: &Path) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(common_dir);
        self.freed.notify_all();
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        // First the file, for the next in line looks at it as soon as it is told, and again only after a while. Closing is not enough: a
        // process that is being started has it open too, until it is another program.
        if let Some(file) = self.file.take() {
            let _ = flock(&file, FlockOperation::Unlock);
        }
        self.writers.leave(&self.common_dir);
    }
}

/// Opens and locks `<common_dir>/divisi/lock`, which holds the pid of who has it.
fn lock_file(common_dir: &Path, end: std::time::Instant, limit: Duration) -> Result<File, Refusal> {
    let path = common_dir.join(WRITERS);
    let directory = path.parent().unwrap_or(common_dir);
    let failed = |what: &str, error: &std::io::Error| {
        Refusal::environment(format!("cannot {what} the lock file {}: {error}", text::path(&path)))
            .hint("make the repository writable for you, then try again")
    };
    fs::create_dir_all(directory).map_err(|error| failed("make the directory of", &error))?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = rustix::fs::open(&path, flags, rustix::fs::Mode::from_raw_mode(0o600))
        .map_err(|error| failed("open", &error.into()))?;
    let mut file = File::from(file);
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {}
            Err(error) => return Err(failed("lock", &error.into())),
        }
        if clock::instant() >= end {
            let mut holder = String::new();
            // What is in the file only makes the message better.
            let _ = (&file).take(32).read_to_string(&mut holder);
            let holder = match holder.trim().parse::<u32>() {
                Ok(pid) => format!("process {pid}"),
                Err(_) => "another process".to_owned(),
            };
            return Err(too_long(common_dir, limit, &holder));
        }
        clock::pause(LOOK);
    }
    // The lock is held even if the pid cannot be written; then the next in line is told less.
    let _ = file.set_len(0);
    let _ = file.rewind();
    let _ = writeln!(file, "{}", std::process::id());
    Ok(file)
}

fn too_long(common_dir: &Path, limit: Duration, holder: &str) -> Refusal {
    Refusal::conflict(format!(
        "waited {} s to write to {}: {holder} holds its lock ({})",
        limit.as_secs_f32(),
        text::path(common_dir),
        text::path(&common_dir.join(WRITERS)),
    ))
    .hint("wait until it has finished, then try again")
}

/// The lock file that a failed git command could not make, taken from what it said.
pub(super) fn lock_in_the_way(stderr: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    const BEFORE: &[u8] = b"Unable to create '";
    const AFTER: &[u8] = b".lock': File exists";
    let start = stderr.windows(BEFORE.len()).position(|window| window == BEFORE)? + BEFORE.len();
    let length = stderr[start..].windows(AFTER.len()).position(|window| window == AFTER)? + ".lock".len();
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(&stderr[start..start + length])))
}

/// Waits until a lock file is gone; false when it is still there at `end`.
pub(super) fn wait_for(lock: &Path, end: std::time::Instant) -> bool {
    while lock.symlink_metadata().is_ok() {
        if clock::instant() >= end {
            return false;
        }
        clock::pause(LOOK);
    }
    true
}

/// Says who holds a lock, as far as it can be known.
pub(super) fn held(lock: &Path, limit: Duration) -> Refusal {
    let age = age(lock).map_or_else(String::new, |age| format!(", {} s old", age.as_secs()));
    let shown = text::path(lock);
    match holders(lock).first() {
        Some((pid, name)) => Refusal::conflict(format!(
            "waited {} s for git's lock {shown}{age}: process {pid} ({name}) holds it",
            limit.as_secs_f32()
        ))
        .hint(format!("wait for process {pid} to finish, then try again")),
        None => Refusal::conflict(format!(
            "waited {} s for git's lock {shown}{age}: no process that can be seen has it open",
            limit.as_secs_f32()
        ))
        .hint(format!("if no git command is running there, it was left by one that died: rm '{shown}'")),
    }
}

/// How long ago the lock was made.
pub(super) fn age(lock: &Path) -> Option<Duration> {
    let made = lock.symlink_metadata().ok()?.modified().ok()?;
    let since = made.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let now = u64::try_from(clock::now()).ok()?;
    Some(Duration::from_millis(now).saturating_sub(since))
}

/// Processes that have the file open: pid and name. Only what this user may see.
pub(super) fn holders(lock: &Path) -> Vec<(u32, String)> {
    let Ok(wanted) = lock.parent().map_or(Ok(PathBuf::new()), fs::canonicalize) else { return Vec::new() };
    let wanted = wanted.join(lock.file_name().unwrap_or_default());
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let mut found = Vec::new();
    for process in processes.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(open) = fs::read_dir(process.path().join("fd")) else { continue };
        if open.flatten().any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target == wanted)) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            found.push((pid, crate::base::text::visible_line(&name, 40)));
        }
    }
    found
}

#[cfg(test)]
mod tests;
