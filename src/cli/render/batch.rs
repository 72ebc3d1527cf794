//! Batches on a terminal.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::clock;
use crate::cli::render::sure;
use crate::cli::render::table::{Table, cut};
use crate::cli::render::words::{age, stat};
use crate::cli::render::{Line, Screen, Style, line, text};
use crate::model::batch::{AttemptOutcome, BatchChange, BatchDetail, BatchState, BatchView, Run, RunState, RunView};
use crate::model::batch::{BatchChanged, RunEnded, RunQueued, RunSettled, RunStarted};
use crate::model::case::CaseStep;
use crate::model::id::RunId;
use crate::model::{Envelope, Event};
use crate::wire::dashboard::{self, Standing, Tone, money};

/// The colour of a tone.
fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::Plain,
        Tone::Name => Style::Bold,
        Tone::Quiet => Style::Dim,
        Tone::Good => Style::Good,
        Tone::Bad => Style::Bad,
        Tone::Attention => Style::Attention,
        Tone::Working => Style::Accent,
    }
}

fn head(view: &BatchView) -> Line {
    let mut line = Line::new().add(Style::Bold, &view.name).add(Style::Dim, &format!("  {}  ", view.id));
    for (index, (tone, words)) in dashboard::counts(view.counts).iter().enumerate() {
        line = line.add(Style::Plain, if index > 0 { ", " } else { "" }).add(style(*tone), words);
    }
    if view.state != BatchState::Active {
        line = line.add(Style::Attention, &format!("  {}", view.state.as_str()));
    }
    line
}

fn progress(view: &BatchView) -> String {
    dashboard::progress(view, clock::now())
}

/// Who works: with the number of the repetition where there are several, which nothing else tells apart.
fn who(run: &Run, repeated: bool) -> String {
    if repeated { format!("{} #{}", run.agent, run.repetition) } else { run.agent.clone() }
}

/// What is run more than once by the same agent.
fn repeated(detail: &BatchDetail) -> BTreeSet<(&str, &str)> {
    let again = detail.runs.iter().map(|view| &view.run).filter(|run| run.repetition > 1);
    again.map(|run| (run.task.as_str(), run.agent.as_str())).collect()
}

fn cells(
    view: &RunView,
    places: &BTreeMap<&RunId, Standing>,
    repeated: &BTreeSet<(&str, &str)>,
    now: i64,
) -> Vec<(Style, String)> {
    let run = &view.run;
    let took = if run.attempts.is_empty() { String::new() } else { age(0, run.duration(now)) };
    let tries = if run.attempts.len() > 1 { format!("attempt {}  ", run.attempts.len()) } else { String::new() };
    vec![
        (Style::Dim, run.number.to_string()),
        (style(dashboard::tone(run.state)), run.state.as_str().to_owned()),
        (Style::Plain, format!("{}/{}", run.task, run.prompt)),
        (Style::Plain, who(run, repeated.contains(&(run.task.as_str(), run.agent.as_str())))),
        (Style::Plain, run.repository.clone()),
        (Style::Plain, dashboard::verdict(run, places)),
        (Style::Dim, took),
        (Style::Dim, money(view.spend)),
        (Style::Dim, format!("{tries}{}", dashboard::what(view, now))),
    ]
}

/// The columns of repositories, and of what evaluators said.
const REPOSITORY: usize = 4;
const VERDICT: usize = 5;

/// Columns of a terminal that has room for everything.
const WIDE: usize = 100;

const HEAD: [&str; 9] = ["RUN", "STATE", "TASK", "AGENT", "REPOSITORY", "VERDICT", "TIME", "COST", ""];

