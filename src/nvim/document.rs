//! An open transcript: its lines here, what Lua has of them, and what changed since the last frame.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::id::Seq;
use crate::model::{Envelope, Event};
use crate::wire::transcript::{Edit, Transcript};

/// A buffer shows at most about this many lines; earlier ones are in `divisi log`,
const KEEP: usize = 100_000;
/// and at most about so many bytes: an editor and its host process hold them once each.
const KEEP_BYTES: usize = 32 * 1024 * 1024;
/// More edits than this for one frame, and the text is sent whole.
const MOST_EDITS: usize = 2_000;
/// Events that are read when a transcript is opened, and how many times more each time somebody asks for what came before.
const WINDOW: (u32, u32) = (2_000, 4);

/// One open transcript.
#[derive(Debug)]
pub struct Document {
    transcript: Transcript,
    /// The session's worktree, when it is known.
    root: Option<String>,
    /// Lines that are shown; the first has the number `cut`.
    lines: Vec<String>,
    bytes: usize,
    cut: usize,
    /// Lines that Lua has.
    sent: usize,
    dirty: BTreeSet<usize>,
    /// Edits that come before those that `dirty` and `sent` tell, for Lua: first line, how many go, what comes.
    edits: Vec<Value>,
    reset: bool,
    /// The newest event that is in the lines.
    last: Seq,
    /// How many of the newest events are read; earlier ones exist when `more`.
    window: u32,
    more: bool,
    begun: bool,
    /// Live events that wait for the history to be complete; absent when it is.
    waiting: Option<Vec<Value>>,
    /// The same transcript from further back, while it is read.
    older: Option<Box<Document>>,
}

impl Document {
    /// An empty document that waits for its history.
    pub fn new() -> Self {
        Self::of_last(WINDOW.0)
    }

    /// One whose tool calls name files from this worktree on.
    pub fn within(root: Option<String>) -> Self {
        Self { root, ..Self::new() }
    }

    fn of_last(window: u32) -> Self {
        Self {
            transcript: Transcript::detailed(),
            root: None,
            lines: Vec::new(),
            bytes: 0,
            cut: 0,
            sent: 0,
            dirty: BTreeSet::new(),
            edits: Vec::new(),
            reset: true,
            last: Seq(0),
            window,
            more: false,
            begun: false,
            waiting: Some(Vec::new()),
            older: None,
        }
    }

    /// How the history that is still missing is asked for: after this event and, at first, only so many of the newest.
    pub fn missing(&self) -> (Seq, Option<u32>) {
        let reads = self.older.as_deref().unwrap_or(self);
        (reads.last, (!reads.begun).then_some(reads.window))
    }

    /// Wants what came before; false when there is nothing, or no more is shown.
    pub fn reach_back(&mut self) -> bool {
        if self.older.is_some() {
            return true;
        }
        if !self.more || self.cut > 0 || self.waiting.is_some() {
            return false;
        }
        let older = Self::of_last(self.window.saturating_mul(WINDOW.1));
        self.older = Some(Box::new(Self { root: self.root.clone(), ..older }));
        true
    }

    /// Live events are kept back again until [`Self::complete`]: after a gap or a reconnect.
    pub fn reload(&mut self) {
        self.waiting.get_or_insert_default();
    }

    /// All lines are to be sent again: a new buffer shows it.
    pub fn resend(&mut self) {
        self.sent = 0;
        self.dirty.clear();
        self.edits.clear();
        self.reset = true;
    }

    /// A page of history.
    pub fn history(&mut self, mut events: Vec<Value>) {
        if let Some(older) = &mut self.older {
            return older.history(events);
        }
        if !std::mem::replace(&mut self.begun, true) {
            self.more = events.first().is_some_and(|event| event["type"] != "session.created" && event["seq"] != 1);
            // The text begins with a turn, unless that would leave little of it.
            let turn = events.iter().position(|event| event["type"] == "turn.started");
            if let Some(turn) = turn.filter(|turn| self.more && *turn <= events.len() / 2) {
                events.drain(..turn);
            }
        }
        for event in events {
            self.apply(event);
        }
    }

    /// The history is complete: what came in meanwhile follows.
    pub fn complete(&mut self) {
        if let Some(mut older) = self.older.take() {
            older.complete();
            self.adopt(*older);
            return;
        }
        self.begun = true;
        for event in self.waiting.take().unwrap_or_default() {
            self.apply(event);
        }
    }

    /// The history cannot be read: what there is stays.
    pub fn give_up(&mut self) {
        if self.older.take().is_none() || self.waiting.is_some() {
            self.complete();
        }
    }

    /// A live event.
    pub fn live(&mut self, event: &Value) {
        if let Some(waiting) = self.older.as_mut().and_then(|older| older.waiting.as_mut()) {
            waiting.push(event.clone());
        }
        match &mut self.waiting {
            Some(waiting) => waiting.push(event.clone()),
            None => self.apply(event.clone()),
        }
    }

    /// Whether there is something to send.
    pub fn changed(&self) -> bool {
        self.reset || !self.edits.is_empty() || !self.dirty.is_empty() || self.sent < self.lines.len()
    }

    /// The event with the newest state of the tool call that stands on a line of the buffer.
    pub fn tool_at(&self, line: usize) -> Option<Seq> {
        self.transcript.tool_at(line.saturating_add(self.cut))
    }

