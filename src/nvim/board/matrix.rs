//! The runs of a batch as a matrix: a line for each task, a column for each agent.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::batch::{Names, about, head};
use super::{Cell, Line, Widths, cell};
use crate::base::columns::{cut, fit, width};
use crate::model::batch::{BatchDetail, RunCounts, RunState, RunView, Spend};
use crate::model::id::RunId;
use crate::wire::dashboard::{self, Standing, Tone};
use crate::wire::transcript::duration;

/// Columns of a task's name at most.
const TASK: usize = 32;
/// Columns of an agent at most, and at least.
const AGENT: (usize, usize) = (26, 8);
/// Between two columns.
const GAP: &str = "  ";

/// The board of one batch, task by agent.
pub fn matrix(detail: &BatchDetail, window: usize, widths: &mut Widths, now: i64) -> Vec<Line> {
    let mut lines = head(detail, window, now);
    let names = Names::of(detail);
    let places = dashboard::places(&detail.ranking);
    let mut agents: Vec<&str> = Vec::new();
    let mut rows: Vec<(String, Vec<&RunView>)> = Vec::new();
    for view in &detail.runs {
        let run = &view.run;
        if !agents.contains(&run.agent.as_str()) {
            agents.push(&run.agent);
        }
        let mut name = names.prompt(view);
        if names.repositories {
            name = format!("{name} in {}", crate::base::text::visible_line(&run.repository, 60));
        }
        match rows.iter_mut().find(|(known, _)| *known == name) {
            Some((_, runs)) => runs.push(view),
            None => rows.push((name, vec![view])),
        }
    }
    let in_row = |runs: &[&'_ RunView], agent: &str| -> Vec<usize> {
        (0..runs.len()).filter(|at| runs[*at].run.agent == agent).collect()
    };
    let told: Vec<Vec<Square>> = rows
        .iter()
        .map(|(_, runs)| {
            let of = |agent: &&str| Square::of(in_row(runs, agent).iter().map(|at| runs[*at]).collect(), &places, now);
            agents.iter().map(of).collect()
        })
        .collect();
    let sums: Vec<Vec<Cell>> = agents.iter().map(|agent| sum(detail, agent)).collect();
    measure(&agents, &rows, &told, &sums, window, widths);
    let heading: Vec<Vec<Cell>> = agents.iter().map(|agent| vec![cell(Tone::Quiet, agent)]).collect();
    lines.push(line(&(Tone::Quiet, "TASK".to_owned()), &heading, widths));
    for ((name, runs), squares) in rows.iter().zip(told) {
        let columns: Vec<Vec<Cell>> = squares.iter().map(|square| square.cells.clone()).collect();
        let mut made = line(&cell(Tone::Plain, name), &columns, widths);
        let mut begin = made.cells.first().map_or(0, |(_, text)| text.len());
        let mut spots: Vec<Value> = Vec::new();
        for (at, square) in squares.iter().enumerate() {
            begin += GAP.len();
            let mut within = begin;
            for (index, view) in square.runs.iter().enumerate() {
                // Each of several has its sign; what follows is said of the last.
                let sign = dashboard::sign(view.run.state).len();
                spots.push(json!([within, within + sign, about(view)]));
                within += sign;
                if index + 1 == square.runs.len()
                    && let Some(spot) = spots.last_mut()
                {
                    spot[1] = json!(begin + square.bytes(widths.0.get(at + 1).copied().unwrap_or(0)));
                }
            }
            begin += square.bytes(widths.0.get(at + 1).copied().unwrap_or(0));
        }
        let first = runs.first().map(|view| view.run.id.as_str()).unwrap_or_default();
        let failed = runs.iter().any(|view| view.run.state == RunState::Failed);
        made.about = json!({ "id": format!("row:{first}"), "failed": failed, "runs": spots });
        lines.push(made);
    }
    if rows.len() > 1 {
        lines.push(line(&(Tone::Quiet, "all".to_owned()), &sums, widths));
    }
    lines
}

/// What one agent made of one task.
struct Square<'a> {
    runs: Vec<&'a RunView>,
    cells: Vec<Cell>,
}