/// The table for a terminal of that size: what runs, what failed, then what is left of the room.
pub(crate) fn table(detail: &BatchDetail, width: Option<usize>, rows: usize) -> Vec<Line> {
    let now = clock::now();
    let mut runs: Vec<&RunView> = detail.runs.iter().collect();
    runs.sort_by_key(|view| {
        let rank = match view.run.state {
            RunState::Running => 0,
            RunState::Failed => 1,
            RunState::Cancelled => 2,
            RunState::Queued => 3,
            RunState::Passed => 4,
            RunState::Skipped => 5,
        };
        let newest = view.run.attempts.last().and_then(|attempt| attempt.ended_at).unwrap_or(0);
        (rank, if rank == 4 { -newest } else { 0 }, view.run.number)
    });
    let room = rows.saturating_sub(4).max(3);
    let hidden = runs.len().saturating_sub(room);
    runs.truncate(room);
    runs.sort_by_key(|view| view.run.number);
    let places = dashboard::places(&detail.ranking);
    let repeated = repeated(detail);
    let mut rows: Vec<_> = runs.into_iter().map(|view| cells(view, &places, &repeated, now)).collect();
    let mut titles = HEAD.to_vec();
    if rows.iter().all(|row| row[VERDICT].1.is_empty()) {
        // Without evaluators there is room for what is said.
        titles.remove(VERDICT);
        for row in &mut rows {
            row.remove(VERDICT);
        }
    }
    if width.is_some_and(|width| width < WIDE) && rows.iter().all(|row| row[REPOSITORY].1 == rows[0][REPOSITORY].1) {
        // All of them say the same: there is better use for the room.
        titles.remove(REPOSITORY);
        for row in &mut rows {
            row.remove(REPOSITORY);
        }
    }
    let mut table = Table::new(&titles);
    for row in rows {
        table.row(row);
    }
    let limit = width.unwrap_or(usize::MAX);
    let mut lines = vec![head(&detail.view), Line::new().add(Style::Dim, &cut(&progress(&detail.view), limit))];
    lines.extend(table.lines(width));
    if hidden > 0 {
        lines.push(Line::new().add(Style::Dim, &format!("and {hidden} more")));
    }
    lines
}

/// A batch and all its runs.
pub(crate) fn detail(screen: &Screen, detail: &BatchDetail) {
    for row in table(detail, screen.width, usize::MAX) {
        line(screen, &row);
    }
    for said in sure::lines(&detail.statistics) {
        text(&said);
    }
}

/// Batches, one per line.
pub(crate) fn list(screen: &Screen, batches: &[BatchView]) {
    if batches.is_empty() {
        crate::cli::render::remark("no batches; try: divisi batch run plan.yaml");
        return;
    }
    let now = clock::now();
    let mut table = Table::new(&["BATCH", "NAME", "STATE", "AGE", "COST", "RUNS"]);
    for view in batches {
        let words: Vec<String> = dashboard::counts(view.counts).into_iter().map(|(_, words)| words).collect();
        table.row(vec![
            (Style::Dim, view.id.0.clone()),
            (Style::Bold, view.name.clone()),
            (Style::Plain, view.state.as_str().to_owned()),
            (Style::Dim, age(view.created_at, now)),
            (Style::Dim, money(view.spend)),
            (Style::Plain, words.join(", ")),
        ]);
    }
    table.write(screen);
}

/// How it ended, for a person.
pub(crate) fn end(screen: &Screen, detail: &BatchDetail) {
    if screen.width.is_none() {
        line(screen, &head(&detail.view));
        text(&progress(&detail.view));
    }
    let failed: Vec<&Run> =
        detail.runs.iter().map(|view| &view.run).filter(|run| run.state == RunState::Failed).collect();
    if let Some(first) = failed.first() {
        let session = first.attempts.last().map(|attempt| attempt.session.to_string()).unwrap_or_default();
        crate::cli::render::remark(&format!(
            "  try: divisi log {session}    # run {}\n  try: divisi batch retry {}",
            first.number, detail.view.id
        ));
    }
}

