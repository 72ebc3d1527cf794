//! What the editor's list of problems shows: hunks that wait for a review, agents that wait for an answer, work that will collide.
//!
//! Everything is shown in the tree that the person has open. A worktree that nobody opened gets nothing, or each hunk would be there
//! twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gen_lsp_types::{
    Code, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, Message, Position, Range,
};
use serde_json::json;

use super::place::{self, Spot};
use super::state::State;
use super::uri;
use crate::base::text::visible_line;
use crate::model::approval::Approval;
use crate::model::diff::FileStatus;
use crate::model::session::SessionView;

/// What diagnostics are signed with.
pub const SOURCE: &str = "divisi";
/// Files that are not open get diagnostics too, but no more than these.
const FILES: usize = 200;
/// Hunks per file.
const HUNKS: usize = 50;

/// What the person looks at.
pub struct Sight<'a> {
    /// The folders of the workspace.
    pub folders: &'a [PathBuf],
    /// Open documents.
    pub open: &'a BTreeSet<PathBuf>,
    /// The text at a path: the document's when it is open, else the file's.
    pub text: &'a dyn Fn(&Path) -> Option<String>,
    /// Whether the client shows related places.
    pub related: bool,
}

/// All diagnostics there are now, by file.
pub fn all(state: &State, sight: &Sight<'_>) -> BTreeMap<PathBuf, Vec<Diagnostic>> {
    let mut found: BTreeMap<PathBuf, Vec<Diagnostic>> = BTreeMap::new();
    for path in paths(state, sight) {
        let Some(text) = (sight.text)(&path) else { continue };
        let spots = place::spots(state, &path, &text);
        let mut here: Vec<Diagnostic> = spots.iter().filter_map(|spot| waiting_hunk(state, spot)).take(HUNKS).collect();
        here.extend(collisions(state, &path, &spots, sight.related));
        here.extend(foreseen(state, &path, &spots));
        if !here.is_empty() {
            found.insert(path, here);
        }
    }
    for approval in state.approvals.values() {
        let Some(view) = state.sessions.get(&approval.session) else { continue };
        let Some((path, line)) = approval_place(view, approval, sight) else { continue };
        found.entry(path).or_default().push(asked(view, approval, line));
    }
    super::evaluated::add(state, sight, &mut found);
    found
}

/// Files with changes of somebody, as the person has them.
fn paths(state: &State, sight: &Sight<'_>) -> BTreeSet<PathBuf> {
    let mut paths = BTreeSet::new();
    for (session, changes) in &state.changes {
        let Some(view) = state.sessions.get(session) else { continue };
        for file in changes.diff.files.iter().filter(|file| !file.binary) {
            if file.status != FileStatus::Added && shows(Path::new(&view.repository), sight) {
                let name = file.old_path.as_ref().unwrap_or(&file.path);
                paths.insert(Path::new(&view.repository).join(name));
            }
            let own = Path::new(&view.worktree.path).join(&file.path);
            if file.status != FileStatus::Deleted
                && (sight.open.contains(&own)
                    || sight
                        .folders
                        .iter()
                        .any(|folder| own.starts_with(folder) && folder.starts_with(&view.worktree.path)))
            {
                paths.insert(own);
            }
            if paths.len() >= FILES {
                return paths;
            }
        }
    }
    paths
}

pub(super) fn shows(tree: &Path, sight: &Sight<'_>) -> bool {
    sight.folders.iter().any(|folder| folder.starts_with(tree) || tree.starts_with(folder))
        || sight.open.iter().any(|path| path.starts_with(tree))
}

/// Whole lines, so that no encoding matters.
pub fn whole_lines((first, last): (u32, u32)) -> Range {
    let at = |line| Position { line, character: 0 };
    Range { start: at(first), end: at(last.saturating_add(1)) }
}

pub(super) fn diagnostic(lines: (u32, u32), severity: DiagnosticSeverity, code: &str, message: String) -> Diagnostic {
    Diagnostic {
        range: whole_lines(lines),
        severity: Some(severity),
        code: Some(Code::String(code.to_owned())),
        code_description: None,
        source: Some(SOURCE.to_owned()),
        message: Message::String(message),
        tags: None,
        related_information: None,
        data: None,
    }
}

