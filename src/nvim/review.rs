//! What Lua draws a review from: for every hunk the lines to mark and the lines to show, for every comment its place, all of it safe to
//! show. Lua decides nothing but colours and widths.

use serde_json::{Value, json};

use crate::base::text::{visible, visible_line};

/// Events after which a review looks different.
pub const TOLD: [&str; 10] = [
    "hunk.decided",
    "hunk.failed",
    "comment.added",
    "comment.edited",
    "comment.removed",
    "comment.resolved",
    "round.sent",
    "round.failed",
    "file.viewed",
    "session.checkpointed",
];

/// Characters of a line that are shown.
const WIDTH: usize = 500;
/// Lines of a hunk that were taken away and are shown; the others are counted.
const SHOWN: usize = 200;

fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.pointer(path).and_then(Value::as_str)
}

fn number(value: &Value, path: &str) -> u64 {
    value.pointer(path).and_then(Value::as_u64).unwrap_or(0)
}

fn flag(value: &Value, path: &str) -> bool {
    value.pointer(path).and_then(Value::as_bool).unwrap_or(false)
}

fn items<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

/// A line of a file or a comment: tabs stay, everything else that is no picture becomes one.
fn shown(line: &str) -> String {
    let cut: String = line.chars().take(WIDTH).collect();
    visible(&cut)
}

/// The answer of `review/show`.
pub fn view(review: &Value) -> Value {
    let rejected: Vec<Value> = items(review, "/rejected").filter_map(rejected).collect();
    let files: Vec<Value> = items(review, "/diff/files").filter_map(|diff| file(diff, &rejected)).collect();
    let comments: Vec<Value> = items(review, "/comments").filter_map(comment).collect();
    let open = comments.iter().filter(|comment| flag(comment, "/open")).count();
    let untold = rejected.iter().filter(|hunk| !flag(hunk, "/told")).count();
    let hunks = || files.iter().flat_map(|file| items(file, "/hunks"));
    // What was taken out is decided, though it is in no diff any more; what the agent was told of is settled.
    let decided = hunks().filter(|hunk| hunk["decision"].is_string()).count() + untold;
    let total = hunks().count() + untold;
    json!({
        "session": text(review, "/session"),
        "of": text(review, "/of").unwrap_or("session"),
        "number": number(review, "/number"),
        "round": number(review, "/round"),
        "decided": decided,
        "total": total,
        "open": open,
        "untold": untold,
        "files": files,
        "comments": comments,
        "rejected": rejected,
        "message": text(review, "/message").map(visible),
    })
}

fn file(file: &Value, rejected: &[Value]) -> Option<Value> {
    let path = text(file, "/path")?;
    let hunks: Vec<Value> = items(file, "/hunks").filter_map(hunk).collect();
    let untold = rejected.iter().filter(|hunk| hunk["path"] == path && !flag(hunk, "/told")).count();
    let decided = hunks.iter().filter(|hunk| hunk["decision"].is_string()).count() + untold;
    let letter = match text(file, "/status") {
        Some("added") => "A",
        Some("deleted") => "D",
        Some("renamed") => "R",
        Some("type_changed") => "T",
        _ => "M",
    };
    Some(json!({
        "path": path,
        "shown": visible_line(path, 300),
        "old_path": text(file, "/old_path"),
        "letter": letter,
        "status": text(file, "/status").map(|status| visible_line(status, 24)),
        "binary": flag(file, "/binary"),
        // A name in quotes is no name of a file in Neovim.
        "openable": !path.starts_with('"') && !flag(file, "/binary"),
        "added": number(file, "/added"),
        "removed": number(file, "/removed"),
        "content": text(file, "/content"),
        "viewed": flag(file, "/viewed"),
        "decided": decided,
        "total": hunks.len() + untold,
        "hunks": hunks,
    }))
}

