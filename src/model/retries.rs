//! How often what failed here, and not by the fault of who attempts a case, is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The bounds of trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retries {
    /// How often one thing is tried, the first time included; at least 1.
    pub tries: u32,
    /// What all that is tried again in a run may take together, waiting included, seconds.
    pub total_sec: u64,
    /// What is waited before the second try, milliseconds; twice as long before each that follows, up to a minute.
    pub pause_ms: u64,
}

impl Default for Retries {
    fn default() -> Self {
        Self { tries: 3, total_sec: 1800, pause_ms: 1000 }
    }
}

impl Retries {
    /// How long to wait after so many tries, and how long it may take in all.
    pub fn pause(self, tries: u32) -> Duration {
        let longer = 1_u64 << tries.saturating_sub(1).min(16);
        Duration::from_millis(self.pause_ms.saturating_mul(longer)).min(Duration::from_secs(60))
    }

    /// See `total_sec`.
    pub fn total(self) -> Duration {
        Duration::from_secs(self.total_sec)
    }
}
