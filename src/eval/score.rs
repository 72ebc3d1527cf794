//! What results are worth together.

use crate::model::evaluation::{EvaluationState, EvaluatorOutcome, EvaluatorResult};

/// The weighted mean of the scores, 0 to 100; absent when no evaluator with a weight judged. What could not judge counts 0, so that a
/// missing tool never makes a better score than a present one.
pub fn total(results: &[EvaluatorResult]) -> Option<u8> {
    if results.iter().all(|result| result.score.is_none()) {
        return None;
    }
    let weights: u64 = results.iter().map(|result| u64::from(result.weight)).sum();
    let sum: u64 = results.iter().map(|result| u64::from(result.weight) * u64::from(result.score.unwrap_or(0))).sum();
    sum.checked_div(weights).and_then(|mean| u8::try_from(mean).ok())
}

/// Whether an evaluation passed: it came to its end, and each required evaluator was there and passed.
pub fn passed(state: &EvaluationState, results: &[EvaluatorResult], evaluators: u32) -> bool {
    *state == EvaluationState::Done
        && u32::try_from(results.len()) == Ok(evaluators)
        && results.iter().all(|result| !result.required || result.passed())
}

/// What comes of a score: it passes from `minimum` on.
pub fn by_score(score: u8, minimum: Option<u8>, otherwise: bool) -> EvaluatorOutcome {
    let good = minimum.map_or(otherwise, |minimum| score >= minimum);
    if good { EvaluatorOutcome::Passed } else { EvaluatorOutcome::Failed }
}

/// A part of a whole in percent, 100 only when it is all of it.
pub fn percent(part: u64, whole: u64) -> u8 {
    if whole == 0 {
        return 100;
    }
    u8::try_from(u128::from(part.min(whole)) * 100 / u128::from(whole)).unwrap_or(100)
}

#[cfg(test)]
mod tests;
