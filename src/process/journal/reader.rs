//! The daemon's side of the journal.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::{HEADER_LENGTH, JournalError, READ_AT_ONCE, body_sum, decode, end_from};
use crate::host::port::{Record, RecordKind};

/// A journal, read at any offset.
#[derive(Debug)]
pub struct JournalFile {
    file: File,
    path: String,
}

impl JournalFile {
    /// Opens it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Ok(Self { file, path: name }),
            Err(source) => Err(JournalError::Io { path: name, source }),
        }
    }

    /// The whole records from `offset` on, at most about [`READ_AT_ONCE`] bytes of payload (at least one record, however large). Empty
    /// when there is no whole record there yet.
    ///
    /// # Errors
    /// When the file cannot be read, or a record is damaged and nothing good comes before it (records before it are returned first).
    pub fn read(&self, offset: u64) -> Result<Vec<Record>, JournalError> {
        let length = self.file.metadata().map_err(|source| JournalError::Io { path: self.path.clone(), source })?.len();
        let there = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut window = vec![0; there.min(READ_AT_ONCE + HEADER_LENGTH)];
        let filled = self.fill(&mut window, offset)?;
        window.truncate(filled);
        let mut records = Vec::new();
        let mut at = 0;
        loop {
            match self.record(&mut window, at, offset) {
                Ok(Some(record)) => {
                    at = usize::try_from(record.offset - offset).unwrap_or(usize::MAX);
                    records.push(record);
                    if at >= window.len() {
                        return Ok(records);
                    }
                }
                Ok(None) => return Ok(records),
                Err(_) if !records.is_empty() => return Ok(records),
                Err(error) => return Err(error),
            }
        }
    }

    /// The record at `at` of the window that begins at `begin` of the file. `None`: not whole, in the file or in a window that already
    /// holds another.
    fn record(&self, window: &mut Vec<u8>, at: usize, begin: u64) -> Result<Option<Record>, JournalError> {
        let offset = begin + at as u64;
        let Some(head) = window.get(at..at + HEADER_LENGTH) else { return Ok(None) };
        let mut header = [0; HEADER_LENGTH];
        header.copy_from_slice(head);
        let header = match decode(&header, offset) {
            Ok(header) => header,
            // A machine that lost power may leave a tail of zeros: a length that reached the disk before its content.
            Err(_) if header == [0; HEADER_LENGTH] && self.is_zero_from(offset)? => return Ok(None),
            Err(what) => return Err(self.damaged(offset, what)),
        };
        let body = at + HEADER_LENGTH;
        let end = body + header.key + header.payload;
        if end > window.len() {
            if at > 0 {
                return Ok(None);
            }
            let have = window.len();
            window.resize(end, 0);
            let more = self.fill(&mut window[have..], begin + have as u64)?;
            if have + more < end {
                window.truncate(have + more);
                return Ok(None);
            }
        }
        let (key, payload) = window[body..end].split_at(header.key);
        if body_sum(key, payload) != header.sum {
            return Err(self.damaged(offset, "the content's checksum does not match"));
        }
        let key = String::from_utf8(key.to_vec()).map_err(|_| self.damaged(offset, "the key is not text"))?;
        let ended = header.kind == RecordKind::Ended;
        let job_end = if ended { Some(end_from(payload).map_err(|what| self.damaged(offset, what))?) } else { None };
        let bytes = if ended { Vec::new() } else { payload.to_vec() };
        let offset = begin + end as u64;
        Ok(Some(Record { kind: header.kind, time: header.time, key, bytes, end: job_end, offset }))
    }

    fn is_zero_from(&self, mut offset: u64) -> Result<bool, JournalError> {
        let mut piece = vec![0; 64 << 10];
        loop {
            let count = self.fill(&mut piece, offset)?;
            if count == 0 {
                return Ok(true);
            }
            if piece[..count].iter().any(|&byte| byte != 0) {
                return Ok(false);
            }
            offset += count as u64;
        }
    }

    fn fill(&self, buffer: &mut [u8], offset: u64) -> Result<usize, JournalError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(JournalError::Io { path: self.path.clone(), source }),
            }
        }
        Ok(filled)
    }

    fn damaged(&self, offset: u64, what: &'static str) -> JournalError {
        JournalError::Damaged { path: self.path.clone(), offset, what }
    }
}
