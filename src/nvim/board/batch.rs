//! Boards of batches: all of them, and one with its runs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Cell, Column, Line, Widths, cell, flow, table};
use crate::base::date;
use crate::base::text::visible_line;
use crate::model::batch::{Attempt, BatchDetail, BatchState, BatchView, Ranked, RunState, RunView};
use crate::model::case::CaseAttempt;
use crate::model::id::RunId;
use crate::wire::dashboard::{self, Standing, Tone};
use crate::wire::transcript::duration;

/// Columns of the bar at most.
const BAR: usize = 60;

const RUNS: [Column; 11] = [
    Column { title: "", from: 0, most: 1, wide: 1, right: false },
    Column { title: "#", from: 0, most: 4, wide: 4, right: true },
    Column { title: "STATE", from: 90, most: 9, wide: 9, right: false },
    Column { title: "TASK", from: 0, most: 16, wide: 32, right: false },
    Column { title: "AGENT", from: 0, most: 10, wide: 20, right: false },
    Column { title: "REPO", from: 0, most: 8, wide: 20, right: false },
    Column { title: "VERDICT", from: 0, most: 10, wide: 18, right: false },
    Column { title: "TIME", from: 0, most: 6, wide: 6, right: true },
    Column { title: "COST", from: 0, most: 7, wide: 7, right: true },
    Column { title: "TRY", from: 0, most: 3, wide: 3, right: true },
    Column { title: "", from: 0, most: 0, wide: 0, right: false },
];

const BATCHES: [Column; 7] = [
    Column { title: "", from: 0, most: 1, wide: 1, right: false },
    Column { title: "NAME", from: 0, most: 20, wide: 32, right: false },
    Column { title: "BATCH", from: 90, most: 12, wide: 12, right: false },
    Column { title: "STATE", from: 76, most: 10, wide: 10, right: false },
    Column { title: "BEGAN", from: 70, most: 20, wide: 20, right: false },
    Column { title: "COST", from: 0, most: 9, wide: 9, right: true },
    Column { title: "RUNS", from: 0, most: 0, wide: 0, right: false },
];

/// What Lua keeps of a batch: for its events, notices, statusline and keys.
pub fn row(view: &BatchView) -> Value {
    let counts = view.counts;
    json!({
        "id": view.id,
        "name": visible_line(&view.name, 80),
        "state": view.state.as_str(),
        "reason": view.reason.as_ref().map(|reason| visible_line(reason, 300)),
        "path": view.path,
        "concurrency": view.concurrency,
        "created_at": view.created_at,
        "ended_at": view.ended_at,
        "passed": counts.passed,
        "failed": counts.failed,
        "cancelled": counts.cancelled,
        "skipped": counts.skipped,
        "running": counts.running,
        "queued": counts.queued,
        "total": counts.total(),
        "cost": Some(dashboard::money(view.spend)).filter(|cost| !cost.is_empty()),
        "summary": said(view),
    })
}

/// `12 passed, 1 failed`
fn said(view: &BatchView) -> String {
    let parts = dashboard::counts(view.counts).into_iter().map(|(_, text)| text);
    parts.collect::<Vec<_>>().join(", ")
}

fn state_tone(state: BatchState) -> Tone {
    match state {
        BatchState::Active => Tone::Working,
        BatchState::Paused | BatchState::Cancelling => Tone::Attention,
        BatchState::Ended => Tone::Quiet,
    }
}

/// The board of one batch, a line for each run.
pub fn one(detail: &BatchDetail, window: usize, widths: &mut Widths, now: i64) -> Vec<Line> {
    let mut lines = head(detail, window, now);
    let names = Names::of(detail);
    let places = dashboard::places(&detail.ranking);
    let rows = detail.runs.iter().map(|run| (cells(run, &places, &names, now), about(run))).collect();
    lines.extend(table(&RUNS, rows, window, widths));
    lines
}

