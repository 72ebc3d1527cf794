//! A run's cases, counted.

use std::collections::BTreeMap;

use crate::eval::swebench::statistics::share;
use crate::model::attempt::Validity;
use crate::model::bench::{CaseVerdict, RepoResult, RunSummary};
use crate::model::effort::Effort;

/// Counts. The cases are put in order; names and files are the caller's to fill in.
pub(super) fn summarise(run_id: String, models: Vec<String>, total: usize, mut cases: Vec<CaseVerdict>) -> RunSummary {
    cases.sort_by(|a, b| (&a.instance_id, a.attempt).cmp(&(&b.instance_id, b.attempt)));
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let mut repos: BTreeMap<&str, Vec<&CaseVerdict>> = BTreeMap::new();
    for case in &cases {
        let flawed = case.validity.is_some_and(Validity::is_flaw);
        let outcome = if flawed { format!("{}_not_counted", case.outcome) } else { case.outcome.clone() };
        *outcomes.entry(outcome).or_default() += 1;
        repos.entry(&case.repo).or_default().push(case);
    }
    let counted = |cases: &mut dyn Iterator<Item = &CaseVerdict>| {
        cases
            .filter(|case| !case.left_out)
            .fold((0, 0), |(resolved, submitted), case| (resolved + usize::from(case.resolved()), submitted + 1))
    };
    let mut repos: Vec<_> = repos
        .into_iter()
        .map(|(repo, cases)| {
            let (resolved, submitted) = counted(&mut cases.iter().copied());
            let efforts = || cases.iter().filter_map(|case| case.effort.as_ref());
            RepoResult {
                repo: repo.to_owned(),
                resolved,
                submitted,
                share: share(resolved, submitted),
                effort: efforts().next().map(|_| Effort::of(efforts(), resolved)),
            }
        })
        .collect();
    repos.sort_by(|a, b| b.submitted.cmp(&a.submitted).then_with(|| a.repo.cmp(&b.repo)));
    let (resolved, submitted) = counted(&mut cases.iter());
    RunSummary {
        run_id,
        models,
        harness: None,
        dataset: None,
        dataset_sha256: None,
        divisi: None,
        total,
        submitted,
        resolved,
        share: share(resolved, submitted),
        outcomes,
        repos,
        cases,
        flagged: 0,
        contained: 0,
        effort: None,
        pass_at: Vec::new(),
        unsteady: Vec::new(),
        written: Vec::new(),
    }
}
