//! Batches that ended long ago: of their cases what a report shows stays, and nothing else.

use std::fs;
use std::io;
use std::path::Path;

use crate::base::atomic_write::atomic_write;
use crate::bench::environments::remove_directory;
use crate::bench::words;

/// Of an output this much of the end stays, bytes: more than a report shows.
const STAYS: usize = 64 * 1024;

/// Removes from a batch's directory what its report does not need.
pub(super) fn retire(directory: &Path) -> io::Result<()> {
    remove_directory(&directory.join("kept"))?;
    let results = match fs::read_dir(directory.join("results")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        results => results?,
    };
    for result in results {
        let result = result?.path();
        for name in ["test_output.txt", words::LOG] {
            shorten(&result.join(name))?;
        }
    }
    Ok(())
}

/// Keeps the end of a file that is longer.
fn shorten(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() && found.len() > STAYS as u64 => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => return Ok(()),
    }
    let all = fs::read(path)?;
    let mut end = b"[the beginning was removed]\n".to_vec();
    end.extend_from_slice(&all[all.len().saturating_sub(STAYS - end.len())..]);
    atomic_write(path, &end)
}
