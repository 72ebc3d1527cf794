//! Commits read from files of their own: those that were made a moment ago have not been packed yet.

use std::io::Read as _;
use std::path::Path;

use flate2::read::ZlibDecoder;

use crate::model::id::Oid;

use super::loose;

/// The beginning of a commit: its kind, its size, and the line that names its tree.
const BEGINNING: u64 = 128;

/// The tree of a commit, when its object has a file of its own that says so.
pub(super) fn tree_of(common_dir: &Path, commit: &Oid) -> Option<Oid> {
    if !is_whole(commit.as_str()) {
        return None;
    }
    let (directory, name) = commit.as_str().split_at(2);
    let file = loose::open(&common_dir.join("objects").join(directory).join(name)).ok()?;
    let mut beginning = Vec::new();
    // A hostile object inflates to as much as it likes; this reads no more than it needs.
    ZlibDecoder::new(file).take(BEGINNING).read_to_end(&mut beginning).ok()?;
    let size = beginning.iter().position(|byte| *byte == 0)?;
    let kind = std::str::from_utf8(&beginning[..size]).ok()?;
    kind.strip_prefix("commit ")?;
    let line = beginning[size + 1..].split(|byte| *byte == b'\n').next()?;
    let tree = std::str::from_utf8(line).ok()?.strip_prefix("tree ")?;
    (is_whole(tree) && tree.len() == commit.as_str().len()).then(|| Oid(tree.to_owned()))
}

fn is_whole(oid: &str) -> bool {
    matches!(oid.len(), 40 | 64) && oid.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests;
