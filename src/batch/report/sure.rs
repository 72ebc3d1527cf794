//! How sure a batch's results are: chances within several attempts, what differs between repetitions, and agents beside each other.

use std::fmt::Write as _;

use super::{Report, md, wants};
use crate::base::page::escape;
use crate::base::text::visible_line;
use crate::model::plan::Metric;

/// Repetitions and pairs that a page or a text shows.
const SHOWN: usize = 200;

/// A table: its title, the names of its columns, its rows, and how many it does not have.
struct Told {
    title: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    left_out: usize,
}

/// The tables that there is something in.
fn told(report: &Report) -> Vec<Told> {
    if !wants(report, Metric::SuccessRate) {
        return Vec::new();
    }
    [chances(report), repeated(report), pairs(report)].into_iter().filter(|told| !told.rows.is_empty()).collect()
}

fn named(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|name| (*name).to_owned()).collect()
}

/// Chances of success within so many attempts.
fn chances(report: &Report) -> Told {
    let agents = report.statistics.agents.iter().filter(|agent| !agent.pass_at.is_empty());
    let most = agents.clone().map(|agent| agent.pass_at.len()).max().unwrap_or(0).min(10);
    let mut columns = named(&["agent", "one run (interval at 95 %)"]);
    columns.extend((1..=most).map(|k| format!("pass@{k}")));
    let row = |agent: &crate::model::batch::AgentStatistics| {
        let of = |k: usize| agent.pass_at.get(k).map_or_else(String::new, |at| format!("{:.0} %", at.any * 100.0));
        let mut row = vec![agent.agent.clone(), agent.share.words()];
        row.extend((0..most).map(of));
        row
    };
    Told { title: "Chances within several attempts", columns, rows: agents.map(row).collect(), left_out: 0 }
}

/// What came of repetitions of one thing.
fn repeated(report: &Report) -> Told {
    let all = &report.statistics.repeated;
    let row = |one: &crate::model::batch::Repeated| {
        let task = format!("{}/{}", one.task, one.prompt);
        let passed = format!("{} of {}", one.passed, one.attempts);
        vec![task, one.repository.clone(), one.agent.clone(), passed, format!("{:.2}", one.variance)]
    };
    Told {
        title: "Repetitions",
        columns: named(&["task", "repository", "agent", "passed", "variance"]),
        rows: all.iter().take(SHOWN).map(row).collect(),
        left_out: all.len().saturating_sub(SHOWN),
    }
}

/// Every two agents on what both worked on.
fn pairs(report: &Report) -> Told {
    let all = &report.statistics.pairs;
    let row = |pair: &crate::model::batch::Pair| {
        let number = |count: usize| count.to_string();
        vec![
            format!("{} and {}", pair.one, pair.other),
            number(pair.common),
            number(pair.both),
            number(pair.neither),
            number(pair.only_one),
            number(pair.only_other),
            pair.p_words(),
        ]
    };
    Told {
        title: "Agents beside each other",
        columns: named(&["agents", "in common", "both", "neither", "only the first", "only the second", "p (McNemar)"]),
        rows: all.iter().take(SHOWN).map(row).collect(),
        left_out: all.len().saturating_sub(SHOWN),
    }
}

/// As tables of Markdown.
pub(super) fn tables(text: &mut String, report: &Report) {
    for Told { columns, rows, left_out, .. } in told(report) {
        let _ = writeln!(text, "\n| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
        for row in rows {
            let cells: Vec<String> = row.iter().map(|cell| md(cell)).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        if left_out > 0 {
            let _ = writeln!(text, "\nand {left_out} more");
        }
    }
}

/// As parts of a page.
pub(super) fn sections(html: &mut String, report: &Report) {
    for Told { title, columns, rows, left_out } in told(report) {
        let _ = write!(html, "<h2>{title}</h2><div class='scroll'><table class='sortable'><thead><tr>");
        for name in columns {
            let (first, rest) = name.split_at(1);
            let _ = write!(html, "<th>{}{rest}</th>", first.to_ascii_uppercase());
        }
        html.push_str("</tr></thead><tbody>\n");
        for row in rows {
            let cells: Vec<String> =
                row.iter().map(|cell| format!("<td>{}</td>", escape(&visible_line(cell, 200)))).collect();
            let _ = writeln!(html, "<tr>{}</tr>", cells.concat());
        }
        html.push_str("</tbody></table></div>\n");
        if left_out > 0 {
            let _ = writeln!(html, "<p class='dim'>and {left_out} more</p>");
        }
    }
}
