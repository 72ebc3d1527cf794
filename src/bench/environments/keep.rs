//! The environments that are kept: which there are, and which go.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::copy::try_lock;
use super::{DIRECTORY, RECORD, USED};
use crate::model::Refusal;
use crate::model::bench_environment::{EnvironmentRecord, KeptEnvironment, Shelve, Shelved};

/// The environments that are kept, after those have been removed that are too many.
///
/// # Errors
/// When the directory cannot be read, or something in it cannot be removed.
pub fn shelve(asked: &Shelve) -> Result<Shelved, Refusal> {
    let directory = asked.cache.join(DIRECTORY);
    let failed = |error: io::Error| {
        Refusal::environment(format!("failed to look after environments in {}: {error}", directory.display()))
    };
    let removed = match asked.at_most {
        None => Vec::new(),
        Some(bytes) => {
            let removed = shrink(&directory, bytes, None).map_err(failed)?;
            if bytes == 0 {
                sweep(&directory).map_err(failed)?;
            }
            removed
        }
    };
    let kept = list(&directory).map_err(failed)?;
    Ok(Shelved { directory, kept, removed })
}

/// What is kept in a directory, if it is complete.
pub(super) fn record(kept: &Path) -> Option<EnvironmentRecord> {
    let text = fs::read(kept.join(RECORD)).ok()?;
    serde_json::from_slice::<EnvironmentRecord>(&text).ok().filter(|record| record.version == 1)
}

/// The one that was used last comes first.
fn list(directory: &Path) -> io::Result<Vec<KeptEnvironment>> {
    let mut all = Vec::new();
    for name in names(directory)? {
        let path = directory.join(&name);
        let Some(record) = record(&path).filter(|record| record.key == name) else { continue };
        let used = fs::metadata(path.join(USED)).and_then(|used| used.modified()).ok();
        let used = used.and_then(|used| used.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_millis());
        let used_at = i64::try_from(used).unwrap_or(i64::MAX);
        all.push(KeptEnvironment { id: record.id(), path, used_at, record });
    }
    all.sort_by(|a, b| b.used_at.cmp(&a.used_at).then_with(|| a.record.key.cmp(&b.record.key)));
    Ok(all)
}

fn names(directory: &Path) -> io::Result<Vec<String>> {
    match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(entries) => {
            entries.filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose()).collect()
        }
    }
}

/// Removes what was not used for longest until the others take no more than so many bytes. What somebody copies or makes now stays,
/// and so does `but`.
pub(super) fn shrink(directory: &Path, at_most: u64, but: Option<&str>) -> io::Result<Vec<KeptEnvironment>> {
    let all = list(directory)?;
    let mut bytes = all.iter().fold(0_u64, |sum, kept| sum.saturating_add(kept.record.bytes));
    let mut removed = Vec::new();
    for kept in all.into_iter().rev() {
        if bytes <= at_most && at_most > 0 {
            break;
        }
        let key = &kept.record.key;
        if but == Some(key) {
            continue;
        }
        if let Some(_alone) = try_lock(&directory.join(format!("{key}.lock")), false)? {
            remove(directory, key)?;
            bytes = bytes.saturating_sub(kept.record.bytes);
            removed.push(kept);
        }
    }
    Ok(removed)
}

/// Removes everything that nobody uses now: halves, marks and locks too.
fn sweep(directory: &Path) -> io::Result<()> {
    for name in names(directory)? {
        let key = name.split('.').next().unwrap_or_default().to_owned();
        let lock = directory.join(format!("{key}.lock"));
        if let Some(_alone) = try_lock(&lock, false)? {
            let path = directory.join(&name);
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => remove_directory(&path)?,
                Ok(_) => fs::remove_file(&path)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            // Whoever waits for it makes a new one; that two make the same at once is harmless.
            fs::remove_file(&lock)
                .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
        }
    }
    Ok(())
}

/// Removes one, whose lock is held: first its name, so that a kill leaves no half under it.
pub(super) fn remove(directory: &Path, key: &str) -> io::Result<()> {
    let going = directory.join(format!("{key}.new"));
    remove_directory(&going)?;
    match fs::rename(directory.join(key), &going) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => remove_directory(&going),
    }
}

/// Removes a directory that may not be there, and may have directories in it that nobody can enter.
pub(in crate::bench) fn remove_directory(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path);
            fs::remove_dir_all(path)
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn open_up(path: &Path) {
    // Where it cannot be done, the removal says so.
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}
