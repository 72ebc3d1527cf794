//! Streamed text: arrives in pieces, shown as one block that its content cannot break out of.

use crate::base::text::visible;
use crate::wire::transcript::lines::Lines;

/// Shortest fence.
const FENCE: usize = 3;

/// No line of a transcript is longer; the rest goes on the next line.
const LONGEST: usize = 16 * 1024;

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Markdown of the agent or of the person.
    Message,
    /// Quoted.
    Thought,
    /// Verbatim, in a fence that is longer than any inside.
    Output {
        /// Standard error has a fence of its own.
        stderr: bool,
    },
}

/// A fence that a message opened and has not closed.
#[derive(Debug, Clone, Copy)]
struct Fence {
    mark: char,
    length: usize,
}

/// A block in the making.
#[derive(Debug)]
pub(super) struct Block {
    kind: Kind,
    /// The line with the opening fence of output, and how long it is.
    opening: (usize, usize),
    /// Backticks at the end of what came so far.
    ticks: usize,
    /// The beginning of the current line, as much as says whether it is a fence.
    start: String,
    /// The current line's length in bytes.
    width: usize,
    /// An open fence within a message.
    inside: Option<Fence>,
    /// A carriage return came last: with a newline it is a line's end.
    returned: bool,
}

impl Block {
    pub(super) fn open(kind: Kind, lines: &mut Lines) -> Self {
        let opening = match kind {
            Kind::Output { stderr } => (lines.append(fence_line(FENCE, stderr)), FENCE),
            Kind::Message | Kind::Thought => (0, 0),
        };
        lines.append(prefix(kind).to_owned());
        Self { kind, opening, ticks: 0, start: String::new(), width: 0, inside: None, returned: false }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Before this block, `removed` lines became `added`.
    pub(super) fn shift(&mut self, removed: usize, added: usize) {
        self.opening.0 = (self.opening.0 + added).saturating_sub(removed);
    }

    pub(super) fn push(&mut self, text: &str, lines: &mut Lines) {
        let mut text = if self.returned { format!("\r{text}") } else { text.to_owned() };
        self.returned = text.ends_with('\r');
        if self.returned {
            text.pop();
        }
        for (number, piece) in visible(&text).split('\n').enumerate() {
            if number > 0 {
                self.line_ended();
                lines.append(prefix(self.kind).to_owned());
            }
            self.extend(piece, lines);
        }
    }

    pub(super) fn close(mut self, lines: &mut Lines) {
        if self.returned {
            self.extend("␍", lines);
        }
        let ended = self.width == 0;
        self.line_ended();
        match (self.kind, self.inside) {
            // The newline that ended the output already made the line for the fence.
            (Kind::Output { .. }, _) if ended => lines.extend(&"`".repeat(self.opening.1)),
            (Kind::Output { .. }, _) => {
                lines.append("`".repeat(self.opening.1));
            }
            (Kind::Message, Some(fence)) => {
                lines.append(fence.mark.to_string().repeat(fence.length));
            }
            (Kind::Message | Kind::Thought, _) => {}
        }
    }

    fn extend(&mut self, piece: &str, lines: &mut Lines) {
        let mut rest = piece;
        while self.width + rest.len() > LONGEST {
            let cut = boundary(rest, LONGEST.saturating_sub(self.width).max(4));
            self.put(&rest[..cut], lines);
            rest = &rest[cut..];
            self.line_ended();
            lines.append(prefix(self.kind).to_owned());
        }
        self.put(rest, lines);
    }

    fn put(&mut self, piece: &str, lines: &mut Lines) {
        self.width += piece.len();
        if self.start.len() < 80 {
            self.start.extend(piece.chars().take(80));
        }
        if let Kind::Output { stderr } = self.kind {
            for c in piece.chars() {
                self.ticks = if c == '`' { self.ticks + 1 } else { 0 };
                if self.ticks >= self.opening.1 {
                    self.opening.1 = self.ticks + 1;
                }
            }
            if self.opening.1 > FENCE && piece.contains('`') {
                lines.replace(self.opening.0, fence_line(self.opening.1, stderr));
            }
        }
        lines.extend(piece);
    }

    fn line_ended(&mut self) {
        let start = std::mem::take(&mut self.start);
        self.width = 0;
        self.ticks = 0;
        let unindented = start.trim_start_matches(' ');
        if start.len() - unindented.len() > 3 {
            return;
        }
        let Some(mark) = unindented.chars().next().filter(|c| matches!(c, '`' | '~')) else { return };
        let length = unindented.chars().take_while(|c| *c == mark).count();
        let after = unindented[length..].trim();
        match self.inside {
            None if length >= FENCE && !(mark == '`' && after.contains('`')) => {
                self.inside = Some(Fence { mark, length });
            }
            Some(fence) if fence.mark == mark && length >= fence.length && after.is_empty() => self.inside = None,
            _ => {}
        }
    }
}

/// The last character boundary of a text that is longer than `at` bytes, at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::Thought => "> ",
        Kind::Message | Kind::Output { .. } => "",
    }
}

fn fence_line(length: usize, stderr: bool) -> String {
    format!("{}{}", "`".repeat(length), if stderr { "stderr" } else { "" })
}
