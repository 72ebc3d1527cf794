//! Grades saved logs and writes the tree of reports that the harness writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest as _, Sha256};

use super::logs::{self, Logs};
use super::{files, runs, summary};
use crate::base::atomic_write::atomic_write;
use crate::base::{clock, date, hex};
use crate::eval::swebench::{
    Cases, Classification, Compat, Filed, Instance, InstanceReport, Outcome, Prediction, RunReport, classify,
    grade as grade_log, model_directory, run_metadata, text,
};
use crate::model::Refusal;
use crate::model::bench::{CaseVerdict, Expected, GradeLogs, Harness, RunSummary};

/// The name of our own record of a run, beside the harness' files.
pub(super) const RECORD: &str = "divisi.json";

/// A prediction with what its log says.
struct Judged<'a> {
    prediction: &'a Prediction,
    instance: &'a Instance,
    outcome: Outcome,
    report: Option<InstanceReport>,
    sign: Option<Classification>,
}

/// Grades every prediction whose instance is chosen.
///
/// # Errors
/// When something cannot be read or written.
pub fn grade(request: &GradeLogs) -> Result<RunSummary, Refusal> {
    let compat = match request.harness {
        Harness::V4 => Compat::V4,
        Harness::V5 => Compat::V5,
    };
    let (dataset, bytes) = files::dataset(&request.dataset)?;
    let chosen = files::choose(&dataset, &request.chosen)?;
    let mut predictions = files::predictions(&request.predictions, &dataset)?;
    let instances: BTreeMap<&str, &Instance> =
        chosen.iter().map(|instance| (&*instance.instance_id, *instance)).collect();
    predictions.retain(|prediction| instances.contains_key(&*prediction.instance_id));
    if predictions.is_empty() {
        return Err(Refusal::user("failed to grade: no prediction is for a chosen instance"));
    }
    if !request.logs.is_dir() {
        return Err(Refusal::user(format!("failed to grade: {} is no folder of logs", request.logs.display())));
    }
    let run_id = request.run_id.clone().unwrap_or_else(|| logs::run_name(&request.logs));
    let wanted: Vec<_> =
        predictions.iter().map(|prediction| (prediction, instances[&*prediction.instance_id])).collect();
    let judged = all(&wanted, |(prediction, instance)| judge(request, &run_id, prediction, instance, compat))?;

    let models: BTreeSet<_> = predictions.iter().map(|prediction| prediction.model_name_or_path.clone()).collect();
    let cases = judged.iter().map(verdict).collect();
    let mut summary = summary::summarise(run_id.clone(), models.into_iter().collect(), chosen.len(), cases);
    summary.harness = Some(request.harness);
    summary.dataset = request.dataset.file_name().map(|name| name.to_string_lossy().into_owned());
    summary.dataset_sha256 = Some(hex::encode(&Sha256::digest(&bytes)));
    summary.divisi = Some(env!("CARGO_PKG_VERSION").to_owned());
    if let Some(out) = &request.out {
        let by_id: BTreeMap<&str, &Judged<'_>> =
            judged.iter().map(|judged| (&*judged.prediction.instance_id, judged)).collect();
        let report =
            RunReport::new(compat, chosen.iter().map(|instance| &*instance.instance_id), &predictions, |prediction| {
                let judged = by_id[&*prediction.instance_id];
                let filed = judged.report.as_ref().map(|report| Filed::Verdict { resolved: report.resolved });
                (filed.unwrap_or(Filed::Missing), judged.sign)
            });
        write(out, request, &mut summary, &judged, &report)?;
    }
    Ok(summary)
}

