//! What Python means by whitespace, digits, words and lines: the rules of the official harness are written in Python, and its verdicts
//! depend on them.

mod digits;

use std::borrow::Cow;

pub(super) use digits::is_digit;

/// What `str.strip`, `str.split` and `\s` take for whitespace: Unicode's, and the four separators 0x1c to 0x1f.
pub(super) fn is_space(c: char) -> bool {
    match c {
        '\t'..='\r' | '\u{1c}'..=' ' => true,
        _ => !c.is_ascii() && c.is_whitespace(),
    }
}

/// What `\w` takes: letters, digits and the underscore. (Marks that belong to letters count here and not in Python; no name of a test
/// was seen that depends on it.)
pub(super) fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// `str.strip()`.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.lstrip()`.
pub(super) fn lstrip(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

/// `str.rstrip()`.
pub(super) fn rstrip(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// `str.split()`.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// How many characters `lstrip` would take off.
pub(super) fn indent(line: &str) -> usize {
    line.chars().take_while(|c| is_space(*c)).count()
}

/// `re.sub(r"\s+", " ", text).strip()`.
pub(super) fn squeeze(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    for word in words(text) {
        if !squeezed.is_empty() {
            squeezed.push(' ');
        }
        squeezed.push_str(word);
    }
    squeezed
}

/// A file as `open(..., errors="replace").read()` gives it: what is not UTF-8 replaced, every kind of line end a `\n`.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    if memchr::memchr(b'\r', text.as_bytes()).is_none() {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = memchr::memchr(b'\r', rest.as_bytes()) {
        plain.push_str(&rest[..at]);
        plain.push('\n');
        rest = &rest[at + 1..];
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests;
