//! What the daemon answers to a query, as Markdown: for whatever has no view of its own.

use std::fmt::Write as _;

use serde_json::Value;

use super::view::{Mark, Page, Report};
use crate::base::text::{visible, visible_line};

/// Lists in lists in lists say nothing to a person.
const DEPTH: usize = 4;
/// Entries of a list.
const MOST: usize = 500;

/// The page of an answer; nothing has come yet without one.
pub fn page(report: &Report, answer: Option<&Result<Value, String>>) -> Page {
    let mut page = Page { text: format!("# divisi: {}\n", visible_line(&report.title, 100)), marks: Vec::new() };
    match (answer, report.method) {
        (None, _) => page.text.push_str("\nIt is being read.\n"),
        (Some(Err(why)), _) => {
            let _ = write!(page.text, "\n**{}**\n", visible_line(why, 400));
        }
        (Some(Ok(answer)), "session/patch") => {
            fenced(&mut page.text, "diff", answer["patch"].as_str().unwrap_or_default());
        }
        (Some(Ok(answer)), "repository/config") => trust(&mut page, report, answer),
        (Some(Ok(Value::Array(entries))), _) if entries.is_empty() => page.text.push_str("\nNothing.\n"),
        (Some(Ok(answer)), _) => block(&mut page.text, answer, 2),
    }
    page
}

/// What a person reads before they trust it, and the place where they do.
fn trust(page: &mut Page, report: &Report, answer: &Value) {
    let text = answer["text"].as_str().unwrap_or_default();
    if answer["path"].is_null() {
        return page.text.push_str("\nThe repository has no `.divisi.toml`.\n");
    }
    let trusted = answer["trusted"] == Value::Bool(true);
    page.text.push_str(if trusted {
        "\nExactly this content is trusted.\n"
    } else {
        "\nIts commands run in every new worktree, and its agents and MCP servers are used, once you trust it. A code action on these\nlines does, for exactly this content.\n"
    });
    fenced(&mut page.text, "toml", text);
    let repository = serde_json::from_str::<Value>(&report.params).unwrap_or_default();
    if let (false, Some(repository), Some(digest)) =
        (trusted, repository["repository"].as_str(), answer["digest"].as_str())
    {
        let last = u32::try_from(page.text.matches('\n').count()).unwrap_or(u32::MAX);
        page.marks.push(((0, last), Mark::Trust(repository.to_owned(), digest.to_owned())));
    }
}

fn fenced(out: &mut String, language: &str, text: &str) {
    let text = visible(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    // Writing to a String cannot fail.
    let _ = write!(out, "\n{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'));
}

fn block(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Array(entries) => {
            for (index, entry) in entries.iter().take(MOST).enumerate() {
                let named = ["name", "path", "title", "message", "id"].into_iter().find_map(|key| entry[key].as_str());
                let heading = named.map_or_else(|| (index + 1).to_string(), |name| visible_line(name, 120));
                let _ = write!(out, "\n{} {heading}\n", "#".repeat(depth.min(6)));
                block(out, entry, depth + 1);
            }
            if entries.len() > MOST {
                let _ = write!(out, "\n{} more.\n", entries.len() - MOST);
            }
        }
        Value::Object(fields) => {
            let mut first = true;
            for (key, value) in fields.iter().filter(|(_, value)| is_said(value)) {
                if let Some(words) = inline(value) {
                    let _ = writeln!(out, "{}- {}: {words}", if first { "\n" } else { "" }, spaced(key));
                    first = false;
                }
            }
            let deeper = fields.iter().filter(|(_, value)| is_said(value) && inline(value).is_none());
            for (key, value) in deeper {
                match value {
                    Value::String(text) => {
                        let _ = write!(out, "\n{}:\n", spaced(key));
                        fenced(out, "", text);
                    }
                    _ if depth > DEPTH + 1 => {}
                    _ => {
                        let _ = write!(out, "\n{} {}\n", "#".repeat(depth.min(6)), spaced(key));
                        block(out, value, depth + 1);
                    }
                }
            }
        }
        other => {
            let _ = write!(out, "\n{}\n", inline(other).unwrap_or_default());
        }
    }
}

fn is_said(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(entries) => !entries.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

/// A value that fits on a line.
fn inline(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("none".to_owned()),
        Value::Bool(flag) => Some(if *flag { "yes" } else { "no" }.to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => (!text.contains('\n')).then(|| visible_line(text, 400)),
        Value::Array(entries) => {
            let words: Option<Vec<String>> =
                entries.iter().take(MOST).map(|entry| if entry.is_array() { None } else { inline(entry) }).collect();
            words.map(|words| words.join(", "))
        }
        Value::Object(_) => None,
    }
}

fn spaced(key: &str) -> String {
    visible_line(key, 60).replace('_', " ")
}

#[cfg(test)]
mod tests;
