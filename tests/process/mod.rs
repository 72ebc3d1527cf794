//! The process driver with real shims and real programs.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere, and says where")]

mod daemon_death;
mod escapees;
mod lifecycle;
mod pressure;
mod socket;
mod support;
