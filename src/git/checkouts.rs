//! The worktrees git knows of.

use std::path::{Path, PathBuf};

use crate::model::Refusal;

use super::command::{Git, Place};
use super::text;

/// One worktree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Checkout {
    /// Where.
    pub(super) path: PathBuf,
    /// What is checked out, as a full ref name.
    pub(super) branch: Option<String>,
    /// Whether it is the bare repository itself.
    pub(super) bare: bool,
}

/// All of them, the main one first.
pub(super) fn of(git: &Git, place: &Place) -> Result<Vec<Checkout>, Refusal> {
    let output = git.call(place).args(["worktree", "list", "--porcelain", "-z"]).ok()?;
    let mut found = Vec::new();
    let mut current: Option<Checkout> = None;
    for line in output.split(|byte| *byte == 0) {
        if let Some(path) = line.strip_prefix(b"worktree ") {
            found.extend(current.take());
            current = Some(Checkout { path: PathBuf::from(text::os(path)), ..Checkout::default() });
        } else if let (Some(checkout), Some(branch)) = (&mut current, line.strip_prefix(b"branch ")) {
            checkout.branch = Some(String::from_utf8_lossy(branch).into_owned());
        } else if let (Some(checkout), b"bare") = (&mut current, line) {
            checkout.bare = true;
        }
    }
    found.extend(current);
    Ok(found)
}

/// Where calls in a worktree work: its administrative directory is asked for, then said in every call.
pub(super) fn place(git: &Git, common_dir: &Path, files: &Path) -> Result<Place, Refusal> {
    let around = Place::Anywhere(files.to_owned());
    let said = git.call(&around).args(["rev-parse", "--path-format=absolute", "--git-dir"]).text()?;
    let git_dir = super::inspect::canonical(Path::new(&said))?;
    let known = git_dir == common_dir || git_dir.starts_with(common_dir.join("worktrees"));
    if !known {
        return Err(Refusal::conflict(format!(
            "the worktree {} points to another repository than {}",
            text::path(files),
            text::path(common_dir)
        ))
        .hint("git worktree repair"));
    }
    Ok(Place::Worktree { git_dir, common_dir: common_dir.to_owned(), files: files.to_owned() })
}
