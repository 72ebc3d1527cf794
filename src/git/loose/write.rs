//! Refs made and deleted in their own files, where that is certain to do what git would do.
//!
//! Whatever is out of the ordinary is not done here: then git does it, or says why it cannot.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::git::lock::{WRITERS, Writer};
use crate::model::id::Oid;

use super::{Seen, entries, files_backend, lookup, packed, small_oid};

/// Makes a ref of ours that does not exist, in one step and without a lock that a kill could leave: a link to a file that is written and
/// on the disk. False when it was not made, for whatever reason.
pub(in crate::git) fn create(common_dir: &Path, name: &str, to: &Oid) -> bool {
    let Some(target) = free(common_dir, name) else { return false };
    let aside = aside(common_dir, name);
    let write = || -> io::Result<()> {
        match fs::remove_file(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir_all(common_dir.join("divisi"))?;
        let mut file = OpenOptions::new().write(true).create_new(true).open(&aside)?;
        file.write_all(format!("{to}\n").as_bytes())?;
        file.sync_data()?;
        fs::hard_link(&aside, &target)
    };
    let made = write().is_ok();
    // Written over by the next one of this name, when it stays.
    let _ = fs::remove_file(&aside);
    made
}

/// Where the file of a ref is written before it is put in its place.
pub(in crate::git) fn aside(common_dir: &Path, name: &str) -> PathBuf {
    common_dir.join("divisi").join(format!("ref-{}", name.replace('/', "-")))
}

/// As [`create`], for a commit at which another ref stands: a second link to that ref's file, which is on the disk already. Git never writes
/// into a ref's file, it puts another one in its place. False when it was not made, for whatever reason.
pub(in crate::git) fn link(common_dir: &Path, from: &str, name: &str, to: &Oid) -> bool {
    let Some(target) = free(common_dir, name) else { return false };
    if fs::hard_link(common_dir.join(from), &target).is_err() {
        return false;
    }
    let right = small_oid(&target).as_ref() == Some(to);
    if !right {
        // It moved in this moment, or is no ordinary file.
        let _ = fs::remove_file(&target);
    }
    right
}

/// Deletes refs of ours with their logs, for who writes to the repository. False when they were left, for whatever reason; where a disk
/// fails in between, some may be gone.
pub(in crate::git) fn delete(_: &Writer<'_>, common_dir: &Path, refs: &[(String, Oid)]) -> bool {
    if !files_backend(common_dir) || !refs.iter().all(|(name, _)| is_ours(name)) {
        return false;
    }
    let mut locks = Vec::new();
    // In git's order: the refs, then what is packed, so that nobody packs one of them meanwhile. Only branches are moved by others.
    let branches = refs.iter().map(|(name, _)| name.as_str()).filter(|name| name.starts_with("refs/heads/"));
    for file in branches.chain(["packed-refs"]) {
        let Some(lock) = Lock::take(common_dir, common_dir.join(format!("{file}.lock"))) else { return false };
        locks.push(lock);
    }
    let Some(packed) = packed(common_dir) else { return false };
    let is_there = |(name, at): &(String, Oid)| small_oid(&common_dir.join(name)).as_ref() == Some(at);
    if !refs.iter().all(is_there) || entries(&packed).any(|(name, _)| refs.iter().any(|(own, _)| own == name)) {
        return false;
    }
    let mut all = true;
    for (name, _) in refs {
        let gone = fs::remove_file(common_dir.join(name)).is_ok();
        all &= gone;
        if gone {
            // The others have none, if nobody asked for logs of everything.
            let _ = fs::remove_file(common_dir.join("logs").join(name));
        }
    }
    all
}

/// Takes away the locks that a daemon left which was killed while it deleted a ref of ours. For who writes to the repository.
pub(in crate::git) fn sweep(_: &Writer<'_>, common_dir: &Path, name: &str) {
    for lock in [format!("{name}.lock"), "packed-refs.lock".to_owned()].map(|file| common_dir.join(file)) {
        if is_leftover(common_dir, &lock) {
            // Who cannot take it away is told by git, which finds it in its way.
            let _ = fs::remove_file(lock);
        }
    }
}

/// A lock file in git's way; taken away when dropped.
///
/// It is a second name of the file that the one who writes to the repository holds, so that it is whole from its first moment, and known
/// again: one that the next writer finds was left by a daemon that was killed.
struct Lock(PathBuf);

impl Lock {
    fn take(common_dir: &Path, path: PathBuf) -> Option<Self> {
        let make = || fs::hard_link(common_dir.join(WRITERS), &path);
        let locked = match make() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_leftover(common_dir, &path) => {
                fs::remove_file(&path).and_then(|()| make())
            }
            first => first,
        };
        locked.ok().map(|()| Self(path))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn is_leftover(common_dir: &Path, path: &Path) -> bool {
    let which = |path: &Path| path.symlink_metadata().ok().map(|meta| (meta.dev(), meta.ino()));
    which(path).is_some_and(|found| Some(found) == which(&common_dir.join(WRITERS)))
}

fn is_ours(name: &str) -> bool {
    ["refs/divisi/", "refs/heads/divisi/"].iter().any(|ours| name.starts_with(ours)) && super::ordinary(name)
}

/// Where the file of a ref of ours goes that does not exist and can: its directory is made.
fn free(common_dir: &Path, name: &str) -> Option<PathBuf> {
    if !is_ours(name) || !files_backend(common_dir) || lookup(common_dir, name) != Seen::Known(None) {
        return None;
    }
    let packed = packed(common_dir)?;
    let below = |name: &str, other: &str| other.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
    if entries(&packed).any(|(other, _)| below(name, other) || below(other, name)) {
        return None;
    }
    let target = common_dir.join(name);
    // Somebody at work there.
    if common_dir.join(format!("{name}.lock")).symlink_metadata().is_ok() {
        return None;
    }
    let (parent, beneath) = (target.parent()?, Path::new(name).parent()?);
    fs::create_dir_all(parent).ok()?;
    let inside = parent.canonicalize().ok()? == common_dir.canonicalize().ok()?.join(beneath);
    inside.then_some(target)
}

#[cfg(test)]
mod tests;
