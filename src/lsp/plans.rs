//! What stands where in a plan or a suite, and what its newest batch or evaluation has to say there: lenses and diagnostics. Pure.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use gen_lsp_types::{Diagnostic, DiagnosticSeverity};
use serde_json::{Value, json};

use super::batch_page::{counted, money};
use super::diagnostics::diagnostic;
use super::own::Lens;
use super::own::yaml::scan::{Entry, Scan, Step, scan};
use super::state::State;
use crate::base::text::visible_line;
use crate::model::batch::{AttemptOutcome, BatchDetail, BatchState, RunState, RunView};
use crate::model::evaluation::EvaluationState;

/// Runs that are told at a task's line.
const RUNS: usize = 5;
/// Sessions that a suite is offered for over its file.
const SESSIONS: usize = 3;

/// An item of a list of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Where the id's key stands, bytes.
    pub span: Range<usize>,
    /// That line, zero-based.
    pub line: u32,
}

/// A plan or a suite as far as a face needs it, also when it is half written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Its name.
    pub name: Option<String>,
    /// A plan's agents.
    pub agents: Vec<Named>,
    /// A plan's tasks.
    pub tasks: Vec<Named>,
    /// A suite's evaluators.
    pub evaluators: Vec<Named>,
    /// The line of a plan's budget.
    pub budget: Option<u32>,
    include: Vec<[Option<String>; 3]>,
    exclude: Vec<[Option<String>; 3]>,
}

impl Sketch {
    /// Of a text.
    pub fn of(text: &str) -> Self {
        let read = scan(text, 0);
        let line = |at: usize| u32::try_from(text[..at].matches('\n').count()).unwrap_or(u32::MAX);
        let name = read.value(&[key("metadata")], "name").or_else(|| read.value(&[], "name"));
        let budget = read.entries.iter().find(|entry| entry.key == "budget" && entry.path == [key("execution")]);
        Self {
            name: name.filter(|name| !name.is_empty()).map(|name| visible_line(name, 80)),
            agents: named(&read, "agents", &line),
            tasks: named(&read, "tasks", &line),
            evaluators: named(&read, "evaluators", &line),
            budget: budget.map(|entry| line(entry.span.start)),
            include: selectors(&read, "include"),
            exclude: selectors(&read, "exclude"),
        }
    }

    /// Whether a plan has runs of an agent on a task.
    pub fn runs(&self, task: &str, agent: &str) -> bool {
        let fits = |selector: &[Option<String>; 3]| {
            selector[0].as_deref().is_none_or(|word| word == agent)
                && selector[1].as_deref().is_none_or(|word| word == task)
        };
        let whole = |selector: &[Option<String>; 3]| selector[2].is_none();
        (self.include.is_empty() || self.include.iter().any(fits))
            && !self.exclude.iter().any(|selector| whole(selector) && fits(selector))
    }
}

fn key(name: &str) -> Step {
    Step::Key(name.to_owned())
}

fn named(read: &Scan, list: &str, line: &dyn Fn(usize) -> u32) -> Vec<Named> {
    let is = |entry: &&Entry| {
        entry.key == "id"
            && !entry.value.is_empty()
            && matches!(entry.path.as_slice(), [Step::Key(name), Step::Item(_)] if name == list)
    };
    let named =
        |entry: &Entry| Named { id: entry.value.clone(), span: entry.span.clone(), line: line(entry.span.start) };
    read.entries.iter().filter(is).map(named).collect()
}

/// Agent, task, and whether it is about less than both.
fn selectors(read: &Scan, list: &str) -> Vec<[Option<String>; 3]> {
    let mut found: Vec<[Option<String>; 3]> = Vec::new();
    let mut before = None;
    for entry in &read.entries {
        let [Step::Key(matrix), Step::Key(which), Step::Item(number)] = entry.path.as_slice() else { continue };
        if matrix != "matrix" || which != list {
            continue;
        }
        if before != Some(*number) {
            found.push([None, None, None]);
            before = Some(*number);
        }
        let at = match entry.key.as_str() {
            "agent" => 0,
            "task" => 1,
            _ => 2,
        };
        if let Some(selector) = found.last_mut() {
            selector[at] = Some(entry.value.clone());
        }
    }
    found
}

