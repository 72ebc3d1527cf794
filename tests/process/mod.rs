//! The process driver with real shims and real programs.

mod daemon_death;
mod escapees;
mod lifecycle;
mod namespace;
mod pressure;
mod socket;
mod support;
mod swept;
mod terminal;
