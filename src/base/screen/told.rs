//! What a program tells a terminal besides what is to be seen.

use vt100::capture::{BasicFormattedCaptureState, RowContents, basic_formatted_to_plain};
use vt100::{Callbacks, Screen};

use super::{KEPT, title_of};

/// At most so many are kept of one piece of output: a program that rings without end is told once.
const MOST: usize = 64;
/// At most so many bytes of answers to one piece of output.
const MOST_ANSWERS: usize = 4096;

/// One thing that was told. All text is as it came, but for titles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The bell.
    Bell,
    /// The window has another title; one line, made visible.
    Title(String),
    /// A notification (OSC 9 or 777): its text.
    Notification(String),
    /// The state of the program (OSC 7501, "program status protocol"): the body after the number.
    Status(String),
    /// A question about the terminal, with the answer that a program of its kind expects on its input.
    Asked(Vec<u8>),
}

/// Listens while a screen is fed.
#[derive(Debug, Default)]
pub(super) struct Ears {
    pub(super) told: Vec<Told>,
    pub(super) title: String,
    pub(super) bells: u64,
    pub(super) scrolled: String,
}

impl Ears {
    fn hear(&mut self, told: Told) {
        if self.told.len() < MOST && self.told.last() != Some(&told) {
            self.told.push(told);
        }
    }

    fn answer(&mut self, answer: &str) {
        if let Some(Told::Asked(answers)) = self.told.iter_mut().find(|told| matches!(told, Told::Asked(_))) {
            if answers.len() + answer.len() <= MOST_ANSWERS {
                answers.extend_from_slice(answer.as_bytes());
            }
        } else {
            self.told.push(Told::Asked(answer.as_bytes().to_vec()));
        }
    }
}

fn text(parts: &[&[u8]]) -> String {
    String::from_utf8_lossy(&parts.join(&b';')).into_owned()
}

impl Callbacks for Ears {
    fn audible_bell(&mut self, _: &mut Screen) {
        self.bells += 1;
        self.hear(Told::Bell);
    }

    fn set_window_title(&mut self, _: &mut Screen, title: &[u8]) {
        let title = title_of(title);
        if title != self.title {
            self.title.clone_from(&title);
            // Spinners in titles: of those in one piece of output the last counts.
            self.told.retain(|told| !matches!(told, Told::Title(_)));
            self.hear(Told::Title(title));
        }
    }

    fn unhandled_osc(&mut self, _: &mut Screen, parts: &[&[u8]]) {
        match parts {
            [b"0" | b"2", title @ ..] => {
                // A title with semicolons.
                let title = title_of(text(title).as_bytes());
                if title != self.title {
                    self.title.clone_from(&title);
                    self.hear(Told::Title(title));
                }
            }
            // The question whether the protocol is known; the answer is its echo.
            [b"7501", b"?"] => self.answer("\u{1b}]7501;?\u{1b}\\"),
            [b"7501", body @ ..] => self.hear(Told::Status(text(body))),
            // `9;4` is a progress bar.
            [b"9", b"4", ..] => {}
            [b"9", body @ ..] => self.hear(Told::Notification(text(body))),
            [b"777", b"notify", body @ ..] => {
                let parts: Vec<String> = body.iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect();
                self.hear(Told::Notification(parts.join(": ")));
            }
            // Colours: what the viewers' terminals have is not known; a dark one is the most usual.
            [b"10", b"?"] => self.answer("\u{1b}]10;rgb:d0d0/d0d0/d0d0\u{1b}\\"),
            [b"11", b"?"] => self.answer("\u{1b}]11;rgb:1c1c/1c1c/1c1c\u{1b}\\"),
            _ => {}
        }
    }

    fn unhandled_csi(
        &mut self,
        screen: &mut Screen,
        first: Option<u8>,
        second: Option<u8>,
        parameters: &[&[u16]],
        c: char,
    ) {
        let number = parameters.first().and_then(|parameter| parameter.first()).copied().unwrap_or(0);
        match (first, second, c, number) {
            (None, None, 'c', 0) => self.answer("\u{1b}[?62;22c"),
            (Some(b'>'), None, 'c', 0) => self.answer("\u{1b}[>1;10;0c"),
            (Some(b'>'), None, 'q', 0) => self.answer("\u{1b}P>|divisi\u{1b}\\"),
            (None, None, 'n', 5) => self.answer("\u{1b}[0n"),
            (None | Some(b'?'), None, 'n', 6) => {
                let (row, column) = screen.cursor_position();
                let mark = if first.is_some() { "?" } else { "" };
                self.answer(&format!("\u{1b}[{mark}{};{}R", row + 1, column + 1));
            }
            // Whether a private mode is known: none of those that are asked for is.
            (Some(b'?'), Some(b'$'), 'p', mode) => self.answer(&format!("\u{1b}[?{mode};0$y")),
            (None, None, 't', 18) => {
                let (rows, columns) = screen.size();
                self.answer(&format!("\u{1b}[8;{rows};{columns}t"));
            }
            _ => {}
        }
    }

    fn on_scroll(&mut self, row: RowContents<'_>, alternate: bool) {
        // What a full-screen program scrolls is still its picture.
        if alternate {
            return;
        }
        let mut line = String::new();
        // Writing to a string does not fail.
        let _ = row.write_formatted_basic(&mut line, &mut BasicFormattedCaptureState::new());
        let plain: String = basic_formatted_to_plain(&line).collect();
        self.scrolled.push_str(plain.trim_end());
        self.scrolled.push('\n');
        if self.scrolled.len() > 2 * KEPT {
            let mut from = self.scrolled.len() - KEPT;
            while !self.scrolled.is_char_boundary(from) {
                from += 1;
            }
            self.scrolled.drain(..from);
        }
    }
}