/// The newest batch of a plan's file.
pub fn newest<'a>(state: &'a State, path: &Path) -> Option<&'a BatchDetail> {
    let of = state.batches.values().filter(|batch| Path::new(&batch.view.path) == path);
    of.max_by_key(|batch| batch.view.created_at)
}

/// What a batch comes to on one line.
pub fn standing(batch: &BatchDetail) -> String {
    let view = &batch.view;
    let state = match view.state {
        BatchState::Active => "runs",
        BatchState::Paused => "paused",
        BatchState::Cancelling => "is being cancelled",
        BatchState::Ended => "ended",
    };
    let spent = money(view.spend).map_or_else(String::new, |spent| format!(", {spent}"));
    format!("{state}: {}{spent}", counted(view.counts))
}

/// Lenses over a plan.
pub fn over_plan(state: &State, path: &Path, text: &str) -> Vec<Lens> {
    let sketch = Sketch::of(text);
    let lens = |title: String, command, argument: Value| Lens { line: 0, title, command, argument };
    let here = json!({ "path": path.to_string_lossy() });
    let Some(batch) = newest(state, path) else {
        return vec![lens("▶ run batch".to_owned(), "divisi.batch.run", here)];
    };
    let id = json!({ "batch": batch.view.id });
    let mut lenses = Vec::new();
    if batch.view.state == BatchState::Ended {
        lenses.push(lens("▶ run batch".to_owned(), "divisi.batch.run", here));
    }
    lenses.push(lens(standing(batch), "divisi.batch.open", id.clone()));
    match batch.view.state {
        BatchState::Active => lenses.push(lens("pause".to_owned(), "divisi.batch.pause", id.clone())),
        BatchState::Paused => lenses.push(lens("resume".to_owned(), "divisi.batch.resume", id.clone())),
        _ => {}
    }
    if matches!(batch.view.state, BatchState::Active | BatchState::Paused) {
        lenses.push(lens("cancel".to_owned(), "divisi.batch.cancel", id.clone()));
    }
    if batch.runs.iter().any(|run| is_bad(run.run.state)) {
        lenses.push(lens("run again what did not pass".to_owned(), "divisi.batch.retry", id.clone()));
    }
    if batch.view.state == BatchState::Ended {
        lenses.push(lens("report".to_owned(), "divisi.batch.export", id.clone()));
    }
    for task in &sketch.tasks {
        let mut counts = crate::model::batch::RunCounts::default();
        for run in batch.runs.iter().filter(|run| run.run.task == task.id) {
            let one = crate::model::batch::RunCounts::of(std::slice::from_ref(&run.run));
            counts = add(counts, one);
        }
        if counts.total() > 0 {
            lenses.push(Lens {
                line: task.line,
                title: counted(counts),
                command: "divisi.batch.open",
                argument: id.clone(),
            });
        }
    }
    lenses
}

fn add(one: crate::model::batch::RunCounts, other: crate::model::batch::RunCounts) -> crate::model::batch::RunCounts {
    crate::model::batch::RunCounts {
        queued: one.queued + other.queued,
        running: one.running + other.running,
        passed: one.passed + other.passed,
        failed: one.failed + other.failed,
        cancelled: one.cancelled + other.cancelled,
        skipped: one.skipped + other.skipped,
    }
}

fn is_bad(state: RunState) -> bool {
    matches!(state, RunState::Failed | RunState::Cancelled | RunState::Skipped)
}

