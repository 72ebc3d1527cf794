//! Reports of batches: JSON lines, CSV, Markdown, and one self-contained page. What is shown of agents and files is hostile: escaped.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::base::date;
use crate::base::text::visible_line;
use crate::batch::queue::dollars;
use crate::eval::swebench::statistics::share;
use crate::model::batch::{Batch, BatchView, Candidate, Ranked, Run, RunState, Spend, Statistics};
use crate::model::plan::{ExportFormat, Metric};

mod cases;
mod charts;
mod html;
mod sure;

/// Everything a report is made of.
#[derive(Debug, Clone)]
pub struct Report {
    /// The batch.
    pub batch: Batch,
    /// In numbers.
    pub view: BatchView,
    /// Its runs, in order.
    pub runs: Vec<ReportRun>,
    /// Candidates for the same thing.
    pub ranking: Vec<Ranked>,
    /// How sure its results are.
    pub statistics: Statistics,
    /// When the report was made, milliseconds since the epoch.
    pub now: i64,
}

/// A run with what is shown of it.
#[derive(Debug, Clone)]
pub struct ReportRun {
    /// The run.
    pub run: Run,
    /// What it used.
    pub spend: Spend,
    /// Tool calls of its newest attempt, by kind.
    pub tools: BTreeMap<String, u32>,
    /// What its newest attempt changed; bounded by whoever gathered it.
    pub diff: String,
    /// The end of what its newest attempt said.
    pub log: String,
}

/// Bytes of diff and log together that a report of so many runs has room for, for each run.
pub fn room_for_each(runs: usize) -> usize {
    (2_000_000 / runs.max(1)).min(24 * 1024)
}

/// The report in a format.
pub fn write(report: &Report, format: ExportFormat) -> String {
    match format {
        ExportFormat::Jsonl => jsonl(report),
        ExportFormat::Csv => csv(report),
        ExportFormat::Md => markdown(report),
        ExportFormat::Html => html::page(report),
    }
}

/// One agent in numbers.
#[derive(Debug, Clone, Default)]
struct Tally {
    runs: u32,
    over: u32,
    passed: u32,
    turns: u64,
    tools: BTreeMap<String, u32>,
    millis: i64,
    spend: Spend,
    /// Runs that were begun.
    began: u32,
}

impl Tally {
    fn add(&mut self, run: &ReportRun, now: i64) {
        self.runs += 1;
        self.began += u32::from(!run.run.attempts.is_empty());
        self.over += u32::from(run.run.state.is_over());
        self.passed += u32::from(run.run.state == RunState::Passed);
        self.turns += run.run.attempts.iter().map(|attempt| u64::from(attempt.turns)).sum::<u64>();
        for (kind, calls) in &run.tools {
            *self.tools.entry(kind.clone()).or_default() += calls;
        }
        self.millis += run.run.duration(now);
        self.spend = self.spend.plus(run.spend);
    }

    /// Passed of those that are over, per cent.
    fn rate(&self) -> u32 {
        (self.passed * 100).checked_div(self.over).unwrap_or(0)
    }

    /// The same with its interval at 95 %.
    fn rate_words(&self) -> String {
        share(self.passed as usize, self.over as usize).map_or_else(|| "-".to_owned(), |share| share.words())
    }

    /// Turns of a run, tenths.
    fn usual_turns(&self) -> u64 {
        self.turns * 10 / u64::from(self.runs.max(1))
    }

    fn usual_millis(&self) -> i64 {
        self.millis / i64::from(self.runs.max(1))
    }
}

/// By agent, in the order of the plan.
fn by_agent(report: &Report) -> Vec<(&str, Tally)> {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for run in &report.runs {
        tallies.entry(&run.run.agent).or_default().add(run, report.now);
    }
    let order = report.batch.plan.agents.iter().map(|agent| agent.id.as_str());
    order.filter_map(|agent| Some((agent, tallies.remove(agent)?))).collect()
}

fn wants(report: &Report, metric: Metric) -> bool {
    report.batch.plan.collection.is_empty() || report.batch.plan.collection.contains(&metric)
}

/// What was used in money; `began` says whether anything was used at all. Who tells no cost has not worked for nothing.
fn money(spend: Spend, began: bool) -> String {
    match spend.usd_micros {
        Some(usd) if spend.partial => format!("at least {}", dollars(usd)),
        Some(usd) => dollars(usd),
        None if spend.tokens > 0 || began => "unknown".to_owned(),
        None => "-".to_owned(),
    }
}

/// How long runs take, in words: tenths of seconds while they matter.
fn took(millis: i64) -> String {
    if millis < 10_000 {
        format!("{}.{} s", millis.max(0) / 1_000, millis.max(0) % 1_000 / 100)
    } else {
        date::length(millis)
    }
}

/// Calls of all kinds.
fn calls(tools: &BTreeMap<String, u32>) -> u64 {
    tools.values().copied().map(u64::from).sum()
}

/// Groups of candidates, and candidates of a group, that a page or a text shows.
const RANKED: usize = 200;
const CANDIDATES: usize = 10;

