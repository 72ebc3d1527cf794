//! What failed here, and not by the fault of who attempts a case, is tried again within the run: so often, and so long in all.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::machine::{Machine, Unrun, since};
use crate::base::clock;
use crate::model::retries::Retries;

/// What of it a run has left.
pub(super) struct Patience {
    retries: Retries,
    /// Milliseconds that second and later tries have taken.
    spent: AtomicU64,
}

impl Patience {
    /// That of a run that begins.
    pub(super) fn new(retries: Retries) -> Self {
        Self { retries, spent: AtomicU64::new(0) }
    }

    /// Does a step until it works, its failure is final, or patience is at its end, which makes it final. `told` hears why it is tried
    /// again, and what is waited before.
    pub(super) fn with<T>(
        &self,
        machine: &Machine<'_>,
        mut told: impl FnMut(String, Duration),
        mut step: impl FnMut() -> Result<T, Unrun>,
    ) -> Result<T, Unrun> {
        let mut tries = 1;
        let mut begin = clock::instant();
        // What this try was expected to take, and is counted with until it is known.
        let mut reserved = 0;
        loop {
            let ended = step();
            if tries > 1 {
                self.spent.fetch_add(since(begin), Ordering::Relaxed);
                self.spent.fetch_sub(reserved, Ordering::Relaxed);
            }
            let why = match ended {
                Err(Unrun::Failed(why)) => why,
                other => return other,
            };
            let pause = jittered(self.retries.pause(tries));
            // The next try may well take as long as this one.
            reserved = since(begin).saturating_add(millis(pause));
            if tries >= self.retries.tries || !self.reserve(reserved) {
                return Err(Unrun::Never(if tries > 1 { format!("{why} (tried {tries} times)") } else { why }));
            }
            told(why, pause);
            tries += 1;
            begin = clock::instant();
            machine.commands.pause(pause)?;
        }
    }

    /// Takes so many milliseconds of what is left, if there are as many.
    fn reserve(&self, time: u64) -> bool {
        let total = millis(self.retries.total());
        let taken = |spent: u64| spent.checked_add(time).filter(|spent| *spent <= total);
        self.spent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Between half of a time and all of it, so that those who failed together do not try together.
fn jittered(time: Duration) -> Duration {
    let mut byte = [0_u8; 1];
    // Without random numbers they do.
    let _ = getrandom::fill(&mut byte);
    time / 2 + time / 2 * u32::from(byte[0]) / 255
}
