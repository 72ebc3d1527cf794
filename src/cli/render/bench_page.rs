//! Reports of benchmarks as one page: who resolved how much, at which price, in which time; what changed; every attempt.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::bench::{compared, effort_words, interval, is_free, micros, percent, seconds, words};
use Head::{Number, Text};

use crate::base::page::{self, escape};
use crate::base::text::visible_line;
use crate::model::bench::{BenchReport, CaseVerdict, Excerpt, RunSummary};
use crate::model::effort::Effort;

/// Bars, rows and columns of charts at most; what is left out is said.
const MOST: usize = 40;
/// Bytes of all patches and outputs together.
const ROOM: usize = 2_000_000;
/// Bytes of those of one attempt.
const ROOM_OF_ONE: usize = 12 * 1024;

/// What an attempt left behind, by its run's place and itself, at most so long.
pub(crate) type Excerpts<'a> = dyn Fn(usize, &CaseVerdict, usize) -> Excerpt + 'a;

/// The page.
pub(crate) fn page(report: &BenchReport, excerpts: &Excerpts<'_>) -> String {
    let names: Vec<String> = report.runs.iter().map(title).collect();
    let mut html = page::begin(&match &*names {
        [one] => one.clone(),
        several => format!("{} runs of benchmarks", several.len()),
    });
    for (run, name) in report.runs.iter().zip(&names) {
        if report.runs.len() > 1 {
            let _ = writeln!(html, "<h2>{}</h2>", escape(name));
        }
        head(&mut html, run);
    }
    html.push_str("<div class='charts'>\n");
    let labels = labels(&report.runs);
    html.push_str(&shares(&report.runs, &labels));
    html.push_str(&costs(&report.runs, &labels));
    html.push_str(&times(&report.runs));
    html.push_str("</div>\n");
    if let Some(comparison) = &report.comparison {
        let _ = writeln!(html, "<h2>From the first to the second</h2><ul>");
        for line in compared(comparison, usize::MAX) {
            let _ = writeln!(html, "<li>{}</li>", shown(&line, 20_000));
        }
        html.push_str("</ul>\n");
    }
    chances(&mut html, report);
    repositories(&mut html, report);
    cases(&mut html, report);
    attempts(&mut html, report, excerpts);
    html.push_str(&page::end());
    html
}

fn shown(text: &str, width: usize) -> String {
    escape(&visible_line(text, width))
}

fn title(run: &RunSummary) -> String {
    let by = run.models.join(", ");
    let text = match &run.dataset {
        Some(suite) if !by.is_empty() => format!("{suite} by {by} ({})", run.run_id),
        _ if by.is_empty() => run.run_id.clone(),
        _ => format!("{} by {by}", run.run_id),
    };
    visible_line(&text, 160)
}

/// What tells runs apart in few characters: who, else which, the end of its name.
fn labels(runs: &[RunSummary]) -> Vec<String> {
    let by: Vec<String> = runs.iter().map(|run| run.models.join(", ")).collect();
    let alone = |name: &String| !name.is_empty() && by.iter().filter(|other| *other == name).count() == 1;
    let end = |id: &str| {
        let skipped = id.chars().count().saturating_sub(23);
        let kept: String = id.chars().skip(skipped).collect();
        if skipped > 0 { format!("…{kept}") } else { kept }
    };
    runs.iter().zip(&by).map(|(run, by)| short(&if alone(by) { by.clone() } else { end(&run.run_id) })).collect()
}

fn head(html: &mut String, run: &RunSummary) {
    html.push_str("<div class='tiles'>");
    let mut tile = |value: &str, what: &str| {
        let _ = write!(html, "<div class='tile'><b>{}</b>{}</div>", escape(value), escape(what));
    };
    let share = run.share.map_or_else(|| "-".to_owned(), |share| percent(share.share));
    tile(&share, &format!("{} of {} resolved", run.resolved, run.submitted));
    if let Some(share) = run.share {
        tile(&interval(share), "with 95 % certainty");
    }
    if let Some(effort) = &run.effort {
        if !is_free(effort) {
            tile(&effort.cost_micros.map_or_else(|| "unknown".to_owned(), micros), "cost");
            tile(&effort.cost_per_resolved.map_or_else(|| "unknown".to_owned(), micros), "for each resolved");
        }
        tile(&seconds(effort.agent_ms_median), "agent, middle attempt");
        tile(&effort.tokens.to_string(), "tokens");
    }
    if run.flagged > 0 {
        tile(&run.flagged.to_string(), "not counted: not valid here");
    }
    if run.contained > 0 {
        tile(&run.contained.to_string(), "judged in containers");
    }
    html.push_str("</div>\n");
    let outcomes: Vec<String> =
        run.outcomes.iter().map(|(outcome, count)| format!("{count} {}", words(outcome))).collect();
    let _ = writeln!(html, "<div class='dim'>{}</div>", shown(&outcomes.join(", "), 500));
    if let Some(effort) = &run.effort {
        for line in effort_words(effort) {
            let _ = writeln!(html, "<div class='dim'>{}</div>", shown(&line, 1_000));
        }
    }
}