/// Kinds of tools that are named.
const KINDS: usize = 8;

/// Calls by kind in words, the most frequent first.
fn kinds(tools: &BTreeMap<String, u32>) -> String {
    let mut kinds: Vec<(&String, &u32)> = tools.iter().collect();
    kinds.sort_by_key(|(_, calls)| std::cmp::Reverse(**calls));
    let named = kinds.iter().take(KINDS).map(|(kind, calls)| format!("{} {calls}", visible_line(kind, 24)));
    let mut words = named.collect::<Vec<_>>().join(", ");
    if kinds.len() > KINDS {
        words.push_str(", ...");
    }
    words
}

/// Columns that every tabular format has: title and value; with the metric that has to be wanted.
fn columns(report: &Report, run: &ReportRun) -> Vec<(&'static str, Value)> {
    let ReportRun { run, spend, tools, .. } = run;
    let last = run.attempts.last();
    let stat = last.map(|attempt| attempt.stat).unwrap_or_default();
    let mut columns = vec![
        ("run", json!(run.number)),
        ("task", json!(run.task)),
        ("prompt", json!(run.prompt)),
        ("agent", json!(run.agent)),
        ("repository", json!(run.repository)),
        ("repetition", json!(run.repetition)),
        ("state", json!(run.state.as_str())),
        (
            "outcome",
            json!(last.and_then(|attempt| attempt.outcome).map(super::super::model::batch::AttemptOutcome::words)),
        ),
        ("verdict", json!(verdict(run))),
        ("reason", json!(run.reason)),
        ("attempts", json!(run.attempts.len())),
        ("files", json!(stat.files)),
        ("added", json!(stat.added)),
        ("removed", json!(stat.removed)),
        ("score", json!(last.and_then(|attempt| attempt.score))),
        ("landed", json!(last.is_some_and(|attempt| attempt.landed))),
        ("session", json!(last.map(|attempt| attempt.session.as_str()))),
        ("commit", json!(last.and_then(|attempt| attempt.head.as_ref()).map(|head| head.0.as_str()))),
    ];
    if wants(report, Metric::ExecutionTime) {
        columns.push(("duration_ms", json!(run.duration(report.now))));
        columns.push(("started_at", json!(run.attempts.first().map(|attempt| attempt.started_at))));
    }
    if wants(report, Metric::AvgIterations) {
        columns.push(("turns", json!(run.attempts.iter().map(|attempt| attempt.turns).sum::<u32>())));
    }
    if wants(report, Metric::TokenUsage) {
        columns.push(("tokens", json!(spend.tokens)));
    }
    if wants(report, Metric::CostAnalysis) {
        columns.push(("cost_usd_micros", json!(spend.usd_micros)));
        columns.push(("cost_is_partial", json!(spend.partial)));
    }
    if wants(report, Metric::ToolUsageStats) {
        columns.push(("tool_calls", json!(calls(tools))));
        columns.push(("tools", json!(kinds(tools))));
    }
    columns
}

/// How the newest attempt at a case came out, in words.
fn verdict(run: &Run) -> Option<String> {
    run.attempts.last()?.case.as_ref()?.words()
}

fn jsonl(report: &Report) -> String {
    let mut text = String::new();
    for run in &report.runs {
        let mut document: serde_json::Map<String, Value> =
            columns(report, run).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if document.contains_key("tools") {
            document.insert("tools".to_owned(), json!(run.tools));
        }
        document.insert("batch".to_owned(), json!(report.batch.id.as_str()));
        document.insert("plan".to_owned(), json!(report.batch.plan.name));
        document.insert("every_attempt".to_owned(), json!(run.run.attempts));
        text.push_str(&Value::Object(document).to_string());
        text.push('\n');
    }
    // The last line is about all runs together: it has no `run`.
    let summary = json!({
        "batch": report.batch.id.as_str(),
        "plan": report.batch.plan.name,
        "summary": report.statistics,
    });
    text.push_str(&summary.to_string());
    text.push('\n');
    text
}

