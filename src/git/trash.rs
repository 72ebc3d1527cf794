//! Deletes directories: renamed aside first, then removed where nobody waits.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

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

/// How often the trash is made again when it vanishes.
const TRIES: u32 = 100;

/// Moves a directory into the trash beside it, under a name that was never used there.
pub(super) fn throw(directory: &Path, session: &str) -> io::Result<PathBuf> {
    let trash = directory.parent().unwrap_or(directory).join(DIRECTORY);
    // Whoever empties the trash removes it, perhaps between its making and its use.
    for _ in 1..TRIES {
        match throw_into(&trash, directory, session) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && directory.symlink_metadata().is_ok() => {}
            outcome => return outcome,
        }
    }
    throw_into(&trash, directory, session)
}

fn throw_into(trash: &Path, directory: &Path, session: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(trash)?;
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

/// Deletes what is in the trash, in the background; what fails is found again by the doctor.
pub(super) fn delete_later(thrown: PathBuf) {
    let started = std::thread::Builder::new().name("divisi-trash".to_owned()).spawn(move || {
        if delete(&thrown).is_ok()
            && let Some(trash) = thrown.parent()
        {
            // Only when it is empty.
            let _ = fs::remove_dir(trash);
        }
    });
    // Without a thread the trash waits for the doctor.
    drop(started);
}

#[cfg(test)]
mod tests;