/// Does it for all, on as many threads as there are processors; the results are in order.
fn all<'a, T: Sync, R: Send>(
    of: &'a [T],
    work: impl Fn(&'a T) -> Result<R, Refusal> + Sync,
) -> Result<Vec<R>, Refusal> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        while let Some((at, one)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, of.get(at)?))) {
            done.push((at, work(one)));
        }
        done
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(of.len().max(1));
    let mut done: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        started.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Result<Vec<_>, _>>()
    })
    .map_err(|_| Refusal::internal("a log could not be graded: a bug in divisi"))?
    .into_iter()
    .flatten()
    .collect();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn judge<'a>(
    request: &GradeLogs,
    run_id: &str,
    prediction: &'a Prediction,
    instance: &'a Instance,
    compat: Compat,
) -> Result<Judged<'a>, Refusal> {
    let judged = |outcome, report, sign| Judged { prediction, instance, outcome, report, sign };
    if prediction.is_empty() {
        return Ok(judged(Outcome::EmptyPatch, None, None));
    }
    let Logs { output, instance: run } = logs::find(&request.logs, run_id, prediction)?;
    let run = run.as_deref().map(text);
    let Some(output) = output else {
        let applied = run.as_deref().is_none_or(|run| !run.contains(">>>>> Patch Apply Failed"));
        let missing = || Outcome::Infrastructure { reason: "no_log".to_owned() };
        let outcome = if applied { missing() } else { Outcome::ApplyFailed };
        return Ok(judged(outcome, None, run.as_deref().and_then(classify)));
    };
    let output = text(&output);
    // The harness looks for signs in both logs together.
    let sign = match &run {
        Some(run) => classify(&format!("{output}\n{run}")),
        None => classify(&output),
    };
    Ok(match grade_log(instance, prediction.model_patch.as_deref(), &output, compat) {
        Ok(graded) => judged(graded.outcome, Some(graded.report), sign),
        Err(fault) => judged(Outcome::Infrastructure { reason: fault.to_string() }, None, sign),
    })
}

fn verdict(judged: &Judged<'_>) -> CaseVerdict {
    let tests = judged.report.as_ref().and_then(|report| report.tests_status.as_ref());
    let expected = |cases: &Cases| Expected { passed: cases.success.len(), total: cases.len() };
    CaseVerdict {
        repo: judged.instance.repo.clone(),
        reason: judged.outcome.reason().map(str::to_owned),
        fail_to_pass: tests.map(|tests| expected(&tests.fail_to_pass)),
        pass_to_pass: tests.map(|tests| expected(&tests.pass_to_pass)),
        ..runs::bare(&judged.instance.instance_id, judged.outcome.name())
    }
}

fn write(
    out: &Path,
    request: &GradeLogs,
    summary: &mut RunSummary,
    judged: &[Judged<'_>],
    report: &RunReport,
) -> Result<(), Refusal> {
    let failed = |path: &Path, error: &std::io::Error| {
        Refusal::environment(format!("failed to write {}: {error}", path.display()))
    };
    let save = |path: &Path, text: &str| atomic_write(path, text.as_bytes()).map_err(|error| failed(path, &error));
    // Every name is looked at before anything is written.
    let run = logs::inside(&out.join(logs::TREE), &[&summary.run_id])?;
    let directory = |judged: &Judged<'_>| {
        let model = model_directory(&judged.prediction.model_name_or_path);
        logs::inside(&run, &[&model, &judged.prediction.instance_id])
    };
    let directories = judged.iter().map(directory).collect::<Result<Vec<_>, _>>()?;
    for (judged, directory) in judged.iter().zip(&directories) {
        let Some(report) = &judged.report else { continue };
        std::fs::create_dir_all(directory).map_err(|error| failed(directory, &error))?;
        let path = directory.join("report.json");
        // They are made anew from the logs at will: not worth waiting for the disk a thousand times.
        std::fs::write(&path, report.file(&judged.prediction.instance_id)).map_err(|error| failed(&path, &error))?;
    }
    std::fs::create_dir_all(&run).map_err(|error| failed(&run, &error))?;
    // The harness names the file after the first prediction's model.
    let model = judged.first().map_or("None", |judged| &*judged.prediction.model_name_or_path);
    let path = logs::inside(out, &[&RunReport::file_name(model, &summary.run_id)])?;
    save(&path, &report.file())?;
    let mut written = vec![path.display().to_string(), run.display().to_string()];
    if request.harness == Harness::V5 {
        save(&run.join("run.json"), &run_metadata(&request.dataset.to_string_lossy(), &now()))?;
    }
    summary.written.append(&mut written);
    let record = serde_json::to_string_pretty(&summary)
        .map_err(|error| Refusal::internal(format!("failed to write the record of the run: {error}")))?;
    save(&run.join(RECORD), &(record + "\n"))
}

/// `2026-11-21T05:52:45+00:00`
fn now() -> String {
    let now = clock::now();
    let minute = date::minute(now).replace(' ', "T");
    format!("{}:{:02}+00:00", minute.trim_end_matches("TUTC"), now / 1000 % 60)
}
