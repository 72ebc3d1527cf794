//! Who wrote these lines: inlay hints in the worktrees of sessions.

use std::path::Path;

use serde_json::{Value, json};

use super::capability::Encoding;
use super::state::State;
use super::text;
use crate::base::text::visible_line;
use crate::model::diff::{Diff, FileDiff, Hunk};
use crate::model::id::SessionId;
use crate::model::session::SessionView;

/// The hints of a text within these lines, both included, zero-based.
pub fn hints(state: &State, path: &Path, document: &str, lines: (u32, u32), encoding: Encoding) -> Value {
    let Some(view) = state.inhabitant(path) else { return json!([]) };
    let Ok(relative) = path.strip_prefix(&view.worktree.path) else { return json!([]) };
    let Some(changes) = state.changes.get(&view.id) else { return json!([]) };
    let Some(file) = file_of(&changes.diff, relative) else { return json!([]) };
    let turns = state.turns.get(&view.id);
    let texts: Vec<&str> = document.lines().collect();
    let mut found = Vec::new();
    let mut before: Option<(u32, Option<u32>)> = None;
    for (line, written) in added(file) {
        // What the person typed meanwhile is theirs.
        let here = usize::try_from(line).ok().and_then(|line| texts.get(line));
        if here != Some(&written) {
            before = None;
            continue;
        }
        let turn = turns.and_then(|turns| {
            turns.iter().rev().find(|(_, diff)| wrote(diff, relative, written)).map(|(number, _)| *number)
        });
        if before != Some((line.wrapping_sub(1), turn)) && (lines.0..=lines.1).contains(&line) {
            found.push(hint(view, turn, line, written, encoding));
        }
        before = Some((line, turn));
    }
    json!(found)
}

/// The newest turn that wrote something of a hunk, as far as its turns were read.
pub fn turn_of(state: &State, session: &SessionId, path: &str, hunk: &Hunk) -> Option<u32> {
    let mine: Vec<&String> = hunk.lines.iter().filter(|line| line.starts_with(['+', '-'])).collect();
    let same = |diff: &Diff| {
        let hunks = file_of(diff, Path::new(path)).into_iter().flat_map(|file| &file.hunks);
        hunks.flat_map(|hunk| &hunk.lines).any(|line| mine.contains(&line))
    };
    state.turns.get(session)?.iter().rev().find(|(_, diff)| same(diff)).map(|(number, _)| *number)
}

fn hint(view: &SessionView, turn: Option<u32>, line: u32, written: &str, encoding: Encoding) -> Value {
    let name = visible_line(&view.name, 40);
    let label = turn.map_or_else(|| name.clone(), |turn| format!("{name}, turn {turn}"));
    let mut position = text::position(written, written.len(), encoding);
    position.line = line;
    json!({ "position": position, "label": label, "paddingLeft": true, "tooltip": visible_line(&view.prompt, 300) })
}

fn file_of<'a>(diff: &'a Diff, path: &Path) -> Option<&'a FileDiff> {
    diff.files.iter().find(|file| Path::new(&file.path) == path)
}

/// The lines that a diff added, by their number in the new file, zero-based.
fn added(file: &FileDiff) -> impl Iterator<Item = (u32, &str)> {
    file.hunks.iter().flat_map(|hunk| {
        let mut at = hunk.new_start.saturating_sub(1);
        hunk.lines.iter().filter_map(move |line| {
            let here = at;
            if !line.starts_with(['-', '\\']) {
                at = at.saturating_add(1);
            }
            line.strip_prefix('+').map(|text| (here, text))
        })
    })
}

fn wrote(diff: &Diff, path: &Path, text: &str) -> bool {
    file_of(diff, path).is_some_and(|file| added(file).any(|(_, added)| added == text))
}

#[cfg(test)]
mod tests;