fn csv(report: &Report) -> String {
    let mut text = String::new();
    for (index, run) in report.runs.iter().enumerate() {
        let columns = columns(report, run);
        if index == 0 {
            let titles: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
            text.push_str(&titles.join(","));
            text.push_str("\r\n");
        }
        let cells: Vec<String> = columns.into_iter().map(|(_, value)| cell(&value)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

/// A cell that a spreadsheet takes for text when it is one, whatever an agent said.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => visible_line(text, 2_000),
        other => return other.to_string(),
    };
    // Some take the wide forms for the plain ones, some a semicolon or a tab for the end of a cell.
    let formula = text.starts_with(['=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠']);
    let text = if formula { format!("'{text}") } else { text };
    if text.contains([',', ';', '"', '\t', '\n', '\r']) || formula {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

fn markdown(report: &Report) -> String {
    use std::fmt::Write as _;
    let mut text = format!("# {}\n\n", md(&report.batch.plan.name));
    let counts = report.view.counts;
    let _ = writeln!(
        text,
        "Batch `{}` of {}: {} runs, {} passed, {} failed, {} cancelled, {} skipped, {} waiting or running.\n",
        report.batch.id,
        date::minute(report.batch.created_at),
        counts.total(),
        counts.passed,
        counts.failed,
        counts.cancelled,
        counts.skipped,
        counts.running + counts.queued,
    );
    agent_table(&mut text, report);
    cases::table(&mut text, report);
    sure::tables(&mut text, report);
    ranking(&mut text, report);
    text.push_str("\n| run | task | agent | repository | state | changed | time | cost | reason |\n");
    text.push_str("|---:|---|---|---|---|---:|---:|---:|---|\n");
    for ReportRun { run, spend, .. } in &report.runs {
        let stat = run.attempts.last().map(|attempt| attempt.stat).unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {}/{} | {} | {} | {} | +{} -{} | {} | {} | {} |",
            run.number,
            md(&run.task),
            md(&run.prompt),
            md(&run.agent),
            md(&run.repository),
            verdict(run).map_or_else(|| run.state.as_str().to_owned(), |verdict| md(&verdict)),
            stat.added,
            stat.removed,
            took(run.duration(report.now)),
            money(*spend, !run.attempts.is_empty()),
            md(run.reason.as_deref().unwrap_or_default()),
        );
    }
    text
}

/// Candidates for the same thing, the best first, and how that was decided.
fn ranking(text: &mut String, report: &Report) {
    use std::fmt::Write as _;
    if report.ranking.is_empty() {
        return;
    }
    text.push_str("\n| task | repository | place | run | agent | evidence |\n|---|---|---:|---:|---|---|\n");
    for ranked in report.ranking.iter().take(RANKED) {
        for candidate in ranked.candidates.iter().take(CANDIDATES) {
            let _ = writeln!(
                text,
                "| {}/{} | {} | {} | {} | {} | {} |",
                md(&ranked.task),
                md(&ranked.prompt),
                md(&ranked.repository),
                place(ranked, candidate),
                candidate.run.as_str().rsplit_once(".r").map_or("", |(_, number)| number),
                md(&candidate.agent),
                md(&candidate.evidence),
            );
        }
    }
    let contests = report.ranking.iter().take(RANKED).filter_map(|ranked| ranked.contest.as_deref());
    for (index, contest) in contests.enumerate() {
        let (task, prompt, repository) = (md(&contest.task), md(&contest.prompt), md(&contest.repository));
        let gap = if index == 0 { "\n" } else { "" };
        let _ = writeln!(text, "{gap}- {task}/{prompt} in {repository}: {}", cut_md(&contest.sentence(), 2_000));
    }
}

/// A candidate's place, and whether it won.
fn place(ranked: &Ranked, candidate: &Candidate) -> String {
    let won = if ranked.has_won(&candidate.run) { " (winner)" } else { "" };
    format!("{}{won}", candidate.place)
}

/// Agents in numbers: those that the plan collects.
fn agent_table(text: &mut String, report: &Report) {
    let titles = [
        (Metric::SuccessRate, "rate"),
        (Metric::ExecutionTime, "time of a run"),
        (Metric::AvgIterations, "turns of a run"),
        (Metric::ToolUsageStats, "tool calls"),
        (Metric::TokenUsage, "tokens"),
        (Metric::CostAnalysis, "cost"),
    ];
    let wanted: Vec<_> = titles.into_iter().filter(|(metric, _)| wants(report, *metric)).collect();
    let mut line = |cells: Vec<String>| {
        text.push_str("| ");
        text.push_str(&cells.join(" | "));
        text.push_str(" |\n");
    };
    let first = ["agent", "runs", "passed"].map(str::to_owned);
    line(first.into_iter().chain(wanted.iter().map(|(_, title)| (*title).to_owned())).collect());
    line((0..wanted.len() + 3).map(|column| if column == 0 { "---" } else { "---:" }.to_owned()).collect());
    for (agent, tally) in by_agent(report) {
        let turns = tally.usual_turns();
        let cell = |metric: Metric| match metric {
            Metric::SuccessRate => tally.rate_words(),
            Metric::ExecutionTime => took(tally.usual_millis()),
            Metric::AvgIterations => format!("{}.{}", turns / 10, turns % 10),
            Metric::ToolUsageStats if tally.tools.is_empty() => "0".to_owned(),
            Metric::ToolUsageStats => format!("{} ({})", calls(&tally.tools), md(&kinds(&tally.tools))),
            Metric::TokenUsage => tally.spend.tokens.to_string(),
            Metric::CostAnalysis => money(tally.spend, tally.began > 0),
        };
        let first = [md(agent), tally.runs.to_string(), tally.passed.to_string()];
        line(first.into_iter().chain(wanted.iter().map(|(metric, _)| cell(*metric))).collect());
    }
}

/// Text in a cell of a Markdown table: nothing in it is markup.
fn md(text: &str) -> String {
    cut_md(text, 300)
}

/// The same, with room for so many characters.
fn cut_md(text: &str, width: usize) -> String {
    let mut out = String::new();
    for c in visible_line(text, width).chars() {
        if "\\`*_{}[]<>()#+!|~&".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests;
