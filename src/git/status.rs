//! What is uncommitted in a worktree.

use std::collections::HashSet;
use std::path::Path;

use crate::model::Refusal;
pub(super) use crate::model::worktree::CONTEXT;

use super::command::{Git, LONG_DEADLINE, Place};
use super::text;

/// One changed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Relative to the worktree.
    pub(super) path: Vec<u8>,
    /// Git's letter for index against commit; `?` for untracked, `u` for unmerged.
    pub(super) staged: u8,
    /// Git's letter for files against index.
    pub(super) unstaged: u8,
    /// For an unmerged path its three stages' modes: base, ours, theirs; zero where there is none.
    pub(super) stages: [bool; 3],
    /// For an unmerged path our side's object.
    pub(super) ours: String,
}

/// All changed paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// The changes, without `AGENT_CONTEXT` and without what `.worktreeinclude` brought.
    pub(super) changes: Vec<Change>,
    /// Untracked directories that are repositories of their own, without the slash at their end.
    pub(super) nested: Vec<Vec<u8>>,
    /// Paths in `AGENT_CONTEXT` that somebody put into the index all the same.
    pub(super) context: Vec<Vec<u8>>,
    /// Whether tracked files in `AGENT_CONTEXT` changed, which no commit of ours takes and no count counts.
    pub(super) context_changed: bool,
    /// Whether there are ignored files besides `AGENT_CONTEXT`; only known to [`with_ignored`].
    pub(super) ignored: bool,
}

impl Status {
    /// Nothing at all.
    pub(super) fn is_clean(&self) -> bool {
        self.changes.is_empty() && self.nested.is_empty() && self.context.is_empty()
    }

    /// Paths with unresolved conflicts.
    pub(super) fn unmerged(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.staged == b'u')
    }

    /// Untracked files.
    pub(super) fn untracked(&self) -> impl Iterator<Item = &[u8]> {
        self.changes.iter().filter(|change| change.staged == b'?').map(|change| change.path.as_slice())
    }
}

/// Asks git. Submodules are not looked into: git would run there without our overrides.
pub(super) fn status(git: &Git, place: &Place) -> Result<Status, Refusal> {
    ask(git, place, "--ignored=no")
}

/// The same, and whether anything is ignored: one process less than asking twice.
pub(super) fn with_ignored(git: &Git, place: &Place) -> Result<Status, Refusal> {
    ask(git, place, "--ignored=matching")
}

fn ask(git: &Git, place: &Place, ignored: &str) -> Result<Status, Refusal> {
    let output = git
        .call(place)
        .args(["status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=dirty"])
        .arg(ignored)
        .deadline(LONG_DEADLINE)
        .ok()?;
    let included = match place {
        Place::Worktree { git_dir, .. } => super::include::names(git_dir),
        Place::Anywhere(_) | Place::Common(_) => HashSet::new(),
    };
    Ok(parse(&output, &included))
}

/// Whether a path is in `AGENT_CONTEXT`.
pub(super) fn is_context(path: &[u8]) -> bool {
    path.strip_prefix(CONTEXT.as_bytes()).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

fn parse(output: &[u8], included: &HashSet<Vec<u8>>) -> Status {
    let mut status = Status::default();
    for entry in text::nul_list(output) {
        let change = match entry.first() {
            Some(b'!') => {
                let path = entry.get(2..).unwrap_or_default();
                status.ignored |= !is_context(path);
                continue;
            }
            Some(b'?') => {
                let Some(path) = entry.get(2..) else { continue };
                if is_context(path) || included.contains(path) {
                    continue;
                }
                if let Some(directory) = path.strip_suffix(b"/") {
                    status.nested.push(directory.to_vec());
                    continue;
                }
                Change { path: path.to_vec(), staged: b'?', unstaged: b'?', stages: [false; 3], ours: String::new() }
            }
            // 1 XY sub mH mI mW hH hI path
            Some(b'1') => {
                let mut fields = entry.splitn(9, |byte| *byte == b' ');
                let (Some(letters), Some(path)) = (fields.nth(1), fields.nth(6)) else { continue };
                let [staged, unstaged] = letters else { continue };
                Change {
                    path: path.to_vec(),
                    staged: *staged,
                    unstaged: *unstaged,
                    stages: [false; 3],
                    ours: String::new(),
                }
            }
            // u XY sub m1 m2 m3 mW h1 h2 h3 path
            Some(b'u') => {
                let fields: Vec<&[u8]> = entry.splitn(11, |byte| *byte == b' ').collect();
                let [_, _, _, one, two, three, _, _, ours, _, path] = fields[..] else { continue };
                let stages = [one, two, three].map(|mode| mode != b"000000");
                Change {
                    path: path.to_vec(),
                    staged: b'u',
                    unstaged: b'u',
                    stages,
                    ours: String::from_utf8_lossy(ours).into_owned(),
                }
            }
            _ => continue,
        };
        if !is_context(&change.path) {
            status.changes.push(change);
        } else if change.staged == b'A' {
            status.context.push(change.path);
        } else {
            status.context_changed = true;
        }
    }
    status
}

/// Puts the state of the working files into an index: `index` when given, else the worktree's own.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn stage(git: &Git, place: &Place, status: &Status, index: Option<&Path>) -> Result<(), Refusal> {
    let mut gone = Vec::new();
    let mut there = Vec::new();
    for path in &status.context {
        gone.extend_from_slice(path);
        gone.push(0);
    }
    for change in &status.changes {
        let list = if change.unstaged == b'D' { &mut gone } else { &mut there };
        list.extend_from_slice(&change.path);
        list.push(0);
    }
    for (flags, paths) in [
        (&["--force-remove"][..], gone),
        (&["--add", "--remove", "--replace", "--ignore-skip-worktree-entries"][..], there),
    ] {
        if paths.is_empty() {
            continue;
        }
        let mut call = git.call(place).arg("update-index").args(flags).args(["-z", "--stdin"]).input(paths);
        if let Some(index) = index {
            call = call.index(index);
        }
        call.writes().deadline(LONG_DEADLINE).ok()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