/// What stands above the runs of a batch.
pub(super) fn head(detail: &BatchDetail, window: usize, now: i64) -> Vec<Line> {
    let view = &detail.view;
    let counts = view.counts;
    let mut lines = vec![
        Line::of(vec![
            cell(Tone::Name, &view.name),
            (Tone::Plain, "  ".to_owned()),
            (state_tone(view.state), view.state.as_str().to_owned()),
            (Tone::Quiet, format!("  {}", view.id)),
        ]),
        Line::of({
            let room = window.saturating_sub(16).clamp(10, BAR);
            let mut bar = vec![(Tone::Quiet, "[".to_owned())];
            bar.extend(dashboard::bar(counts, room));
            bar.push((Tone::Quiet, "] ".to_owned()));
            bar.push((Tone::Plain, format!("{}/{}", dashboard::over(counts), counts.total())));
            bar
        }),
    ];
    // What does not fit stands on a line of its own: a budget that nobody sees is none.
    lines.extend(flow(dashboard::counts(counts), window));
    let progress = dashboard::progress(view, now);
    lines.extend(flow(progress.split(", ").map(|part| cell(Tone::Quiet, part)).collect(), window));
    lines.push(Line::of(Vec::new()));
    lines
}

/// What has to be said to tell runs apart.
pub(super) struct Names<'a> {
    /// Tasks with one prompt.
    plain: BTreeSet<&'a str>,
    pub(super) repositories: bool,
    repetitions: bool,
}

impl<'a> Names<'a> {
    pub(super) fn of(detail: &'a BatchDetail) -> Self {
        let mut prompts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for view in &detail.runs {
            prompts.entry(&view.run.task).or_default().insert(&view.run.prompt);
        }
        let repositories: BTreeSet<&str> = detail.runs.iter().map(|view| view.run.repository.as_str()).collect();
        Self {
            plain: prompts.into_iter().filter(|(_, prompts)| prompts.len() == 1).map(|(task, _)| task).collect(),
            repositories: repositories.len() > 1,
            repetitions: detail.runs.iter().any(|view| view.run.repetition > 1),
        }
    }

    fn task(&self, view: &RunView) -> String {
        let run = &view.run;
        let again = if self.repetitions { format!(" ({})", run.repetition) } else { String::new() };
        self.prompt(view) + &again
    }

    /// The task, and its prompt where it has several; safe to show.
    pub(super) fn prompt(&self, view: &RunView) -> String {
        let run = &view.run;
        let plain = self.plain.contains(run.task.as_str());
        visible_line(&if plain { run.task.clone() } else { format!("{}/{}", run.task, run.prompt) }, 120)
    }
}

fn cells(view: &RunView, places: &BTreeMap<&RunId, Standing>, names: &Names<'_>, now: i64) -> Vec<Cell> {
    let run = &view.run;
    let tone = dashboard::tone(run.state);
    let took = if run.attempts.is_empty() { String::new() } else { duration(run.duration(now)) };
    let tries = if run.attempts.len() > 1 { run.attempts.len().to_string() } else { String::new() };
    vec![
        (tone, dashboard::sign(run.state).to_owned()),
        (Tone::Quiet, run.number.to_string()),
        (tone, run.state.as_str().to_owned()),
        cell(Tone::Plain, &names.task(view)),
        cell(Tone::Plain, &run.agent),
        if names.repositories { cell(Tone::Quiet, &run.repository) } else { (Tone::Quiet, String::new()) },
        cell(tone, &dashboard::verdict(run, places)),
        (Tone::Quiet, took),
        (Tone::Quiet, dashboard::money(view.spend)),
        (Tone::Attention, tries),
        cell(if run.state == RunState::Failed { Tone::Bad } else { Tone::Quiet }, &dashboard::what(view, now)),
    ]
}

pub(super) fn about(view: &RunView) -> Value {
    let run = &view.run;
    json!({
        "id": run.id,
        "number": run.number,
        "task": run.task,
        "prompt": run.prompt,
        "agent": visible_line(&run.agent, 60),
        "repository": run.repository,
        "title": visible_line(&format!("{}/{}", run.task, run.prompt), 120),
        "state": run.state.as_str(),
        "over": run.state.is_over(),
        "failed": run.state == RunState::Failed,
        "again": run.state.is_over() && run.state != RunState::Passed,
        "reason": run.reason.as_ref().map(|reason| visible_line(reason, 300)),
        "session": run.attempts.last().map(|attempt| attempt.session.as_str()),
        "session_name": view.session_name.as_ref().map(|name| visible_line(name, 80)),
    })
}

