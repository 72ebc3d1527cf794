//! Benchmarks: cases are prepared, attempted, and judged, each in checkouts of its own.
//!
//! - [`load`]: the cases of a suite's file or directory.
//! - [`machine`]: the commands that are run: git, setups, tests; with which environment and how long.
//! - [`checkout`]: a fresh checkout without history, and the patch that leads to what somebody made of it.
//! - [`judge`]: a patch on another fresh checkout, and what the tests say.
//! - [`attempt`]: from the case to its result.
//! - [`run`]: all of them, some at once, recorded as they end.
//! - [`record`]: a run's directory.

pub mod attempt;
pub mod checkout;
pub mod judge;
pub mod load;
pub mod machine;
pub mod record;
pub mod run;

#[cfg(test)]
mod tests;