fn short(name: &str) -> String {
    visible_line(name, 24)
}

fn figure(caption: &str, width: usize, height: usize, svg: &str, left_out: usize) -> String {
    let more = if left_out > 0 { format!(" ({left_out} more are not shown)") } else { String::new() };
    format!(
        "<figure><figcaption>{}{more}</figcaption><svg viewBox='0 0 {width} {height}' width='{width}' style='min-width:{}px' role='img' aria-label='{}'>{svg}</svg></figure>\n",
        escape(caption),
        // Never so small that nobody can read it: then it is scrolled.
        width * 4 / 5,
        escape(caption),
    )
}

/// Of a share, what it is of so many; charts need whole numbers.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares lie between 0 and 1")]
fn part(share: f64, of: u32) -> u32 {
    (share.clamp(0.0, 1.0) * f64::from(of)).round() as u32
}

/// How much is resolved, with how sure that is.
fn shares(runs: &[RunSummary], names: &[String]) -> String {
    let mut svg = String::new();
    for (index, (run, name)) in runs.iter().zip(names).take(MOST).enumerate() {
        let y = index * 34;
        let Some(share) = run.share else { continue };
        let (low, high) = (230 + part(share.low, 300), 230 + part(share.high, 300));
        let _ = write!(
            svg,
            "<text x='0' y='{}'>{}</text><rect x='230' y='{}' width='300' height='18' rx='3' class='bg'/>\
             <rect x='230' y='{}' width='{}' height='18' rx='3' class='good'/>\
             <path d='M{low} {}H{high}M{low} {}v8M{high} {}v8' fill='none' stroke='currentColor' stroke-width='2'/><text x='540' y='{}'>{}</text>",
            y + 18,
            escape(name),
            y + 5,
            y + 5,
            part(share.share, 300),
            y + 14,
            y + 10,
            y + 10,
            y + 18,
            escape(&percent(share.share)),
        );
    }
    let rows = runs.len().min(MOST);
    figure("Resolved, with the interval at 95 %", 620, rows * 34 + 4, &svg, runs.len() - rows)
}

/// What a run cost against how much it resolved.
fn costs(runs: &[RunSummary], names: &[String]) -> String {
    let priced: Vec<(i64, f64, &String)> = runs
        .iter()
        .zip(names)
        .filter_map(|(run, name)| {
            let effort = run.effort.as_ref().filter(|effort| effort.cost_unknown == 0)?;
            Some((effort.cost_micros?, run.share?.share, name))
        })
        .collect();
    let most = priced.iter().map(|(cost, ..)| *cost).max().unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let mut svg = "<path d='M60 10V220H456' class='axis'/><text x='52' y='20' class='e'>100 %</text>\
                   <text x='52' y='222' class='e'>0 %</text>"
        .to_owned();
    let _ = write!(svg, "<text x='456' y='238' class='e'>{}</text>", escape(&micros(most)));
    let mut taken: Vec<(i64, u32)> = Vec::new();
    for (cost, share, name) in priced.iter().take(MOST) {
        let (x, y) = (70 + cost * 380 / most, 220 - part(*share, 200));
        // Above the axis, and not upon another name.
        let mut line = (y + 4).min(212);
        while taken.iter().any(|(other, at)| (other - x).abs() < 220 && at.abs_diff(line) < 13) && line > 13 {
            line -= 13;
        }
        taken.push((x, line));
        let _ = write!(
            svg,
            "<circle cx='{x}' cy='{y}' r='6' class='dot'/><text x='{}' y='{}'>{} {}</text>",
            x + 9,
            line,
            escape(name),
            escape(&micros(*cost)),
        );
    }
    figure("Cost against success", 680, 245, &svg, priced.len().saturating_sub(MOST))
}

