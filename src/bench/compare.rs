//! Runs beside each other.

use std::collections::BTreeMap;

use crate::eval::swebench::statistics::{mcnemar, pass_at_k, pass_hat_k, variance};
use crate::model::bench::{CaseAttempts, PassAt, RunComparison, RunSummary};

/// What changed from one run to the other.
pub(super) fn two(first: &RunSummary, second: &RunSummary) -> RunComparison {
    // Of several attempts the greater part decides.
    let resolved = |run: &RunSummary| -> BTreeMap<String, bool> {
        let cases = attempts(std::slice::from_ref(run)).into_iter();
        cases.map(|case| (case.instance_id, 2 * case.resolved > case.attempts)).collect()
    };
    let (first, second) = (resolved(first), resolved(second));
    let only = |of: &BTreeMap<String, bool>, other: &BTreeMap<String, bool>| -> Vec<String> {
        of.keys().filter(|id| !other.contains_key(*id)).cloned().collect()
    };
    let mut comparison = RunComparison {
        common: 0,
        both: 0,
        neither: 0,
        gained: Vec::new(),
        lost: Vec::new(),
        only_first: only(&first, &second),
        only_second: only(&second, &first),
        p_value: 1.0,
    };
    for (id, before) in &first {
        let Some(after) = second.get(id) else { continue };
        comparison.common += 1;
        match (before, after) {
            (true, true) => comparison.both += 1,
            (false, false) => comparison.neither += 1,
            (false, true) => comparison.gained.push(id.clone()),
            (true, false) => comparison.lost.push(id.clone()),
        }
    }
    comparison.p_value = mcnemar(comparison.gained.len(), comparison.lost.len());
    comparison
}

/// Each instance over all attempts of all runs, as far as they count.
fn attempts(runs: &[RunSummary]) -> Vec<CaseAttempts> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for case in runs.iter().flat_map(|run| &run.cases).filter(|case| !case.left_out) {
        let (attempts, resolved) = counts.entry(&case.instance_id).or_default();
        *attempts += 1;
        *resolved += usize::from(case.resolved());
    }
    let count = |(id, (attempts, resolved)): (&str, (usize, usize))| CaseAttempts {
        instance_id: id.to_owned(),
        attempts,
        resolved,
        variance: variance(attempts, resolved).unwrap_or_default(),
    };
    counts.into_iter().map(count).collect()
}

/// The chances of success within 1, 2, ... attempts, and the instances that differ between runs.
#[expect(clippy::cast_precision_loss, reason = "numbers of cases are small")]
pub(super) fn several(runs: &[RunSummary]) -> (Vec<PassAt>, Vec<CaseAttempts>) {
    let cases = attempts(runs);
    let mean = |of: Vec<f64>| (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64);
    let most = cases.iter().map(|case| case.attempts).max().unwrap_or(0);
    let pass_at = (1..=most).filter_map(|k| {
        let over = |estimate: fn(usize, usize, usize) -> Option<f64>| {
            mean(cases.iter().filter_map(|case| estimate(case.attempts, case.resolved, k)).collect())
        };
        Some(PassAt { k, any: over(pass_at_k)?, all: over(pass_hat_k)? })
    });
    let pass_at = pass_at.collect();
    (pass_at, cases.into_iter().filter(|case| case.variance > 0.0).collect())
}
