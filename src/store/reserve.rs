//! Disk space kept back, given up when the disk is full, so that what is going on can still be recorded.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// Size of the reserve in bytes.
const SIZE: u64 = 8 * 1024 * 1024;

/// The reserve is only taken while this many times its size is free.
const PLENTY: u64 = 4;

/// The reserve file.
#[derive(Debug, Clone)]
pub(super) struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// The reserve of a directory; made when there is room. None is no reason to refuse to work.
    pub(super) fn in_directory(directory: &Path) -> Self {
        let reserve = Self { path: directory.join("reserve") };
        reserve.make();
        reserve
    }

    /// Takes the space, when it is not taken yet and enough is free.
    pub(super) fn make(&self) {
        if std::fs::metadata(&self.path).is_ok_and(|found| found.len() >= SIZE) || !self.room() {
            return;
        }
        let made = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.path)
            .and_then(|file| fallocate(&file, FallocateFlags::empty(), 0, SIZE).map_err(Into::into));
        if made.is_err() {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    /// Gives the space up; true when there was some.
    pub(super) fn release(&self) -> bool {
        let held = std::fs::metadata(&self.path).is_ok_and(|found| found.len() >= SIZE);
        held && std::fs::remove_file(&self.path).is_ok()
    }

    fn room(&self) -> bool {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        statvfs(directory).is_ok_and(|space| space.f_bavail.saturating_mul(space.f_frsize) >= SIZE * PLENTY)
    }
}
