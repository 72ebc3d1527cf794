//! One page with everything in it: readable without JavaScript, sortable with it, nothing loaded from anywhere.

use std::fmt::Write as _;

use super::charts;
use super::{Report, ReportRun, by_agent, money, wants};
use crate::base::date;
use crate::base::page::{self, escape};
use crate::base::text::{visible, visible_line};
use crate::eval::swebench::statistics::share;
use crate::model::batch::{Ranked, RunCounts};
use crate::model::plan::Metric;

fn shown(text: &str, width: usize) -> String {
    escape(&visible_line(text, width))
}

pub(super) fn page(report: &Report) -> String {
    let plan = &report.batch.plan;
    let mut html = page::begin(&visible_line(&plan.name, 200));
    let _ = writeln!(
        html,
        "<div class='dim'>batch {} &middot; {} &middot; {}{}</div>",
        escape(report.batch.id.as_str()),
        date::minute(report.batch.created_at),
        report.view.state.as_str(),
        report.view.reason.as_ref().map(|why| format!(": {}", shown(why, 300))).unwrap_or_default(),
    );
    if !plan.description.is_empty() {
        let _ = writeln!(html, "<p>{}</p>", shown(&plan.description, 2_000));
    }
    tiles(&mut html, report);
    html.push_str("<div class='charts'>\n");
    if wants(report, Metric::SuccessRate) {
        html.push_str(&charts::success(report));
        html.push_str(&charts::heat(report));
    }
    if wants(report, Metric::CostAnalysis) {
        html.push_str(&charts::cost(report));
    }
    if wants(report, Metric::ExecutionTime) {
        html.push_str(&charts::times(report));
    }
    html.push_str("</div>\n");
    agents(&mut html, report);
    super::cases::section(&mut html, report);
    super::sure::sections(&mut html, report);
    ranking(&mut html, report);
    runs(&mut html, report);
    details(&mut html, report);
    html.push_str(&page::end());
    html
}

fn tiles(html: &mut String, report: &Report) {
    let RunCounts { passed, failed, cancelled, skipped, running, queued } = report.view.counts;
    let over = passed + failed + cancelled + skipped;
    let rate = share(passed as usize, over as usize).map_or_else(|| "0 %".to_owned(), |share| share.words());
    html.push_str("<div class='tiles'>");
    let mut tile = |value: &str, what: &str| {
        let _ = write!(html, "<div class='tile'><b>{}</b>{what}</div>", escape(value));
    };
    tile(&report.view.counts.total().to_string(), "runs");
    tile(&passed.to_string(), &format!("passed: {rate}"));
    tile(&failed.to_string(), "failed");
    if cancelled + skipped > 0 {
        tile(&(cancelled + skipped).to_string(), "cancelled or skipped");
    }
    if running + queued > 0 {
        tile(&(running + queued).to_string(), "not over");
    }
    let end = report.view.ended_at.unwrap_or(report.now);
    tile(&date::length(end.saturating_sub(report.view.created_at)), "wall time");
    if wants(report, Metric::TokenUsage) {
        tile(&report.view.spend.tokens.to_string(), "tokens");
    }
    if wants(report, Metric::CostAnalysis) {
        let began = report.runs.iter().any(|run| !run.run.attempts.is_empty());
        tile(&money(report.view.spend, began), "cost");
    }
    html.push_str("</div>\n");
}

