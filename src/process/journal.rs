//! A job's journal: an append-only file of records.
//!
//! A record is a header of [`HEADER_LENGTH`] bytes, a key and a payload; all numbers are little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | `DVJ1` |
//! | 4 | kind |
//! | 5 | zero |
//! | 6..8 | length of the key |
//! | 8..12 | length of the payload |
//! | 12..20 | milliseconds since the epoch |
//! | 20..24 | CRC-32 of key and payload |
//! | 24..28 | CRC-32 of the record's offset in the file (8 bytes) and of bytes 0..24 |
//!
//! The header has its own sum so that a damaged length is damage, and not a record that is still being written; and the offset is part
//! of it so that a record moved within the file is damage too. What is cut off at the end of the file is not there yet (or never will
//! be: the writer died in the middle). Only the shim writes, only the daemon reads.

use std::io;

use crate::host::port::RecordKind;
use crate::model::Refusal;
use crate::model::job::JobEnd;

mod reader;
mod writer;

pub use reader::JournalFile;
pub use writer::JournalWriter;

/// Length of a record's header.
pub const HEADER_LENGTH: usize = 28;
/// The largest payload: output comes in pieces of at most [`CHUNK`], one write to standard input is one record.
pub const MAX_PAYLOAD: usize = 16 << 20;
/// The largest piece of output in one record.
pub const CHUNK: usize = 64 << 10;
/// The longest key.
pub const MAX_KEY: usize = 1024;
/// How much payload one read returns, about (one record more than this never, unless it is the only one).
pub const READ_AT_ONCE: usize = 256 << 10;
/// The journal's name in a job's directory.
pub const FILE_NAME: &str = "journal";

const MAGIC: [u8; 4] = *b"DVJ1";

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system said no.
    #[error("cannot read the journal {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A record before the end is not what was written.
    #[error("the journal {path} is damaged at byte {offset}: {what}")]
    Damaged {
        /// The file.
        path: String,
        /// Where the damaged record begins.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl From<JournalError> for Refusal {
    fn from(error: JournalError) -> Self {
        let refusal = Refusal::environment(error.to_string());
        match error {
            JournalError::Io { .. } => refusal,
            JournalError::Damaged { .. } => refusal
                .hint("everything before that byte was read and is kept; the agent's work is in its worktree")
                .hint("check the disk the file is on"),
        }
    }
}

const fn to_byte(kind: RecordKind) -> u8 {
    match kind {
        RecordKind::Stdout => 1,
        RecordKind::Stderr => 2,
        RecordKind::Stdin => 3,
        RecordKind::Started => 4,
        RecordKind::Ended => 5,
        RecordKind::Resized => 6,
    }
}

const fn from_byte(kind: u8) -> Option<RecordKind> {
    match kind {
        1 => Some(RecordKind::Stdout),
        2 => Some(RecordKind::Stderr),
        3 => Some(RecordKind::Stdin),
        4 => Some(RecordKind::Started),
        5 => Some(RecordKind::Ended),
        6 => Some(RecordKind::Resized),
        _ => None,
    }
}

/// A checked header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    kind: RecordKind,
    key: usize,
    payload: usize,
    time: i64,
    sum: u32,
}

fn body_sum(key: &[u8], payload: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(key);
    sum.update(payload);
    sum.finalize()
}

fn header_sum(offset: u64, head: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&offset.to_le_bytes());
    sum.update(head);
    sum.finalize()
}

/// Appends a whole record that will begin at `offset` of the file.
fn encode(into: &mut Vec<u8>, offset: u64, kind: RecordKind, time: i64, key: &[u8], payload: &[u8]) {
    let begin = into.len();
    into.reserve(HEADER_LENGTH + key.len() + payload.len());
    into.extend_from_slice(&MAGIC);
    into.extend_from_slice(&[to_byte(kind), 0]);
    into.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_le_bytes());
    into.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    into.extend_from_slice(&time.to_le_bytes());
    into.extend_from_slice(&body_sum(key, payload).to_le_bytes());
    let sum = header_sum(offset, &into[begin..]);
    into.extend_from_slice(&sum.to_le_bytes());
    into.extend_from_slice(key);
    into.extend_from_slice(payload);
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut number = [0; N];
    number.copy_from_slice(&bytes[at..at + N]);
    number
}

/// Decodes and checks a header that begins at `offset` of the file.
fn decode(head: &[u8; HEADER_LENGTH], offset: u64) -> Result<Header, &'static str> {
    if head[..4] != MAGIC {
        return Err("no record begins here");
    }
    if header_sum(offset, &head[..24]) != u32::from_le_bytes(number(head, 24)) {
        return Err("the header's checksum does not match");
    }
    let kind = from_byte(head[4]).ok_or("a record of an unknown kind (written by a newer divisi?)")?;
    let key = usize::from(u16::from_le_bytes(number(head, 6)));
    let payload = u32::from_le_bytes(number(head, 8)) as usize;
    if key > MAX_KEY || payload > MAX_PAYLOAD {
        return Err("a record that is too large");
    }
    let time = i64::from_le_bytes(number(head, 12));
    Ok(Header { kind, key, payload, time, sum: u32::from_le_bytes(number(head, 20)) })
}

fn end_from(payload: &[u8]) -> Result<JobEnd, &'static str> {
    serde_json::from_slice(payload).map_err(|_| "an end record that cannot be read")
}

#[cfg(test)]
mod tests;
