//! Boards of benchmarks: all runs, and one with its cases.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Cell, Column, Line, Widths, cell, flow, table};
use crate::base::date;
use crate::base::text::visible_line;
use crate::model::bench_view::{BenchCase, BenchRun, BenchRunDetail};
use crate::wire::dashboard::Tone;
use crate::wire::transcript::duration;

const RUNS: [Column; 7] = [
    Column { title: "SUITE", from: 0, most: 16, wide: 28, right: false },
    Column { title: "BY", from: 0, most: 16, wide: 28, right: false },
    Column { title: "RESOLVED", from: 0, most: 9, wide: 9, right: true },
    Column { title: "RATE", from: 0, most: 6, wide: 6, right: true },
    Column { title: "COST", from: 0, most: 8, wide: 8, right: true },
    Column { title: "BEGAN", from: 76, most: 20, wide: 20, right: false },
    Column { title: "RUN", from: 0, most: 0, wide: 0, right: false },
];

const CASES: [Column; 9] = [
    Column { title: "", from: 0, most: 1, wide: 1, right: false },
    Column { title: "CASE", from: 0, most: 24, wide: 40, right: false },
    Column { title: "BY", from: 0, most: 10, wide: 24, right: false },
    Column { title: "TRY", from: 0, most: 3, wide: 3, right: true },
    Column { title: "OUTCOME", from: 0, most: 14, wide: 14, right: false },
    Column { title: "TIME", from: 0, most: 6, wide: 6, right: true },
    Column { title: "COST", from: 0, most: 7, wide: 7, right: true },
    Column { title: "TESTS", from: 90, most: 5, wide: 5, right: true },
    Column { title: "", from: 0, most: 0, wide: 0, right: false },
];

fn money(micros: Option<i64>, partial: bool) -> String {
    micros.map_or_else(String::new, |micros| {
        format!("${}.{:02}{}", micros / 1_000_000, micros % 1_000_000 / 10_000, if partial { "+" } else { "" })
    })
}

fn rate(run: &BenchRun) -> String {
    run.share.map_or_else(String::new, |share| format!("{:.0} %", share.share * 100.0))
}

fn by(run: &BenchRun) -> String {
    run.contestants.join(", ")
}

/// The board of all runs.
pub fn all(runs: &[BenchRun], window: usize, widths: &mut Widths) -> Vec<Line> {
    if runs.is_empty() {
        let text = "No runs of benchmarks yet. :Divisi bench run SUITE --agent NAME makes one.";
        return vec![Line::of(vec![(Tone::Quiet, text.to_owned())])];
    }
    let rows = runs
        .iter()
        .map(|run| {
            let cells = vec![
                cell(Tone::Name, &run.suite),
                cell(Tone::Plain, &by(run)),
                (Tone::Plain, format!("{}/{}", run.resolved, run.counted)),
                (Tone::Plain, rate(run)),
                (Tone::Quiet, money(run.cost_micros, run.cost_partial)),
                (Tone::Quiet, if run.begun_at > 0 { date::minute(run.begun_at) } else { String::new() }),
                cell(Tone::Quiet, &run.id),
            ];
            (cells, json!({ "id": run.id, "path": run.path, "name": visible_line(&run.suite, 80) }))
        })
        .collect();
    table(&RUNS, rows, window, widths)
}

/// The board of one run.
pub fn one(detail: &BenchRunDetail, window: usize, widths: &mut Widths) -> Vec<Line> {
    let run = &detail.run;
    let mut lines = vec![Line::of(vec![
        cell(Tone::Name, &run.suite),
        (
            Tone::Plain,
            if run.contestants.is_empty() { String::new() } else { format!("  by {}", visible_line(&by(run), 200)) },
        ),
        (Tone::Quiet, format!("  {}", visible_line(&run.id, 200))),
    ])];
    lines.extend(flow(resolved(run), window));
    lines.extend(flow(outcomes(detail), window));
    lines.extend(flow(sums(detail).into_iter().map(|part| (Tone::Quiet, part)).collect(), window));
    lines.push(Line::of(Vec::new()));
    let several = run.contestants.len() > 1;
    let again = detail.cases.iter().any(|case| case.attempt > 1);
    let rows = detail.cases.iter().map(|case| (cells(case, several, again), about(case))).collect();
    lines.extend(table(&CASES, rows, window, widths));
    lines
}

