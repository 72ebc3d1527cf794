//! How many evaluators of an attempt passed.

use serde::{Deserialize, Serialize};

use crate::model::evaluation::Evaluation;

/// Evaluators of the attempt's last evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gates {
    /// That many passed,
    pub passed: u32,
    /// of so many.
    pub all: u32,
}

impl Gates {
    /// Of an evaluation. What was not judged has not passed.
    pub fn of(evaluation: &Evaluation) -> Self {
        let passed = evaluation.results.iter().filter(|result| result.passed()).count();
        Self { passed: u32::try_from(passed).unwrap_or(u32::MAX), all: evaluation.evaluators }
    }
}
