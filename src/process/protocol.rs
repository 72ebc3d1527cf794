//! What daemon and shim say over the control socket.
//!
//! A frame is a length (4 bytes, little-endian, of what follows), the length of its head (4 bytes), the head (JSON) and a body (bytes).
//! The daemon sends [`Request`]s, each with an id of its own; the shim answers each with exactly one [`Reply::Answer`], and in between
//! tells an attached daemon the journal's [`Reply::Length`]. Unknown fields are ignored, unknown requests are answered with an error.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::journal::{MAX_KEY, MAX_PAYLOAD};
use super::spec::ShimFile;

/// The protocol's version: a request of another one is refused by name.
pub(super) const VERSION: u32 = 1;

/// The longest frame: one write of the largest size, and its head (a key may grow sixfold in JSON).
pub(super) const MAX_FRAME: usize = MAX_PAYLOAD + 6 * MAX_KEY + 4096;

/// What the daemon asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) version: u32,
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) verb: Verb,
}

/// What it asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub(super) enum Verb {
    /// This connection is a daemon that looks after the job; tell it the journal's length from now on.
    Attach,
    /// It goes, on purpose: the job stays as if it were still there until the lease is over.
    Detach,
    /// Write the body to standard input, once per key.
    Write {
        /// The key.
        key: String,
    },
    /// Type the body on the program's terminal.
    Type,
    /// Give the program's terminal another size.
    Resize {
        /// Characters in a row.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// Close standard input after what was written.
    CloseStdin,
    /// SIGINT to the program's group.
    Interrupt,
    /// End who was born since the write under this key, and not the program. Answered when they are gone.
    EndSince {
        /// The key.
        key: String,
    },
    /// End the tree.
    Stop {
        /// Time between SIGTERM and SIGKILL.
        grace_ms: u64,
    },
    /// Anything there?
    Ping,
}

/// What the shim says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// To a request.
    Answer {
        /// Which.
        id: u64,
        /// Why it was not done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// To [`Verb::Attach`]: who answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shim: Option<ShimFile>,
    },
    /// The journal has grown.
    Length(u64),
}

/// Appends a frame.
pub(super) fn encode<T: Serialize>(into: &mut Vec<u8>, head: &T, body: &[u8]) {
    // Our own types with string keys: there is nothing in them that JSON cannot say.
    let head = serde_json::to_vec(head).unwrap_or_default();
    let length = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
    into.extend_from_slice(&length(4 + head.len() + body.len()));
    into.extend_from_slice(&length(head.len()));
    into.extend_from_slice(&head);
    into.extend_from_slice(body);
}

/// A frame taken from the front of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<T> {
    /// The head.
    pub(super) head: T,
    /// The body.
    pub(super) body: Vec<u8>,
    /// How many bytes of the buffer it took.
    pub(super) length: usize,
}

/// Takes the first frame of a buffer; `None` when it is not all there yet.
pub(super) fn decode<T: DeserializeOwned>(buffer: &[u8]) -> Result<Option<Frame<T>>, String> {
    let number = |at: usize| {
        let bytes = buffer.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let Some(length) = number(0) else { return Ok(None) };
    if !(4..=MAX_FRAME).contains(&length) {
        return Err(format!("a frame of {length} bytes"));
    }
    let (Some(head), Some(rest)) = (number(4), buffer.get(8..4 + length)) else { return Ok(None) };
    let Some((head, body)) = rest.split_at_checked(head) else {
        return Err(format!("a head of {head} bytes in a frame of {length}"));
    };
    let head = serde_json::from_slice(head).map_err(|error| format!("a head that cannot be read: {error}"))?;
    Ok(Some(Frame { head, body: body.to_vec(), length: 4 + length }))
}

#[cfg(test)]
mod tests;
