//! What came of plans and suites, item by item. Pure.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Papers, root};
use crate::base::hex;
use crate::base::text::{visible, visible_line};
use crate::lsp::plans::why;
use crate::lsp::state::State;
use crate::lsp::uri;
use crate::model::batch::{BatchDetail, BatchState, RunState, RunView};
use crate::model::evaluation::{EvalFinding, Evaluation, EvaluationState, EvaluatorOutcome, EvaluatorResult, Severity};

/// Findings of one item that are told.
const FINDINGS: usize = 50;
/// Characters of what an evaluator says.
const DETAILS: usize = 4_000;

/// A batch or an evaluation, as tests see it now.
#[derive(Debug, PartialEq)]
pub struct Ran {
    /// `batch:ID` or `evaluation:ID`.
    pub key: String,
    /// The file's item.
    pub item: String,
    /// Its name.
    pub label: String,
    /// Whether nothing more happens.
    pub ended: bool,
    /// How its leaves stand.
    pub leaves: BTreeMap<String, Value>,
}

/// The id of an item below another.
pub fn leaf(root: &str, parts: &[&str]) -> String {
    let parts = parts.iter().map(|part| format!("#{}", utf8_percent_encode(part, NON_ALPHANUMERIC)));
    format!("{root}{}", parts.collect::<String>())
}

/// The combinations that leaves of a plan's items mean: `[{"task", "agent"}]`.
pub fn pairs(whole: &Value, chosen: &[String]) -> Value {
    let tasks = whole["children"].as_array().into_iter().flatten();
    let pairs = tasks.flat_map(|task| {
        let agents = task["children"].as_array().into_iter().flatten();
        agents
            .filter(|agent| agent["id"].as_str().is_some_and(|id| chosen.iter().any(|chosen| chosen == id)))
            .map(|agent| json!({ "task": task["label"], "agent": agent["label"] }))
    });
    pairs.collect()
}

/// The ids of the evaluators that leaves of a suite's items mean.
pub fn evaluators(whole: &Value, chosen: &[String]) -> Vec<String> {
    let all = whole["children"].as_array().into_iter().flatten();
    let is = |item: &&Value| item["id"].as_str().is_some_and(|id| chosen.iter().any(|chosen| chosen == id));
    all.filter(is).filter_map(|item| item["label"].as_str().map(str::to_owned)).collect()
}

/// Everything that ran or runs of these files. `parts` are evaluations by a part of a suite, with its file.
pub fn all(state: &State, papers: &Papers, parts: &BTreeMap<String, PathBuf>) -> Vec<Ran> {
    let plans = papers.iter().filter(|(_, paper)| paper.kind == "plan");
    let mut found: Vec<Ran> = plans
        .flat_map(|(path, _)| {
            let of = state.batches.values().filter(move |batch| Path::new(&batch.view.path) == path);
            of.map(move |batch| of_batch(state, path, batch))
        })
        .collect();
    let suites: Vec<(&PathBuf, String)> = papers
        .iter()
        .filter(|(_, paper)| paper.kind == "suite")
        .map(|(path, paper)| (path, hex::encode(&Sha256::digest(&paper.text))))
        .collect();
    for evaluation in state.evaluations.values() {
        let part = parts.get(evaluation.id.as_str());
        let path = part.or_else(|| {
            let same = suites.iter().find(|(_, digest)| *digest == evaluation.digest);
            same.map(|(path, _)| *path)
        });
        if let Some((path, paper)) = path.and_then(|path| Some((path, papers.get(path)?))) {
            found.push(of_evaluation(state, path, &paper.text, evaluation, part.is_some()));
        }
    }
    found
}

fn of_batch(state: &State, path: &Path, batch: &BatchDetail) -> Ran {
    let item = root("plan", path);
    let mut runs: BTreeMap<String, Vec<&RunView>> = BTreeMap::new();
    for run in &batch.runs {
        runs.entry(leaf(&item, &[&run.run.task, &run.run.agent])).or_default().push(run);
    }
    let leaves = runs.into_iter().map(|(leaf, runs)| (leaf, of_runs(state, path, &runs))).collect();
    let label = format!("{} ({})", visible_line(&batch.view.name, 60), batch.view.id);
    let key = format!("batch:{}", batch.view.id);
    Ran { key, item, label, ended: batch.view.state == BatchState::Ended, leaves }
}

