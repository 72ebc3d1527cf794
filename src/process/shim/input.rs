//! The program's standard input: a queue in front of a pipe that may be full.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Write as _};

use crate::process::identity;

/// How much may wait for a program that does not read.
const MAX_WAITING: usize = 64 << 20;

/// What was asked for and did not reach the program yet.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// Every key ever written, and when, in clock ticks since boot: a repeated write does nothing.
    keys: HashMap<String, u64>,
    /// Journal offset that must be on disk first, and the bytes.
    queue: VecDeque<(u64, Vec<u8>)>,
    /// How much of the first was written.
    written: usize,
    waiting: usize,
    closing: bool,
}

impl Input {
    /// Whether a write under this key was taken before.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// When a write under this key was taken, in clock ticks since boot.
    pub(super) fn time_of(&self, key: &str) -> Option<u64> {
        self.keys.get(key).copied()
    }

    /// Why a write cannot be taken, if so.
    pub(super) fn refusal(&self, stdin: Option<&File>, length: usize) -> Option<String> {
        if stdin.is_none() || self.closing {
            return Some("the program's standard input is closed".into());
        }
        (self.waiting + length > MAX_WAITING)
            .then(|| format!("the program does not read its standard input: {} bytes wait already", self.waiting))
    }

    /// Takes a write whose record ends at `offset` of the journal.
    pub(super) fn push(&mut self, key: String, offset: u64, bytes: Vec<u8>) {
        self.keys.insert(key, identity::ticks());
        self.waiting += bytes.len();
        self.queue.push_back((offset, bytes));
    }

    /// Takes what is typed after all that was asked for, whose record ends at `offset`; it is not recorded and has no key.
    pub(super) fn push_typed(&mut self, offset: u64, bytes: Vec<u8>) {
        self.waiting += bytes.len();
        self.queue.push_back((offset, bytes));
    }

    /// Closes it after what waits.
    pub(super) fn close(&mut self) {
        self.closing = true;
    }

    /// Whether something is to be written that the journal of this length has already.
    pub(super) fn wants(&self, journal: u64) -> bool {
        self.queue.front().is_some_and(|&(offset, _)| offset <= journal)
    }

    /// Writes what the pipe takes. Closes the pipe when it is time to, or when the program closed its end.
    pub(super) fn pump(&mut self, stdin: &mut Option<File>, journal: u64) {
        while let (Some(pipe), Some((offset, bytes))) = (stdin.as_mut(), self.queue.front()) {
            if *offset > journal {
                return;
            }
            match pipe.write(&bytes[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The program reads no more. What was asked for is in the journal; that it was not read is the program's business.
                Err(_) => *stdin = None,
            }
            if self.written >= bytes.len() {
                self.waiting -= bytes.len();
                self.written = 0;
                self.queue.pop_front();
            }
        }
        if self.queue.is_empty() && self.closing {
            *stdin = None;
        }
        if stdin.is_none() {
            self.queue.clear();
            self.waiting = 0;
        }
    }
}
