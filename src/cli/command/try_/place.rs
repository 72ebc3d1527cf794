//! Where scratch repositories are: `<state directory>/try/<number>/tally`. Nothing else is ever deleted.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::project::NAME;
use crate::base::path::private_directory;
use crate::base::paths::Paths;
use crate::model::Refusal;

/// A deletion is tried so often: the daemon may be clearing a removed worktree in there.
const TRIES: u32 = 50;

fn root(paths: &Paths) -> PathBuf {
    paths.state_dir.join("try")
}

/// Makes a directory nobody has used, numbered above `used`; returns it and the repository's, which is not made yet.
pub(super) fn claim(paths: &Paths, used: u64) -> Result<(PathBuf, PathBuf), Refusal> {
    let root = root(paths);
    let failed = |error: std::io::Error| Refusal::environment(format!("failed to make {}: {error}", root.display()));
    private_directory(&root).map_err(failed)?;
    let mut number = all(paths)?.iter().filter_map(|dir| number_of(dir)).max().unwrap_or(0).max(used);
    loop {
        number += 1;
        let dir = root.join(number.to_string());
        match DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => {
                let repository = dir.join(NAME);
                return Ok((dir, repository));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Every scratch directory, in order. A link is none, nor is anything whose name is no number.
pub(super) fn all(paths: &Paths) -> Result<Vec<PathBuf>, Refusal> {
    let root = root(paths);
    let failed = |error: std::io::Error| Refusal::environment(format!("failed to read {}: {error}", root.display()));
    let entries = match fs::read_dir(&root) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if number_of(&path).is_some() && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(path);
        }
    }
    found.sort_by_key(|dir| number_of(dir));
    Ok(found)
}

/// The number of the scratch directory that a path is in; absent when it is in none.
pub(super) fn number_in(paths: &Paths, path: &Path) -> Option<u64> {
    let root = root(paths);
    let below = path.strip_prefix(super::real(&root)).or_else(|_| path.strip_prefix(&root)).ok()?;
    below.components().next().and_then(|first| first.as_os_str().to_str()?.parse().ok())
}

fn number_of(dir: &Path) -> Option<u64> {
    dir.file_name()?.to_str()?.parse().ok()
}

/// Deletes one of them.
pub(super) async fn delete(dir: &Path) -> Result<(), Refusal> {
    let mut tries = 0;
    loop {
        match fs::remove_dir_all(dir) {
            Ok(()) => break,
            Err(error) if error.kind() == ErrorKind::NotFound && !dir.exists() => break,
            Err(error) if tries == TRIES => {
                return Err(Refusal::environment(format!("failed to delete {}: {error}", dir.display()))
                    .hint(format!("rm -r {}", dir.display())));
            }
            Err(_) => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    // The folder around them goes with the last one; it is in use when there are more.
    if let Some(root) = dir.parent() {
        let _ = fs::remove_dir(root);
    }
    Ok(())
}
