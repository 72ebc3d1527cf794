//! A whole screen on this terminal, and the terminal as it was afterwards.

use std::io::{self, Write as _, stdin, stdout};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::base::screen::PLAIN;
use crate::model::terminal::TerminalSize;

/// Keeps the title, and shows the other screen.
const ENTER: &str = "\u{1b}[22;0t\u{1b}[?1049h\u{1b}[2J\u{1b}[H";
/// Back to the first screen and the title.
const LEAVE: &str = "\u{1b}[2J\u{1b}[?1049l\u{1b}[23;0t";

/// This terminal, raw and with the other screen; as it was before when this is dropped, also by a panic.
#[derive(Debug)]
pub(crate) struct RawScreen {
    before: Termios,
}

impl RawScreen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When standard input and output are not a terminal.
    pub(crate) fn enter() -> io::Result<Self> {
        let before = tcgetattr(stdin())?;
        tcgetattr(stdout())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Drain, &raw)?;
        let screen = Self { before };
        write(ENTER)?;
        Ok(screen)
    }
}

impl Drop for RawScreen {
    fn drop(&mut self) {
        // A terminal that is gone needs no mode.
        let _ = write(&format!("\u{1b}[?2026l{PLAIN}{LEAVE}"));
        let _ = tcsetattr(stdin(), OptionalActions::Drain, &self.before);
    }
}

/// Writes a drawing, which the daemon made of characters, colours and modes only. A terminal that knows how shows it at once.
///
/// # Errors
/// When the terminal is gone.
pub(crate) fn draw(drawing: &str) -> io::Result<()> {
    write(&format!("\u{1b}[?2026h{drawing}\u{1b}[?2026l"))
}

fn write(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// This terminal's size now.
pub(crate) fn size() -> TerminalSize {
    match rustix::termios::tcgetwinsize(stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => TerminalSize { columns: size.ws_col, rows: size.ws_row },
        _ => TerminalSize { columns: 80, rows: 24 },
    }
}