fn resolved(run: &BenchRun) -> Vec<Cell> {
    let share = run.share.map_or_else(String::new, |share| {
        format!(": {:.1} % (95 %: {:.1} to {:.1} %)", share.share * 100.0, share.low * 100.0, share.high * 100.0)
    });
    let other = run.attempts.saturating_sub(run.counted);
    let mut parts = vec![(Tone::Plain, format!("resolved {} of {}{share}", run.resolved, run.counted))];
    if other > 0 {
        parts.push((Tone::Attention, format!("{other} did not count")));
    }
    parts
}

fn tone(case: &BenchCase) -> Tone {
    match (case.resolved, case.counts) {
        (true, _) => Tone::Good,
        (false, true) => Tone::Bad,
        (false, false) => Tone::Attention,
    }
}

/// `3 resolved, 2 unresolved`, the commonest first.
fn outcomes(detail: &BenchRunDetail) -> Vec<Cell> {
    let mut counts: BTreeMap<&str, (usize, Tone)> = BTreeMap::new();
    for case in &detail.cases {
        counts.entry(&case.outcome).or_insert((0, tone(case))).0 += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let cells = counts.into_iter().map(|(outcome, (count, tone))| cell(tone, &format!("{count} {outcome}")));
    cells.collect()
}

/// What all of it took and cost.
fn sums(detail: &BenchRunDetail) -> Vec<String> {
    let run = &detail.run;
    let mut parts = Vec::new();
    if run.begun_at > 0 {
        parts.push(format!("began {}", date::minute(run.begun_at)));
    }
    if let Some(newest) = run.newest_at.filter(|newest| *newest > run.begun_at && run.begun_at > 0) {
        parts.push(format!("{} long", date::length(newest - run.begun_at)));
    }
    let cost = money(run.cost_micros, run.cost_partial);
    if !cost.is_empty() {
        parts.push(cost);
        let each = run.cost_micros.zip(i64::try_from(run.resolved).ok().filter(|resolved| *resolved > 0));
        if let Some((cost, resolved)) = each {
            parts.push(format!("{} per resolved case", money(Some(cost / resolved), run.cost_partial)));
        }
    }
    parts
}

fn cells(case: &BenchCase, several: bool, again: bool) -> Vec<Cell> {
    let tone = tone(case);
    let sign = match tone {
        Tone::Good => "✓",
        Tone::Bad => "✗",
        _ => "■",
    };
    let only = |wanted: bool, text: String| if wanted { text } else { String::new() };
    vec![
        (tone, sign.to_owned()),
        cell(Tone::Plain, &case.case),
        cell(Tone::Quiet, &only(several, case.contestant.clone())),
        (Tone::Quiet, only(again, case.attempt.to_string())),
        cell(tone, &case.outcome),
        (Tone::Quiet, case.took_ms.map_or_else(String::new, |took| duration(i64::try_from(took).unwrap_or(i64::MAX)))),
        (Tone::Quiet, money(case.cost_micros, false)),
        (Tone::Quiet, only(case.iterations > 1, case.iterations.to_string())),
        cell(Tone::Quiet, case.why.as_deref().unwrap_or_default()),
    ]
}

fn about(case: &BenchCase) -> Value {
    json!({
        "id": format!("{} {} {}", case.case, case.contestant, case.attempt),
        "title": visible_line(&case.case, 120),
        "case": true,
        "failed": !case.resolved,
        "session": case.session,
        "artefacts": case.artefacts,
    })
}

#[cfg(test)]
mod tests;
