//! The shim's side of the journal.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{CHUNK, encode};
use crate::base::clock;
use crate::host::port::RecordKind;
use crate::model::job::JobEnd;

/// Appends records. A full disk loses nothing: what could not be written is kept and tried again by [`JournalWriter::flush`], and the
/// one who appends asks [`JournalWriter::is_blocked`] first.
#[derive(Debug)]
pub struct JournalWriter<F = File> {
    file: F,
    /// Length of the file up to its last whole record.
    length: u64,
    /// Records that are not wholly in the file yet.
    pending: Vec<u8>,
    /// How much of the first of them is.
    written: usize,
}

impl JournalWriter<File> {
    /// Creates the journal, readable by the user alone.
    ///
    /// # Errors
    /// When it exists already or cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self::new(file))
    }

    /// Puts everything on the disk.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl<F: io::Write> JournalWriter<F> {
    /// Writes to an empty file.
    pub fn new(file: F) -> Self {
        Self { file, length: 0, pending: Vec::new(), written: 0 }
    }

    /// Length of the file up to its last whole record: what a reader can be told.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Where the last appended record ends, written or not.
    pub fn end(&self) -> u64 {
        self.length + self.pending.len() as u64
    }

    /// Whether something waits for [`JournalWriter::flush`].
    pub fn is_blocked(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Appends a record and tries to write it.
    ///
    /// # Errors
    /// As [`JournalWriter::flush`]; the record is kept.
    pub fn append(&mut self, kind: RecordKind, key: &str, payload: &[u8]) -> io::Result<()> {
        let offset = self.end();
        encode(&mut self.pending, offset, kind, clock::now(), key.as_bytes(), payload);
        self.flush()
    }

    /// Appends the last record.
    ///
    /// # Errors
    /// As [`JournalWriter::flush`]; the record is kept.
    pub fn append_end(&mut self, end: &JobEnd) -> io::Result<()> {
        let payload = serde_json::to_vec(end).map_err(io::Error::other)?;
        self.append(RecordKind::Ended, "", &payload)
    }

    /// Writes what is kept.
    ///
    /// # Errors
    /// When the file takes no more (a full disk); to be tried again later.
    pub fn flush(&mut self) -> io::Result<()> {
        while self.written < self.pending.len() {
            match self.file.write(&self.pending[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.length += self.pending.len() as u64;
        self.pending.clear();
        self.written = 0;
        if self.pending.capacity() > 2 * CHUNK {
            self.pending = Vec::new();
        }
        Ok(())
    }
}
