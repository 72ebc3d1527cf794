//! Runs of benchmarks: on the terminal, as Markdown, as CSV.

use std::fmt::Write as _;

use crate::base::text::visible;
use crate::cli::render::table::Table;
use crate::cli::render::{Line, Screen, Style, line};
use crate::model::bench::{BenchReport, CaseVerdict, Expected, Harness, RunComparison, RunSummary, Share};

/// So many names are shown before only their number is.
const NAMES: usize = 20;

/// One run.
pub(crate) fn run(screen: &Screen, run: &RunSummary) {
    line(screen, &Line::new().add(Style::Bold, &headline(run)));
    for text in [resolved(run), share_of_all(run)] {
        line(screen, &Line::new().add(Style::Plain, &text));
    }
    let others = run.outcomes.iter().filter(|(outcome, _)| *outcome != "resolved");
    for (outcome, count) in others {
        let style = if matches!(&**outcome, "infrastructure" | "error") { Style::Attention } else { Style::Plain };
        line(screen, &Line::new().add(style, &format!("  {count:>5}  {}{}", words(outcome), reasons(run, outcome))));
    }
    if run.repos.len() > 1 {
        let mut table = Table::new(&["REPOSITORY", "RESOLVED", "OF", "SHARE", "95 %"]);
        for repo in &run.repos {
            table.row(vec![
                (Style::Plain, repo.repo.clone()),
                (Style::Plain, repo.resolved.to_string()),
                (Style::Plain, repo.submitted.to_string()),
                (Style::Plain, repo.share.map_or_else(String::new, |share| percent(share.share))),
                (Style::Dim, repo.share.map_or_else(String::new, interval)),
            ]);
        }
        line(screen, &Line::new());
        table.write(screen);
    }
    for written in &run.written {
        line(screen, &Line::new().add(Style::Dim, &format!("wrote {written}")));
    }
}

/// All that a report says.
pub(crate) fn report(screen: &Screen, report: &BenchReport) {
    for (at, summary) in report.runs.iter().enumerate() {
        if at > 0 {
            line(screen, &Line::new());
        }
        run(screen, summary);
    }
    for text in together(report) {
        line(screen, &Line::new().add(Style::Plain, &text));
    }
}

fn headline(run: &RunSummary) -> String {
    let models = run.models.join(", ");
    let harness = match run.harness {
        Some(Harness::V4) => ", rules of SWE-bench 4.1.0",
        Some(Harness::V5) => ", rules of SWE-bench 5.0.2",
        None => "",
    };
    let by = if models.is_empty() { String::new() } else { format!(" by {models}") };
    format!("{}{by}{harness}", run.run_id)
}

fn resolved(run: &RunSummary) -> String {
    let share =
        run.share.map_or_else(String::new, |share| format!(": {} (95 %: {})", percent(share.share), interval(share)));
    format!("resolved {} of {} predictions{share}", run.resolved, run.submitted)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of cases are small")]
fn share_of_all(run: &RunSummary) -> String {
    let share = run.resolved as f64 / run.total.max(1) as f64;
    format!("that is {} of all {} instances", percent(share), run.total)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn interval(share: Share) -> String {
    format!("{:.1} to {:.1} %", share.low * 100.0, share.high * 100.0)
}

fn words(outcome: &str) -> String {
    outcome.replace('_', " ")
}

/// The commonest reasons of an outcome.
fn reasons(run: &RunSummary, outcome: &str) -> String {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for reason in run.cases.iter().filter(|case| case.outcome == outcome).filter_map(|case| case.reason.as_deref()) {
        *counts.entry(reason).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let named: Vec<_> = counts.iter().take(3).map(|(reason, count)| format!("{} {count}", words(reason))).collect();
    if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) }
}

/// What is said of several runs, line by line.
fn together(report: &BenchReport) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(comparison) = &report.comparison {
        lines.push(String::new());
        lines.extend(compared(comparison));
    }
    if !report.pass_at.is_empty() {
        lines.push(String::new());
        for chance in &report.pass_at {
            let (any, all) = (percent(chance.any), percent(chance.all));
            lines.push(format!("within {} of the runs: at least one resolves {any}, all resolve {all}", chance.k));
        }
        let unsteady: Vec<_> = report.unsteady.iter().map(|case| case.instance_id.clone()).collect();
        lines.push(named("not the same in every run", &unsteady));
    }
    lines
}

