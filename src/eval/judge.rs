//! What comes of a program that ran for an evaluator.

use super::changed::Changed;
use super::output::{self, Report, cut};
use super::plan::{Prints, Run};
use super::score::{by_score, percent};
use super::tree::Tree;
use super::{coverage, lint};
use crate::base::text::visible;
use crate::model::batch::Spend;
use crate::model::evaluation::{EvalFinding, Evaluator, EvaluatorKind, EvaluatorOutcome, EvaluatorResult};

/// Lines of a program's output that are kept as details.
const LINES: usize = 20;
/// Characters of details that are kept.
const WIDTH: usize = 4_000;

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// With this exit code.
    Exited(i32),
    /// By a signal.
    Signaled(i32),
    /// It had to be ended: it used more than it may, in words.
    OverLimit(String),
    /// It did not end in time.
    TimedOut,
    /// Somebody stopped the evaluation.
    Cancelled,
}

/// A program that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub ended: Ended,
    /// What it printed.
    pub stdout: String,
    /// What it printed on standard error.
    pub stderr: String,
    /// What it wrote into the file of its report; why that cannot be read.
    pub report: Option<Result<String, String>>,
}

/// What is known of an evaluator, before it becomes a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What came of it.
    pub outcome: EvaluatorOutcome,
    /// Its score.
    pub score: Option<u8>,
    /// What it says.
    pub details: String,
    /// What it found.
    pub findings: Vec<EvalFinding>,
}

impl Judgement {
    /// Nothing was judged.
    pub fn without(outcome: EvaluatorOutcome, details: &str) -> Self {
        Self { outcome, score: None, details: details.to_owned(), findings: Vec::new() }
    }

    /// A score decides.
    pub(crate) fn scored(score: u8, minimum: Option<u8>, good: bool, report: Report) -> Self {
        let mut details = report.details;
        if report.more > 0 {
            details = format!("{details} ({} more findings)", report.more);
        }
        Self { outcome: by_score(score, minimum, good), score: Some(score), details, findings: report.findings }
    }

    /// The result of an evaluator.
    pub fn result(self, evaluator: &Evaluator, duration_ms: u64) -> EvaluatorResult {
        EvaluatorResult {
            id: evaluator.id.clone(),
            kind: evaluator.kind.as_str().to_owned(),
            outcome: self.outcome,
            score: self.score,
            required: evaluator.required,
            weight: evaluator.weight,
            duration_ms,
            details: cut(visible(&self.details).trim(), WIDTH),
            judge: None,
            spend: Spend::default(),
            findings: self.findings,
        }
    }
}

/// Judges a program. `tree` is the checkout.
pub fn judge(evaluator: &Evaluator, run: &Run, ran: &Ran, tree: &Tree<'_>, changed: &Changed) -> Judgement {
    let tail = || tail(ran);
    let code = match &ran.ended {
        Ended::Exited(code) => *code,
        Ended::Signaled(signal) => {
            let reason = format!("it was ended by signal {signal}");
            return Judgement::without(EvaluatorOutcome::Errored { reason }, &tail());
        }
        Ended::OverLimit(what) => {
            let reason = format!("it was ended: {what}");
            return Judgement::without(EvaluatorOutcome::Errored { reason }, &tail());
        }
        Ended::TimedOut => return Judgement::without(EvaluatorOutcome::TimedOut, &tail()),
        Ended::Cancelled => return Judgement::without(EvaluatorOutcome::Cancelled, &tail()),
    };
    if let Some(tool) = missing(evaluator, run, ran, code) {
        return Judgement::without(EvaluatorOutcome::Missing { tool }, &tail());
    }
    let text = match &ran.report {
        Some(Ok(text)) => text,
        Some(Err(reason)) => {
            let outcome = EvaluatorOutcome::Errored { reason: reason.clone() };
            return Judgement::without(outcome, &tail());
        }
        None => &ran.stdout,
    };
    let errored = |reason: String| Judgement::without(EvaluatorOutcome::Errored { reason }, &tail());
    match run.prints {
        Prints::Nothing => {
            let score = if code == 0 { 100 } else { 0 };
            let mut details = tail();
            if code != 0 {
                details = format!("exit code {code}\n{details}");
            }
            let outcome = by_score(score, None, code == 0);
            Judgement { outcome, score: Some(score), details, findings: Vec::new() }
        }
        Prints::Report(format) => match output::parse(format, text) {
            Ok(mut report) => {
                report.place(tree);
                of_report(evaluator, report, code, &tail())
            }
            Err(reason) => {
                errored(format!("its {} output cannot be read: {reason} (exit code {code})", format.as_str()))
            }
        },
        Prints::Lints(linter) => match lint::judge(linter, text, tree, changed) {
            Ok((score, report)) => {
                let good = report.errors == 0;
                Judgement::scored(score, evaluator.minimum, good, report)
            }
            Err(reason) => {
                errored(format!("the output of {} cannot be read: {reason} (exit code {code})", linter.as_str()))
            }
        },
        Prints::Coverage if code != 0 => errored(format!("the command that measures coverage exited with code {code}")),
        Prints::Coverage => match coverage::parse(text) {
            Ok(lines) => of_coverage(evaluator, &lines, changed, tree),
            Err(reason) => errored(format!("the coverage report cannot be read: {reason}")),
        },
    }
}

