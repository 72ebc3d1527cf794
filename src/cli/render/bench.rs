//! Runs of benchmarks: on the terminal, as Markdown, as CSV.

use std::fmt::Write as _;

use crate::base::text::visible;
use crate::cli::render::table::Table;
use crate::cli::render::{Line, Screen, Style, line};
use crate::model::bench::{
    BenchReport, CaseAttempts, CaseVerdict, Expected, Harness, PassAt, RunComparison, RunSummary, Share,
};
use crate::model::effort::Effort;

/// So many names are shown before only their number is.
const NAMES: usize = 20;

/// One run.
pub(crate) fn run(screen: &Screen, run: &RunSummary) {
    line(screen, &Line::new().add(Style::Bold, &headline(run)));
    for text in said_of(run) {
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

/// What changed from one run to another.
pub(crate) fn comparison(screen: &Screen, comparison: &RunComparison) {
    for text in compared(comparison, NAMES) {
        line(screen, &Line::new().add(Style::Plain, &text));
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
    let what = if run.effort.is_some() { "attempts that count" } else { "predictions" };
    format!("resolved {} of {} {what}{share}", run.resolved, run.submitted)
}

/// A run in sentences.
fn said_of(run: &RunSummary) -> Vec<String> {
    let mut lines = vec![resolved(run)];
    match &run.effort {
        // The harness counts what nobody attempted as not resolved; a run knows what it attempted.
        None => lines.push(share_of_all(run)),
        Some(effort) => lines.extend(effort_words(effort)),
    }
    if run.flagged > 0 {
        lines.push(format!("{} more are not counted: their cases are not valid on this machine", run.flagged));
    }
    if run.contained > 0 {
        lines.push(format!("judged in containers: {} of {}", run.contained, run.cases.len()));
    }
    lines.extend(chances(&run.pass_at, "attempts"));
    if !run.unsteady.is_empty() {
        lines.push(unsteady(&run.unsteady));
    }
    lines
}

/// Whether nothing was spent: references, nobody, and agents without a model.
pub(super) fn is_free(effort: &Effort) -> bool {
    effort.tokens == 0 && effort.cost_micros == Some(0) && effort.cost_unknown == 0
}

/// What attempts took, line by line.
pub(super) fn effort_words(effort: &Effort) -> Vec<String> {
    if effort.agent_ms == 0 && effort.tokens == 0 {
        // Nobody attempted it.
        return vec![format!("preparing {}, tests {}", seconds(effort.prepare_ms), seconds(effort.test_ms))];
    }
    let cost = match (effort.cost_micros, effort.cost_unknown) {
        _ if is_free(effort) => "no cost".to_owned(),
        (None, _) => "cost unknown".to_owned(),
        (Some(cost), 0) => {
            let each = effort
                .cost_per_resolved
                .map_or_else(String::new, |each| format!(", {} for each resolved", micros(each)));
            format!("cost {}{each}", micros(cost))
        }
        (Some(cost), unknown) => format!("cost at least {}: unknown of {unknown} attempts", micros(cost)),
    };
    let mut lines = vec![
        format!("{cost}, {} tokens", effort.tokens),
        format!(
            "agent {} in the middle attempt, nine of ten within {}; in all preparing {}, agent {}, tests {}",
            seconds(effort.agent_ms_median),
            seconds(effort.agent_ms_p90),
            seconds(effort.prepare_ms),
            seconds(effort.agent_ms),
            seconds(effort.test_ms)
        ),
        format!("tests were run {:.1} times an attempt", effort.iterations),
    ];
    if !effort.tools.is_empty() {
        let mut tools: Vec<_> = effort.tools.iter().collect();
        tools.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let told: Vec<String> = tools.iter().take(NAMES).map(|(tool, count)| format!("{tool} {count}")).collect();
        lines.push(format!("tools: {}", told.join(", ")));
    }
    lines
}

/// Millionths of a dollar; small amounts in more detail.
pub(super) fn micros(micros: i64) -> String {
    if micros >= 1_000_000 {
        let cents = micros.saturating_add(5_000) / 10_000;
        return format!("${}.{:02}", cents / 100, cents % 100);
    }
    let tenths = micros.saturating_add(50) / 100;
    format!("${}.{:04}", tenths / 10_000, (tenths % 10_000).abs())
}

/// A time in milliseconds, as people say it.
pub(super) fn seconds(millis: u64) -> String {
    if millis < 10_000 {
        return format!("{}.{} s", millis / 1000, millis % 1000 / 100);
    }
    crate::base::date::length(i64::try_from(millis).unwrap_or(i64::MAX))
}

fn chances(pass_at: &[PassAt], what: &str) -> Vec<String> {
    pass_at
        .iter()
        .map(|chance| {
            let (any, all) = (percent(chance.any), percent(chance.all));
            format!("within {} of the {what}: at least one resolves {any}, all resolve {all}", chance.k)
        })
        .collect()
}

fn unsteady(cases: &[CaseAttempts]) -> String {
    let ids: Vec<String> = cases
        .iter()
        .map(|case| {
            format!("{} ({} of {}, variance {:.2})", case.instance_id, case.resolved, case.attempts, case.variance)
        })
        .collect();
    named("not the same every time", &ids, NAMES)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of cases are small")]
fn share_of_all(run: &RunSummary) -> String {
    let share = run.resolved as f64 / run.total.max(1) as f64;
    format!("that is {} of all {} instances", percent(share), run.total)
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

pub(super) fn interval(share: Share) -> String {
    format!("{:.1} to {:.1} %", share.low * 100.0, share.high * 100.0)
}

pub(super) fn words(outcome: &str) -> String {
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
        lines.extend(compared(comparison, NAMES));
    }
    if !report.pass_at.is_empty() {
        lines.push(String::new());
        lines.extend(chances(&report.pass_at, "runs"));
        let unsteady: Vec<_> = report.unsteady.iter().map(|case| case.instance_id.clone()).collect();
        lines.push(named("not the same in every run", &unsteady, NAMES));
    }
    lines
}

pub(super) fn compared(comparison: &RunComparison, most: usize) -> Vec<String> {
    let RunComparison { common, both, neither, gained, lost, only_first, only_second, p_value } = comparison;
    let mut lines = vec![
        format!("{common} instances in both runs: {both} resolved in both, {neither} in neither"),
        named("resolved only in the second", gained, most),
        named("resolved only in the first", lost, most),
        format!("McNemar's exact test: p = {p_value:.4}"),
    ];
    for (what, ids) in [("only the first run has", only_first), ("only the second run has", only_second)] {
        if !ids.is_empty() {
            lines.push(named(what, ids, most));
        }
    }
    lines
}

fn named(what: &str, ids: &[String], most: usize) -> String {
    let shown = ids.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(" ");
    let more = if ids.len() > most { format!(" and {} more", ids.len() - most) } else { String::new() };
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
        if run.effort.is_some() {
            text.push('\n');
            for line in said_of(run) {
                let _ = writeln!(text, "- {}", cell(&line));
            }
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
    let mut text = "run,instance_id,repo,outcome,reason,resolved,fail_to_pass_passed,fail_to_pass_total,pass_to_pass_passed,pass_to_pass_total,attempt,counted,iterations,tools,prepare_ms,agent_ms,test_ms,tokens,cost_micros\n".to_owned();
    for (run, case) in report.runs.iter().flat_map(|run| run.cases.iter().map(move |case| (run, case))) {
        let CaseVerdict { instance_id, repo, outcome, reason, fail_to_pass, pass_to_pass, .. } = case;
        let fields = [&run.run_id, instance_id, repo, outcome, reason.as_deref().unwrap_or_default()].map(quoted);
        let tests = [fail_to_pass, pass_to_pass].map(|tests| match tests {
            Some(Expected { passed, total }) => format!("{passed},{total}"),
            None => ",".to_owned(),
        });
        let effort = case.effort.as_ref().map_or_else(
            || ",".repeat(6),
            |effort| {
                let known = |number: Option<String>| number.unwrap_or_default();
                format!(
                    "{},{},{},{},{},{},{}",
                    effort.iterations,
                    effort.tools,
                    effort.prepare_ms,
                    effort.agent_ms,
                    effort.test_ms,
                    known(effort.tokens.map(|tokens| tokens.to_string())),
                    known(effort.cost_micros.map(|cost| cost.to_string())),
                )
            },
        );
        let (names, tests) = (fields.join(","), tests.join(","));
        let (resolved, counted) = (case.resolved(), !case.left_out);
        let _ = writeln!(text, "{names},{resolved},{tests},{},{counted},{effort}", case.attempt);
    }
    text
}

/// A field of CSV. What a table program would take for a formula is made text.
fn quoted(field: &str) -> String {
    let field =
        if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}
