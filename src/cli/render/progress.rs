//! One line on standard error that says what is going on; only on a terminal.

use std::io::Write as _;
use std::time::Duration;

use crate::base::text::visible_line;
use crate::cli::render::Screen;
use crate::cli::render::table::cut;

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// How often it turns.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// The line; removed when dropped.
pub(crate) struct Progress {
    shown: bool,
    width: usize,
    frame: usize,
    text: String,
}

impl Progress {
    pub(crate) fn new(screen: &Screen, text: &str) -> Self {
        Self { shown: screen.progress, width: screen.width.unwrap_or(80), frame: 0, text: visible_line(text, 500) }
    }

    /// What is going on now.
    pub(crate) fn say(&mut self, text: &str) {
        self.text = visible_line(text, 500);
    }

    /// Draws it, one step further.
    pub(crate) fn tick(&mut self) {
        self.frame += 1;
        if self.shown {
            let frame = FRAMES[self.frame % FRAMES.len()];
            write_err(&format!("\r\u{1b}[K{frame} {}", cut(&self.text, self.width.saturating_sub(3))));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown && self.frame > 0 {
            write_err("\r\u{1b}[K");
        }
    }
}

fn write_err(text: &str) {
    // A terminal that is gone shows no progress.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
