//! Removes a session's worktree after proving that it is the session's.

use std::fs;
use std::path::Path;

use crate::model::Refusal;
use crate::model::id::Oid;
use crate::model::worktree::Worktree;

use super::admin::{self, Presence};
use super::command::Git;
use super::create::{aside, detour, discard_directory};
use super::loose::{self, Head, Seen};
use super::preserve::{preserve, where_kept};
use super::{refs, text, trash};

/// Removes worktree and branch. What only they hold is preserved first, under the ref that is returned.
pub(super) fn remove(git: &Git, worktree: &Worktree) -> Result<Option<String>, Refusal> {
    if !admin::valid_id(worktree.session.as_str()) {
        return Err(Refusal::internal("this is not a session's id"));
    }
    let common_dir = Path::new(&worktree.common_dir);
    if !common_dir.is_dir() {
        return Ok(None);
    }
    let presence = prove(worktree)?;
    let place = admin::common(worktree);
    if let Some(elsewhere) = checked_out_elsewhere(git, worktree)? {
        return Err(Refusal::conflict(format!(
            "the branch {} is checked out in {elsewhere}, so it cannot be removed",
            worktree.branch
        ))
        .hint("switch to another branch there, then try again"));
    }
    let kept = preserve(git, worktree)?;
    let failed = |what: &str, error: &std::io::Error| {
        Refusal::environment(format!("cannot remove {what}: {error}{}", where_kept(kept.as_deref())))
            .hint("divisi doctor --fix")
    };
    let writer = git.writer(common_dir)?;
    // Under the lock once more: nothing may have become another's in between.
    if prove(worktree)? != presence {
        return Err(Refusal::conflict(format!("the worktree {} changed while it was removed", shown(worktree)))
            .hint("try again"));
    }
    loose::write::sweep(&writer, common_dir, &worktree.branch);
    let tip = refs::read(git, &place, &worktree.branch)?;
    let files = Path::new(&worktree.path);
    let mut thrown = None;
    if matches!(presence, Presence::Whole | Presence::Incomplete) && files.symlink_metadata().is_ok() {
        thrown =
            Some(trash::throw(files, worktree.session.as_str()).map_err(|error| failed(&shown(worktree), &error))?);
    }
    let git_dir = admin::git_dir(worktree);
    // Out of git's sight in one step; half a registration would make every git command stumble.
    let out_of_sight = common_dir.join("divisi").join(format!("gone-{}", worktree.session));
    if git_dir.symlink_metadata().is_ok() {
        let removed = discard_directory(&out_of_sight).and_then(|()| fs::rename(&git_dir, &out_of_sight));
        removed.map_err(|error| failed("its registration", &error))?;
        // Only when it was the last one.
        let _ = fs::remove_dir(common_dir.join("worktrees"));
    }
    for directory in [aside(worktree), detour(worktree)] {
        discard_directory(&directory).map_err(|error| failed("what a creation left", &error))?;
    }
    let mut gone: Vec<(String, Oid)> = tip.map(|tip| (worktree.branch.clone(), tip)).into_iter().collect();
    for prefix in [super::land::prefix(worktree), super::round::prefix(worktree), super::timeline::prefix(worktree)] {
        gone.extend(refs::beginning(git, common_dir, &prefix)?);
    }
    if !refs::delete_all(git, &writer, common_dir, &gone)? {
        return Err(Refusal::conflict(format!(
            "the branch {} moved while it was removed and was left",
            worktree.branch
        ))
        .hint("try again"));
    }
    refs::sweep(common_dir, &worktree.branch);
    drop(writer);
    discard_directory(&out_of_sight).map_err(|error| failed("its registration", &error))?;
    if let Some(thrown) = thrown {
        trash::delete_later(thrown);
    }
    Ok(kept)
}

fn shown(worktree: &Worktree) -> String {
    text::path(Path::new(&worktree.path))
}

/// Proves that the directory, if it is there, is the session's own: registered for this path under the session's name, locked for it
/// or marked complete for it, and not a link.
fn prove(worktree: &Worktree) -> Result<Presence, Refusal> {
    let files = Path::new(&worktree.path);
    let presence = admin::presence(worktree);
    let refuse = |why: &str| {
        Err(Refusal::conflict(format!("the worktree {} was not removed: {why}", shown(worktree)))
            .hint("look at it, and remove it by hand if it is not needed"))
    };
    if files.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) {
        return refuse("its path is a link");
    }
    let git_dir = admin::git_dir(worktree);
    match presence {
        Presence::Foreign => refuse("git has it registered at another path"),
        Presence::Absent if files.symlink_metadata().is_ok() => {
            refuse("git does not know it, so it cannot be proven to be divisi's")
        }
        Presence::Absent => Ok(presence),
        Presence::Whole | Presence::Incomplete | Presence::Emptied => {
            let owner = admin::locked_for(&git_dir);
            if owner
                .as_ref()
                .map_or_else(|| admin::marked(&git_dir, &worktree.session), |owner| *owner == worktree.session)
            {
                Ok(presence)
            } else {
                refuse("it is locked for something else")
            }
        }
    }
}

/// Another worktree in which the session's branch is checked out.
fn checked_out_elsewhere(git: &Git, worktree: &Worktree) -> Result<Option<String>, Refusal> {
    if is_nowhere_else(worktree) {
        return Ok(None);
    }
    let all = super::checkouts::of(git, &admin::common(worktree))?;
    Ok(all
        .into_iter()
        .find(|checkout| {
            checkout.branch.as_deref() == Some(worktree.branch.as_str())
                && !admin::same(&checkout.path, Path::new(&worktree.path))
        })
        .map(|checkout| text::path(&checkout.path)))
}

/// Whether the `HEAD`s of the repository and of all its worktrees are read without doubt, and none of the others has the branch out.
fn is_nowhere_else(worktree: &Worktree) -> bool {
    let common_dir = Path::new(&worktree.common_dir);
    let own = admin::git_dir(worktree);
    let mut places = vec![common_dir.to_owned()];
    match fs::read_dir(common_dir.join("worktrees")) {
        Ok(entries) => {
            for entry in entries {
                let Ok(entry) = entry else { return false };
                places.push(entry.path());
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(_) => return false,
    }
    places.iter().filter(|place| **place != own).all(|place| match loose::head_of(place) {
        Seen::Known(Head::Ref(name)) => name != worktree.branch,
        Seen::Known(Head::Detached(_)) => true,
        // It may have been removed since the directory was read.
        Seen::Unsure => place.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound),
    })
}
