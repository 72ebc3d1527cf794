//! The newest acknowledged event's number, kept outside of the database.
//!
//! `SQLite` ends its write-ahead log at the first frame whose checksum is wrong and silently forgets the rest. That is right for a
//! commit that was torn by a crash and wrong for one that was acknowledged and damaged later. This mark tells them apart. It is
//! written after the commit and never flushed: it may be older than the database, but never newer unless something was lost.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::model::id::Seq;
use crate::store::lock::beside;

/// The mark's file, open for writing.
#[derive(Debug)]
pub(super) struct HeadMark {
    file: File,
}

impl HeadMark {
    /// Opens or creates the mark beside a database.
    pub(super) fn open(database: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(beside(database, ".head"))?;
        Ok(Self { file })
    }

    /// What it says; absent when it is empty or was torn.
    pub(super) fn read(&self) -> Option<Seq> {
        let mut bytes = [0; 12];
        self.file.read_exact_at(&mut bytes, 0).ok()?;
        let (seq, crc) = bytes.split_at(8);
        (crc32fast::hash(seq).to_le_bytes() == crc).then(|| Seq(u64::from_le_bytes(seq.try_into().unwrap_or_default())))
    }

    /// Sets it. A failure is harmless: an old mark only notices less.
    pub(super) fn write(&self, seq: Seq) {
        let seq = seq.0.to_le_bytes();
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&seq);
        bytes[8..].copy_from_slice(&crc32fast::hash(&seq).to_le_bytes());
        let _ = self.file.write_all_at(&bytes, 0);
    }
}
