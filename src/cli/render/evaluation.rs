//! Evaluations for people.

use crate::base::clock::Millis;
use crate::cli::render::table::Table;
use crate::cli::render::{Line, Screen, Style, line, words};
use crate::model::evaluation::{
    Evaluation, EvaluationState, EvaluationSummary, EvaluatorOutcome, EvaluatorResult, Severity,
};

/// Lines of details that are shown of an evaluator that did not pass.
const DETAILS: usize = 12;

/// One in full: a line per evaluator, and what those that did not pass found.
pub(crate) fn one(screen: &Screen, evaluation: &Evaluation) {
    for result in &evaluation.results {
        let (style, outcome) = if result.is_of_protected() && !result.required {
            // It decides nothing, and is a person's to look at.
            (Style::Attention, "look at")
        } else {
            outcome(&result.outcome)
        };
        let score = result.score.map_or_else(|| "   ".to_owned(), |score| format!("{score:>3}"));
        let mut row = Line::new()
            .add(style, &format!("{outcome:<9} "))
            .add(Style::Plain, &format!("{score}  "))
            .add(Style::Bold, &result.id)
            .add(Style::Dim, &format!("  {}", seconds(result.duration_ms)));
        if result.required {
            row = row.add(Style::Dim, "  required");
        }
        line(screen, &row);
        explain(screen, result);
    }
    for note in &evaluation.notes {
        line(screen, &Line::new().add(Style::Attention, &format!("note: {note}")));
    }
    let (style, verdict) = match &evaluation.state {
        EvaluationState::Running => (Style::Accent, "is running"),
        EvaluationState::Cancelled => (Style::Attention, "was stopped"),
        EvaluationState::Interrupted { .. } => (Style::Bad, "was cut off"),
        EvaluationState::Done if evaluation.passed => (Style::Good, "passed"),
        EvaluationState::Done => (Style::Bad, "failed"),
    };
    let score = evaluation.score.map(|score| format!(", score {score}")).unwrap_or_default();
    let of = format!("{} ({}) at {}: ", evaluation.suite, evaluation.id, judged(evaluation));
    line(screen, &Line::new().add(Style::Plain, &of).add(style, verdict).add(Style::Plain, &score));
}

/// What was judged: a commit, or what landing it would make of its target.
fn judged(evaluation: &Evaluation) -> String {
    let at = evaluation.merged.as_ref().map(|merged| format!(" at {}", merged.onto_commit.short()));
    format!("{}{}", briefly(evaluation), at.unwrap_or_default())
}

/// The same without the target's commit.
fn briefly(evaluation: &Evaluation) -> String {
    let onto = evaluation.merged.as_ref().map(|merged| merged.onto.strip_prefix("refs/heads/").unwrap_or(&merged.onto));
    let onto = onto.map(|onto| format!(" merged with {onto}"));
    format!("{}{}", evaluation.commit.short(), onto.unwrap_or_default())
}

fn outcome(outcome: &EvaluatorOutcome) -> (Style, &'static str) {
    let style = match outcome {
        EvaluatorOutcome::Passed => Style::Good,
        EvaluatorOutcome::Cancelled => Style::Attention,
        _ => Style::Bad,
    };
    (style, outcome.as_str())
}

fn explain(screen: &Screen, result: &EvaluatorResult) {
    match &result.outcome {
        EvaluatorOutcome::Missing { tool } => say(screen, &format!("{tool} is not installed: nothing was judged")),
        EvaluatorOutcome::Errored { reason } => say(screen, reason),
        _ => {}
    }
    let lines = if result.passed() { 1 } else { DETAILS };
    for text in result.details.lines().take(lines) {
        say(screen, text);
    }
    if result.passed() {
        return;
    }
    for finding in &result.findings {
        let place = match (&finding.file, finding.line, finding.column) {
            (None, ..) => String::new(),
            (Some(file), 0, _) => format!("{file}: "),
            (Some(file), line, 0) => format!("{file}:{line}: "),
            (Some(file), line, column) => format!("{file}:{line}:{column}: "),
        };
        let style = if finding.severity == Severity::Error { Style::Bad } else { Style::Attention };
        let row = Line::new().add(Style::Plain, &format!("  {place}")).add(style, finding.severity.as_str());
        line(screen, &row.add(Style::Plain, &format!(": {}", finding.message)));
    }
}

fn say(screen: &Screen, text: &str) {
    line(screen, &Line::new().add(Style::Dim, &format!("  {text}")));
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
}

/// Earlier ones, newest last.
pub(crate) fn list(screen: &Screen, all: &[Evaluation], now: Millis) {
    let mut table = Table::new(&["ID", "SUITE", "COMMIT", "VERDICT", "SCORE", "PASSED", "AGE"]);
    for one in all {
        let (style, verdict) = match &one.state {
            EvaluationState::Done if one.passed => (Style::Good, "passed"),
            EvaluationState::Done => (Style::Bad, "failed"),
            other => (Style::Attention, other.as_str()),
        };
        let good = one.results.iter().filter(|result| result.passed()).count();
        table.row(vec![
            (Style::Dim, one.id.0.clone()),
            (Style::Plain, one.suite.clone()),
            (Style::Plain, briefly(one)),
            (style, verdict.to_owned()),
            (Style::Plain, one.score.map(|score| score.to_string()).unwrap_or_default()),
            (Style::Plain, format!("{good}/{}", one.evaluators)),
            (Style::Dim, words::age(one.started_at, now)),
        ]);
    }
    table.write(screen);
}

/// One line of a session's newest evaluation.
pub(crate) fn line_of(summary: &EvaluationSummary) -> (Style, String) {
    let EvaluationSummary { suite, good, ended, evaluators, commit, .. } = summary;
    let score = summary.score.map(|score| format!(", score {score}")).unwrap_or_default();
    let at = commit.short();
    match &summary.state {
        EvaluationState::Running => (Style::Accent, format!("{suite} at {at}: {ended} of {evaluators} done")),
        EvaluationState::Cancelled => (Style::Attention, format!("{suite} at {at}: stopped")),
        EvaluationState::Interrupted { reason } => (Style::Bad, format!("{suite} at {at}: cut off, {reason}")),
        EvaluationState::Done if summary.passed => {
            (Style::Good, format!("{suite} at {at}: passed, {good} of {evaluators}{score}"))
        }
        EvaluationState::Done => (Style::Bad, format!("{suite} at {at}: failed, {good} of {evaluators} passed{score}")),
    }
}