/// Everything about a run, as lines of Markdown.
pub fn run(view: &RunView, ranking: &[Ranked], now: i64) -> Vec<String> {
    let run = &view.run;
    let mut lines = vec![
        format!("# Run {}: {}/{}", run.number, visible_line(&run.task, 80), visible_line(&run.prompt, 80)),
        String::new(),
        format!("- agent: {}", visible_line(&run.agent, 80)),
        format!("- repository: {}", visible_line(&run.repository, 300)),
        format!("- state: {}", run.state.as_str()),
    ];
    let mut more = |word: &str, text: String| {
        if !text.is_empty() {
            lines.push(format!("- {word}: {}", visible_line(&text, 1_000)));
        }
    };
    more("why", run.reason.clone().unwrap_or_default());
    more("now", view.activity.clone().unwrap_or_default());
    more("cost", dashboard::money(view.spend));
    more("tokens", if view.spend.tokens > 0 { view.spend.tokens.to_string() } else { String::new() });
    for ranked in ranking {
        for candidate in ranked.candidates.iter().filter(|candidate| candidate.run == run.id) {
            more("rank", format!("{} of {}: {}", candidate.place, ranked.candidates.len(), candidate.evidence));
        }
    }
    for attempt in &run.attempts {
        lines.push(String::new());
        lines.push(format!("## Attempt {}", attempt.number));
        lines.push(String::new());
        lines.extend(
            facts(attempt, now).into_iter().map(|(word, text)| format!("- {word}: {}", visible_line(&text, 1_000))),
        );
    }
    lines
}

fn facts(attempt: &Attempt, now: i64) -> Vec<(&'static str, String)> {
    let ended = attempt.outcome.map_or_else(|| "under way".to_owned(), |outcome| outcome.words().to_owned());
    let outcome = match &attempt.reason {
        Some(reason) => format!("{ended}: {reason}"),
        None => ended,
    };
    let began = format!(
        "{}, {}",
        date::minute(attempt.started_at),
        duration(attempt.ended_at.unwrap_or(now) - attempt.started_at)
    );
    let evaluators = attempt.gates.map(|gates| format!("{} of {} passed", gates.passed, gates.all));
    let case = attempt.case.as_deref();
    let tests = case.filter(|case| case.iterations > 0).map(|case| {
        let tries = if case.iterations > 1 { format!("{} times, ", case.iterations) } else { String::new() };
        format!("{tries}{}", duration(i64::try_from(case.test_ms).unwrap_or(i64::MAX)))
    });
    let facts = [
        ("verdict", case.and_then(CaseAttempt::words).unwrap_or_default()),
        ("outcome", outcome),
        ("began", began),
        ("tests", tests.unwrap_or_default()),
        ("turns", if attempt.turns > 0 { attempt.turns.to_string() } else { String::new() }),
        ("changed", dashboard::changed(attempt.stat)),
        ("evaluators", evaluators.unwrap_or_default()),
        ("score", attempt.score.map(|score| score.to_string()).unwrap_or_default()),
        ("cost", dashboard::money(attempt.spend)),
        ("landed", if attempt.landed { "yes".to_owned() } else { String::new() }),
        ("session", attempt.session.to_string()),
        ("commit", attempt.head.as_ref().map(|head| head.0.clone()).unwrap_or_default()),
    ];
    facts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// The board of all batches.
pub fn all(views: &[BatchView], window: usize, widths: &mut Widths) -> Vec<Line> {
    if views.is_empty() {
        return vec![Line::of(vec![(
            Tone::Quiet,
            "No batches yet. :Divisi batch run plan.yaml starts one.".to_owned(),
        )])];
    }
    let rows = views
        .iter()
        .map(|view| {
            let sign = match view.state {
                BatchState::Active => "▸",
                BatchState::Paused | BatchState::Cancelling => "■",
                BatchState::Ended if view.counts.passed == view.counts.total() => "✓",
                BatchState::Ended => "✗",
            };
            let tone = match sign {
                "✓" => Tone::Good,
                "✗" => Tone::Bad,
                _ => state_tone(view.state),
            };
            let cells = vec![
                (tone, sign.to_owned()),
                cell(Tone::Name, &view.name),
                cell(Tone::Quiet, view.id.as_str()),
                (state_tone(view.state), view.state.as_str().to_owned()),
                (Tone::Quiet, date::minute(view.created_at)),
                (Tone::Quiet, dashboard::money(view.spend)),
                (Tone::Plain, said(view)),
            ];
            (cells, row(view))
        })
        .collect();
    table(&BATCHES, rows, window, widths)
}

#[cfg(test)]
pub(super) mod tests;
