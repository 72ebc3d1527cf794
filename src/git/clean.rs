//! Removes what an interrupted creation left, by exact names, and never what holds work.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use crate::base::clock;
use crate::model::Refusal;
use crate::model::id::Oid;
use crate::model::worktree::Worktree;

use super::admin::{self, Presence};
use super::command::Git;
use super::create::{aside, detour, discard_directory};
use super::status::status;
use super::{refs, text};

/// Removes directory, registration, branch at its base, and lock files of one session.
pub(super) fn clean(git: &Git, worktree: &Worktree) -> Result<(), Refusal> {
    if !admin::valid_id(worktree.session.as_str()) {
        return Err(Refusal::internal(format!("'{}' is not a session's id", worktree.session.0.escape_debug())));
    }
    let common_dir = Path::new(&worktree.common_dir);
    if !common_dir.is_dir() {
        // The repository is gone with everything in it.
        return Ok(());
    }
    let git_dir = admin::git_dir(worktree);
    let presence = admin::presence(worktree);
    if presence == Presence::Foreign {
        return Err(left(worktree, "git has it registered at another path"));
    }
    end_leftover_git(git, &git_dir)?;
    let _writer = git.writer(common_dir)?;
    refs::sweep_lock(common_dir, &worktree.branch);
    let place = admin::common(worktree);
    let tip = refs::read(git, &place, &worktree.branch)?;
    let only_here = match &tip {
        Some(tip) if tip != worktree.first_commit() => presence == Presence::Whole || !preserved(git, worktree, tip)?,
        _ => false,
    };
    if only_here {
        return Err(left(worktree, &format!("its branch {} has commits", worktree.branch)));
    }
    if presence == Presence::Whole && !status(git, &admin::place(worktree))?.is_clean() {
        return Err(left(worktree, "it holds uncommitted changes"));
    }
    let files = Path::new(&worktree.path);
    let failed = |path: &Path, error: &std::io::Error| {
        Refusal::environment(format!("cannot remove {}: {error}", text::path(path)))
            .hint("divisi doctor --fix, once it can be")
    };
    if files.symlink_metadata().is_ok() {
        let ours = presence != Presence::Absent
            || admin::pointer(files).is_some_and(|pointer| admin::same(&pointer, &git_dir))
            || barely_begun(files, &git_dir);
        if ours {
            discard_directory(files).map_err(|error| failed(files, &error))?;
        } else {
            // A creation that had only just begun left it empty; anything else is not ours.
            fs::remove_dir(files).map_err(|_| left(worktree, "its directory was not made by divisi"))?;
        }
    }
    for directory in [aside(worktree), detour(worktree), git_dir] {
        discard_directory(&directory).map_err(|error| failed(&directory, &error))?;
    }
    let _ = detour(worktree).parent().map(fs::remove_dir);
    if let Some(tip) = tip {
        refs::delete(git, &place, &worktree.branch, &tip)?;
    }
    refs::sweep(common_dir, &worktree.branch);
    Ok(())
}

/// Whether the preserved ref has a commit: then an interrupted restore made the branch, and it can be made again.
fn preserved(git: &Git, worktree: &Worktree, tip: &Oid) -> Result<bool, Refusal> {
    let place = admin::common(worktree);
    let name = super::preserve::reference(&worktree.session);
    match refs::read(git, &place, &name)? {
        Some(kept) => super::land::contains(git, &place, &kept, tip),
        None => Ok(false),
    }
}

fn left(worktree: &Worktree, why: &str) -> Refusal {
    Refusal::conflict(format!("the worktree {} was left as it is: {why}", text::path(Path::new(&worktree.path))))
        .hint("look into it; divisi remove keeps what it holds before it deletes anything")
}

/// A git that a killed daemon started may still be filling the worktree. It is recognised by the directory it was told, which
/// nobody else uses; waited for, then ended.
fn end_leftover_git(git: &Git, git_dir: &Path) -> Result<(), Refusal> {
    let end = clock::instant() + git.lock_wait;
    let patience = clock::instant() + git.lock_wait / 4;
    loop {
        let running = leftover_git(git_dir);
        if running.is_empty() {
            return Ok(());
        }
        if clock::instant() >= patience {
            for pid in &running {
                // It may have ended by itself in the meantime.
                let _ = kill_process(*pid, Signal::KILL);
            }
        }
        if clock::instant() >= end {
            return Err(Refusal::environment(format!(
                "git process {} still fills {} and cannot be ended",
                running[0].as_raw_nonzero(),
                text::path(git_dir)
            )));
        }
        clock::pause(std::time::Duration::from_millis(10));
    }
}

/// Whether a directory holds nothing but the beginning of the file `.git` that a creation was writing when it was killed.
fn barely_begun(files: &Path, git_dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(files) else { return false };
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    let link = files.join(".git");
    let is_file = link.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
    let written = fs::read(&link).unwrap_or_default();
    names.len() == 1 && is_file && admin::pointer_to(git_dir).starts_with(&written)
}

fn leftover_git(git_dir: &Path) -> Vec<Pid> {
    let mut wanted = b"GIT_DIR=".to_vec();
    wanted.extend_from_slice(git_dir.as_os_str().as_bytes());
    let processes: Vec<PathBuf> =
        fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    let mut found = Vec::new();
    for process in processes {
        let Some(pid) = process.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok()) else {
            continue;
        };
        let git = fs::read(process.join("comm")).is_ok_and(|name| name.starts_with(b"git"));
        if git
            && fs::read(process.join("environ"))
                .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == wanted))
        {
            found.extend(Pid::from_raw(pid));
        }
    }
    found
}