fn waiting_hunk(state: &State, spot: &Spot) -> Option<Diagnostic> {
    let view = state.sessions.get(&spot.session).filter(|view| view.state.awaits_review())?;
    if spot.decision.is_some() {
        return None;
    }
    let message =
        format!("{} wants +{} -{} here: review it", visible_line(&view.name, 60), spot.counts.0, spot.counts.1);
    let mut diagnostic = diagnostic(spot.lines, DiagnosticSeverity::Information, "hunk", message);
    diagnostic.data = Some(json!({ "session": spot.session, "hunk": spot.hunk }));
    Some(diagnostic)
}

/// Lines that two sessions change, each told once, at the first of them by name.
fn collisions(state: &State, path: &Path, spots: &[Spot], related: bool) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, spot) in spots.iter().enumerate() {
        let others: Vec<&Spot> = spots[index + 1..]
            .iter()
            .filter(|other| other.session != spot.session && other.touches(spot.lines.0, spot.lines.1))
            .collect();
        let [first, ..] = others.as_slice() else { continue };
        let name = |spot: &Spot| {
            state.sessions.get(&spot.session).map_or_else(String::new, |view| visible_line(&view.name, 60))
        };
        let names: BTreeSet<String> = others.iter().map(|other| name(other)).collect();
        let names: Vec<String> = names.into_iter().collect();
        let message = format!("{} and {} both change these lines: they will conflict", name(spot), names.join(", "));
        let mut diagnostic = diagnostic(spot.lines, DiagnosticSeverity::Warning, "collision", message);
        if related {
            diagnostic.related_information = Some(vec![DiagnosticRelatedInformation {
                location: Location { uri: uri::from_path(path).into(), range: whole_lines(first.lines) },
                message: format!("{} changes these", name(first)),
            }]);
        }
        found.push(diagnostic);
    }
    found
}

/// Conflicts with the base that the daemon foresees, at a session's first hunk in the file.
fn foreseen(state: &State, path: &Path, spots: &[Spot]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for spot in spots {
        let (Some(view), Some(changes)) = (state.sessions.get(&spot.session), state.changes.get(&spot.session)) else {
            continue;
        };
        let Some(preflight) = changes.preflight.as_ref().filter(|_| seen.insert(spot.session.clone())) else {
            continue;
        };
        let root = if spot.own { &view.worktree.path } else { &view.repository };
        let Ok(relative) = path.strip_prefix(root) else { continue };
        for conflict in &preflight.conflicts {
            if conflict.paths.iter().any(|path| Path::new(path) == relative) {
                let (name, with) = (visible_line(&view.name, 60), visible_line(&conflict.with, 60));
                let message = format!("landing {name} would conflict with {with} in this file");
                found.push(diagnostic(spot.lines, DiagnosticSeverity::Warning, "conflict", message));
            }
        }
    }
    found
}

/// Where an approval is shown: at the file it is about, in the tree that is open, if that file is there.
fn approval_place(view: &SessionView, approval: &Approval, sight: &Sight<'_>) -> Option<(PathBuf, u32)> {
    let location = approval.tool.locations.first().map(|location| (location.path.as_str(), location.line));
    let claimed = approval.tool.diffs.first().map(|diff| (diff.path.as_str(), None));
    let (path, line) = location.or(claimed)?;
    let path = Path::new(&view.worktree.path).join(path);
    let relative = path.strip_prefix(&view.worktree.path).ok()?;
    let opened = sight.folders.iter().any(|folder| folder.starts_with(&view.worktree.path));
    let root = if opened { &view.worktree.path } else { &view.repository };
    let place = Path::new(root).join(relative);
    let is_there = shows(Path::new(root), sight) && place.is_file();
    is_there.then(|| (place, line.unwrap_or(1).saturating_sub(1)))
}

/// The diagnostic of an approval at a line.
pub fn asked(view: &SessionView, approval: &Approval, line: u32) -> Diagnostic {
    let message = format!("{} asks: {}", visible_line(&view.name, 60), title(approval));
    let mut diagnostic = diagnostic((line, line), DiagnosticSeverity::Warning, "approval", message);
    diagnostic.data = Some(json!({ "approval": approval.id }));
    diagnostic
}

/// What an approval is about, on one line.
pub fn title(approval: &Approval) -> String {
    let words = approval.command_line.as_deref().unwrap_or(&approval.tool.title);
    visible_line(if words.trim().is_empty() { &approval.tool.kind } else { words }, 120)
}

#[cfg(test)]
mod tests;
