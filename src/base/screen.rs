//! What is on a terminal: a model of its cells, fed with what a program prints.
//!
//! Nothing that a program prints reaches a person's terminal as it came. It changes this model, and what is shown is drawn from the
//! model: characters, colours, the cursor and the input modes (mouse, pasting), and nothing else. So a screen can be drawn for somebody
//! who comes later, and for somebody who is slow it is enough to draw what is different by now.

use std::fmt::Write as _;
use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::text::visible_line;

mod guard;
mod told;

use told::Ears;
pub use told::Told;

/// How much text that has left the screen at its top is kept: its end, in bytes.
const KEPT: usize = 64 * 1024;
/// The longest title shown.
const TITLE: usize = 200;

/// Puts a terminal into the state in which a whole drawing begins, and back: no mouse, no bracketed paste, plain keys, a visible
/// cursor of the usual form, no attributes.
pub const PLAIN: &str = "\u{1b}[m\u{1b}[?9l\u{1b}[?1000l\u{1b}[?1002l\u{1b}[?1003l\u{1b}[?1005l\u{1b}[?1006l\u{1b}[?2004l\u{1b}[?1l\u{1b}>\u{1b}[0 q\u{1b}[?25h";

/// A screen at one moment.
#[derive(Debug, Clone)]
pub struct Image {
    screen: Arc<vt100::Screen>,
    title: Arc<str>,
    bells: u64,
}

/// A screen that is fed.
pub struct Screen {
    parser: vt100::Parser<Ears>,
    guard: guard::Guard,
    size: (u16, u16),
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Screen").field("size", &self.size).finish_non_exhaustive()
    }
}

fn at_least_one(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN)
}

fn parser((columns, rows): (u16, u16), ears: Ears) -> vt100::Parser<Ears> {
    vt100::Parser::new_with_callbacks(at_least_one(rows), at_least_one(columns), 0, ears)
}

impl Screen {
    /// An empty one.
    pub fn new(columns: u16, rows: u16) -> Self {
        let size = (columns, rows);
        Self { parser: parser(size, Ears::default()), guard: guard::Guard::default(), size }
    }

    /// Takes what the program printed, split anywhere; gives what it told besides what is to be seen, in order.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Told> {
        let passed = self.guard.pass(bytes);
        self.contained(|parser| parser.process(&passed));
        std::mem::take(&mut self.parser.callbacks_mut().told)
    }

    /// Another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.size = (columns, rows);
        self.contained(|parser| parser.set_size(at_least_one(rows), at_least_one(columns)));
    }

    /// A fault in the model costs the picture, not the session: it begins anew with an empty one.
    fn contained(&mut self, work: impl FnOnce(&mut vt100::Parser<Ears>)) {
        if catch_unwind(AssertUnwindSafe(|| work(&mut self.parser))).is_err() {
            let ears = std::mem::take(self.parser.callbacks_mut());
            self.parser = parser(self.size, ears);
        }
    }

    /// What is to be seen now.
    pub fn image(&self) -> Image {
        Image {
            screen: Arc::new(self.parser.screen().clone()),
            title: Arc::from(self.parser.callbacks().title.as_str()),
            bells: self.parser.callbacks().bells,
        }
    }

    /// The title the program gave its window, one line, made visible.
    pub fn title(&self) -> &str {
        &self.parser.callbacks().title
    }

    /// Whether the program wants to be told what is pasted.
    pub fn takes_pastes(&self) -> bool {
        self.parser.screen().bracketed_paste()
    }

    /// Lines that have left the screen at its top since this was asked last; of many the last.
    pub fn take_scrolled(&mut self) -> String {
        std::mem::take(&mut self.parser.callbacks_mut().scrolled)
    }

    /// The lines on the screen, without the empty ones at its end.
    pub fn text(&self) -> String {
        let (columns, _) = self.size;
        let lines: Vec<String> = self.parser.screen().rows(0, columns).map(|line| line.trim_end().to_owned()).collect();
        let used = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        lines[..used].join("\n")
    }
}

impl Image {
    /// What a terminal has to be sent so that it shows this: all of it, or what differs from what it shows already. Valid on every
    /// terminal that is at least as large. Empty when nothing differs.
    pub fn drawing(&self, earlier: Option<&Self>) -> String {
        let earlier = earlier.filter(|earlier| earlier.screen.size() == self.screen.size());
        let mut drawing = String::new();
        let blank;
        let (before, title): (&vt100::Screen, &str) = if let Some(earlier) = earlier {
            (&earlier.screen, &earlier.title)
        } else {
            drawing.push_str(PLAIN);
            drawing.push_str("\u{1b}[2J");
            let (rows, columns) = self.screen.size();
            blank = vt100::Parser::new(rows, columns, 0);
            (blank.screen(), "")
        };
        if earlier.is_some_and(|earlier| earlier.bells < self.bells) {
            drawing.push('\u{7}');
        }
        if title != &*self.title {
            let _ = write!(drawing, "\u{1b}]2;{}\u{1b}\\", self.title);
        }
        let (_, columns) = self.screen.size();
        for (number, row) in self.screen.rows_diff(before, 0, columns.get()).enumerate() {
            if !row.is_empty() {
                let _ = write!(drawing, "\u{1b}[{};1H\u{1b}[m", number + 1);
                drawing.extend(row.chars().filter(|c| !turns_text(*c)));
            }
        }
        drawing.push_str(&self.screen.input_mode_diff(before));
        if self.screen.hide_cursor() != before.hide_cursor() {
            drawing.push_str(if self.screen.hide_cursor() { "\u{1b}[?25l" } else { "\u{1b}[?25h" });
        }
        let (row, column) = self.screen.cursor_position();
        if !drawing.is_empty() || self.screen.cursor_position() != before.cursor_position() {
            let _ = write!(drawing, "\u{1b}[m\u{1b}[{};{}H", row + 1, column.min(columns.get() - 1) + 1);
        }
        drawing
    }
}

/// Characters that would let text pretend to be other text.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A title as it is kept.
fn title_of(bytes: &[u8]) -> String {
    visible_line(&String::from_utf8_lossy(bytes), TITLE)
}

#[cfg(test)]
mod tests;