fn compared(comparison: &RunComparison) -> Vec<String> {
    let RunComparison { common, both, neither, gained, lost, only_first, only_second, p_value } = comparison;
    let mut lines = vec![
        format!("{common} instances in both runs: {both} resolved in both, {neither} in neither"),
        named("resolved only in the second", gained),
        named("resolved only in the first", lost),
        format!("McNemar's exact test: p = {p_value:.4}"),
    ];
    for (what, ids) in [("only the first run has", only_first), ("only the second run has", only_second)] {
        if !ids.is_empty() {
            lines.push(named(what, ids));
        }
    }
    lines
}

fn named(what: &str, ids: &[String]) -> String {
    let shown = ids.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(" ");
    let more = if ids.len() > NAMES { format!(" and {} more", ids.len() - NAMES) } else { String::new() };
    format!("{what}: {}{}{shown}{more}", ids.len(), if ids.is_empty() { "" } else { ": " })
}

/// A document for people: a table of runs, one of projects for each, and what changed.
pub(crate) fn markdown(report: &BenchReport) -> String {
    let mut text =
        "# Benchmark report\n\n| run | made by | resolved | of | share | 95 % |\n|---|---|---|---|---|---|\n"
            .to_owned();
    let share = |share: Option<Share>| {
        share.map_or_else(|| " | ".to_owned(), |share| format!("{} | {}", percent(share.share), interval(share)))
    };
    for run in &report.runs {
        let (id, models) = (cell(&run.run_id), cell(&run.models.join(", ")));
        let _ = writeln!(text, "| {id} | {models} | {} | {} | {} |", run.resolved, run.submitted, share(run.share));
    }
    for run in &report.runs {
        let _ = write!(text, "\n## {}\n\n| outcome | instances |\n|---|---|\n", cell(&run.run_id));
        for (outcome, count) in &run.outcomes {
            let _ = writeln!(text, "| {}{} | {count} |", cell(&words(outcome)), cell(&reasons(run, outcome)));
        }
        text.push_str("\n| repository | resolved | of | share | 95 % |\n|---|---|---|---|---|\n");
        for repo in &run.repos {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} |",
                cell(&repo.repo),
                repo.resolved,
                repo.submitted,
                share(repo.share)
            );
        }
    }
    let together = together(report);
    if !together.is_empty() {
        text.push_str("\n## Together\n");
        for line in together {
            let line = if line.is_empty() { String::new() } else { format!("- {}", cell(&line)) };
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

/// Text that is no markup in a table.
fn cell(text: &str) -> String {
    visible(text).chars().fold(String::new(), |mut cell, c| {
        match c {
            '\n' => cell.push(' '),
            '|' | '\\' | '`' | '*' | '<' | '>' | '[' | ']' | '#' => cell.extend(['\\', c]),
            _ => cell.push(c),
        }
        cell
    })
}

/// A line for each instance of each run.
pub(crate) fn csv(report: &BenchReport) -> String {
    let mut text = "run,instance_id,repo,outcome,reason,resolved,fail_to_pass_passed,fail_to_pass_total,pass_to_pass_passed,pass_to_pass_total\n".to_owned();
    for (run, case) in report.runs.iter().flat_map(|run| run.cases.iter().map(move |case| (run, case))) {
        let CaseVerdict { instance_id, repo, outcome, reason, fail_to_pass, pass_to_pass } = case;
        let fields = [&run.run_id, instance_id, repo, outcome, reason.as_deref().unwrap_or_default()].map(quoted);
        let tests = [fail_to_pass, pass_to_pass].map(|tests| match tests {
            Some(Expected { passed, total }) => format!("{passed},{total}"),
            None => ",".to_owned(),
        });
        let _ = writeln!(text, "{},{},{}", fields.join(","), case.resolved(), tests.join(","));
    }
    text
}

/// A field of CSV. What a table program would take for a formula is made text.
fn quoted(field: &str) -> String {
    let field =
        if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}