/// How long attempts took, all runs together.
fn times(runs: &[RunSummary]) -> String {
    const BARS: usize = 16;
    let all = runs.iter().flat_map(|run| &run.cases).filter_map(|case| case.effort.as_ref());
    let times: Vec<u64> = all.map(|effort| effort.prepare_ms + effort.agent_ms + effort.test_ms).collect();
    let Some(most) = times.iter().copied().max() else { return String::new() };
    let mut counts = [0_usize; BARS];
    for time in &times {
        let bar = usize::try_from(time.saturating_mul(BARS as u64) / (most + 1)).unwrap_or(0);
        counts[bar.min(BARS - 1)] += 1;
    }
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let mut svg = "<path d='M40 190H560' class='axis'/>".to_owned();
    for (index, count) in counts.iter().enumerate() {
        let height = count * 170 / highest;
        let (x, y) = (42 + index * 32, 190 - height);
        let _ = write!(
            svg,
            "<rect x='{x}' y='{y}' width='28' height='{height}' class='dot'><title>{count} attempts</title></rect>"
        );
    }
    let _ = write!(
        svg,
        "<text x='40' y='208' class='s'>0</text><text x='560' y='208' class='e'>{}</text><text x='36' y='26' class='e'>{highest}</text>",
        escape(&seconds(most)),
    );
    figure("Time of an attempt", 600, 215, &svg, 0)
}

