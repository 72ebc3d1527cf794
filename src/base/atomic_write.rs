//! Files that are either the old or the new content, never half of one.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// Replaces a file's content: written beside it, flushed to disk, renamed over it. A symbolic link stays one (the file it names is
/// replaced), an existing file keeps its permissions, a new one gets mode 0600.
///
/// # Errors
/// When any step fails; the file is then as it was.
pub fn atomic_write(path: &Path, content: &[u8]) -> io::Result<()> {
    let target = if path.exists() { fs::canonicalize(path)? } else { path.to_path_buf() };
    let mode = fs::metadata(&target).map_or(0o600, |found| found.permissions().mode() & 0o7777);
    let beside = beside(&target);
    let written = write_new(&beside, content, mode).and_then(|()| fs::rename(&beside, &target));
    if let Err(error) = written {
        // The first error is the one that counts; the leftover is only litter.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(content)?;
    file.sync_all()
}

fn beside(target: &Path) -> PathBuf {
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}.{number}.new", std::process::id()))
}

#[cfg(test)]
mod tests;
