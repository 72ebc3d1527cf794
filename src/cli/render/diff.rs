//! Diffs for people.

use crate::cli::render::table::Table;
use crate::cli::render::{Line, Screen, Style, line, words};
use crate::model::diff::{Diff, FileDiff, FileStatus, Hunk, HunkDecision};

/// File by file with counts.
pub(crate) fn stat(screen: &Screen, diff: &Diff) {
    let mut table = Table::new(&["", "CHANGES", "FILE"]);
    for file in &diff.files {
        let (style, mark) = mark(file.status);
        let counts = if file.binary { "binary".to_owned() } else { format!("+{} -{}", file.added, file.removed) };
        table.row(vec![(style, mark.to_owned()), (Style::Plain, counts), (Style::Plain, name(file))]);
    }
    if !diff.files.is_empty() {
        table.write(screen);
    }
    line(screen, &Line::new().add(Style::Bold, &summary(diff)));
}

/// Every hunk with its id.
pub(crate) fn hunks(screen: &Screen, diff: &Diff) {
    for each in &diff.files {
        file(screen, each);
    }
    line(screen, &Line::new().add(Style::Dim, &summary(diff)));
}

/// The hunks of one file.
pub(crate) fn file(screen: &Screen, file: &FileDiff) {
    let (style, mark) = mark(file.status);
    line(screen, &Line::new().add(style, mark).add(Style::Bold, &format!(" {}", name(file))));
    if file.binary {
        line(screen, &Line::new().add(Style::Dim, "  binary"));
    }
    for hunk in &file.hunks {
        line(screen, &hunk_head(hunk));
        for text in &hunk.lines {
            line(screen, &hunk_line(text));
        }
    }
}

fn hunk_head(hunk: &Hunk) -> Line {
    let place = format!("@@ -{},{} +{},{} @@", hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines);
    let head = Line::new().add(Style::Accent, &place).add(Style::Dim, &format!(" hunk {}", hunk.id));
    let head = match hunk.decision {
        None => head,
        Some(HunkDecision::Accepted) => head.add(Style::Good, " accepted"),
        Some(HunkDecision::Rejected) => head.add(Style::Bad, " rejected"),
    };
    let head = if hunk.returned { head.add(Style::Attention, " put back after it was rejected") } else { head };
    if hunk.heading.is_empty() { head } else { head.add(Style::Dim, &format!("  {}", hunk.heading)) }
}

/// A line of a hunk, by its first character.
pub(crate) fn hunk_line(text: &str) -> Line {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let style = match text.as_bytes().first() {
        Some(b'+') => Style::Good,
        Some(b'-') => Style::Bad,
        Some(b'\\') => Style::Dim,
        _ => Style::Plain,
    };
    Line::new().add(style, text)
}

fn summary(diff: &Diff) -> String {
    let words = words::stat(diff.stat);
    if words.is_empty() { "no changes".to_owned() } else { words }
}

fn name(file: &FileDiff) -> String {
    match &file.old_path {
        Some(old) => format!("{old} → {}", file.path),
        None => file.path.clone(),
    }
}

fn mark(status: FileStatus) -> (Style, &'static str) {
    match status {
        FileStatus::Added => (Style::Good, "A"),
        FileStatus::Deleted => (Style::Bad, "D"),
        FileStatus::Modified => (Style::Attention, "M"),
        FileStatus::Renamed => (Style::Accent, "R"),
        FileStatus::TypeChanged => (Style::Attention, "T"),
    }
}
