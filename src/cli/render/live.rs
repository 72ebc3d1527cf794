//! Lines that are drawn again in place: for a terminal, in its ordinary buffer.

use std::fmt::Write as _;

use crate::cli::render::{Line, Screen, out};

/// What is on the terminal and can still change.
#[derive(Debug)]
pub(crate) struct Live {
    color: bool,
    /// Lines above the cursor that are ours.
    above: usize,
}

impl Live {
    /// Nothing drawn yet.
    pub(crate) fn new(screen: &Screen) -> Self {
        Self { color: screen.color, above: 0 }
    }

    /// Draws the lines in place of the last ones, and a question after which the cursor stays. No line may be wider than the terminal.
    pub(crate) fn draw(&mut self, lines: &[Line], question: Option<&Line>) {
        out(&self.frame(lines, question));
    }

    pub(crate) fn frame(&mut self, lines: &[Line], question: Option<&Line>) -> String {
        let mut text = String::from("\r");
        if self.above > 0 {
            let _ = write!(text, "\u{1b}[{}A", self.above);
        }
        for line in lines {
            let _ = writeln!(text, "\u{1b}[K{}", line.write(self.color));
        }
        text.push_str("\u{1b}[J");
        if let Some(question) = question {
            text.push_str(&question.write(self.color));
        }
        self.above = lines.len();
        text
    }
}

/// The terminal's columns now: it may have been resized.
pub(crate) fn columns(screen: &Screen) -> Option<usize> {
    let now = || rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col));
    screen.width.map(|width| now().filter(|columns| *columns >= 20).unwrap_or(width))
}
