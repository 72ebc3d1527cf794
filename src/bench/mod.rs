//! Benchmarks on disk and in processes: datasets, predictions, logs and reports are read and written here, cases are prepared, attempted
//! and judged; `eval` decides.
//!
//! - `load`: the cases of a suite's file or directory.
//! - `machine`: the programs of this machine, and git; `command`: setups and tests, with which environment and under which limits.
//! - `checkout`: a fresh checkout without history, and the patch that leads to what somebody made of it.
//! - `container`: the same in a container of a SWE-bench instance's image, where there is an engine.
//! - `environments`: what many cases need, made once, and a copy for each.
//! - `judge`: a patch on another fresh checkout, and what the tests say; `words`: what output says in one line.
//! - `one`: one attempt, from the case to its result; `patience`: what failed here and not by anybody's fault is tried again; `carry_out`: all of them, some at once, recorded as they end in `record`.
//! - `validity`: what validations said of cases; `rerun`: a run again, and what is not as it was.
//! - `own_runs`: those runs as they are reported, beside the harness' own (`runs`).
//! - `list`, `grade`, `report`: of logs and reports that exist; nothing is run.
//! - `hosted`: cases of batches, whose sessions the daemon has.
//! - `shelf`: runs as people look at them.

mod carry_out;
mod checkout;
mod command;
mod compare;
mod container;
mod environments;
mod files;
mod grade;
mod hosted;
mod judge;
mod list;
mod load;
mod logs;
mod machine;
mod one;
mod own_runs;
mod patience;
mod record;
mod report;
mod rerun;
mod runs;
pub mod shelf;
mod summary;
mod validity;
mod words;

pub use carry_out::{run as attempt, validate};
pub use environments::shelve;
pub use grade::grade;
pub use hosted::CaseDriver;
pub use list::list;
pub use own_runs::excerpt;
pub use report::report;
pub use rerun::{environments, find, rerun};

#[cfg(test)]
mod tests;
