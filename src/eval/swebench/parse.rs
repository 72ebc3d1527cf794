//! Readers of test logs, by the names that datasets use. Each does what the one of the same name in the harness does, odd cases
//! included: verdicts depend on them. None takes more than time linear in the log.

mod c;
mod django;
mod doctest;
mod java;
mod javascript;
mod lines;
mod pytest;
mod registry;
mod ruby;
mod sympy;

pub use registry::{Language, Parser};

use super::Compat;
use super::status::StatusMap;

/// What a reader may look at besides the log.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'s> {
    /// The instance's id; two readers choose a format by it.
    pub instance_id: &'s str,
    /// The version of the project; two readers choose a format by it.
    pub version: &'s str,
    /// Which harness is followed.
    pub compat: Compat,
}

/// The harness' own reader breaks off on this log (an exception in Python), so that there is no verdict at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the harness breaks off on this log: {0}")]
pub struct Fault(pub(super) String);

type Read<'a> = Result<StatusMap<'a>, Fault>;

fn fault<T>(why: impl Into<String>) -> Result<T, Fault> {
    Err(Fault(why.into()))
}

#[cfg(test)]
mod tests;
