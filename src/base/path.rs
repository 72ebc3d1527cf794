//! Paths and directories of our own.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Error, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

/// Makes sure that `path` is a directory of this user that nobody else can enter: created with mode 0700 where it is missing (its
/// missing parents too), tightened to 0700 when it is ours.
///
/// # Errors
/// When it cannot be created, is a symbolic link, is no directory, or belongs to someone else.
pub fn private_directory(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        }
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    owned_directory(path)?;
    if fs::symlink_metadata(path)?.mode() & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Checks that `path` is a real directory of this user, not a symbolic link.
///
/// # Errors
/// When it is not, with the reason in words.
pub fn owned_directory(path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if found.file_type().is_symlink() {
        return Err(refused(path, "is a symbolic link"));
    }
    if !found.is_dir() {
        return Err(refused(path, "is not a directory"));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused(path, "belongs to another user"));
    }
    Ok(())
}

/// Whether group or others may write to a directory.
///
/// # Errors
/// When it cannot be looked at.
pub fn writable_by_others(path: &Path) -> io::Result<bool> {
    Ok(fs::symlink_metadata(path)?.mode() & 0o022 != 0)
}

/// A short name that stands for a path: sixteen hexadecimal digits of FNV-1a, the same on every machine and in every release.
pub fn short_name(path: &Path) -> String {
    let hash = path
        .as_os_str()
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

fn refused(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::PermissionDenied, format!("{} {why}", path.display()))
}

#[cfg(test)]
mod tests;