impl<'a> Square<'a> {
    fn of(runs: Vec<&'a RunView>, places: &BTreeMap<&RunId, Standing>, now: i64) -> Self {
        if runs.is_empty() {
            return Self { runs, cells: vec![(Tone::Quiet, "·".to_owned())] };
        }
        let mut cells: Vec<Cell> = runs
            .iter()
            .map(|view| (dashboard::tone(view.run.state), dashboard::sign(view.run.state).to_owned()))
            .collect();
        // Of several the best says what they came to.
        let best = runs.iter().min_by_key(|view| {
            (view.run.state != RunState::Passed, places.get(&view.run.id).copied().unwrap_or(Standing::Place(u32::MAX)))
        });
        if let Some(view) = best.or(runs.first()) {
            let run = &view.run;
            let verdict = dashboard::verdict(run, places);
            let said = match run.state {
                RunState::Queued | RunState::Skipped => String::new(),
                RunState::Running => duration(run.duration(now)),
                _ if verdict.is_empty() => duration(run.duration(now)),
                _ => verdict,
            };
            let (_, said) = cell(Tone::Plain, &said);
            if !said.is_empty() {
                cells.push((dashboard::tone(run.state), format!(" {said}")));
            }
        }
        let cost = dashboard::money(spent(runs.iter().copied()));
        if !cost.is_empty() {
            cells.push((Tone::Quiet, format!(" {cost}")));
        }
        Self { runs, cells }
    }

    /// Bytes that it takes in so many columns.
    fn bytes(&self, columns: usize) -> usize {
        text(&self.cells, columns).iter().map(|(_, text)| text.len()).sum()
    }
}

fn spent<'a>(runs: impl Iterator<Item = &'a RunView>) -> Spend {
    runs.fold(Spend::default(), |sum, view| sum.plus(view.spend))
}

/// What an agent came to in all: how many passed of how many, and what they cost.
fn sum(detail: &BatchDetail, agent: &str) -> Vec<Cell> {
    let runs = || detail.runs.iter().filter(|view| view.run.agent == agent);
    let all: Vec<_> = runs().map(|view| view.run.clone()).collect();
    let counts = RunCounts::of(&all);
    let cost = dashboard::money(spent(runs()));
    let tone = if counts.passed == counts.total() { Tone::Good } else { Tone::Quiet };
    let passed = (tone, format!("{}/{} passed", counts.passed, counts.total()));
    if cost.is_empty() { vec![passed] } else { vec![passed, (Tone::Quiet, format!(" {cost}"))] }
}

/// Finds how wide columns are; they only grow while a window keeps its width.
fn measure(
    agents: &[&str],
    rows: &[(String, Vec<&RunView>)],
    squares: &[Vec<Square<'_>>],
    sums: &[Vec<Cell>],
    window: usize,
    widths: &mut Widths,
) {
    widths.0.resize(agents.len() + 1, 0);
    let wide = |cells: &[Cell]| cells.iter().map(|(_, text)| width(text)).sum::<usize>();
    let task = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0).clamp(4, TASK.min(window / 3).max(8));
    widths.0[0] = widths.0[0].max(task);
    let share = window.saturating_sub(widths.0[0]) / agents.len().max(1);
    let most = share.saturating_sub(GAP.len()).clamp(AGENT.1, AGENT.0);
    for at in 0..agents.len() {
        let cells = squares.iter().map(|row| wide(&row[at].cells)).chain([width(agents[at]), wide(&sums[at])]);
        let widest = cells.max().unwrap_or(0).min(most);
        widths.0[at + 1] = widths.0[at + 1].max(widest);
    }
}

/// Cells in so many columns, cut where they are longer, filled where they are shorter.
fn text(cells: &[Cell], columns: usize) -> Vec<Cell> {
    let mut left = columns;
    let mut shown: Vec<Cell> = Vec::new();
    for (tone, text) in cells {
        if left == 0 {
            break;
        }
        let text = cut(text, left);
        left = left.saturating_sub(width(&text));
        shown.push((*tone, text));
    }
    shown.push((Tone::Plain, " ".repeat(left)));
    shown
}

fn line(first: &Cell, columns: &[Vec<Cell>], widths: &Widths) -> Line {
    let width_of = |at: usize| widths.0.get(at).copied().unwrap_or(0);
    let mut cells = vec![(first.0, fit(&first.1, width_of(0), false))];
    for (at, column) in columns.iter().enumerate() {
        cells.push((Tone::Plain, GAP.to_owned()));
        cells.extend(text(column, width_of(at + 1)));
    }
    Line::of(cells)
}

#[cfg(test)]
mod tests;
