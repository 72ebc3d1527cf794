//! Refs read from their own files, where that is certain to give git's answer without starting git.
//!
//! The order is git's: the ref's own file first, then `packed-refs` (who packs writes the second before it deletes the first).
//! Whatever is out of the ordinary (another storage, links, symbolic refs, damage, a file of packed refs that is large) is
//! [`Seen::Unsure`]: then git is asked.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::model::id::Oid;

use super::command::Place;

pub(super) mod listing;
pub(super) mod write;

/// A `packed-refs` beyond this is searched by git, bytes: git has it sorted and in memory.
const PACKED_LIMIT: u64 = 512 * 1024;

/// Refs in files of their own that are read one by one.
const MOST: usize = 2_000;

/// A ref's own file is an object id, or the name of another ref.
const LONGEST: u64 = 4096;

/// What the files say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen<T> {
    /// This is what git would say.
    Known(T),
    /// Git has to be asked.
    Unsure,
}

/// What is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Head {
    /// A ref, whether it exists or not.
    Ref(String),
    /// A commit.
    Detached(Oid),
}

/// Where a ref points.
pub(super) fn read(place: &Place, name: &str) -> Seen<Option<Oid>> {
    let Some((git_dir, common_dir)) = directories(place) else { return Seen::Unsure };
    if name != "HEAD" {
        return lookup(common_dir, name);
    }
    match head_of(git_dir) {
        Seen::Known(Head::Detached(oid)) => Seen::Known(Some(oid)),
        Seen::Known(Head::Ref(name)) => lookup(common_dir, &name),
        Seen::Unsure => Seen::Unsure,
    }
}

/// What is checked out where a call works.
pub(super) fn head(place: &Place) -> Seen<Head> {
    directories(place).map_or(Seen::Unsure, |(git_dir, _)| head_of(git_dir))
}

/// What the file `HEAD` of a git directory says.
pub(super) fn head_of(git_dir: &Path) -> Seen<Head> {
    let Content::Text(text) = small(&git_dir.join("HEAD")) else { return Seen::Unsure };
    let line = text.strip_suffix('\n').unwrap_or(&text);
    match line.strip_prefix("ref: ") {
        Some(name) if ordinary(name) => Seen::Known(Head::Ref(name.to_owned())),
        Some(_) => Seen::Unsure,
        None => oid(line).map_or(Seen::Unsure, |oid| Seen::Known(Head::Detached(oid))),
    }
}

/// All refs whose names begin so, with where they point. `beginning` is a directory of refs, or that and the beginning of a name.
pub(super) fn beginning(common_dir: &Path, beginning: &str) -> Seen<Vec<(String, Oid)>> {
    if !files_backend(common_dir) {
        return Seen::Unsure;
    }
    let Some((directory, start)) = beginning.rsplit_once('/') else { return Seen::Unsure };
    let mut found = Vec::new();
    if !walk(&common_dir.join(directory), directory, start, &mut found) {
        return Seen::Unsure;
    }
    let Some(packed) = packed(common_dir) else { return Seen::Unsure };
    for (name, packed) in entries(&packed).filter(|(name, _)| name.starts_with(beginning)) {
        let Some(oid) = oid(packed) else { return Seen::Unsure };
        if !found.iter().any(|(known, _)| known == name) {
            found.push((name.to_owned(), oid));
        }
    }
    Seen::Known(found)
}

fn directories(place: &Place) -> Option<(&Path, &Path)> {
    let (git_dir, common_dir) = match place {
        Place::Anywhere(_) => return None,
        Place::Common(common_dir) => (common_dir, common_dir),
        Place::Worktree { git_dir, common_dir, .. } => (git_dir, common_dir),
    };
    files_backend(common_dir).then_some((git_dir.as_path(), common_dir.as_path()))
}

fn files_backend(common_dir: &Path) -> bool {
    common_dir.join("reftable").symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Whether a name is one that git has in the common directory under exactly that path.
fn ordinary(name: &str) -> bool {
    let known = ["refs/heads/", "refs/tags/", "refs/remotes/", "refs/divisi/"];
    known.iter().any(|known| name.len() > known.len() && name.starts_with(known))
        && !name.bytes().any(|byte| byte.is_ascii_control() || b" ~^:?*[\\".contains(&byte))
        && !name.contains("..")
        && !name.contains("@{")
        && name.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && !Path::new(part).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("lock"))
        })
}

