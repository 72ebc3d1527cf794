//! An open transcript: its lines here, how many of them Lua has, and what changed since the last frame.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::Envelope;
use crate::model::id::Seq;
use crate::wire::transcript::{Edit, Transcript};

/// A buffer shows at most about this many lines; earlier ones are in `divisi log`.
const KEEP: usize = 20_000;

/// One open transcript.
#[derive(Debug, Default)]
pub struct Document {
    transcript: Transcript,
    /// Lines that are shown; the first has the number `cut`.
    lines: Vec<String>,
    cut: usize,
    /// Lines that Lua has.
    sent: usize,
    dirty: BTreeSet<usize>,
    reset: bool,
    /// The newest event that is in the lines.
    last: Seq,
    /// Live events that wait for the history to be complete; absent when it is.
    waiting: Option<Vec<Value>>,
}

impl Document {
    /// An empty document that waits for its history.
    pub fn new() -> Self {
        Self { reset: true, waiting: Some(Vec::new()), ..Self::default() }
    }

    /// The newest event in it.
    pub fn last(&self) -> Seq {
        self.last
    }

    /// Live events are kept back again until [`Self::complete`]: after a gap or a reconnect.
    pub fn reload(&mut self) {
        self.waiting.get_or_insert_default();
    }

    /// All lines are to be sent again: a new buffer shows it.
    pub fn resend(&mut self) {
        self.sent = 0;
        self.dirty.clear();
        self.reset = true;
    }

    /// A page of history.
    pub fn history(&mut self, events: Vec<Value>) {
        for event in events {
            self.apply(event);
        }
    }

    /// The history is complete: what came in meanwhile follows.
    pub fn complete(&mut self) {
        for event in self.waiting.take().unwrap_or_default() {
            self.apply(event);
        }
    }

    /// A live event.
    pub fn live(&mut self, event: &Value) {
        match &mut self.waiting {
            Some(waiting) => waiting.push(event.clone()),
            None => self.apply(event.clone()),
        }
    }

    /// Whether there is something to send.
    pub fn changed(&self) -> bool {
        self.reset || !self.dirty.is_empty() || self.sent < self.lines.len()
    }

    /// What changed since the last time, for Lua: `reset`, `set` (pairs of a zero-based line and its text), `append`.
    pub fn take(&mut self, session: &str) -> Option<Value> {
        if !self.changed() {
            return None;
        }
        if self.lines.len() > KEEP + KEEP / 4 || (self.reset && self.lines.len() > KEEP) {
            let gone = self.lines.len() - KEEP;
            self.lines.drain(..gone);
            self.cut += gone;
            self.resend();
        }
        let mut set: Vec<Value> = Vec::new();
        for line in std::mem::take(&mut self.dirty).into_iter().filter(|line| *line < self.sent) {
            set.push(json!([line, self.lines[line]]));
        }
        let append = &self.lines[self.sent..];
        let op = json!({
            "kind": "transcript", "session": session, "reset": std::mem::take(&mut self.reset), "cut": self.cut,
            "set": set, "append": append,
        });
        self.sent = self.lines.len();
        Some(op)
    }

    fn apply(&mut self, event: Value) {
        let Ok(envelope) = serde_json::from_value::<Envelope>(event) else {
            tracing::warn!("an event that cannot be read is left out of a transcript");
            return;
        };
        if envelope.seq <= self.last {
            return;
        }
        self.last = envelope.seq;
        for edit in self.transcript.push(&envelope) {
            self.edit(edit);
        }
    }

    fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Append { lines } => self.lines.extend(lines),
            Edit::ExtendLast { text } => {
                if let Some(last) = self.lines.last_mut() {
                    last.push_str(&text);
                    self.dirty.insert(self.lines.len() - 1);
                }
            }
            Edit::Replace { line, text } => {
                if let Some(line) = line.checked_sub(self.cut).filter(|line| *line < self.lines.len()) {
                    self.lines[line] = text;
                    self.dirty.insert(line);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
