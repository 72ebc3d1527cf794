//! The only place that writes to the terminal. Whatever text comes in, no control character of it goes out.

pub(crate) mod batch;
pub(crate) mod bench;
pub(crate) mod bench_page;
pub(crate) mod compare;
pub(crate) mod diff;
pub(crate) mod evaluation;
pub(crate) mod judged;
pub(crate) mod live;
pub(crate) mod progress;
pub(crate) mod review;
pub(crate) mod screen;
pub(crate) mod session;
pub(crate) mod sure;
pub(crate) mod table;
pub(crate) mod timeline;
pub(crate) mod usage;
pub(crate) mod words;

use std::fmt::Write as _;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use crate::base::paths::Paths;
use crate::base::text::visible;
use crate::config::Color;
use crate::model::Refusal;

/// Colours by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Bold,
    Dim,
    Good,
    Bad,
    Attention,
    Accent,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Good => "32",
            Self::Bad => "31",
            Self::Attention => "33",
            Self::Accent => "36",
        }
    }
}

/// What is known of the terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    /// Colours on standard output.
    pub(crate) color: bool,
    /// Columns; absent when standard output is no terminal: then nothing is cut.
    pub(crate) width: Option<usize>,
    /// Whether progress can be shown on standard error.
    pub(crate) progress: bool,
    /// Whether a person can type.
    pub(crate) input: bool,
}

impl Screen {
    /// This process's terminal.
    pub(crate) fn of_process(color: Color) -> Self {
        let terminal = io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !plain,
        };
        let columns = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
        let width = terminal.then(columns).flatten().filter(|columns| *columns >= 20);
        Self { color, width, progress: io::stderr().is_terminal(), input: io::stdin().is_terminal() }
    }
}

/// A line in the making: pieces of text with a meaning. Only [`Line::write`] knows escape sequences, and text never carries any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line(Vec<(Style, String)>);

impl Line {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds text; newlines in it become spaces, control characters pictures.
    #[must_use]
    pub(crate) fn add(mut self, style: Style, text: &str) -> Self {
        self.0.push((style, visible(text).replace('\n', " ")));
        self
    }

    /// The text to write.
    pub(crate) fn write(&self, color: bool) -> String {
        self.0.iter().fold(String::new(), |mut line, (style, text)| {
            if color && *style != Style::Plain && !text.is_empty() {
                let _ = write!(line, "\u{1b}[{}m{text}\u{1b}[0m", style.code());
            } else {
                line.push_str(text);
            }
            line
        })
    }
}

/// Writes a line to standard output.
pub(crate) fn line(screen: &Screen, line: &Line) {
    out(&format!("{}\n", line.write(screen.color)));
}

/// Writes plain text and a newline to standard output; newlines in it stay.
pub(crate) fn text(text: &str) {
    out(&format!("{}\n", visible(text)));
}

/// Writes text without a newline to standard output.
pub(crate) fn part(text: &str) {
    out(&visible(text));
}

/// Writes text exactly as it is: for patches and completions that another program reads. On a terminal control characters become
/// pictures all the same.
pub(crate) fn verbatim(text: &str) {
    if io::stdout().is_terminal() { out(&visible(text)) } else { out(text) }
}

/// Writes what only matters to a reader that is still there, as it is.
pub(crate) fn whisper(text: &str) {
    let mut stdout = io::stdout().lock();
    // There is nobody to tell that nobody is there.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes a document of `--json`.
pub(crate) fn json(document: &impl Serialize) {
    let text = serde_json::to_string_pretty(document).unwrap_or_default();
    out(&format!("{}\n", escaped(&text)));
}

/// Writes one line of a stream of documents.
pub(crate) fn json_line(document: &impl Serialize) {
    let text = serde_json::to_string(document).unwrap_or_default();
    out(&format!("{}\n", escaped(&text)));
}

/// Escapes what JSON allows raw in strings and a terminal would obey; it can only stand inside strings.
pub(crate) fn escaped(json: &str) -> String {
    let hostile = |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    json.chars().fold(String::with_capacity(json.len()), |mut text, c| {
        if hostile(c) {
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
        text
    })
}

/// Writes a remark to standard error.
pub(crate) fn remark(text: &str) {
    err(&format!("{}\n", visible(text)));
}

/// Writes a refusal to standard error: what was tried, why it failed, what to try.
pub(crate) fn refusal(refusal: &Refusal) {
    err(&refusal_text(refusal));
}

pub(crate) fn refusal_text(refusal: &Refusal) -> String {
    let mut text = format!("divisi: {}\n", visible(&refusal.message));
    for hint in &refusal.hints {
        let _ = writeln!(text, "  try: {}", visible(hint));
    }
    text
}

/// Shows clap's help, version or complaint; returns the exit code (0 or 2).
pub(crate) fn usage(error: &clap::Error) -> i32 {
    if error.use_stderr() {
        // Arguments are quoted in complaints.
        err(&visible(&error.render().to_string()));
    } else if io::stdout().is_terminal() {
        let _ = error.print();
    } else {
        out(&error.render().to_string());
    }
    error.exit_code()
}

/// Runs `work`; a panic is reported in one line with the place of the log.
pub(crate) fn catch_bugs<T>(work: impl FnOnce() -> T) -> Option<T> {
    std::panic::set_hook(Box::new(|panic| {
        let log = Paths::from_environment()
            .map(|paths| format!("; the daemon's log: {}", paths.log.display()))
            .unwrap_or_default();
        tracing::error!("{panic}");
        err(&format!("divisi: a bug in divisi: {}{log}\n", visible(&panic.to_string()).replace('\n', " ")));
    }));
    catch_unwind(AssertUnwindSafe(work)).ok()
}

fn out(text: &str) {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => quiet_end(),
        Err(error) => {
            err(&format!("divisi: failed to write to standard output: {error}\n"));
            quiet_end();
        }
    }
}

/// The reader of our output went away, as `head` does: there is nothing left to do and nothing to complain about.
#[expect(clippy::exit, reason = "the only way out of any depth of rendering, and nothing needs cleaning up")]
fn quiet_end() {
    std::process::exit(0);
}

fn err(text: &str) {
    // Nobody is left to tell when this fails.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests;
