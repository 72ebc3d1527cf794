//! Raw output as text: decoded across record borders, and bounded.
//!
//! The journal keeps every byte; what becomes part of the transcript is limited, so that a flood costs disk but neither memory nor
//! a database. After the limit only the amount is told, and at the end the last part is shown, where the reason usually is.

use crate::host::port::Update;

/// How much text of one turn is shown as it comes.
const SHOWN: usize = 2 * 1024 * 1024;
/// How much of the rest is shown at the end, per stream.
const TAIL: usize = 16 * 1024;
/// The first amount left out that is told before the end; doubled every time.
const FIRST_REPORT: u64 = 1024 * 1024;

/// Decodes UTF-8 that is split anywhere. Invalid sequences become U+FFFD, exactly as `String::from_utf8_lossy` does it for the whole.
#[derive(Debug, Clone, Default)]
struct Decoder {
    /// The beginning of a character whose end is not there yet: at most three bytes.
    pending: Vec<u8>,
}

impl Decoder {
    fn push(&mut self, bytes: &[u8]) -> String {
        let mut input = std::mem::take(&mut self.pending);
        input.extend_from_slice(bytes);
        let mut text = String::with_capacity(input.len());
        let mut rest = input.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    return text;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    let Some(bad) = error.error_len() else {
                        self.pending = after.to_vec();
                        return text;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = &after[bad..];
                }
            }
        }
    }

    fn finish(&mut self) -> String {
        if std::mem::take(&mut self.pending).is_empty() {
            String::new()
        } else {
            char::REPLACEMENT_CHARACTER.to_string()
        }
    }
}

/// Standard output and standard error of one process, bounded per turn.
#[derive(Debug, Clone)]
pub(super) struct BoundedOutput {
    decoders: [Decoder; 2],
    tails: [String; 2],
    shown: usize,
    over: u64,
    next_report: u64,
}

impl Default for BoundedOutput {
    fn default() -> Self {
        Self { decoders: Default::default(), tails: Default::default(), shown: 0, over: 0, next_report: FIRST_REPORT }
    }
}

impl BoundedOutput {
    /// Takes what one of the streams printed.
    pub(super) fn push(&mut self, stderr: bool, bytes: &[u8], updates: &mut Vec<Update>) {
        let text = self.decoders[usize::from(stderr)].push(bytes);
        self.take(stderr, text, updates);
    }

    fn take(&mut self, stderr: bool, mut text: String, updates: &mut Vec<Update>) {
        if text.is_empty() {
            return;
        }
        let room = SHOWN - self.shown;
        if text.len() <= room {
            self.shown += text.len();
            updates.push(Update::Output { stderr, text });
            return;
        }
        let rest = text.split_off(floor_boundary(&text, room));
        self.shown = SHOWN;
        if !text.is_empty() {
            updates.push(Update::Output { stderr, text });
        }
        self.over += rest.len() as u64;
        let tail = &mut self.tails[usize::from(stderr)];
        tail.push_str(&rest);
        if tail.len() > 4 * TAIL {
            cut_front(tail);
        }
        if self.over >= self.next_report {
            self.next_report = self.over.saturating_mul(2);
            updates.push(Update::Elided(self.elided()));
        }
    }

    /// The turn or the process is over: shows the end of what was left out, and begins a new limit.
    pub(super) fn finish(&mut self, updates: &mut Vec<Update>) {
        for stderr in [false, true] {
            let last = self.decoders[usize::from(stderr)].finish();
            self.take(stderr, last, updates);
        }
        for tail in &mut self.tails {
            cut_front(tail);
        }
        let elided = self.elided();
        if elided > 0 {
            updates.push(Update::Elided(elided));
        }
        for stderr in [false, true] {
            let text = std::mem::take(&mut self.tails[usize::from(stderr)]);
            if !text.is_empty() {
                updates.push(Update::Output { stderr, text });
            }
        }
        *self = Self::default();
    }

    /// Bytes of text that are neither shown nor kept for the end.
    fn elided(&self) -> u64 {
        self.over - self.tails.iter().map(|tail| tail.len() as u64).sum::<u64>()
    }
}

/// Keeps the last [`TAIL`] bytes.
fn cut_front(tail: &mut String) {
    if tail.len() > TAIL {
        let mut from = tail.len() - TAIL;
        while !tail.is_char_boundary(from) {
            from += 1;
        }
        tail.drain(..from);
    }
}

/// The largest character boundary not above `at`.
pub(super) fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests;