/// Two programs for one evaluator: the worse end counts, what both cost is lost.
pub fn both(one: Judgement, other: Judgement) -> Judgement {
    let score = one.score.zip(other.score).map(|(one, other)| {
        let lost = (100 - one.min(100)).saturating_add(100 - other.min(100));
        100_u8.saturating_sub(lost)
    });
    // What could not judge says more than what failed.
    let weaker = |outcome: &EvaluatorOutcome| matches!(outcome, EvaluatorOutcome::Passed | EvaluatorOutcome::Failed);
    let outcome = match &one.outcome {
        EvaluatorOutcome::Passed => other.outcome,
        EvaluatorOutcome::Failed if !weaker(&other.outcome) => other.outcome,
        _ => one.outcome,
    };
    let mut findings = one.findings;
    findings.extend(other.findings);
    findings.truncate(EvalFinding::MOST);
    let details = [one.details, other.details].join("\n");
    Judgement { outcome, score, details, findings }
}

/// The tool that a program says is not there.
fn missing(evaluator: &Evaluator, run: &Run, ran: &Ran, code: i32) -> Option<String> {
    let says = |text: &str| ran.stderr.contains(text);
    let not_there = match &evaluator.kind {
        EvaluatorKind::Script { .. } | EvaluatorKind::Coverage { .. } if code == 127 => {
            // `/bin/sh: 1: shellcheck: not found`, `sh: line 1: x: command not found`
            let line = ran.stderr.lines().find(|line| line.trim_end().ends_with("not found"))?;
            let name =
                line.trim_end().trim_end_matches("not found").trim_end_matches("command ").trim_end_matches([':', ' ']);
            return Some(cut(&visible(name.rsplit([':', ' ']).next().unwrap_or(name)), 60));
        }
        EvaluatorKind::Script { .. } | EvaluatorKind::Coverage { .. } => false,
        EvaluatorKind::Tests { .. } => code == 127 || says("No module named pytest"),
        _ => code == 127 || says("no such command: `clippy`") || says("'cargo-clippy' is not installed"),
    };
    not_there.then(|| run.tool.clone())
}

fn of_report(evaluator: &Evaluator, report: Report, code: i32, tail: &str) -> Judgement {
    let ran = report.passed + report.failed;
    let score = report.score.unwrap_or_else(|| match ran {
        0 if report.errors > 0 || code != 0 => 0,
        0 => 100,
        _ => percent(report.passed, ran),
    });
    // A report that says nothing bad does not outweigh the program's own end, and the other way round.
    let good = code == 0 && report.failed == 0 && report.errors == 0 && report.verdict != Some(false);
    let tests = report.of_tests || matches!(evaluator.kind, EvaluatorKind::Tests { .. });
    let none = tests && report.passed == 0;
    let mut details = if report.details.is_empty() { report.counts() } else { report.details.clone() };
    if none && report.failed == 0 {
        details = format!("no test ran\n{details}");
    }
    if code != 0 {
        details = format!("{details}, exit code {code}");
    }
    if !good && report.findings.is_empty() {
        details = format!("{details}\n{tail}");
    }
    let judged = Judgement::scored(if none { 0 } else { score }, None, good && !none, report);
    let enough = evaluator.minimum.is_none_or(|minimum| judged.score >= Some(minimum));
    // A minimum asks for more than passing tests, never for less: a program that failed has failed. For own scores it is the measure.
    let own = matches!(evaluator.kind, EvaluatorKind::Script { .. }) && ran == 0 && evaluator.minimum.is_some();
    let passed = enough && (judged.outcome == EvaluatorOutcome::Passed || (own && code == 0));
    let outcome = if passed { EvaluatorOutcome::Passed } else { EvaluatorOutcome::Failed };
    Judgement { outcome, details, ..judged }
}

fn of_coverage(evaluator: &Evaluator, lines: &coverage::Lines, changed: &Changed, tree: &Tree<'_>) -> Judgement {
    let EvaluatorKind::Coverage { changed: wanted, .. } = &evaluator.kind else {
        let reason = "it is no evaluator of coverage".to_owned();
        return Judgement::without(EvaluatorOutcome::Errored { reason }, "");
    };
    let (whole, of_changed, mut report) = coverage::judge(lines, changed, tree);
    let enough = |score: u8, wanted: Option<u8>| wanted.is_none_or(|wanted| score >= wanted);
    let good = enough(whole, evaluator.minimum) && enough(of_changed.unwrap_or(100), *wanted);
    report.details = match of_changed {
        Some(part) => format!("{whole} % of all lines, {part} % of the changed lines"),
        None => format!("{whole} % of all lines; no line of code was changed"),
    };
    Judgement::scored(of_changed.filter(|_| wanted.is_some()).unwrap_or(whole), None, good, report)
}

/// The end of what a program printed.
fn tail(ran: &Ran) -> String {
    let text = if ran.stderr.trim().is_empty() { &ran.stdout } else { &ran.stderr };
    let lines: Vec<&str> = text.trim_end().lines().rev().take(LINES).collect();
    lines.into_iter().rev().map(|line| cut(line, 400)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
