//! A tool call: its line, what is folded below it, and all of it.

use std::fmt::Write as _;

use serde_json::Value;

use super::line;
use crate::base::text::{visible, visible_line};
use crate::model::agent::{ClaimedDiff, ToolCall, ToolStatus};
use crate::wire::unified::unified;

/// Lines of a text and of each diff that are shown below a call.
const TEXT: usize = 40;
const DIFF: usize = 80;
/// Lines when all of it is shown.
const ALL: usize = 5_000;
/// Longest line below a call, in characters.
const WIDTH: usize = 300;
/// What begins each line below a call: a fold that is closed at first,
const FOLDED: &str = "  │ ";
/// and below a failed call one that is open.
const OPEN: &str = "  ┃ ";

/// The line that stands for a call.
pub(super) fn tool_line(call: &ToolCall) -> String {
    let mark = match call.status {
        ToolStatus::Pending => '○',
        ToolStatus::InProgress => '…',
        ToolStatus::Completed => '✓',
        ToolStatus::Failed => '✗',
    };
    let kind = visible_line(if call.kind.is_empty() { "tool" } else { &call.kind }, 40);
    let mut text = format!("- {mark} **{kind}** {}", line(&call.title));
    if let Some(place) = call.locations.first().filter(|place| !call.title.contains(&place.path)) {
        let number = place.line.map(|number| format!(":{number}")).unwrap_or_default();
        let _ = write!(text, " ({}{number})", line(&place.path));
    }
    text
}

/// What stands below a call once it has ended: its changes and what it said, cut.
pub(super) fn body(call: &ToolCall) -> Vec<String> {
    let prefix = match call.status {
        ToolStatus::Completed => FOLDED,
        ToolStatus::Failed => OPEN,
        ToolStatus::Pending | ToolStatus::InProgress => return Vec::new(),
    };
    let mut lines = Vec::new();
    for diff in &call.diffs {
        lines.extend(changes(diff, DIFF));
    }
    // Most agents repeat a change as text; the diff says it better.
    if call.diffs.is_empty() {
        lines.extend(said(call, TEXT));
    }
    lines.into_iter().map(|line| format!("{prefix}{line}").trim_end().to_owned()).collect()
}

/// Everything a call said, as Markdown.
pub fn all(call: &ToolCall) -> Vec<String> {
    let mut lines = vec![tool_line(call)];
    for place in &call.locations {
        let number = place.line.map(|number| format!(":{number}")).unwrap_or_default();
        lines.push(format!("  {}{number}", line(&place.path)));
    }
    if !call.input.is_null() {
        section(&mut lines, "Arguments", "json", json(&call.input, ALL));
    }
    for diff in &call.diffs {
        let mut shown = changes(diff, ALL);
        let title = shown.remove(0);
        section(&mut lines, &title, "diff", shown);
    }
    if !call.text.is_empty() {
        section(&mut lines, "Result", "", text(&call.text, ALL));
    }
    if !call.output.is_null() {
        section(&mut lines, "Result as sent", "json", json(&call.output, ALL));
    }
    lines
}

/// A claimed change: what happens to which file, then how.
pub fn changes(diff: &ClaimedDiff, most: usize) -> Vec<String> {
    let shown = unified(diff.old_text.as_deref(), &diff.new_text, most);
    let how = if diff.old_text.is_some() { "changes" } else { "creates" };
    let mut lines = vec![format!("{how} {} +{} −{}", line(&diff.path), shown.added, shown.removed)];
    lines.extend(shown.lines);
    if shown.left_out > 0 {
        lines.push(format!("… {} more lines", shown.left_out));
    }
    lines
}

/// What a call answered: its text, else its result.
fn said(call: &ToolCall, most: usize) -> Vec<String> {
    if !call.text.trim().is_empty() {
        text(&call.text, most)
    } else if let Value::String(words) = &call.output {
        text(words, most)
    } else if call.output.is_null() {
        Vec::new()
    } else {
        json(&call.output, most)
    }
}

/// The beginning and the end of a text: what failed is said last.
fn text(text: &str, most: usize) -> Vec<String> {
    let shown = visible(text.trim_end());
    let count = shown.lines().count();
    let (head, tail) = (most.div_ceil(2), most / 2);
    let mut lines = Vec::new();
    for (number, line) in shown.lines().enumerate() {
        if count <= most || number < head || number >= count - tail {
            lines.push(cut(line));
        } else if number == head {
            lines.push(format!("… {} more lines", count - head - tail));
        }
    }
    lines
}

fn json(value: &Value, most: usize) -> Vec<String> {
    text(&serde_json::to_string_pretty(value).unwrap_or_default(), most)
}

fn cut(line: &str) -> String {
    if line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    let mut cut: String = line.chars().take(WIDTH - 1).collect();
    cut.push('…');
    cut
}

fn section(lines: &mut Vec<String>, title: &str, language: &str, body: Vec<String>) {
    let ticks = body.iter().map(|line| line.chars().take_while(|c| *c == '`').count()).max().unwrap_or(0);
    let fence = "`".repeat(ticks.max(2) + 1);
    lines.extend([String::new(), format!("## {title}"), String::new(), format!("{fence}{language}")]);
    lines.extend(body);
    lines.push(fence);
}
