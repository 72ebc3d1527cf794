//! Runs as they lie on disk: our own record, the harness' report of a run, or its tree of reports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::grade::RECORD;
use super::{files, logs, own_runs, summary};
use crate::eval::swebench::{InstanceReport, Resolution, RunReport};
use crate::model::Refusal;
use crate::model::bench::{CaseVerdict, Expected, RunSummary};

/// Reads a run.
///
/// # Errors
/// When there is none, or it cannot be read.
pub(super) fn read(path: &Path) -> Result<RunSummary, Refusal> {
    if path.is_dir() { directory(path) } else { file(path) }
}

fn unreadable(path: &Path, why: impl std::fmt::Display) -> Refusal {
    Refusal::user(format!("failed to read the run {}: {why}", path.display())).hint(
        "a run is the directory of a divisi bench run, what divisi bench grade --out wrote, a report MODEL.RUN.json, or a folder logs/run_evaluation/RUN of the harness",
    )
}

fn file(path: &Path) -> Result<RunSummary, Refusal> {
    let bytes = files::read(path).map_err(|error| unreadable(path, error))?;
    if let Ok(mut record) = serde_json::from_slice::<RunSummary>(&bytes) {
        record.written.clear();
        return Ok(record);
    }
    let report: RunReport = serde_json::from_slice(&bytes).map_err(|error| unreadable(path, error))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (model, run_id) =
        stem.rsplit_once('.').map_or((String::new(), stem.clone()), |(model, run)| (model.to_owned(), run.to_owned()));
    let models = Some(model).filter(|model| !model.is_empty()).into_iter().collect();
    Ok(summary::summarise(run_id, models, report.total_instances, cases(&report)))
}

/// What the harness' report tells of each instance.
fn cases(report: &RunReport) -> Vec<CaseVerdict> {
    // An instance can be completed and an error, and then the error counts.
    let buckets = [
        ("resolved", &report.resolved_ids),
        ("unresolved", &report.unresolved_ids),
        ("empty_patch", &report.empty_patch_ids),
        ("error", &report.error_ids),
    ];
    let by_id: BTreeMap<&String, &str> =
        buckets.into_iter().flat_map(|(outcome, ids)| ids.iter().map(move |id| (id, outcome))).collect();
    let verdict = |(id, outcome): (&String, &str)| CaseVerdict {
        reason: report.failure_reasons.as_ref().and_then(|reasons| reasons.get(id)).cloned(),
        ..bare(id, outcome)
    };
    by_id.into_iter().map(verdict).collect()
}

pub(super) fn bare(id: &str, outcome: &str) -> CaseVerdict {
    CaseVerdict {
        instance_id: id.to_owned(),
        repo: repo_of(id),
        outcome: outcome.to_owned(),
        reason: None,
        fail_to_pass: None,
        pass_to_pass: None,
        attempt: 1,
        left_out: false,
        validity: None,
        effort: None,
        artefacts: None,
    }
}

/// The project in an id like `owner__repo-12`.
fn repo_of(id: &str) -> String {
    id.rsplit_once('-').map_or(id, |(repo, _)| repo).replacen("__", "/", 1)
}

fn directory(path: &Path) -> Result<RunSummary, Refusal> {
    if own_runs::is_one(path) {
        return own_runs::read(path);
    }
    let record = path.join(RECORD);
    if record.is_file() {
        return file(&record);
    }
    let tree = path.join(logs::TREE);
    if tree.is_dir() {
        let mut runs = folders(&tree)?;
        return match (runs.pop(), runs.len()) {
            (Some(run), 0) => directory(&run),
            (None, _) => Err(unreadable(path, "there is no run in it")),
            (Some(_), more) => Err(unreadable(path, format!("there are {} runs in it", more + 1))),
        };
    }
    reports(path)
}

fn folders(path: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let entries = std::fs::read_dir(path).map_err(|error| unreadable(path, error))?;
    let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}

/// `<model>/<instance>/report.json`
fn reports(run: &Path) -> Result<RunSummary, Refusal> {
    let mut models = BTreeSet::new();
    let mut cases = BTreeMap::new();
    for model in folders(run)? {
        for instance in folders(&model)? {
            let id = instance.file_name().unwrap_or_default().to_string_lossy().into_owned();
            models.insert(model.file_name().unwrap_or_default().to_string_lossy().into_owned());
            cases.insert(id.clone(), case(&id, &instance.join("report.json")));
        }
    }
    if cases.is_empty() {
        return Err(unreadable(run, "there are no instances in it"));
    }
    let total = cases.len();
    Ok(summary::summarise(logs::run_name(run), models.into_iter().collect(), total, cases.into_values().collect()))
}

/// One without a report that can be read is an error, as for the harness.
fn case(id: &str, report: &Path) -> CaseVerdict {
    let read = files::read(report)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<BTreeMap<String, InstanceReport>>(&bytes).ok());
    let Some(report) = read.and_then(|mut reports| reports.remove(id)) else { return bare(id, "error") };
    let tests = report.tests_status.as_ref();
    let outcome = match tests.map(crate::eval::swebench::TestsStatus::resolution) {
        _ if report.resolved => "resolved",
        _ if report.patch_is_none => "empty_patch",
        Some(Resolution::Partial) => "partial",
        Some(_) => "unresolved",
        None => "not_gradable",
    };
    let expected = |cases: &crate::eval::swebench::Cases| Expected { passed: cases.success.len(), total: cases.len() };
    CaseVerdict {
        reason: report.infra_failure_reason.clone(),
        fail_to_pass: tests.map(|tests| expected(&tests.fail_to_pass)),
        pass_to_pass: tests.map(|tests| expected(&tests.pass_to_pass)),
        ..bare(id, outcome)
    }
}