/// Lenses over a suite: on which session it is to judge, and what the newest evaluation by it says.
pub fn over_suite(state: &State, path: &Path, digest: &str, folders: &[std::path::PathBuf]) -> Vec<Lens> {
    let lens = |title: String, command, argument: Value| Lens { line: 0, title, command, argument };
    let path = path.to_string_lossy();
    let all = state.sorted().into_iter().filter(|view| State::concerns(view, folders)).collect::<Vec<_>>();
    let mut lenses = vec![lens("▶ run suite ...".to_owned(), "divisi.eval", json!({ "path": path }))];
    for view in all.iter().filter(|view| view.state.at_rest()).take(SESSIONS) {
        let title = format!("▶ on {}", visible_line(&view.name, 30));
        lenses.push(lens(title, "divisi.eval", json!({ "session": view.id, "path": path })));
    }
    for view in &all {
        let Some(newest) = view.evaluation.as_ref().filter(|newest| newest.digest == digest) else { continue };
        let name = visible_line(&view.name, 30);
        let session = json!({ "session": view.id });
        if newest.state == EvaluationState::Running {
            let title = format!("{name}: {} of {} evaluators ended", newest.ended, newest.evaluators);
            lenses.push(lens(title, "divisi.eval.list", session.clone()));
            lenses.push(lens("cancel".to_owned(), "divisi.eval.cancel", session));
        } else {
            let words = if newest.passed { "passed" } else { "did not pass" };
            let score = newest.score.map_or_else(String::new, |score| format!(", score {score}"));
            lenses.push(lens(format!("{name}: {words}{score}"), "divisi.eval.list", session));
        }
    }
    lenses
}

/// What a plan's newest batch leaves to do, at its lines: runs that failed, a budget that is used up.
pub fn diagnostics(state: &State, path: &Path, text: &str) -> Vec<Diagnostic> {
    let Some(batch) = newest(state, path).filter(|batch| !state.dismissed.contains(&batch.view.id)) else {
        return Vec::new();
    };
    let sketch = Sketch::of(text);
    let mut found = Vec::new();
    for task in &sketch.tasks {
        let failed: Vec<&RunView> =
            batch.runs.iter().filter(|run| run.run.task == task.id && run.run.state == RunState::Failed).collect();
        if failed.is_empty() {
            continue;
        }
        let mut message = format!("{}: {} failed", visible_line(&task.id, 60), runs(failed.len()));
        for run in failed.iter().take(RUNS) {
            // Writing to a String cannot fail.
            let _ = write!(message, "\n#{} {}: {}", run.run.number, visible_line(&run.run.agent, 40), why(run));
        }
        if failed.len() > RUNS {
            let _ = write!(message, "\nand {} more", failed.len() - RUNS);
        }
        let mut told = diagnostic((task.line, task.line), DiagnosticSeverity::Warning, "run-failed", message);
        let numbers: Vec<u32> = failed.iter().map(|run| run.run.number).collect();
        told.data = Some(json!({ "batch": batch.view.id, "runs": numbers }));
        found.push(told);
    }
    if let Some(words) = over_budget(batch) {
        let line = sketch.budget.unwrap_or(0);
        let mut told = diagnostic((line, line), DiagnosticSeverity::Warning, "budget", words);
        told.data = Some(json!({ "batch": batch.view.id }));
        found.push(told);
    }
    found
}

fn runs(count: usize) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

/// Why a run did not pass, one line.
pub fn why(run: &RunView) -> String {
    let attempt = run.run.attempts.last();
    let words = run.run.reason.as_deref().or_else(|| attempt.and_then(|attempt| attempt.reason.as_deref()));
    let outcome = attempt.and_then(|attempt| attempt.outcome).map_or("failed", AttemptOutcome::words);
    visible_line(words.unwrap_or(outcome), 200)
}

/// What a batch used of a budget that is used up.
pub fn over_budget(batch: &BatchDetail) -> Option<String> {
    let (spend, budget) = (batch.view.spend, batch.view.budget);
    let usd = budget.usd_micros.zip(spend.usd_micros).filter(|(limit, used)| used >= limit).map(|(limit, used)| {
        let words = |micros| money(crate::model::batch::Spend { usd_micros: Some(micros), ..Default::default() });
        format!("{} of {}", words(used).unwrap_or_default(), words(limit).unwrap_or_default())
    });
    let tokens = budget.tokens.filter(|limit| spend.tokens >= *limit);
    let tokens = tokens.map(|limit| format!("{} of {limit} tokens", spend.tokens));
    let parts: Vec<String> = [usd, tokens].into_iter().flatten().collect();
    if parts.is_empty() {
        return None;
    }
    let skipped = batch.runs.iter().filter(|run| run.run.state == RunState::Skipped).count();
    let left = if skipped > 0 { format!("; {} will not be run", runs(skipped)) } else { String::new() };
    Some(format!("the budget of {} is used up: {}{left}", visible_line(&batch.view.name, 60), parts.join(", ")))
}

#[cfg(test)]
pub(in crate::lsp) mod tests;
