//! Copies the write-ahead log into the database when nothing is being written, on a thread of its own: the copy flushes the disk, and
//! a writer that does it pays for it with its 99th percentile.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::store::lock::beside;
use crate::store::open::open_checkpointer;
use crate::store::reserve::Reserve;

/// Quiet time after which the log is copied.
const QUIET: Duration = Duration::from_millis(150);

/// Growth of the log, in bytes, after which it is copied although writing goes on.
const STEP: u64 = 4 * 1024 * 1024;

/// Length of the log, in bytes, at which the writer copies what the thread has left over, so that the log begins anew.
const LONG: u64 = 24 * 1024 * 1024;

/// Writes between two looks at the log's length.
const LOOK_EVERY: u64 = 16;

#[derive(Debug, Default)]
struct Work {
    /// Something is in the log that is not in the database.
    dirty: bool,
    /// Copy now, quiet or not.
    now: bool,
    closing: bool,
}

/// How long the log's file stays once it has begun anew, in bytes. A flush of a log that is written over costs the disk one write; one
/// that grows has its length recorded too, at up to twice the time. So all of what a busy log needs is kept until the store closes.
pub(super) const KEPT: i64 = 32 * 1024 * 1024;

/// How much is in the log; shared by the writer and the thread that copies.
#[derive(Debug)]
pub(super) struct LogGauge {
    path: PathBuf,
    work: Mutex<Work>,
    wake: Condvar,
    /// Whether the thread knows that something was written since it last waited.
    told: AtomicBool,
    commits: AtomicU64,
    copied_at: AtomicU64,
    finish: AtomicBool,
}

impl LogGauge {
    /// A gauge of a database's log.
    pub(super) fn new(database: &Path) -> Self {
        Self {
            path: beside(database, "-wal"),
            work: Mutex::default(),
            wake: Condvar::new(),
            told: AtomicBool::new(false),
            commits: AtomicU64::new(0),
            copied_at: AtomicU64::new(0),
            finish: AtomicBool::new(false),
        }
    }

    /// The writer has committed. Costs an atomic add, now and then a look at the log's length.
    pub(super) fn grew(&self, writer: &Connection) {
        let commits = self.commits.fetch_add(1, Ordering::AcqRel);
        if !self.told.swap(true, Ordering::AcqRel) {
            self.work().dirty = true;
            self.wake.notify_one();
        }
        if !commits.is_multiple_of(LOOK_EVERY) {
            return;
        }
        let length = self.length();
        if self.finish.swap(false, Ordering::AcqRel) && length >= LONG {
            // The thread has just copied nearly all of it: what is left is short, and the next write begins the log anew.
            let _ = copy(writer);
            self.copied_at.store(0, Ordering::Release);
        } else if length >= self.copied_at.load(Ordering::Acquire) + STEP {
            self.copied_at.store(length, Ordering::Release);
            self.work().now = true;
            self.wake.notify_one();
        } else if length < self.copied_at.load(Ordering::Acquire) {
            self.copied_at.store(length, Ordering::Release);
        }
    }

    /// Ends the thread.
    pub(super) fn close(&self) {
        self.work().closing = true;
        self.wake.notify_all();
    }

    fn length(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |log| log.len())
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is something to copy and it is time; false: closed. Sleeps without a timer while nothing is written.
    fn wait(&self) -> bool {
        let mut work = self.work();
        loop {
            if work.closing {
                return false;
            }
            if work.now {
                break;
            }
            if !work.dirty {
                work = self.wake.wait(work).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let before = self.commits.load(Ordering::Acquire);
            let waited = self.wake.wait_timeout_while(work, QUIET, |work| !work.now && !work.closing);
            work = waited.unwrap_or_else(PoisonError::into_inner).0;
            if self.commits.load(Ordering::Acquire) == before {
                break;
            }
        }
        work.now = false;
        work.dirty = false;
        self.told.store(false, Ordering::Release);
        true
    }
}

/// The thread: copies when it is time, and takes the disk reserve back when there is room again.
pub(super) fn run(gauge: &LogGauge, database: &Path, reserve: &Reserve) {
    let mut connection = None;
    while gauge.wait() {
        if connection.is_none() {
            connection = open_checkpointer(database).ok();
        }
        // A failure is harmless: everything is in the log, and the next quiet moment comes.
        if let Some(open) = &connection
            && copy(open).is_err()
        {
            connection = None;
        }
        if gauge.length() >= LONG {
            gauge.finish.store(true, Ordering::Release);
        }
        reserve.make();
    }
}

fn copy(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

#[cfg(test)]
mod tests;