/// How the runs of one agent on one task stand together.
fn of_runs(state: &State, plan: &Path, runs: &[&RunView]) -> Value {
    let any = |wanted: RunState| runs.iter().any(|run| run.run.state == wanted);
    let over = runs.iter().all(|run| run.run.state.is_over());
    let word = if !over {
        if runs.iter().all(|run| run.run.state == RunState::Queued) { "queued" } else { "running" }
    } else if any(RunState::Failed) {
        "failed"
    } else if any(RunState::Passed) {
        "passed"
    } else {
        "skipped"
    };
    let mut result = json!({ "state": word, "findings": [] });
    if !over {
        return result;
    }
    let took: i64 = runs.iter().map(|run| run.run.duration(0).max(0)).sum();
    result["durationMs"] = json!(took);
    let bad = runs.iter().filter(|run| run.run.state != RunState::Passed);
    let said: Vec<String> = bad
        .clone()
        .map(|run| format!("#{} {}: {}", run.run.number, visible_line(&run.run.prompt, 60), why(run)))
        .collect();
    if !said.is_empty() {
        result["message"] = json!(said.join("\n"));
    }
    let mut findings = Vec::new();
    for run in bad {
        let Some(session) = run.run.attempts.last().map(|attempt| &attempt.session) else { continue };
        let Some(judged) = state.judged.get(session) else { continue };
        let root = match state.sessions.get(session) {
            Some(view) => PathBuf::from(&view.worktree.path),
            None => plain(&plan.parent().unwrap_or(plan).join(&run.run.repository)),
        };
        for result in judged.results.iter().filter(|result| !result.passed()) {
            findings.extend(result.findings.iter().filter_map(|finding| place(&root, finding)));
        }
    }
    findings.truncate(FINDINGS);
    result["findings"] = json!(findings);
    result
}

fn of_evaluation(state: &State, path: &Path, text: &str, evaluation: &Evaluation, part: bool) -> Ran {
    let item = root("suite", path);
    let view = state.sessions.get(&evaluation.session);
    let tree = view.map(|view| PathBuf::from(&view.worktree.path)).unwrap_or_default();
    let running = evaluation.state == EvaluationState::Running;
    let mut leaves = BTreeMap::new();
    // Of a part only what it has is known, and that only once it was judged.
    if !part {
        for one in crate::lsp::plans::Sketch::of(text).evaluators {
            let word = if running { "running" } else { "skipped" };
            leaves.insert(leaf(&item, &[&one.id]), json!({ "state": word, "findings": [] }));
        }
    }
    for result in &evaluation.results {
        // No item of the file says that: where it decides it is the whole file's. A person who should only look has it as diagnostics.
        let at = match (result.is_of_protected(), result.required) {
            (true, false) => continue,
            (true, true) => item.clone(),
            (false, _) => leaf(&item, &[&result.id]),
        };
        leaves.insert(at, of_result(&tree, result));
    }
    let name = view.map_or_else(|| evaluation.session.to_string(), |view| visible_line(&view.name, 40));
    let label = format!("{} on {name}", visible_line(&evaluation.suite, 60));
    Ran { key: format!("evaluation:{}", evaluation.id), item, label, ended: !running, leaves }
}

fn of_result(tree: &Path, result: &EvaluatorResult) -> Value {
    let (word, why) = match &result.outcome {
        EvaluatorOutcome::Passed => ("passed", None),
        EvaluatorOutcome::Failed => ("failed", None),
        EvaluatorOutcome::Missing { tool } => ("errored", Some(format!("{} is not there", visible_line(tool, 80)))),
        EvaluatorOutcome::TimedOut => ("errored", Some("it did not end in time".to_owned())),
        EvaluatorOutcome::Errored { reason } => ("errored", Some(visible_line(reason, 400))),
        EvaluatorOutcome::Cancelled => ("skipped", None),
    };
    let findings: Vec<Value> =
        result.findings.iter().filter_map(|finding| place(tree, finding)).take(FINDINGS).collect();
    let mut told = json!({ "state": word, "findings": findings, "durationMs": result.duration_ms });
    let details: String = visible(&result.details).chars().take(DETAILS).collect();
    let score = result.score.map(|score| format!("score {score}"));
    let said: Vec<String> = [why, score, Some(details)].into_iter().flatten().filter(|said| !said.is_empty()).collect();
    if !said.is_empty() {
        told["message"] = json!(said.join("\n"));
    }
    told
}

/// A path without steps that lead nowhere.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// A finding at its place; nothing for one that has none.
fn place(tree: &Path, finding: &EvalFinding) -> Option<Value> {
    let file = Path::new(finding.file.as_deref()?);
    let inside = file.components().all(|part| matches!(part, Component::Normal(_)));
    if !inside {
        return None;
    }
    let (line, character) = (finding.line.saturating_sub(1), finding.column.saturating_sub(1));
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "info",
    };
    Some(json!({
        "uri": uri::from_path(&tree.join(file)), "message": visible(&finding.message), "severity": severity,
        "range": { "start": { "line": line, "character": character }, "end": { "line": line, "character": character } },
    }))
}

#[cfg(test)]
mod tests;
