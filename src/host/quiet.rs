//! How long a process has said nothing, measured by the times in its journal.

use std::time::Duration;

use tokio::time::Instant;

use crate::base::clock;
use crate::host::unit::{far, soon};
use crate::model::failure::Silence;

/// A journal that is behind is read before anything is said of silence: this long after the last record that was read.
const SETTLE: Duration = Duration::from_secs(1);

/// The watch over one process.
#[derive(Debug)]
pub(crate) struct Quiet {
    /// Zero: nobody watches.
    limit: Duration,
    /// When the process was heard or spoken to last, milliseconds since the epoch.
    heard: i64,
    /// When this daemon last read something.
    read: Instant,
    /// A person has patience until then.
    until: Option<i64>,
    /// The host knows of this silence.
    told: bool,
    /// Nothing more is told until it is heard again, or patience ends.
    asked: bool,
    /// Something was heard after the host was told of a silence.
    broken: bool,
}

impl Quiet {
    /// `known` is the silence that an earlier daemon's host knew of.
    pub(crate) fn new(limit: Duration, known: Option<&Silence>) -> Self {
        Self {
            limit,
            heard: known.map_or_else(clock::now, |known| known.since),
            read: soon(),
            until: known.and_then(|known| known.until),
            told: known.is_some(),
            asked: known.is_some_and(|known| known.until.is_none()),
            broken: false,
        }
    }

    /// Something is in the journal.
    pub(crate) fn heard(&mut self, time: i64) {
        self.read = soon();
        if time > self.heard || !self.told {
            self.heard = time;
            self.broken |= self.told;
            (self.until, self.told, self.asked) = (None, false, false);
        }
    }

    /// True once after a silence has ended that the host knew of.
    pub(crate) fn is_broken(&mut self) -> bool {
        std::mem::take(&mut self.broken)
    }

    /// Whether there is a moment at which the host is told.
    pub(crate) fn is_watched(&self) -> bool {
        !self.limit.is_zero() && !self.asked
    }

    /// That moment.
    pub(crate) fn deadline(&self) -> Instant {
        let limit = i64::try_from(self.limit.as_millis()).unwrap_or(i64::MAX);
        let due = self.heard.saturating_add(limit).max(self.until.unwrap_or(0));
        let left = u64::try_from(due.saturating_sub(clock::now())).unwrap_or(0);
        let after = soon().checked_add(Duration::from_millis(left)).unwrap_or_else(far);
        after.max(self.read + SETTLE.min(self.limit))
    }

    /// The host is told: since when it is silent.
    pub(crate) fn tell(&mut self) -> i64 {
        (self.told, self.asked) = (true, true);
        self.heard
    }

    /// A person has patience until then.
    pub(crate) fn wait_until(&mut self, until: i64) {
        if self.told {
            (self.until, self.asked) = (Some(until), false);
        }
    }
}

#[cfg(test)]
mod tests;
