//! Refs by directory, read again only where something changed: a repository may have a thousand branches that nobody touches.
//!
//! Git changes a ref by putting another file in its place, which changes the time of the directory that holds it.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::clock;
use crate::model::id::Oid;

use super::{Content, MOST, entries, files_backend, oid, ordinary, packed, small};

/// A directory that changed this short a time before it was read may change again without looking younger, milliseconds. Some file
/// systems count in two seconds.
const SETTLED: i64 = 2_500;

/// Directories that are remembered. Forgetting costs a reading, nothing else.
const REMEMBERED: usize = 1_024;

/// Refs with where they point.
pub(in crate::git) type Refs = Arc<[(String, Oid)]>;

/// What tells one state of a directory from another: device, inode, time of the last change.
type Mark = (u64, u64, i64, i64);

#[derive(Debug, Clone)]
struct Directory {
    mark: Mark,
    refs: Refs,
    below: Arc<[String]>,
}

/// The directories that were read.
#[derive(Debug, Default)]
pub(in crate::git) struct Listings(Mutex<HashMap<PathBuf, Directory>>);

impl Listings {
    /// All refs in these directories of refs (`refs/heads`) and below, in parts; nothing when their files do not tell.
    pub(in crate::git) fn of(&self, common_dir: &Path, directories: &[&str]) -> Option<Vec<Refs>> {
        if !files_backend(common_dir) {
            return None;
        }
        let mut found = Vec::new();
        let mut open: Vec<String> = directories.iter().map(|name| (*name).to_owned()).collect();
        while let Some(name) = open.pop() {
            let Some(directory) = self.directory(&common_dir.join(&name), &name)? else { continue };
            open.extend(directory.below.iter().map(|below| format!("{name}/{below}")));
            found.push(directory.refs);
        }
        let packed = packed(common_dir)?;
        let inside = |name: &str| {
            directories.iter().any(|directory| name.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/')))
        };
        // Some of them have files of their own since, which only makes them stand for two commits here.
        let packed = entries(&packed).filter(|(name, _)| inside(name));
        let packed: Option<Vec<(String, Oid)>> = packed.map(|(name, at)| Some((name.to_owned(), oid(at)?))).collect();
        found.push(packed?.into());
        Some(found)
    }

    /// One directory, `Some(None)` when there is none.
    #[expect(clippy::option_option, reason = "unsure, and sure that there is none")]
    fn directory(&self, path: &Path, name: &str) -> Option<Option<Directory>> {
        let now = clock::now();
        let mark = match path.symlink_metadata() {
            Ok(meta) if meta.is_dir() => (meta.dev(), meta.ino(), meta.mtime(), meta.mtime_nsec()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(None),
            _ => return None,
        };
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        if let Some(known) = known.filter(|known| known.mark == mark) {
            return Some(Some(known));
        }
        let directory = read(path, name, mark)?;
        let age = now - (mark.2 * 1_000 + mark.3 / 1_000_000);
        if age > SETTLED {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= REMEMBERED {
                all.clear();
            }
            all.insert(path.to_owned(), directory.clone());
        }
        Some(Some(directory))
    }
}

fn read(path: &Path, name: &str, mark: Mark) -> Option<Directory> {
    let (mut refs, mut below) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(path).ok()? {
        let entry = entry.ok()?;
        let file = entry.file_name().into_string().ok()?;
        // Locks, and what else no ref can be called.
        if !ordinary(&format!("{name}/{file}")) {
            continue;
        }
        if entry.file_type().ok()?.is_dir() {
            below.push(file);
            continue;
        }
        match small(&entry.path()) {
            // Deleted or packed since the directory was read.
            Content::Missing => {}
            Content::Odd => return None,
            Content::Text(_) if refs.len() >= MOST => return None,
            Content::Text(text) => {
                let line = text.strip_suffix('\n').unwrap_or(&text);
                match (oid(line), line.strip_prefix("ref: ")) {
                    (Some(at), _) => refs.push((format!("{name}/{file}"), at)),
                    // Another name of a ref that is listed here too, as a clone has one of its remote's branch.
                    (None, Some(target)) if target.starts_with(&format!("{name}/")) => {}
                    _ => return None,
                }
            }
        }
    }
    Some(Directory { mark, refs: refs.into(), below: below.into() })
}

#[cfg(test)]
mod tests;