/// The candidates for the same thing, the best first.
pub(crate) fn ranking(screen: &Screen, detail: &BatchDetail) {
    if detail.ranking.is_empty() {
        crate::cli::render::remark(
            "nothing to rank: that takes several agents or repetitions of the same prompt, all of them over",
        );
        return;
    }
    for ranked in &detail.ranking {
        let title = format!("{}/{} in {}", ranked.task, ranked.prompt, ranked.repository);
        line(screen, &Line::new().add(Style::Bold, &title));
        let mut table = Table::new(&["PLACE", "RUN", "AGENT", "EVIDENCE"]);
        for candidate in &ranked.candidates {
            let number = candidate.run.as_str().rsplit_once(".r").map_or("", |(_, number)| number);
            table.row(vec![
                (
                    Style::Accent,
                    format!("{}{}", candidate.place, if ranked.has_won(&candidate.run) { " winner" } else { "" }),
                ),
                (Style::Dim, number.to_owned()),
                (Style::Plain, candidate.agent.clone()),
                (Style::Plain, candidate.evidence.clone()),
            ]);
        }
        table.write(screen);
        if let Some(contest) = &ranked.contest {
            line(screen, &Line::new().add(Style::Dim, &crate::base::text::visible_line(&contest.sentence(), 2_000)));
        }
    }
    for said in sure::lines(&detail.statistics) {
        text(&said);
    }
}

/// A line for an event, where nothing can be drawn again.
pub(crate) fn event(event: &Envelope, detail: &BatchDetail) {
    let repeated = repeated(detail);
    let name = |id: &RunId| {
        detail.runs.iter().find(|view| view.run.id == *id).map_or_else(
            || id.to_string(),
            |RunView { run, .. }| {
                let who = who(run, repeated.contains(&(run.task.as_str(), run.agent.as_str())));
                format!("run {} {}/{} {who} {}", run.number, run.task, run.prompt, run.repository)
            },
        )
    };
    let why = |reason: &Option<String>| reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let said = match &event.event {
        Event::RunStarted(RunStarted { run, attempt }) if attempt.number > 1 => {
            format!("{} started, attempt {}", name(run), attempt.number)
        }
        Event::RunStarted(RunStarted { run, .. }) => format!("{} started", name(run)),
        Event::RunEnded(RunEnded { run, end }) => {
            let again = if end.state == RunState::Queued { ", will be tried again" } else { "" };
            let changed = stat(end.stat);
            let gap = if changed.is_empty() { "" } else { "  " };
            let said = match (&end.verdict, &end.reason) {
                // What the tests said is the reason, and says more than that it failed.
                (Some(_), Some(reason)) if end.outcome != AttemptOutcome::Done => reason.clone(),
                (Some(verdict), _) => verdict.clone(),
                (None, reason) => format!("{}{}", end.outcome.words(), why(reason)),
            };
            format!("{} {said}{again}{gap}{changed}", name(run))
        }
        Event::RunSettled(RunSettled { run, state, reason }) => format!("{} {}: {reason}", name(run), state.as_str()),
        Event::RunQueued(RunQueued { run }) => format!("{} waits again", name(run)),
        Event::BatchChanged(BatchChanged { change: BatchChange::State { state, reason }, .. })
            if *state != BatchState::Ended =>
        {
            format!("the batch is {}{}", state.as_str(), why(reason))
        }
        Event::BatchChanged(BatchChanged { change: BatchChange::Case { case }, .. }) => match &case.step {
            CaseStep::Judging => format!("{}: the case's tests run", name(&case.run)),
            CaseStep::Again => format!("{}: not resolved, the agent tries again", name(&case.run)),
            CaseStep::Ready { .. } => format!("{}: its case is prepared", name(&case.run)),
            CaseStep::Judged { .. } | CaseStep::Unjudged { .. } => return,
        },
        Event::BatchChanged(BatchChanged { change: BatchChange::Concurrency { concurrency }, .. }) => {
            format!("{concurrency} runs at the same time")
        }
        Event::BatchChanged(BatchChanged { change: BatchChange::Contest { contest }, .. }) => {
            format!("best of {}/{} in {}: {}", contest.task, contest.prompt, contest.repository, contest.sentence())
        }
        _ => return,
    };
    text(&crate::base::text::visible_line(&said, 400));
}
