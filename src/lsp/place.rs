//! Where a hunk is in the text that the person sees.
//!
//! A session's diff speaks of its base and of its worktree. The person has either open: in the worktree a hunk is at its new lines, in
//! the main checkout it is where its old lines are now, which the person may have moved since.

use std::path::Path;

use super::state::State;
use crate::model::diff::{Hunk, HunkDecision};
use crate::model::id::{HunkId, SessionId};

/// A hunk in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Whose it is.
    pub session: SessionId,
    /// Which.
    pub hunk: HunkId,
    /// The first and the last line, zero-based.
    pub lines: (u32, u32),
    /// What the person decided.
    pub decision: Option<HunkDecision>,
    /// Lines added and removed.
    pub counts: (usize, usize),
    /// True when the text is the session's own.
    pub own: bool,
    /// The file's path in the session's diff.
    pub path: String,
    /// The first line that changed, in the new file, one-based: where a comment goes.
    pub line: u32,
}

impl Spot {
    /// Whether it shares a line with these.
    pub fn touches(&self, first: u32, last: u32) -> bool {
        self.lines.0 <= last && first <= self.lines.1
    }
}

/// The hunks of all sessions in the text at a path.
pub fn spots(state: &State, path: &Path, text: &str) -> Vec<Spot> {
    let lines: Vec<&str> = text.lines().collect();
    let inhabitant = state.inhabitant(path);
    let views = inhabitant.into_iter().chain(state.of_repository(path));
    let mut spots = Vec::new();
    for view in views {
        let own = inhabitant.is_some();
        let root = if own { &view.worktree.path } else { &view.repository };
        let Ok(relative) = path.strip_prefix(root) else { continue };
        let Some(changes) = state.changes.get(&view.id) else { continue };
        let file = changes.diff.files.iter().find(|file| {
            let name = if own { &file.path } else { file.old_path.as_ref().unwrap_or(&file.path) };
            Path::new(name) == relative
        });
        for (file, hunk) in file.into_iter().flat_map(|file| file.hunks.iter().map(move |hunk| (file, hunk))) {
            let found = if own { own_lines(hunk) } else { base_lines(hunk, &lines) };
            let last = u32::try_from(lines.len().saturating_sub(1)).unwrap_or(u32::MAX);
            spots.push(Spot {
                session: view.id.clone(),
                hunk: hunk.id.clone(),
                lines: (found.0.min(last), found.1.min(last)),
                decision: hunk.decision,
                counts: (count(hunk, '+'), count(hunk, '-')),
                own,
                path: file.path.clone(),
                line: own_lines(hunk).0.saturating_add(1),
            });
        }
    }
    spots.sort_by(|a, b| (a.lines, &a.session).cmp(&(b.lines, &b.session)));
    spots
}

fn count(hunk: &Hunk, sign: char) -> usize {
    hunk.lines.iter().filter(|line| line.starts_with(sign)).count()
}

/// The lines that changed, without the context around them, counted from the hunk's first line in the file that has `kept`.
fn changed(hunk: &Hunk, kept: char) -> (u32, u32) {
    let (mut at, mut first, mut last) = (0_u32, None, 0);
    for line in &hunk.lines {
        match line.chars().next() {
            Some(' ') | None => at += 1,
            Some('\\') => {}
            Some(sign) => {
                first = first.or(Some(at));
                // A line that this file has not sits between two that it has: on the one before.
                last = if sign == kept { at } else { at.saturating_sub(1) };
                at += u32::from(sign == kept);
            }
        }
    }
    let first = first.unwrap_or(0);
    (first, last.max(first))
}

fn own_lines(hunk: &Hunk) -> (u32, u32) {
    let start = hunk.new_start.saturating_sub(1);
    let (first, last) = changed(hunk, '+');
    (start + first, start + last)
}

fn base_lines(hunk: &Hunk, text: &[&str]) -> (u32, u32) {
    let old: Vec<&str> = hunk
        .lines
        .iter()
        .filter(|line| !line.starts_with(['+', '\\']))
        .map(|line| line.get(1..).unwrap_or(""))
        .collect();
    let near = usize::try_from(hunk.old_start.saturating_sub(1)).unwrap_or(usize::MAX);
    // Where nothing is found the person has changed these very lines; then what git said is the best guess.
    let start = find(text, &old, near).unwrap_or(near);
    let start = u32::try_from(start).unwrap_or(u32::MAX);
    let (first, last) = changed(hunk, '-');
    (start.saturating_add(first), start.saturating_add(last))
}

/// Where a run of lines is, nearest to a line.
fn find(text: &[&str], wanted: &[&str], near: usize) -> Option<usize> {
    if wanted.is_empty() || wanted.len() > text.len() {
        return None;
    }
    let most = text.len() - wanted.len();
    let near = near.min(most);
    let matches = |at: usize| text[at..at + wanted.len()] == *wanted;
    (0..=most).find_map(|distance| {
        let before = near.checked_sub(distance).filter(|&at| matches(at));
        before.or_else(|| near.checked_add(distance).filter(|&at| at <= most && matches(at)))
    })
}

#[cfg(test)]
mod tests;
