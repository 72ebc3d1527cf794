//! Deletes directories: renamed aside first, then removed where nobody waits.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// How the name of a directory begins that was removed and is being deleted.
pub(super) const PREFIX: &str = ".divisi-trash-";

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

/// Gives a directory the name of something thrown away, one that nothing beside it has.
pub(super) fn throw(directory: &Path, session: &str) -> io::Result<PathBuf> {
    let beside = directory.parent().unwrap_or(directory);
    for number in 1..10_000 {
        let target = beside.join(format!("{PREFIX}{session}-{number}"));
        if target.symlink_metadata().is_err() {
            fs::rename(directory, &target)?;
            return Ok(target);
        }
    }
    Err(io::Error::other(format!("{} is full of what was thrown away", beside.display())))
}

/// What lies thrown away in a directory.
pub(super) fn thrown(root: &Path) -> Vec<PathBuf> {
    let ours = |entry: &fs::DirEntry| entry.file_name().as_bytes().starts_with(PREFIX.as_bytes());
    fs::read_dir(root).into_iter().flatten().flatten().filter(ours).map(|entry| entry.path()).collect()
}

/// Deletes what is in the trash, in the background; what fails is found again by the doctor.
pub(super) fn delete_later(thrown: PathBuf) {
    let started = std::thread::Builder::new().name("divisi-trash".to_owned()).spawn(move || delete(&thrown));
    // Without a thread the trash waits for the doctor.
    drop(started);
}
