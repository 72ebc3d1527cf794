//! The owner's lock: two daemons never write the same database.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::model::Refusal;

/// Held as long as the store is open; the kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct OwnerLock {
    file: File,
}

impl OwnerLock {
    /// Takes the lock beside a database.
    pub(super) fn take(database: &Path) -> Result<Self, Refusal> {
        let path = beside(database, ".lock");
        let failed = |error: &dyn std::fmt::Display| {
            Refusal::environment(format!("failed to lock {}: {error}", path.display()))
                .hint(format!("check that {} can be written by you", path.display()))
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| failed(&error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(held(&mut file, database)),
            Err(error) => return Err(failed(&error)),
        }
        // Only for the refusal another process gets; the lock holds without it.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { file })
    }
}

impl Drop for OwnerLock {
    /// Unlocks by name: a program that is being started at this moment still has a copy of the descriptor, and closing ours alone would
    /// leave the lock with it until it runs.
    fn drop(&mut self) {
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

fn held(file: &mut File, database: &Path) -> Refusal {
    let mut holder = String::new();
    let _ = file.rewind().and_then(|()| file.take(32).read_to_string(&mut holder));
    let holder = match holder.trim().parse::<u32>() {
        Ok(pid) => format!("process {pid}"),
        Err(_) => "another process".to_owned(),
    };
    Refusal::conflict(format!("the database {} is in use by {holder}", database.display()))
        .hint("`divisi daemon status` shows the running daemon, `divisi daemon stop` ends it")
}

/// A file beside the database: its name with something appended.
pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
