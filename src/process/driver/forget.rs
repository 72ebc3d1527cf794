//! Deleting a job's files.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::remains::{self, Shim};
use crate::model::Refusal;

/// Deletes a job's directory. Blocks.
///
/// # Errors
/// When the job lives or the files cannot be deleted.
pub(super) fn forget(directory: &Path) -> Result<(), Refusal> {
    match remains::clear(directory)? {
        Shim::NoDirectory => Ok(()),
        Shim::Lives => {
            let name = directory.file_name().unwrap_or_default().display();
            Err(Refusal::conflict(format!("job {name} still runs, its files are in use"))
                .hint("stop its session first"))
        }
        Shim::Gone => delete(directory)
            .map_err(|error| Refusal::environment(format!("cannot delete {}: {error}", directory.display()))),
    }
}

/// Deletes a directory, also one in which a program left directories that it made read-only.
pub(super) fn delete(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            make_writable(directory)?;
            fs::remove_dir_all(directory)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn make_writable(directory: &Path) -> io::Result<()> {
    let mut permissions = directory.symlink_metadata()?.permissions();
    permissions.set_mode(permissions.mode() | 0o700);
    fs::set_permissions(directory, permissions)?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_writable(&entry.path())?;
        }
    }
    Ok(())
}
