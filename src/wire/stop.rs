//! The wish to stop, shared by everything that has to hear it.

use tokio::sync::watch;

/// A wish that is expressed at most once and heard by everyone.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// Not yet wished.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Expresses it.
    pub fn trigger(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was expressed.
    pub fn is_triggered(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is. Cancel safe.
    pub async fn requested(&self) {
        let mut seen = self.0.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = seen.wait_for(|stopped| *stopped).await;
    }
}
