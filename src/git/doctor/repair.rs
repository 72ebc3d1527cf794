//! Repairs one trouble; looks again before it touches anything.

use std::fs;
use std::path::Path;

use super::{STALE, Trouble, living};
use crate::git::command::{Git, Place};
use crate::git::create::discard_directory;
use crate::git::inspect::Found;
use crate::git::preflight::short;
use crate::git::preserve::{reference, where_kept};
use crate::git::{checkouts, lock, refs, remove, text};
use crate::model::Refusal;
use crate::model::id::Oid;
use crate::model::worktree::Worktree;

/// What was done; nothing when a person has to.
pub(super) fn repair(git: &Git, found: &Found, trouble: &Trouble) -> Result<Option<String>, Refusal> {
    let place = Place::Common(found.common_dir.clone());
    match trouble {
        Trouble::OrphanWorktree { worktree, .. } => orphan_worktree(git, &place, worktree),
        Trouble::OrphanBranch { name, tip } => orphan_branch(git, &place, name, tip),
        Trouble::OrphanDirectory(_) | Trouble::MissingWorktree { .. } => Ok(None),
        Trouble::StaleLock { path, .. } => {
            let still = lock::age(path).is_some_and(|age| age > STALE) && lock::holders(path).is_empty();
            if !still {
                return Ok(None);
            }
            fs::remove_file(path).map_err(|error| cannot(path, &error))?;
            Ok(Some(format!("deleted the lock file {}, which nobody held", text::path(path))))
        }
        Trouble::Leftover(path) => {
            let file = path.symlink_metadata().is_ok_and(|meta| !meta.is_dir());
            let deleted = if file { fs::remove_file(path) } else { discard_directory(path) };
            deleted.map_err(|error| cannot(path, &error))?;
            Ok(Some(format!("deleted {}, which had been removed", text::path(path))))
        }
    }
}

fn cannot(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::environment(format!("cannot delete {}: {error}", text::path(path)))
}

fn orphan_worktree(git: &Git, place: &Place, worktree: &Worktree) -> Result<Option<String>, Refusal> {
    if living(Path::new(&worktree.path)).is_some() {
        return Ok(None);
    }
    let mut worktree = worktree.clone();
    if let Some(tip) = refs::read(git, place, &worktree.branch)? {
        worktree.base.commit = tip;
    }
    remove::remove(git, &worktree)?;
    let name = reference(&worktree.session);
    let kept = refs::read(git, place, &name)?.map(|_| name);
    Ok(Some(format!("removed the worktree {} of an unknown session{}", worktree.path, where_kept(kept.as_deref()))))
}

fn orphan_branch(git: &Git, place: &Place, name: &str, tip: &Oid) -> Result<Option<String>, Refusal> {
    let _writer = git.writer(place.directory())?;
    let out = checkouts::of(git, place)?.into_iter().find(|checkout| checkout.branch.as_deref() == Some(name));
    if let Some(checkout) = out {
        return Err(Refusal::conflict(format!(
            "the branch {} is checked out in {}",
            short(name),
            text::path(&checkout.path)
        )));
    }
    let containing = format!("--contains={tip}");
    let others = git
        .call(place)
        .args(["for-each-ref", "--count=2", "--format=%(refname)", &containing])
        .args(["refs/heads", "refs/remotes", "refs/tags", "refs/divisi/preserved"])
        .text()?;
    let mut kept = None;
    if !others.lines().any(|other| other != name) {
        let flat: String = short(name).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let keep = format!("refs/divisi/preserved/branch-{flat}-{}", tip.short());
        refs::set(git, place, &keep, tip)?;
        kept = Some(keep);
    }
    if !refs::delete(git, place, name, tip)? {
        return Err(Refusal::conflict(format!("the branch {} moved and was left", short(name))));
    }
    refs::sweep(place.directory(), name);
    Ok(Some(format!("deleted the branch {}, which belongs to no session{}", short(name), where_kept(kept.as_deref()))))
}