    /// What changed since the last time, for Lua: `reset`, then `edits` (first line, how many go, what comes) in order, then `marks`
    /// (turn, line, text). At most so many new lines at once, except at first; the others are still to be sent then.
    pub fn take(&mut self, session: &str, most: usize) -> Option<Value> {
        if !self.changed() {
            return None;
        }
        let all = self.reset;
        if all {
            self.edits.clear();
            self.dirty.clear();
            self.sent = 0;
        }
        self.settle(if all { usize::MAX } else { most });
        let marks = if all { self.transcript.marks() } else { self.transcript.changed_marks() };
        let (marks, later): (Vec<_>, Vec<_>) = marks.into_iter().partition(|mark| mark.line < self.cut + self.sent);
        self.transcript.mark_again(later.iter().map(|mark| mark.turn));
        let marks: Vec<Value> = marks
            .into_iter()
            .filter(|mark| mark.line >= self.cut)
            .map(|mark| json!([mark.turn, mark.line - self.cut, mark.text]))
            .collect();
        Some(json!({
            "kind": "transcript", "session": session, "reset": std::mem::take(&mut self.reset),
            "edits": std::mem::take(&mut self.edits), "marks": marks, "more": self.more && self.cut == 0, "cut": self.cut > 0,
        }))
    }

    /// Writes down as edits what `dirty` and `sent` tell, with so many new lines at most.
    fn settle(&mut self, most: usize) {
        let dirty: Vec<usize> = std::mem::take(&mut self.dirty).into_iter().filter(|line| *line < self.sent).collect();
        for line in dirty {
            self.edits.push(json!([line, 1, [self.lines[line]]]));
        }
        if self.sent < self.lines.len() {
            let end = self.sent.saturating_add(most).min(self.lines.len());
            self.edits.push(json!([self.sent, 0, &self.lines[self.sent..end]]));
            self.sent = end;
        }
    }

    /// Lets go of the beginning of what is too long.
    fn trim(&mut self) {
        if self.lines.len() <= KEEP + KEEP / 4 && self.bytes <= KEEP_BYTES + KEEP_BYTES / 4 {
            return;
        }
        let (mut gone, mut bytes) = (0, self.bytes);
        while self.lines.len() - gone > KEEP || (bytes > KEEP_BYTES && gone + 1 < self.lines.len()) {
            bytes -= self.lines[gone].len();
            gone += 1;
        }
        if gone <= self.sent {
            self.splice(0, gone, &[]);
        } else {
            // Nobody has seen these, so nobody needs to hear that they go: however slow an editor is, this does not grow.
            self.lines.drain(..gone);
            self.bytes = bytes;
            self.resend();
        }
        self.cut += gone;
    }

    /// Takes the place of its own lines by those of a document that begins earlier.
    fn adopt(&mut self, older: Self) {
        self.settle(usize::MAX);
        let head = self.lines.iter().zip(&older.lines).take_while(|(own, other)| own == other).count();
        let (own, other) = (&self.lines[head..], &older.lines[head..]);
        let tail = own.iter().rev().zip(other.iter().rev()).take_while(|(own, other)| own == other).count();
        let comes = &other[..other.len() - tail];
        let mut edits = std::mem::take(&mut self.edits);
        edits.push(json!([head, own.len() - tail, comes]));
        let marks_again: Vec<u32> = older.transcript.marks().iter().map(|mark| mark.turn).collect();
        let reset = self.reset;
        *self = Self { sent: older.lines.len(), edits, reset, dirty: BTreeSet::new(), ..older };
        self.transcript.mark_again(marks_again);
    }

    fn apply(&mut self, event: Value) {
        let Ok(mut envelope) = serde_json::from_value::<Envelope>(event) else {
            tracing::warn!("an event that cannot be read is left out of a transcript");
            return;
        };
        if envelope.seq <= self.last {
            return;
        }
        self.last = envelope.seq;
        if matches!(envelope.event, Event::SessionCreated(_)) {
            self.more = false;
        }
        if let Some(root) = &self.root {
            super::within::name_from(root, &mut envelope.event);
        }
        for edit in self.transcript.push(&envelope) {
            self.edit(edit);
        }
        self.trim();
    }

    fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Append { lines } => {
                self.bytes += lines.iter().map(String::len).sum::<usize>();
                self.lines.extend(lines);
            }
            Edit::ExtendLast { text } => {
                if let Some(last) = self.lines.last_mut() {
                    self.bytes += text.len();
                    last.push_str(&text);
                    self.dirty.insert(self.lines.len() - 1);
                }
            }
            Edit::Replace { line, text } => {
                if let Some(line) = line.checked_sub(self.cut).filter(|line| *line < self.lines.len()) {
                    self.bytes = self.bytes + text.len() - self.lines[line].len();
                    self.lines[line] = text;
                    self.dirty.insert(line);
                }
            }
            Edit::Splice { line, removed, lines } => {
                if let Some(line) = line.checked_sub(self.cut) {
                    self.splice(line, removed, &lines);
                } else {
                    // It begins before what is shown, so what comes in its place is not shown either.
                    let hidden = removed.min(self.cut - line);
                    self.splice(0, removed - hidden, &[]);
                    self.cut = self.cut - hidden + lines.len();
                }
            }
        }
    }

    fn splice(&mut self, line: usize, removed: usize, lines: &[String]) {
        let line = line.min(self.lines.len());
        let end = (line + removed).min(self.lines.len());
        if line == end && lines.is_empty() {
            return;
        }
        self.settle(usize::MAX);
        self.edits.push(json!([line, end - line, lines]));
        self.bytes += lines.iter().map(String::len).sum::<usize>();
        self.bytes -= self.lines[line..end].iter().map(String::len).sum::<usize>();
        self.lines.splice(line..end, lines.iter().cloned());
        self.sent = self.lines.len();
        if self.edits.len() > MOST_EDITS {
            self.resend();
        }
    }
}

impl Default for Document {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
