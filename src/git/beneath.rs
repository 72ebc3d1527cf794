//! File operations that stay beneath a directory: every component is opened without following links, so a link that an agent or a
//! repository planted leads nowhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};

/// A directory that is not left.
#[derive(Debug)]
pub(super) struct Beneath {
    root: OwnedFd,
}

/// What a copy did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copied {
    /// The file is there.
    Yes,
    /// Something is there already, or the source is neither a file nor a link.
    No,
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Beneath {
    /// Opens the directory itself, which must not be a link.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        Ok(Self { root: rustix::fs::open(directory, DIRECTORY, Mode::empty())? })
    }

    /// The directory of a relative path, made on the way if wanted, and the last component.
    fn parent(&self, relative: &[u8], make: bool) -> io::Result<(OwnedFd, OsString)> {
        let mut components: Vec<&[u8]> = relative.split(|byte| *byte == b'/').collect();
        if components.iter().any(|component| matches!(*component, b"" | b"." | b"..") || component.contains(&0)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain relative path"));
        }
        let name = components.pop().unwrap_or_default();
        let mut at = rustix::io::fcntl_dupfd_cloexec(&self.root, 0)?;
        for component in components {
            let component = OsStr::from_bytes(component);
            at = match rustix::fs::openat(&at, component, DIRECTORY, Mode::empty()) {
                Ok(next) => next,
                Err(rustix::io::Errno::NOENT) if make => {
                    match rustix::fs::mkdirat(&at, component, Mode::from_raw_mode(0o777)) {
                        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                        Err(error) => return Err(error.into()),
                    }
                    rustix::fs::openat(&at, component, DIRECTORY, Mode::empty())?
                }
                Err(error) => return Err(error.into()),
            };
        }
        Ok((at, OsStr::from_bytes(name).to_owned()))
    }

    /// Makes a directory and those above it; one that is there is left.
    pub(super) fn make_directory(&self, relative: &str) -> io::Result<()> {
        // As if for a file in it.
        self.parent(&[relative.as_bytes(), b"/file"].concat(), true).map(drop)
    }

    /// Writes a whole file, replacing what was there in one step.
    pub(super) fn write(&self, relative: &str, content: &[u8]) -> io::Result<()> {
        let (directory, name) = self.parent(relative.as_bytes(), true)?;
        let mut aside = OsString::from(".divisi-");
        aside.push(&name);
        match rustix::fs::unlinkat(&directory, &aside, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&directory, &aside, flags, Mode::from_raw_mode(0o644))?);
        file.write_all(content)?;
        rustix::fs::renameat(&directory, &aside, &directory, &name)?;
        Ok(())
    }

    /// The type, size and modification time (nanoseconds) of an entry, links not followed.
    pub(super) fn look(&self, relative: &[u8]) -> io::Result<(FileType, u64, i128)> {
        let (directory, name) = self.parent(relative, false)?;
        let stat = rustix::fs::statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW)?;
        let time = i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec);
        Ok((FileType::from_raw_mode(stat.st_mode), u64::try_from(stat.st_size).unwrap_or(0), time))
    }

    /// Reads a regular file of at most `limit` bytes; `None` when it is larger.
    pub(super) fn read(&self, relative: &[u8], limit: u64) -> io::Result<Option<Vec<u8>>> {
        let (directory, name) = self.parent(relative, false)?;
        // Without NONBLOCK a planted fifo would hold us for ever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = File::from(rustix::fs::openat(&directory, &name, flags, Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
        }
        let mut content = Vec::new();
        file.take(limit + 1).read_to_end(&mut content)?;
        Ok((content.len() as u64 <= limit).then_some(content))
    }

    /// Removes a file or link.
    pub(super) fn remove(&self, relative: &[u8]) -> io::Result<()> {
        let (directory, name) = self.parent(relative, false)?;
        Ok(rustix::fs::unlinkat(&directory, &name, AtFlags::empty())?)
    }

    /// Copies one file or link from another directory, sharing its blocks where the file system can. Never overwrites.
    pub(super) fn copy_from(&self, source: &Self, relative: &[u8]) -> io::Result<Copied> {
        let (from, name) = source.parent(relative, false)?;
        let stat = rustix::fs::statat(&from, &name, AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(&from, &name, Vec::new())?;
                let (to, name) = self.parent(relative, true)?;
                match rustix::fs::symlinkat(&target, &to, &name) {
                    Ok(()) => Ok(Copied::Yes),
                    Err(rustix::io::Errno::EXIST) => Ok(Copied::No),
                    Err(error) => Err(error.into()),
                }
            }
            FileType::RegularFile => {
                let read = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
                let mut input = File::from(rustix::fs::openat(&from, &name, read, Mode::empty())?);
                let (to, name) = self.parent(relative, true)?;
                let write = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let mode = Mode::from_raw_mode(stat.st_mode & 0o777 | 0o200);
                let output = match rustix::fs::openat(&to, &name, write, mode) {
                    Ok(output) => output,
                    Err(rustix::io::Errno::EXIST) => return Ok(Copied::No),
                    Err(error) => return Err(error.into()),
                };
                let mut output = File::from(output);
                if !share(&input, &output)
                    && let Err(error) = io::copy(&mut input, &mut output)
                {
                    // Half a file is worse than none.
                    let _ = rustix::fs::unlinkat(&to, &name, AtFlags::empty());
                    return Err(error);
                }
                Ok(Copied::Yes)
            }
            _ => Ok(Copied::No),
        }
    }
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

#[cfg(test)]
mod tests;
