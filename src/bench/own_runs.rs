//! Runs of `divisi bench run` as they are reported: an attempt is a line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::{compare, logs, record, summary};
use crate::base::text::visible;
use crate::eval::case::is_inside;
use crate::model::Refusal;
use crate::model::attempt::{Attempted, Validity};
use crate::model::bench::{CaseVerdict, Excerpt, RunSummary};
use crate::model::effort::{CaseEffort, Effort};

/// Whether a directory is one of those.
pub(super) fn is_one(path: &Path) -> bool {
    path.join(record::FILE).is_file() && path.join(record::RESULTS).is_file()
}

/// Reads one. Nothing in it depends on where it lies.
///
/// # Errors
/// When it cannot be read, or is of a validation, which is two runs in one.
pub(super) fn read(path: &Path) -> Result<RunSummary, Refusal> {
    let unreadable = |why: String| Refusal::user(format!("failed to read the run {}: {why}", path.display()));
    let record = record::load(path).map_err(unreadable)?;
    let results = record::read(path).map_err(unreadable)?;
    let contestants: BTreeSet<&str> = results.iter().map(|result| result.contestant.as_str()).collect();
    if contestants.len() > 1 {
        let names: Vec<&str> = contestants.into_iter().collect();
        return Err(unreadable(format!("it has results of {}", names.join(" and ")))
            .hint("a validation is told by divisi bench validate --out DIRECTORY"));
    }
    let models = contestants.into_iter().map(str::to_owned).collect();
    let cases: Vec<CaseVerdict> = results.iter().map(verdict).collect();
    let ids: BTreeSet<&str> = cases.iter().map(|case| case.instance_id.as_str()).collect();
    let total = ids.len().max(record.cases.len());
    let mut run = summary::summarise(logs::run_name(path), models, total, cases);
    run.dataset = Some(record.suite);
    run.divisi = Some(record.divisi);
    run.flagged = run.cases.iter().filter(|case| case.validity.is_some_and(Validity::is_flaw)).count();
    run.contained = results.iter().filter(|result| result.image.is_some()).count();
    let mut tools: BTreeMap<String, u64> = BTreeMap::new();
    for (tool, count) in results.iter().flat_map(|result| &result.tools) {
        *tools.entry(tool.clone()).or_default() += u64::from(*count);
    }
    // Money that was spent on what does not count was spent all the same.
    let efforts = run.cases.iter().filter_map(|case| case.effort.as_ref());
    run.effort = Some(Effort { tools, ..Effort::of(efforts, run.resolved) });
    if run.cases.iter().any(|case| case.attempt > 1) {
        (run.pass_at, run.unsteady) = compare::several(std::slice::from_ref(&run));
    }
    Ok(run)
}

fn verdict(result: &Attempted) -> CaseVerdict {
    let tokens = result.usage.as_ref().map(|usage| usage.tokens().into_iter().fold(0, u64::saturating_add));
    CaseVerdict {
        instance_id: result.case.clone(),
        repo: result.group.clone(),
        outcome: result.outcome.word().replace(' ', "_"),
        reason: result.outcome.why().map(str::to_owned),
        fail_to_pass: None,
        pass_to_pass: None,
        attempt: result.attempt,
        left_out: !result.counts(),
        validity: result.validity,
        effort: Some(CaseEffort {
            iterations: result.iterations,
            tools: result.tools.values().fold(0, |sum, count| sum.saturating_add(*count)),
            prepare_ms: result.prepare_ms,
            agent_ms: result.agent_ms,
            test_ms: result.test_ms,
            tokens,
            // Nobody's work costs nothing.
            cost_micros: match &result.usage {
                Some(usage) => usage.cost_micros,
                None => result.session.is_none().then_some(0),
            },
        }),
        artefacts: Some(result.artefacts.clone()),
    }
}

/// The patch of an attempt and the end of what its tests said, each at most so long; empty where there is nothing.
pub fn excerpt(run: &Path, artefacts: &str, room: usize) -> Excerpt {
    // The run may be a stranger's.
    if !is_inside(artefacts) {
        return Excerpt::default();
    }
    let read = |name: &str| {
        let bytes = fs::read(run.join(artefacts).join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (patch, said) = (read("patch.diff"), read("test_output.txt"));
    let first = (0..=room.min(patch.len())).rev().find(|at| patch.is_char_boundary(*at)).unwrap_or(0);
    let last = (said.len().saturating_sub(room)..=said.len()).find(|at| said.is_char_boundary(*at)).unwrap_or(0);
    let cut = |is_cut: bool| if is_cut { "[cut]\n" } else { "" };
    Excerpt {
        patch: visible(&format!("{}{}", &patch[..first], cut(first < patch.len()))),
        said: visible(&format!("{}{}", cut(last > 0), &said[last..])),
    }
}