fn lookup(common_dir: &Path, name: &str) -> Seen<Option<Oid>> {
    if !ordinary(name) {
        return Seen::Unsure;
    }
    match small(&common_dir.join(name)) {
        Content::Text(text) => {
            oid(text.strip_suffix('\n').unwrap_or(&text)).map_or(Seen::Unsure, |oid| Seen::Known(Some(oid)))
        }
        Content::Odd => Seen::Unsure,
        Content::Missing => {
            let Some(packed) = packed(common_dir) else { return Seen::Unsure };
            let Some((_, found)) = entries(&packed).find(|(known, _)| *known == name) else { return Seen::Known(None) };
            oid(found).map_or(Seen::Unsure, |oid| Seen::Known(Some(oid)))
        }
    }
}

/// The object id in a ref's own file, if that is what it is.
fn small_oid(path: &Path) -> Option<Oid> {
    let Content::Text(text) = small(path) else { return None };
    oid(text.strip_suffix('\n').unwrap_or(&text))
}

enum Content {
    Text(String),
    Missing,
    Odd,
}

/// A small ordinary file's content. A directory in its place is nothing: refs below it are.
fn small(path: &Path) -> Content {
    match content(path, LONGEST) {
        Ok(Some(text)) => Content::Text(text),
        Ok(None) => Content::Odd,
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => Content::Missing,
            _ => Content::Odd,
        },
    }
}

/// Opens a file to be read. Links are not followed, and nothing waits for who writes into a pipe in its place.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

/// An ordinary file's text; nothing when it is no ordinary file, too long or not text. Links are not followed, and nothing waits.
fn content(path: &Path, limit: u64) -> io::Result<Option<String>> {
    let mut file = match open(path) {
        // A link.
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => return Ok(None),
        opened => opened?,
    };
    let meta = file.metadata()?;
    if meta.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !meta.is_file() || meta.len() > limit {
        return Ok(None);
    }
    let mut text = String::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1);
    match Read::by_ref(&mut file).take(limit + 1).read_to_string(&mut text) {
        Ok(read) if read as u64 <= limit => Ok(Some(text)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
        Err(error) => Err(error),
    }
}

/// The text of `packed-refs`; empty when there is none, nothing when it is for git.
fn packed(common_dir: &Path) -> Option<String> {
    match content(&common_dir.join("packed-refs"), PACKED_LIMIT) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(String::new()),
        Err(_) => None,
    }
}

/// Names and object ids of packed refs.
fn entries(packed: &str) -> impl Iterator<Item = (&str, &str)> {
    packed
        .lines()
        .filter(|line| !line.starts_with(['#', '^']))
        .filter_map(|line| line.split_once(' ').map(|(oid, name)| (name, oid)))
}

/// Exactly an object id.
fn oid(text: &str) -> Option<Oid> {
    let exact = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    exact.then(|| Oid(text.to_owned()))
}

/// Collects the refs in a directory whose names begin with `start`; false when git has to be asked.
fn walk(directory: &Path, name: &str, start: &str, found: &mut Vec<(String, Oid)>) -> bool {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => return matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    };
    for entry in entries {
        let Ok(entry) = entry else { return false };
        let file = entry.file_name();
        let bytes = file.as_bytes();
        if !bytes.starts_with(start.as_bytes()) || bytes.starts_with(b".") || bytes.ends_with(b".lock") {
            continue;
        }
        let Some(file) = file.to_str() else { return false };
        let name = format!("{name}/{file}");
        let path = entry.path();
        match small(&path) {
            Content::Text(text) => match oid(text.strip_suffix('\n').unwrap_or(&text)) {
                Some(_) if found.len() >= MOST => return false,
                Some(oid) => found.push((name, oid)),
                None => return false,
            },
            Content::Missing if path.is_dir() => {
                if !walk(&path, &name, "", found) {
                    return false;
                }
            }
            // Deleted or packed since the directory was read.
            Content::Missing => {}
            Content::Odd => return false,
        }
    }
    true
}

#[cfg(test)]
pub(in crate::git) mod tests;
