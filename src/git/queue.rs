//! How many git processes run at once, in the whole daemon.

use std::sync::{Condvar, Mutex, PoisonError};

/// A counting gate. First come is not promised to be first served; the gate is short.
#[derive(Debug)]
pub(super) struct Queue {
    free: Mutex<usize>,
    freed: Condvar,
}

/// The right to run one process; given back when dropped.
#[derive(Debug)]
pub(super) struct Permit<'a>(&'a Queue);

impl Queue {
    /// A gate for `size` processes.
    pub(super) fn new(size: usize) -> Self {
        Self { free: Mutex::new(size.max(1)), freed: Condvar::new() }
    }

    /// Waits for a place. Every process has a deadline, so the wait ends.
    pub(super) fn enter(&self) -> Permit<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
