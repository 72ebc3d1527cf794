//! Small steps of scanning, in the place of regular expressions: each looks at a character once.

use memchr::memmem::Finder;

use super::python::{is_digit, is_space, is_word};

/// After one whitespace character.
pub(super) fn after_space(text: &str) -> Option<&str> {
    text.strip_prefix(is_space)
}

/// Before one whitespace character at the end.
pub(super) fn before_space(text: &str) -> Option<&str> {
    text.strip_suffix(is_space)
}

/// After at least one whitespace character, and all that follow it.
pub(super) fn after_spaces(text: &str) -> Option<&str> {
    some_less(text, text.trim_start_matches(is_space))
}

/// After at least one digit, and all that follow it.
pub(super) fn after_digits(text: &str) -> Option<&str> {
    some_less(text, text.trim_start_matches(is_digit))
}

/// Before at least one digit at the end, and all that go before it.
pub(super) fn before_digits(text: &str) -> Option<&str> {
    some_less(text, text.trim_end_matches(is_digit))
}

/// After at least one digit or dot.
pub(super) fn after_version(text: &str) -> Option<&str> {
    some_less(text, text.trim_start_matches(|c| is_digit(c) || c == '.'))
}

/// After at least one character of a word, and all that follow it.
pub(super) fn after_word(text: &str) -> Option<&str> {
    some_less(text, text.trim_start_matches(is_word))
}

fn some_less<'t>(whole: &str, rest: &'t str) -> Option<&'t str> {
    (rest.len() < whole.len()).then_some(rest)
}

/// Before the place where `rest`, an end of `text`, begins.
pub(super) fn before<'t>(text: &'t str, rest: &str) -> &'t str {
    &text[..text.len() - rest.len()]
}

/// Every place of a needle, from the last to the first; they may overlap.
pub(super) fn places_from_end<'t>(text: &'t str, needle: &'t str) -> impl Iterator<Item = usize> + 't {
    let mut end = text.len();
    std::iter::from_fn(move || {
        let at = memchr::memmem::rfind(&text.as_bytes()[..end], needle.as_bytes())?;
        end = at + needle.len() - 1;
        Some(at)
    })
}

/// Searches forward for one needle from places that only grow, so that everything is read once.
pub(super) struct Ahead<'t> {
    text: &'t str,
    finder: Finder<'static>,
    from: usize,
    found: Option<usize>,
    begun: bool,
}

impl<'t> Ahead<'t> {
    pub(super) fn new(text: &'t str, needle: &'static str) -> Self {
        Self { text, finder: Finder::new(needle), from: 0, found: None, begun: false }
    }

    /// The first place at `from` or after it.
    pub(super) fn find(&mut self, from: usize) -> Option<usize> {
        let known = self.begun && self.from <= from && self.found.is_none_or(|found| found >= from);
        if !known {
            self.found = self.finder.find(&self.text.as_bytes()[from..]).map(|at| from + at);
            self.from = from;
            self.begun = true;
        }
        self.found
    }
}

/// Where the line of a place ends, asked for places that only grow.
pub(super) struct LineEnds<'t>(Ahead<'t>);

impl<'t> LineEnds<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self(Ahead::new(text, "\n"))
    }

    /// The place of the next `\n`; absent on the last line.
    pub(super) fn newline(&mut self, from: usize) -> Option<usize> {
        self.0.find(from)
    }

    /// The place of the next `\n`, or the end.
    pub(super) fn end(&mut self, from: usize) -> usize {
        self.0.find(from).unwrap_or(self.0.text.len())
    }
}

/// Where every line begins.
pub(super) fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1))
}

/// Takes terminal escape sequences out, as the harness does.
pub(super) fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(0x1b, rest.as_bytes()) {
        plain.push_str(&rest[..at]);
        let length = escape_length(&rest.as_bytes()[at..]);
        // One that is no sequence stays.
        plain.push_str(&rest[at..at + usize::from(length == 0)]);
        rest = &rest[at + length.max(1)..];
    }
    plain.push_str(rest);
    plain
}

/// How long the sequence at the beginning is; 0 if it is none.
fn escape_length(bytes: &[u8]) -> usize {
    match bytes.get(1) {
        Some(b'[') => {
            let parameters = bytes[2..].iter().take_while(|byte| matches!(byte, b'0'..=b'?')).count();
            let between = bytes[2 + parameters..].iter().take_while(|byte| matches!(byte, b' '..=b'/')).count();
            let end = 2 + parameters + between;
            if matches!(bytes.get(end), Some(b'@'..=b'~')) { end + 1 } else { 0 }
        }
        Some(b'@'..=b'Z' | b'\\'..=b'_') => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
