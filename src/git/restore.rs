//! Brings a removed worktree back.

use std::path::Path;

use crate::model::Refusal;
use crate::model::id::Oid;
use crate::model::worktree::Worktree;

use super::command::{Git, Place};
use super::create::{build, check_out};
use super::preserve::{Preserved, reference};
use super::{admin, extra, include, refs, text};

/// Makes path and branch anew from the preserved ref, or from the base.
pub(super) fn restore(git: &Git, worktree: &Worktree) -> Result<Oid, Refusal> {
    let common = admin::common(worktree);
    if !Path::new(&worktree.common_dir).is_dir() {
        return Err(Refusal::conflict(format!(
            "the repository {} is gone",
            text::path(Path::new(&worktree.common_dir))
        )));
    }
    let Some(preserved) = Preserved::read(git, &common, &reference(&worktree.session), &worktree.branch)? else {
        return Ok(super::create::create(git, worktree)?.head);
    };
    let start = preserved.branch.clone().unwrap_or_else(|| preserved.head.clone());
    build(git, worktree, &start, &|git, worktree| {
        let place = admin::place(worktree);
        let git_dir = admin::git_dir(worktree);
        let notes = fill(git, &place, worktree, &preserved)?;
        if let Some(commit) = &preserved.extra {
            extra::bring_back(git, &place, &git_dir, commit)?;
        }
        include::include(git, worktree)?;
        Ok(notes)
    })?;
    refs::read(git, &admin::place(worktree), "HEAD")?
        .ok_or_else(|| Refusal::environment(format!("the restored branch {} has no commit", worktree.branch)))
}

/// Files as they were, then the index as it was, then what was checked out.
fn fill(git: &Git, place: &Place, worktree: &Worktree, preserved: &Preserved) -> Result<Vec<String>, Refusal> {
    let notes = check_out(git, place, &preserved.worktree)?;
    git.call(place).args(["read-tree", "--reset", &format!("{}^{{tree}}", preserved.index)]).writes().ok()?;
    // Exits with 1 when files differ from the index, which they may.
    git.call(place).args(["update-index", "-q", "--refresh"]).writes().run()?;
    if preserved.checked_out.as_deref() != Some(worktree.branch.as_str()) {
        git.call(place).args(["update-ref", "--no-deref", "HEAD", preserved.head.as_str()]).writes().ok()?;
    }
    Ok(notes)
}
