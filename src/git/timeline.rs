//! Checkpoints by name, and going back to one.
//!
//! Going back: commit what is there (so that nothing is lost), note that commit as the state before, make a commit whose tree is the
//! checkpoint's on top of it, bring index and files to it, move the branch. Killed before the files are there, the next call begins
//! again; killed after that and before the branch moved, it commits what it finds, which is the checkpoint's tree, and has nothing
//! left to do.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::host::port::Rewound;
use crate::model::Refusal;
use crate::model::id::Oid;
use crate::model::timeline::Rewind;
use crate::model::worktree::Worktree;

use super::admin;
use super::checkpoint::checkpoint;
use super::command::{Git, Place};
use super::land::follow;
use super::snapshot::{Signature, commit, head, tree_of};
use super::{diff, refs, snapshot, text};

/// Where the names of a session's checkpoints begin.
pub(super) fn prefix(worktree: &Worktree) -> String {
    format!("refs/divisi/checkpoints/{}/", worktree.session)
}

/// The ref of a checkpoint. Names are made by the engine: a letter and a number.
pub(super) fn reference(worktree: &Worktree, name: &str) -> Result<String, Refusal> {
    if name.is_empty()
        || !name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        || !admin::valid_id(worktree.session.as_str())
    {
        return Err(Refusal::internal("this is not a checkpoint's name"));
    }
    Ok(format!("{}{name}", prefix(worktree)))
}

/// A commit that was resolved by the engine.
pub(super) fn full(commit: &str) -> Result<Oid, Refusal> {
    if matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Oid(commit.to_owned()));
    }
    Err(Refusal::internal("a checkpoint was not resolved to its commit"))
}

/// Keeps a commit under a checkpoint's name.
pub(super) fn keep(git: &Git, worktree: &Worktree, name: &str, commit: &Oid) -> Result<(), Refusal> {
    refs::set(git, &admin::common(worktree), &reference(worktree, name)?, &full(commit.as_str())?)
}

/// Where a session's own work begins.
pub(super) fn grown_from(git: &Git, worktree: &Worktree) -> Result<Oid, Refusal> {
    let place = admin::require(worktree)?;
    let head = head(git, &place, worktree)?;
    snapshot::grown_from(git, &place, worktree, &head)
}

/// Brings the files to a checkpoint.
pub(super) fn rewind(
    git: &Git,
    worktree: &Worktree,
    from: &Oid,
    rewind: &Rewind,
    messages: [&str; 2],
) -> Result<Rewound, Refusal> {
    let place = admin::require(worktree)?;
    let target = full(rewind.commit.as_str())?;
    let gone = || {
        Refusal::conflict(format!(
            "the commit {} of checkpoint {} is not in the repository any more",
            target.short(),
            rewind.to
        ))
        .hint(format!("divisi timeline {}", worktree.session))
    };
    // Before anything changes: a checkpoint that is gone is no reason to commit.
    let tree = tree_of(git, &place, &target).map_err(|_| gone())?;
    let made = checkpoint(git, worktree, from, messages[0], None)?;
    let before_ref = reference(worktree, &rewind.before)?;
    let before = if let Some(before) = refs::read(git, &place, &before_ref)? {
        before
    } else {
        refs::set(git, &place, &before_ref, &made.head)?;
        made.head.clone()
    };
    let new = if tree_of(git, &place, &made.head)? == tree {
        made.head.clone()
    } else {
        let signature = Signature { author: None, at: Some(rewind.at / 1000) };
        let new = commit(git, &place, &tree, &[&made.head], messages[1].as_bytes(), &signature)?;
        bring(git, worktree, &place, &made.head, &new)?;
        new
    };
    refs::set(git, &place, &reference(worktree, &rewind.after)?, &new)?;
    let base = snapshot::grown_from(git, &place, worktree, &new)?;
    let stat = |from: &Oid, to: &Oid| diff::stat(git, &place, from, to);
    Ok(Rewound {
        before_stat: stat(&base, &before)?,
        before_step: stat(from, &before)?,
        stat: stat(&base, &new)?,
        step: stat(&before, &new)?,
        before,
        head: new,
    })
}

/// Ignored files are nobody's but the person's, though git would write over them.
fn refuse_in_the_way(git: &Git, place: &Place, old: &Oid, new: &Oid) -> Result<(), Refusal> {
    let changed = |filter: &str| {
        git.call(place)
            .args(["diff-tree", "-r", "-z", "--name-only", "--no-renames", filter, old.as_str(), new.as_str()])
            .ok()
    };
    let gone = changed("--diff-filter=D")?;
    let gone: HashSet<&[u8]> = text::nul_list(&gone).collect();
    let root = place.directory();
    for path in text::nul_list(&changed("--diff-filter=A")?) {
        let relative = Path::new(OsStr::from_bytes(path));
        let taken = relative.ancestors().filter(|part| !part.as_os_str().is_empty()).find(|part| {
            let there = root.join(part).symlink_metadata();
            let in_the_way = there.is_ok_and(|there| *part == relative || !there.is_dir());
            in_the_way && !gone.contains(part.as_os_str().as_bytes()) && !holds(&gone, part)
        });
        if let Some(taken) = taken {
            return Err(Refusal::conflict(format!(
                "the files cannot be changed: {} is in the way, and no checkpoint has it",
                text::path(taken)
            ))
            .hint("move it elsewhere, then try again"));
        }
    }
    Ok(())
}

/// Whether something below a path goes: then it is a directory that makes room for a file.
fn holds(gone: &HashSet<&[u8]>, path: &Path) -> bool {
    gone.iter().any(|gone| Path::new(OsStr::from_bytes(gone)).starts_with(path))
}

/// Index, files, branch: from a commit to one made on top of it. What changed since the first is left alone, and then so is everything.
fn bring(git: &Git, worktree: &Worktree, place: &Place, old: &Oid, new: &Oid) -> Result<(), Refusal> {
    let dry = git.call(place).args(["read-tree", "-n", "-m", "-u", old.as_str(), new.as_str()]).run()?;
    if dry.code != Some(0) {
        return Err(Refusal::conflict(format!("the files cannot be changed: {}", text::said(&dry.stderr)))
            .hint("move what is in the way, then try again"));
    }
    refuse_in_the_way(git, place, old, new)?;
    follow(git, place, old, new)?;
    if refs::advance(git, place, &worktree.branch, new, old)? {
        return Ok(());
    }
    Err(Refusal::conflict(format!(
        "the branch {} moved meanwhile; the files are as wanted, uncommitted",
        worktree.branch
    ))
    .hint("look at them, then try again"))
}
