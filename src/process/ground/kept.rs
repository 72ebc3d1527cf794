//! What every program of an evaluation begins with: a copy of the place, and a seal that says whether somebody has been at it.
//!
//! A copy has files of its own. With links of any kind, what one program writes would be what the next one reads.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, FileTimes, OpenOptions, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::host::port::Seal;

/// Directories below each other that are followed.
const DEEP: usize = 500;

/// Copies a directory to where nothing is yet, with modes and times: what was built of a file holds as long as that is as old as it was.
/// Sockets and pipes are left out, they are of processes that are gone.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    copy_below(from, to, DEEP)
}

fn copy_below(from: &Path, to: &Path, deep: usize) -> io::Result<()> {
    let deep = deep.checked_sub(1).ok_or_else(|| io::Error::other("its directories lie too deep in each other"))?;
    let meta = fs::symlink_metadata(from)?;
    DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to, kind) = (entry.path(), to.join(entry.file_name()), entry.file_type()?);
        if kind.is_dir() {
            copy_below(&from, &to, deep)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&from)?, &to)?;
        } else if kind.is_file() {
            copy_file(&from, &to)?;
        }
    }
    fs::set_permissions(to, Permissions::from_mode(meta.mode() & 0o7777))
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut input = File::open(from)?;
    let meta = input.metadata()?;
    let mut output = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    if !share(&input, &output) {
        io::copy(&mut input, &mut output)?;
    }
    output.set_permissions(Permissions::from_mode(meta.mode() & 0o7777))?;
    output.set_times(FileTimes::new().set_modified(meta.modified()?))
}

/// Shares the blocks of a file with its copy, where the file system can.
#[cfg(target_os = "linux")]
fn share(input: &File, output: &File) -> bool {
    rustix::fs::ioctl_ficlone(output, input).is_ok()
}

/// Elsewhere the bytes are copied.
#[cfg(not(target_os = "linux"))]
fn share(_input: &File, _output: &File) -> bool {
    false
}

/// The seal of a directory: of each file and directory in it the number, size, mode and the time of its last change. The last is the
/// kernel's word: who writes, renames or sets times cannot choose it.
pub(super) fn seal(directory: &Path) -> io::Result<Seal> {
    let mut hash = Sha256::new();
    seal_below(directory, OsStr::new(""), &mut hash, DEEP)?;
    Ok(Seal(hash.finalize().into()))
}

fn seal_below(path: &Path, name: &OsStr, hash: &mut Sha256, deep: usize) -> io::Result<()> {
    let deep = deep.checked_sub(1).ok_or_else(|| io::Error::other("its directories lie too deep in each other"))?;
    let meta = fs::symlink_metadata(path)?;
    hash.update((name.len() as u64).to_le_bytes());
    hash.update(name.as_bytes());
    for number in [meta.dev(), meta.ino(), meta.size(), u64::from(meta.mode())] {
        hash.update(number.to_le_bytes());
    }
    for number in [meta.ctime(), meta.ctime_nsec()] {
        hash.update(number.to_le_bytes());
    }
    if meta.is_dir() {
        let mut names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
        names.sort();
        hash.update((names.len() as u64).to_le_bytes());
        for name in names {
            seal_below(&path.join(&name), &name, hash, deep)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