fn agents(html: &mut String, report: &Report) {
    html.push_str("<h2>Agents</h2><div class='scroll'><table class='sortable'><thead><tr><th>Agent</th><th class='n'>Runs</th><th class='n'>Passed</th>");
    let metrics = [
        (Metric::SuccessRate, "Rate"),
        (Metric::ExecutionTime, "Time of a run"),
        (Metric::AvgIterations, "Turns of a run"),
        (Metric::ToolUsageStats, "Tool calls"),
        (Metric::TokenUsage, "Tokens"),
        (Metric::CostAnalysis, "Cost"),
    ];
    for (_, title) in metrics.iter().filter(|(metric, _)| wants(report, *metric)) {
        let _ = write!(html, "<th class='n'>{title}</th>");
    }
    html.push_str("</tr></thead><tbody>\n");
    for (agent, tally) in by_agent(report) {
        let _ = write!(
            html,
            "<tr><td>{}</td>{}{}",
            shown(agent, 100),
            number(i64::from(tally.runs), &tally.runs.to_string()),
            number(i64::from(tally.passed), &tally.passed.to_string()),
        );
        let tenths = tally.usual_turns();
        for (metric, _) in metrics.iter().filter(|(metric, _)| wants(report, *metric)) {
            html.push_str(&match metric {
                Metric::SuccessRate => number(i64::from(tally.rate()), &tally.rate_words()),
                Metric::ExecutionTime => number(tally.usual_millis(), &super::took(tally.usual_millis())),
                Metric::AvgIterations => number(signed(tenths), &format!("{}.{}", tenths / 10, tenths % 10)),
                Metric::ToolUsageStats => tools(&tally.tools),
                Metric::TokenUsage => number(signed(tally.spend.tokens), &tally.spend.tokens.to_string()),
                Metric::CostAnalysis => {
                    number(tally.spend.usd_micros.unwrap_or(-1), &money(tally.spend, tally.began > 0))
                }
            });
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
}

/// Tool calls: how many, and of which kinds.
fn tools(tools: &std::collections::BTreeMap<String, u32>) -> String {
    let all = super::calls(tools);
    let kinds = if tools.is_empty() {
        String::new()
    } else {
        format!(" <span class='dim'>({})</span>", escape(&super::kinds(tools)))
    };
    format!("<td class='n' data-v='{all}'>{all}{kinds}</td>")
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(value: i64, text: &str) -> String {
    format!("<td class='n' data-v='{value}'>{}</td>", escape(text))
}

/// Contests that the plan asked for, and apart from them what several agents or repetitions made of the same thing.
fn ranking(html: &mut String, report: &Report) {
    let (contests, others): (Vec<&Ranked>, Vec<&Ranked>) =
        report.ranking.iter().take(super::RANKED).partition(|ranked| ranked.contest.is_some());
    ranked(html, "Best of several", &contests);
    ranked(html, "Side by side", &others);
}

fn ranked(html: &mut String, title: &str, all: &[&Ranked]) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(
        html,
        "<h2>{title}</h2><div class='scroll'><table><thead><tr><th>Task</th><th class='n'>Place</th><th class='n'>Run</th><th>Agent</th><th>Evidence</th></tr></thead><tbody>"
    );
    for ranked in all {
        for candidate in ranked.candidates.iter().take(super::CANDIDATES) {
            let run = candidate.run.as_str().rsplit_once(".r").map_or("", |(_, number)| number);
            let _ = writeln!(
                html,
                "<tr><td>{}/{} {}</td><td class='n'>{}</td><td class='n'><a href='#r{run}'>{run}</a></td><td>{}</td><td>{}</td></tr>",
                shown(&ranked.task, 60),
                shown(&ranked.prompt, 60),
                shown(&ranked.repository, 80),
                super::place(ranked, candidate),
                shown(&candidate.agent, 60),
                shown(&candidate.evidence, 200),
            );
        }
        if let Some(contest) = &ranked.contest {
            let _ = writeln!(html, "<tr><td></td><td colspan='4'>{}</td></tr>", shown(&contest.sentence(), 2_000));
        }
    }
    html.push_str("</tbody></table></div>\n");
}

fn runs(html: &mut String, report: &Report) {
    html.push_str("<h2>Runs</h2><div class='scroll'><table class='sortable'><thead><tr><th class='n'>Run</th><th>Task</th><th>Agent</th><th>Repository</th><th>State</th><th class='n'>Attempts</th><th class='n'>Changed</th><th class='n'>Time</th><th class='n'>Cost</th><th>Reason</th></tr></thead><tbody>\n");
    for ReportRun { run, spend, .. } in &report.runs {
        let stat = run.attempts.last().map(|attempt| attempt.stat).unwrap_or_default();
        let took = run.duration(report.now);
        let _ = writeln!(
            html,
            "<tr><td class='n' data-v='{0}'><a href='#r{0}'>{0}</a></td><td>{1}/{2}</td><td>{3}</td><td>{4}</td><td class='{5}'>{11}</td>{6}{7}{8}{9}<td>{10}</td></tr>",
            run.number,
            shown(&run.task, 64),
            shown(&run.prompt, 64),
            shown(&run.agent, 64),
            shown(&run.repository, 80),
            run.state.as_str(),
            number(i64::try_from(run.attempts.len()).unwrap_or(0), &run.attempts.len().to_string()),
            number(i64::from(stat.added) + i64::from(stat.removed), &format!("+{} -{}", stat.added, stat.removed)),
            number(took, &if run.attempts.is_empty() { "-".to_owned() } else { super::took(took) }),
            number(spend.usd_micros.unwrap_or(-1), &money(*spend, !run.attempts.is_empty())),
            shown(run.reason.as_deref().unwrap_or_default(), 160),
            shown(&super::verdict(run).unwrap_or_else(|| run.state.as_str().to_owned()), 100),
        );
    }
    html.push_str("</tbody></table></div>\n");
}

fn details(html: &mut String, report: &Report) {
    html.push_str("<h2>Diffs and logs</h2>\n");
    let room = super::room_for_each(report.runs.len());
    for ReportRun { run, diff, log, .. } in &report.runs {
        let _ = write!(
            html,
            "<details id='r{}'><summary>Run {}: {}/{} {} <span class='{}'>{}</span></summary>",
            run.number,
            run.number,
            shown(&run.task, 64),
            shown(&run.prompt, 64),
            shown(&run.agent, 64),
            run.state.as_str(),
            shown(&super::verdict(run).unwrap_or_else(|| run.state.as_str().to_owned()), 100),
        );
        for attempt in &run.attempts {
            let _ = write!(
                html,
                "<div>attempt {} <span class='dim'>session {}</span> {}{}</div>",
                attempt.number,
                escape(attempt.session.as_str()),
                attempt.outcome.map_or("running", crate::model::batch::AttemptOutcome::words),
                attempt.reason.as_ref().map(|why| format!(": {}", shown(why, 300))).unwrap_or_default(),
            );
        }
        if !diff.is_empty() {
            html.push_str("<pre>");
            // What escapes make of it counts: a page of nothing but brackets is no larger.
            let end = html.len() + room;
            for line in diff.lines() {
                if html.len() >= end {
                    html.push_str("[cut]");
                    break;
                }
                let text = escape(&visible_line(line, room));
                let _ = match line.as_bytes().first() {
                    Some(b'+') => writeln!(html, "<ins>{text}</ins>"),
                    Some(b'-') => writeln!(html, "<del>{text}</del>"),
                    _ => writeln!(html, "{text}"),
                };
            }
            html.push_str("</pre>");
        }
        if !log.is_empty() {
            let text = escape(&visible(log));
            let from = text.len().saturating_sub(room / 2);
            let from = (from..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
            // Not in the middle of an escape: from the next line on.
            let from = if from == 0 { 0 } else { text[from..].find('\n').map_or(text.len(), |at| from + at + 1) };
            let _ = write!(html, "<pre>{}</pre>", &text[from..]);
        }
        html.push_str("</details>\n");
    }
    html.push_str("<script>addEventListener('hashchange',function(){var d=document.querySelector(location.hash);if(d&&d.tagName==='DETAILS')d.open=true})</script>");
}
