//! How long a program is kept without a daemon.

use std::time::{Duration, Instant};

use crate::model::job::OnDaemonDeath;

/// How long the daemon that started a job has to attach to it, when its death is to end the job.
pub(super) const FIRST_ATTACH: Duration = Duration::from_secs(10);

/// When nobody has looked after the program for too long.
#[derive(Debug)]
pub(super) struct Lease {
    policy: OnDaemonDeath,
    length: Duration,
    deadline: Option<Instant>,
}

impl Lease {
    /// Nobody is attached yet.
    pub(super) fn new(policy: OnDaemonDeath, length: Duration, now: Instant) -> Self {
        let first = match policy {
            OnDaemonDeath::Keep => length.max(FIRST_ATTACH),
            OnDaemonDeath::Kill => FIRST_ATTACH,
        };
        Self { policy, length, deadline: now.checked_add(first) }
    }

    /// Somebody attached.
    pub(super) fn attached(&mut self) {
        self.deadline = None;
    }

    /// The last one went, on purpose or not.
    pub(super) fn alone(&mut self, on_purpose: bool, now: Instant) {
        self.deadline = match self.policy {
            OnDaemonDeath::Kill if !on_purpose => Some(now),
            // A lease too long for the clock never ends.
            _ => now.checked_add(self.length),
        };
    }

    /// When the program is to be ended, if nobody comes.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}
