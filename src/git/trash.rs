//! Deletes directories: renamed aside first, then removed where nobody waits.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// In the directory of worktrees: what was removed and is being deleted.
pub(super) const DIRECTORY: &str = ".trash";

/// Removes a directory and all below it, links not followed, also where directories were made read-only.
pub(super) fn delete(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path);
            fs::remove_dir_all(path)
        }
        outcome => outcome,
    }
}

/// Makes every directory below writable for its owner.
fn open_up(directory: &Path) {
    let Ok(meta) = directory.symlink_metadata() else { return };
    if !meta.is_dir() {
        return;
    }
    // What cannot be opened makes the removal fail, which is reported.
    let _ = fs::set_permissions(directory, fs::Permissions::from_mode(meta.permissions().mode() | 0o700));
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        open_up(&entry.path());
    }
}

/// Held while the trash is made and used, or removed when it is empty: one removal must not take it from under another.
static TRASH: Mutex<()> = Mutex::new(());

/// Moves a directory into the trash beside it, under a name that was never used there.
pub(super) fn throw(directory: &Path, session: &str) -> io::Result<PathBuf> {
    let trash = directory.parent().unwrap_or(directory).join(DIRECTORY);
    let _held = TRASH.lock().unwrap_or_else(PoisonError::into_inner);
    fs::create_dir_all(&trash)?;
    if trash.symlink_metadata()?.is_symlink() {
        return Err(io::Error::other(format!("{} is a link", trash.display())));
    }
    for number in 1..10_000 {
        let target = trash.join(format!("{session}-{number}"));
        if target.symlink_metadata().is_err() {
            fs::rename(directory, &target)?;
            return Ok(target);
        }
    }
    Err(io::Error::other(format!("{} is full", trash.display())))
}

/// Removes the trash itself when nothing lies in it.
pub(super) fn remove_empty(trash: &Path) {
    let _held = TRASH.lock().unwrap_or_else(PoisonError::into_inner);
    // Fails when something does.
    let _ = fs::remove_dir(trash);
}

/// Deletes what is in the trash, in the background; what fails is found again by the doctor.
pub(super) fn delete_later(thrown: PathBuf) {
    let started = std::thread::Builder::new().name("divisi-trash".to_owned()).spawn(move || {
        if delete(&thrown).is_ok()
            && let Some(trash) = thrown.parent()
        {
            remove_empty(trash);
        }
    });
    // Without a thread the trash waits for the doctor.
    drop(started);
}

#[cfg(test)]
mod tests;
