//! A run's cases, counted.

use std::collections::BTreeMap;

use crate::eval::swebench::statistics::wilson;
use crate::model::bench::{CaseVerdict, RepoResult, RunSummary, Share};

/// Counts. The cases are put in order; names and files are the caller's to fill in.
pub(super) fn summarise(run_id: String, models: Vec<String>, total: usize, mut cases: Vec<CaseVerdict>) -> RunSummary {
    cases.sort_by(|a, b| a.instance_id.cmp(&b.instance_id));
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let mut repos: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for case in &cases {
        *outcomes.entry(case.outcome.clone()).or_default() += 1;
        let (resolved, submitted) = repos.entry(&case.repo).or_default();
        *resolved += usize::from(case.resolved());
        *submitted += 1;
    }
    let mut repos: Vec<_> = repos
        .into_iter()
        .map(|(repo, (resolved, submitted))| RepoResult {
            repo: repo.to_owned(),
            resolved,
            submitted,
            share: share(resolved, submitted),
        })
        .collect();
    repos.sort_by(|a, b| b.submitted.cmp(&a.submitted).then_with(|| a.repo.cmp(&b.repo)));
    let resolved = cases.iter().filter(|case| case.resolved()).count();
    RunSummary {
        run_id,
        models,
        harness: None,
        dataset: None,
        dataset_sha256: None,
        divisi: None,
        total,
        submitted: cases.len(),
        resolved,
        share: share(resolved, cases.len()),
        outcomes,
        repos,
        cases,
        written: Vec::new(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of cases are small")]
pub(super) fn share(successes: usize, total: usize) -> Option<Share> {
    let interval = wilson(successes, total)?;
    Some(Share { share: successes as f64 / total as f64, low: interval.low, high: interval.high })
}