/// A column's heading, which stands where its cells do.
enum Head<'a> {
    Text(&'a str),
    Number(&'a str),
}

fn begin_table(html: &mut String, heads: &[Head<'_>]) {
    html.push_str("<div class='scroll'><table class='sortable'><thead><tr>");
    for head in heads {
        let _ = match head {
            Head::Text(title) => write!(html, "<th>{}</th>", escape(title)),
            Head::Number(title) => write!(html, "<th class='n'>{}</th>", escape(title)),
        };
    }
    html.push_str("</tr></thead><tbody>\n");
}

fn end_table(html: &mut String) {
    html.push_str("</tbody></table></div>\n");
}

fn text_cell(text: &str, width: usize) -> String {
    format!("<td>{}</td>", shown(text, width))
}

fn number_cell(value: impl std::fmt::Display, text: &str) -> String {
    format!("<td class='n' data-v='{value}'>{}</td>", escape(text))
}

fn chances(html: &mut String, report: &BenchReport) {
    let own = report.runs.iter().map(|run| (title(run), &run.pass_at, &run.unsteady));
    let all = own.chain([("all runs together".to_owned(), &report.pass_at, &report.unsteady)]);
    let all: Vec<_> = all.filter(|(_, pass_at, _)| !pass_at.is_empty()).collect();
    if all.is_empty() {
        return;
    }
    html.push_str("<h2>Several attempts</h2>");
    begin_table(html, &[Text("Run"), Number("Attempts"), Number("At least one resolves"), Number("All resolve")]);
    for (name, pass_at, _) in &all {
        for chance in *pass_at {
            let _ = writeln!(
                html,
                "<tr>{}{}{}{}</tr>",
                text_cell(name, 100),
                number_cell(chance.k, &chance.k.to_string()),
                number_cell(chance.any, &percent(chance.any)),
                number_cell(chance.all, &percent(chance.all)),
            );
        }
    }
    end_table(html);
    if all.iter().all(|(_, _, unsteady)| unsteady.is_empty()) {
        return;
    }
    html.push_str("<h2>Not the same every time</h2>");
    begin_table(html, &[Text("Run"), Text("Case"), Number("Attempts"), Number("Resolved"), Number("Variance")]);
    for (name, case) in all.iter().flat_map(|(name, _, unsteady)| unsteady.iter().map(move |case| (name, case))) {
        let _ = writeln!(
            html,
            "<tr>{}{}{}{}{}</tr>",
            text_cell(name, 100),
            text_cell(&case.instance_id, 120),
            number_cell(case.attempts, &case.attempts.to_string()),
            number_cell(case.resolved, &case.resolved.to_string()),
            number_cell(case.variance, &format!("{:.3}", case.variance)),
        );
    }
    end_table(html);
}

fn repositories(html: &mut String, report: &BenchReport) {
    html.push_str("<h2>Repositories</h2>");
    begin_table(
        html,
        &[
            Text("Run"),
            Text("Repository"),
            Number("Resolved"),
            Number("Of"),
            Number("Share"),
            Text("95 %"),
            Number("Cost"),
            Number("Agent, middle attempt"),
        ],
    );
    for (run, repo) in report.runs.iter().flat_map(|run| run.repos.iter().map(move |repo| (run, repo))) {
        let effort = repo.effort.as_ref();
        let cost = effort.filter(|effort| !is_free(effort)).and_then(|effort| effort.cost_micros);
        let time = effort.map(|effort: &Effort| effort.agent_ms_median);
        let _ = writeln!(
            html,
            "<tr>{}{}{}{}{}{}{}{}</tr>",
            text_cell(&title(run), 100),
            text_cell(&repo.repo, 100),
            number_cell(repo.resolved, &repo.resolved.to_string()),
            number_cell(repo.submitted, &repo.submitted.to_string()),
            number_cell(
                repo.share.map_or(-1.0, |share| share.share),
                &repo.share.map_or_else(String::new, |share| percent(share.share))
            ),
            text_cell(&repo.share.map_or_else(String::new, interval), 60),
            number_cell(cost.unwrap_or(-1), &cost.map_or_else(String::new, micros)),
            number_cell(
                time.map_or(-1, |time| i64::try_from(time).unwrap_or(i64::MAX)),
                &time.map_or_else(String::new, seconds)
            ),
        );
    }
    end_table(html);
}

/// Cases by runs: what became of each attempt.
fn cases(html: &mut String, report: &BenchReport) {
    let runs: Vec<&RunSummary> = report.runs.iter().take(MOST).collect();
    let mut rows: BTreeMap<&str, Vec<Vec<&CaseVerdict>>> = BTreeMap::new();
    for (at, case) in runs.iter().enumerate().flat_map(|(at, run)| run.cases.iter().map(move |case| (at, case))) {
        rows.entry(&case.instance_id).or_insert_with(|| vec![Vec::new(); runs.len()])[at].push(case);
    }
    html.push_str("<h2>Cases</h2>");
    let mut heads = vec!["Case".to_owned()];
    heads.extend(runs.iter().map(|run| title(run)));
    begin_table(html, &heads.iter().map(|head| Text(head)).collect::<Vec<_>>());
    for (id, of_runs) in rows {
        let _ = write!(html, "<tr>{}", text_cell(id, 120));
        for cases in of_runs {
            let resolved = cases.iter().filter(|case| case.resolved()).count();
            let class = match cases.len() {
                0 => "",
                _ if cases.iter().all(|case| case.left_out) => "dim",
                count if count == resolved => "passed",
                _ if resolved == 0 => "failed",
                _ => "",
            };
            let told: Vec<String> = cases.iter().map(|case| told(case)).collect();
            let value = if cases.is_empty() { -1 } else { i64::try_from(resolved).unwrap_or(i64::MAX) };
            let _ = write!(html, "<td class='{class}' data-v='{value}'>{}</td>", shown(&told.join("; "), 200));
        }
        html.push_str("</tr>\n");
    }
    end_table(html);
}

fn told(case: &CaseVerdict) -> String {
    match case.validity {
        Some(validity) if validity.is_flaw() => format!("{}, not counted: {}", words(&case.outcome), validity.words()),
        _ if case.left_out => format!("{}, not counted", words(&case.outcome)),
        _ => words(&case.outcome),
    }
}

/// Each attempt of a run that kept what it left behind.
fn attempts(html: &mut String, report: &BenchReport, excerpts: &Excerpts<'_>) {
    let all: Vec<(usize, &CaseVerdict)> = report
        .runs
        .iter()
        .enumerate()
        .flat_map(|(at, run)| run.cases.iter().map(move |case| (at, case)))
        .filter(|(_, case)| case.artefacts.is_some())
        .collect();
    if all.is_empty() {
        return;
    }
    html.push_str("<h2>Attempts</h2>\n");
    let room = (ROOM / all.len() / 2).min(ROOM_OF_ONE);
    for (at, case) in all {
        let Excerpt { patch, said } = excerpts(at, case, room);
        let mut about = vec![case.instance_id.clone()];
        if report.runs.len() > 1 {
            about.push(title(&report.runs[at]));
        }
        if case.attempt > 1 {
            about.push(format!("attempt {}", case.attempt));
        }
        about.push(told(case));
        about.extend(case.reason.clone());
        if let Some(effort) = &case.effort {
            about.push(seconds(effort.prepare_ms + effort.agent_ms + effort.test_ms));
            about.extend(effort.cost_micros.filter(|cost| *cost > 0).map(micros));
        }
        let class = match case.resolved() {
            _ if case.left_out => "dim",
            true => "passed",
            false => "failed",
        };
        let _ = writeln!(html, "<details><summary class='{class}'>{}</summary>", shown(&about.join(" · "), 300));
        if !patch.is_empty() {
            html.push_str("<pre>");
            for line in patch.lines() {
                let tag = match line.as_bytes().first() {
                    Some(b'+') => "ins",
                    Some(b'-') => "del",
                    _ => "",
                };
                let line = escape(line);
                let _ = if tag.is_empty() { writeln!(html, "{line}") } else { writeln!(html, "<{tag}>{line}</{tag}>") };
            }
            html.push_str("</pre>");
        }
        if !said.is_empty() {
            let _ = write!(html, "<pre>{}</pre>", escape(&said));
        }
        html.push_str("</details>\n");
    }
}

#[cfg(test)]
mod tests;
