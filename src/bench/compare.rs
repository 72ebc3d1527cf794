//! Runs beside each other.

use std::collections::BTreeMap;

use crate::eval::swebench::statistics::{chances, is_done, mcnemar, variance};
use crate::model::bench::{CaseAttempts, PassAt, RunComparison, RunSummary};

/// What changed from one run to the other.
pub(super) fn two(first: &RunSummary, second: &RunSummary) -> RunComparison {
    let resolved = |run: &RunSummary| -> BTreeMap<String, bool> {
        let cases = attempts(std::slice::from_ref(run)).into_iter();
        cases.map(|case| (case.instance_id, is_done(case.attempts, case.resolved))).collect()
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
pub(super) fn several(runs: &[RunSummary]) -> (Vec<PassAt>, Vec<CaseAttempts>) {
    let cases = attempts(runs);
    let counts: Vec<(usize, usize)> = cases.iter().map(|case| (case.attempts, case.resolved)).collect();
    (chances(&counts), cases.into_iter().filter(|case| case.variance > 0.0).collect())
}
