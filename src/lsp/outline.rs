//! Symbols and links of the views.

use std::path::Path;

use serde_json::{Value, json};

use super::state::State;
use super::uri;
use super::view::View;
use crate::base::text::visible_line;

/// A heading of a Markdown text: its line, how deep it is, its words.
fn headings(text: &str) -> Vec<(usize, usize, &str)> {
    let mut fence: Option<usize> = None;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let ticks = line.chars().take_while(|&c| c == '`').count();
        match fence {
            Some(open) if ticks >= open && line[ticks..].trim().is_empty() => fence = None,
            Some(_) => {}
            None if ticks >= 3 => fence = Some(ticks),
            None => {
                let depth = line.chars().take_while(|&c| c == '#').count();
                if (1..=6).contains(&depth) && line[depth..].starts_with(' ') {
                    found.push((number, depth, line[depth..].trim()));
                }
            }
        }
    }
    found
}

/// The answer to `textDocument/documentSymbol` for a view's text: headings, nested.
pub fn symbols(text: &str, nested: bool, uri: &str) -> Value {
    let found = headings(text);
    let last = text.lines().count();
    if nested {
        json!(tree(&found, last))
    } else {
        found
            .iter()
            .map(|(line, _, words)| {
                let range = lines(*line, *line);
                json!({ "name": words, "kind": 15, "location": { "uri": uri, "range": range } })
            })
            .collect()
    }
}

fn tree(found: &[(usize, usize, &str)], last: usize) -> Vec<Value> {
    let mut symbols = Vec::new();
    let mut at = 0;
    while let Some((line, depth, words)) = found.get(at) {
        let below = found[at + 1..].iter().take_while(|(_, deeper, _)| deeper > depth).count();
        let end = found.get(at + 1 + below).map_or(last, |(next, ..)| *next);
        symbols.push(json!({
            "name": words, "kind": 15, "range": lines(*line, end.saturating_sub(1).max(*line)),
            "selectionRange": lines(*line, *line), "children": tree(&found[at + 1..=at + below], end),
        }));
        at += 1 + below;
    }
    symbols
}

fn lines(first: usize, last: usize) -> Value {
    json!({ "start": { "line": first, "character": 0 }, "end": { "line": last + 1, "character": 0 } })
}

/// The answer to `textDocument/documentLink` for a view: files of the session's worktree, at the lines of the hunks.
pub fn links(state: &State, view: &View, text: &str) -> Value {
    let View::Review(session) = view else { return json!([]) };
    let (Some(session), Some(changes)) = (state.sessions.get(session), state.changes.get(session)) else {
        return json!([]);
    };
    let root = Path::new(&session.worktree.path);
    let mut found = Vec::new();
    let mut file = None;
    for (line, depth, words) in headings(text) {
        let mut link = |target: String, tooltip: &str| {
            let end = words.encode_utf16().count() + depth + 1;
            let range =
                json!({ "start": { "line": line, "character": depth + 1 }, "end": { "line": line, "character": end } });
            found.push(json!({ "range": range, "target": target, "tooltip": tooltip }));
        };
        if depth == 2 {
            file = changes.diff.files.iter().find(|file| words.starts_with(visible_line(&file.path, 300).as_str()));
            // The longest path that fits: one may begin as another does.
            let fitting =
                changes.diff.files.iter().filter(|file| words.starts_with(visible_line(&file.path, 300).as_str()));
            file = fitting.max_by_key(|file| file.path.len()).or(file);
            if let Some(file) = file.filter(|file| root.join(&file.path).is_file()) {
                link(uri::from_path(&root.join(&file.path)), "the file in the session's worktree");
            }
        } else if let (3, Some(file)) = (depth, file) {
            let number = words.strip_prefix("line ").and_then(|rest| rest.split(':').next()?.parse::<u32>().ok());
            if let Some(number) = number.filter(|_| root.join(&file.path).is_file()) {
                link(
                    format!("{}#L{number}", uri::from_path(&root.join(&file.path))),
                    "this line in the session's worktree",
                );
            }
        }
    }
    json!(found)
}

#[cfg(test)]
mod tests;
