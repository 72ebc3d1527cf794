//! Runs in divisi's state directory, to be looked at while they go on and afterwards.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path};
use std::time::UNIX_EPOCH;

use serde_json::Value;

use super::grade::RECORD;
use super::{record, runs};
use crate::eval::swebench::statistics::share;
use crate::model::Refusal;
use crate::model::attempt::Attempted;
use crate::model::bench::{CaseVerdict, RunSummary};
use crate::model::bench_view::{Artefact, BenchCase, BenchRun, BenchRunDetail};

/// So much of the end of a log is shown.
const SHOWN: u64 = 4 * 1024 * 1024;

/// The runs in a directory of runs, the newest first. One that cannot be read is left out.
pub fn list(directory: &Path) -> Vec<BenchRun> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<BenchRun> = entries
        .filter(|path| path.join("run.json").is_file() || path.join(RECORD).is_file())
        .filter_map(|path| open(&path).ok())
        .map(|detail| detail.run)
        .collect();
    found.sort_by(|a, b| b.begun_at.cmp(&a.begun_at).then_with(|| a.id.cmp(&b.id)));
    found
}

/// A run with its cases: the directory of a run, or what `divisi bench report` takes.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn open(path: &Path) -> Result<BenchRunDetail, Refusal> {
    if path.join("run.json").is_file() || path.join("results.jsonl").is_file() { own(path) } else { graded(path) }
}

fn own(path: &Path) -> Result<BenchRunDetail, Refusal> {
    let results = record::read(path).map_err(Refusal::environment)?;
    let about: Value = fs::read(path.join("run.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or(Value::Null);
    let counted = results.iter().filter(|result| result.outcome.counts()).count();
    let cases: Vec<BenchCase> = results.iter().map(attempted).collect();
    let resolved = cases.iter().filter(|case| case.resolved).count();
    let costs: Vec<i64> = cases.iter().filter_map(|case| case.cost_micros).collect();
    let used = results.iter().filter_map(|result| result.usage.as_ref());
    let run = BenchRun {
        id: name(path),
        path: path.to_owned(),
        suite: about["suite"].as_str().unwrap_or_default().to_owned(),
        contestants: results
            .iter()
            .map(|result| result.contestant.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        begun_at: changed_at(&path.join("run.json")),
        newest_at: results.iter().map(|result| result.at).max(),
        attempts: cases.len(),
        counted,
        resolved,
        share: share(resolved, counted),
        cost_micros: (!costs.is_empty()).then(|| costs.iter().sum()),
        cost_partial: used.clone().count() > costs.len() || used.clone().any(|usage| usage.cost_partial),
    };
    Ok(BenchRunDetail { run, cases })
}

fn attempted(result: &Attempted) -> BenchCase {
    BenchCase {
        case: result.case.clone(),
        group: result.group.clone(),
        contestant: result.contestant.clone(),
        attempt: result.attempt,
        outcome: result.outcome.word().to_owned(),
        why: result.outcome.why().map(str::to_owned),
        resolved: result.outcome == crate::model::attempt::Outcome::Resolved,
        counts: result.outcome.counts(),
        took_ms: Some(result.prepare_ms.saturating_add(result.agent_ms).saturating_add(result.test_ms)),
        iterations: result.iterations,
        cost_micros: result.usage.as_ref().and_then(|usage| usage.cost_micros),
        session: result.session.clone(),
        artefacts: Some(result.artefacts.clone()),
    }
}

fn graded(path: &Path) -> Result<BenchRunDetail, Refusal> {
    let RunSummary { run_id, models, submitted, resolved, share, cases, dataset, .. } = runs::read(path)?;
    let cases: Vec<BenchCase> = cases.into_iter().map(|case| verdict(case, models.first())).collect();
    let run = BenchRun {
        id: name(path),
        path: path.to_owned(),
        suite: dataset.unwrap_or(run_id),
        contestants: models,
        begun_at: changed_at(path),
        newest_at: None,
        attempts: submitted,
        counted: submitted,
        resolved,
        share,
        cost_micros: None,
        cost_partial: false,
    };
    Ok(BenchRunDetail { run, cases })
}

fn verdict(case: CaseVerdict, model: Option<&String>) -> BenchCase {
    let counts = !matches!(case.outcome.as_str(), "infrastructure" | "cancelled" | "error");
    BenchCase {
        resolved: case.resolved(),
        case: case.instance_id,
        group: case.repo,
        contestant: model.cloned().unwrap_or_default(),
        attempt: 1,
        outcome: case.outcome.replace('_', " "),
        why: case.reason,
        counts,
        took_ms: None,
        iterations: 0,
        cost_micros: None,
        session: None,
        artefacts: None,
    }
}

/// What is kept of an attempt: its patch, or the end of what its tests printed.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn artefact(run: &Path, directory: &str, which: Artefact) -> Result<String, Refusal> {
    let relative = Path::new(directory);
    // A run may come from another machine: it names nothing outside of itself.
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(Refusal::user("the run's record names a place outside of the run"));
    }
    let path = run.join(relative).join(match which {
        Artefact::Patch => "patch.diff",
        Artefact::Log => "test_output.txt",
    });
    let read = || -> std::io::Result<String> {
        let mut file = File::open(&path)?;
        let length = file.metadata()?.len();
        if length > SHOWN && which == Artefact::Log {
            file.seek(SeekFrom::Start(length - SHOWN))?;
        }
        let mut bytes = Vec::new();
        file.take(SHOWN).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().map_err(|error| Refusal::user(format!("failed to read {}: {error}", path.display())))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// When a file was written, milliseconds since the epoch; 0: nobody knows.
fn changed_at(path: &Path) -> i64 {
    let changed = fs::metadata(path).and_then(|about| about.modified()).ok();
    let since = changed.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