/// A hunk as blocks: at which line lines were taken away, and how many were put there.
fn hunk(hunk: &Value) -> Option<Value> {
    let id = text(hunk, "/id")?;
    let start = number(hunk, "/new_start");
    let count = number(hunk, "/new_lines");
    // Without new lines git names the line before.
    let mut line = if count == 0 { start + 1 } else { start };
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    let (mut added, mut removed) = (0_u64, 0_u64);
    let mut old = number(hunk, "/old_start") + u64::from(number(hunk, "/old_lines") == 0);
    for (index, text) in items(hunk, "/lines").filter_map(Value::as_str).enumerate() {
        match text.as_bytes().first() {
            Some(b'-') => {
                // Lines that go after lines that came begin another block.
                if !inside || blocks.last().is_some_and(|block| block.added > 0) {
                    blocks.push(Block::at(line, old, index));
                }
                inside = true;
                removed += 1;
                old += 1;
                if let Some(block) = blocks.last_mut() {
                    if block.removed.len() < SHOWN { block.removed.push(shown(&text[1..])) } else { block.more += 1 }
                }
            }
            Some(b'+') => {
                if !inside {
                    blocks.push(Block::at(line, old, index));
                }
                inside = true;
                added += 1;
                if let Some(block) = blocks.last_mut() {
                    if block.added == 0 {
                        block.came = index;
                    }
                    block.added += 1;
                }
                line += 1;
            }
            Some(b'\\') => {}
            _ => {
                inside = false;
                line += 1;
                old += 1;
            }
        }
    }
    let first = blocks.first().map_or(line, |block| block.at);
    let last = blocks.last().map_or(first, |block| (block.at + block.added).saturating_sub(1).max(first));
    Some(json!({
        "id": id,
        "from": if count == 0 { start.max(1) } else { start },
        "to": if count == 0 { start.max(1) } else { start + count - 1 },
        "old_from": number(hunk, "/old_start").max(1),
        "old_to": (number(hunk, "/old_start") + number(hunk, "/old_lines")).saturating_sub(1).max(1),
        "first": first,
        "last": last,
        "added": added,
        "removed": removed,
        "heading": text(hunk, "/heading").map(|heading| visible_line(heading, 120)),
        "decision": text(hunk, "/decision"),
        "returned": flag(hunk, "/returned"),
        "blocks": blocks.iter().map(Block::value).collect::<Vec<_>>(),
    }))
}

/// Changed lines that follow each other.
struct Block {
    at: u64,
    old_at: u64,
    added: u64,
    removed: Vec<String>,
    more: u64,
    /// The index in the hunk of its first line that went, and of its first line that came.
    went: usize,
    came: usize,
}

impl Block {
    fn at(at: u64, old_at: u64, index: usize) -> Self {
        Self { at, old_at, added: 0, removed: Vec::new(), more: 0, went: index, came: index }
    }

    fn value(&self) -> Value {
        let mut removed = self.removed.clone();
        if self.more > 0 {
            removed.push(format!("… {} more lines", self.more));
        }
        json!({
            "at": self.at, "old_at": self.old_at, "added": self.added, "removed": removed, "went": self.went, "came": self.came,
            "gone": self.removed.len() as u64 + self.more,
        })
    }
}

fn comment(placed: &Value) -> Option<Value> {
    let first = number(placed, "/first");
    let line = placed.pointer("/line").and_then(Value::as_u64);
    let last = line.unwrap_or(first) + number(placed, "/last").saturating_sub(first);
    let resolved = flag(placed, "/resolved");
    let round = placed.pointer("/round").and_then(Value::as_u64);
    let raw = text(placed, "/text").unwrap_or_default();
    Some(json!({
        "id": text(placed, "/id")?,
        "path": text(placed, "/path")?,
        "shown": text(placed, "/path").map(|path| visible_line(path, 300)),
        "old": text(placed, "/side") == Some("old"),
        "line": line.unwrap_or(first),
        "last": last,
        "kind": text(placed, "/kind").unwrap_or("issue"),
        // Edited in a buffer, where Neovim shows control characters harmlessly.
        "text": raw,
        "lines": visible(raw.trim()).lines().take(SHOWN).map(shown).collect::<Vec<_>>(),
        "outdated": flag(placed, "/outdated"),
        "gone": line.is_none(),
        "round": round,
        "resolved": resolved,
        "open": !resolved && round.is_none(),
    }))
}

fn rejected(hunk: &Value) -> Option<Value> {
    let count = |sign: u8| {
        items(hunk, "/lines").filter_map(Value::as_str).filter(|line| line.as_bytes().first() == Some(&sign)).count()
    };
    Some(json!({
        "id": text(hunk, "/id")?,
        "path": text(hunk, "/path")?,
        "shown": text(hunk, "/path").map(|path| visible_line(path, 300)),
        "line": number(hunk, "/line").max(1),
        "added": count(b'+'),
        "removed": count(b'-'),
        "told": flag(hunk, "/told"),
    }))
}

#[cfg(test)]
mod tests;
