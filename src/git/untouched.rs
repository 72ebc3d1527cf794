//! Whether a worktree is certainly exactly what its commit says, without a process of git.
//!
//! The index says of every file how it looked when git last compared it; a file that looks the same has not changed. This is git's own
//! rule, its care for files that changed in the moment the index was written included. Whatever is out of the ordinary is not certain:
//! then git is asked. The format: git's `Documentation/gitformat-index`.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::model::id::Oid;

use super::command::Place;
use super::loose;
use super::status::CONTEXT;
use super::text;

/// An index beyond this is git's to read, bytes: it does so with more than one thread.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Whether the files of a worktree are those of a tree, all of them, unchanged, and nothing else lies there but `AGENT_CONTEXT`; not even
/// something ignored. False when it is not certain.
pub(super) fn is_untouched(place: &Place, tree: &Oid) -> bool {
    let Place::Worktree { git_dir, files, .. } = place else { return false };
    look(git_dir, files, tree).unwrap_or(false)
}

fn look(git_dir: &Path, files: &Path, tree: &Oid) -> Option<bool> {
    let mut file = loose::open(&git_dir.join("index")).ok()?;
    let written = file.metadata().ok()?;
    if !written.is_file() || written.len() > LARGEST {
        return None;
    }
    let mut content = Vec::with_capacity(usize::try_from(written.len()).ok()? + 1);
    file.read_to_end(&mut content).ok()?;
    let index = Index::read(&content, tree.as_str().len() / 2)?;
    if index.root.as_deref() != Some(tree.as_str()) {
        return Some(false);
    }
    let mut known = HashSet::new();
    let mut directories = HashSet::new();
    for entry in &index.entries {
        let path = Path::new(text::os(&entry.path));
        if path.starts_with(CONTEXT) || !entry.is_as(&files.join(path).symlink_metadata().ok()?, &written) {
            return None;
        }
        known.insert(path.to_owned());
        directories.extend(path.ancestors().skip(1).map(Path::to_owned));
    }
    let mut open = vec![Path::new("").to_owned()];
    while let Some(directory) = open.pop() {
        for found in fs::read_dir(files.join(&directory)).ok()? {
            let found = found.ok()?;
            let path = directory.join(found.file_name());
            let is_directory = found.file_type().ok()?.is_dir();
            let ours = directory.as_os_str().is_empty()
                && ((found.file_name() == ".git" && !is_directory) || (found.file_name() == CONTEXT && is_directory));
            if ours {
                continue;
            }
            match is_directory {
                true if directories.contains(&path) => open.push(path),
                false if known.contains(&path) => {}
                _ => return Some(false),
            }
        }
    }
    Some(true)
}

/// What matters of an index.
#[derive(Debug, PartialEq, Eq)]
struct Index {
    entries: Vec<Entry>,
    /// The tree that the entries make, if it is known to the index.
    root: Option<String>,
}

/// One file, as git last saw it.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    path: Vec<u8>,
    ctime: (u32, u32),
    mtime: (u32, u32),
    inode: u32,
    mode: u32,
    owner: (u32, u32),
    size: u32,
}

impl Entry {
    /// Whether a file looks as it did, and it cannot have changed unseen in the moment the index was written.
    #[expect(clippy::cast_possible_truncation, reason = "the index has the lower 32 bits")]
    #[expect(clippy::cast_sign_loss, reason = "bits, not numbers")]
    fn is_as(&self, meta: &Metadata, index: &Metadata) -> bool {
        let time = |seconds: i64, nanoseconds: i64| (seconds as u32, nanoseconds as u32);
        let (mtime, written) = (time(meta.mtime(), meta.mtime_nsec()), time(index.mtime(), index.mtime_nsec()));
        let kind = match self.mode {
            0o120_000 => meta.is_symlink(),
            0o100_644 => meta.is_file() && meta.mode() & 0o100 == 0,
            0o100_755 => meta.is_file() && meta.mode() & 0o100 != 0,
            _ => false,
        };
        kind && self.mtime == mtime
            && self.ctime == time(meta.ctime(), meta.ctime_nsec())
            && self.inode == meta.ino() as u32
            && self.owner == (meta.uid(), meta.gid())
            && self.size == meta.size() as u32
            && mtime < written
    }
}

/// Bytes, taken from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(count)?;
        self.0 = left;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// Up to a byte, which is taken too.
    fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let length = memchr::memchr(end, self.0)?;
        let taken = self.take(length)?;
        self.take(1)?;
        Some(taken)
    }

    /// Git's number of variable length: each byte but the last has its highest bit set, and stands for one more than it says.
    fn variable(&mut self) -> Option<usize> {
        let mut byte = self.take(1)?[0];
        let mut value = usize::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            byte = self.take(1)?[0];
            value = value.checked_add(1)?.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
        }
        Some(value)
    }
}

impl Index {
    /// Reads one whose object ids have so many bytes; nothing when it has what is not read here.
    fn read(content: &[u8], oid: usize) -> Option<Self> {
        let body = content.len().checked_sub(oid)?;
        let mut bytes = Bytes(&content[..body]);
        if bytes.take(4)? != b"DIRC" {
            return None;
        }
        let version = bytes.number()?;
        let count = bytes.number()?;
        if !(2..=4).contains(&version) {
            return None;
        }
        let mut entries: Vec<Entry> = Vec::new();
        for _ in 0..count {
            let before = bytes.0.len();
            let ctime = (bytes.number()?, bytes.number()?);
            let mtime = (bytes.number()?, bytes.number()?);
            let _device = bytes.number()?;
            let inode = bytes.number()?;
            let mode = bytes.number()?;
            let owner = (bytes.number()?, bytes.number()?);
            let size = bytes.number()?;
            bytes.take(oid)?;
            let flags = u16::from_be_bytes(bytes.take(2)?.try_into().ok()?);
            // Taken for unchanged whatever it looks like, more flags (left out, not yet added), or in a conflict.
            if flags & 0xf000 != 0 {
                return None;
            }
            let path = if version == 4 {
                let shared = entries.last().map_or(&[][..], |entry| &entry.path);
                let kept = shared.len().checked_sub(bytes.variable()?)?;
                [&shared[..kept], bytes.until(0)?].concat()
            } else {
                let path = bytes.until(0)?.to_vec();
                // Padded to a multiple of eight, the end of the name included.
                let taken = before - bytes.0.len();
                bytes.take(taken.next_multiple_of(8) - taken)?;
                path
            };
            entries.push(Entry { path, ctime, mtime, inode, mode, owner, size });
        }
        let mut root = None;
        while !bytes.0.is_empty() {
            let name = bytes.take(4)?;
            let length = usize::try_from(bytes.number()?).ok()?;
            let extension = bytes.take(length)?;
            match name {
                b"TREE" => root = Self::root(extension, oid),
                // Those that begin with another letter have to be understood.
                _ if name[0].is_ascii_uppercase() => {}
                _ => return None,
            }
        }
        Some(Self { entries, root })
    }

    /// The whole tree, from the extension that keeps trees.
    fn root(extension: &[u8], oid: usize) -> Option<String> {
        let mut bytes = Bytes(extension);
        let name = bytes.until(0)?;
        let count = std::str::from_utf8(bytes.until(b' ')?).ok()?;
        let _below = bytes.until(b'\n')?;
        if !name.is_empty() || count.starts_with('-') {
            return None;
        }
        Some(super::inspect::hex(bytes.take(oid)?))
    }
}

#[cfg(test)]
mod tests;
