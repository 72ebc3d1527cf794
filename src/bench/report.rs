//! What runs amount to.

use std::path::PathBuf;

use super::{compare, runs};
use crate::model::Refusal;
use crate::model::bench::BenchReport;

/// Reads runs; of two also what changed, of several how steady they are.
///
/// # Errors
/// When one cannot be read.
pub fn report(paths: &[PathBuf]) -> Result<BenchReport, Refusal> {
    let runs = paths.iter().map(|path| runs::read(path)).collect::<Result<Vec<_>, _>>()?;
    let comparison = match &*runs {
        [first, second] => Some(compare::two(first, second)),
        _ => None,
    };
    // Runs with several attempts at a case have their chances told for themselves.
    let together = runs.len() > 1 && runs.iter().all(|run| run.pass_at.is_empty());
    let (pass_at, unsteady) = if together { compare::several(&runs) } else { Default::default() };
    Ok(BenchReport { runs, comparison, pass_at, unsteady })
}
