//! Readers of what pytest prints, in the variants that the harness has of them.

#![expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]

use std::borrow::Cow;

use memchr::memmem;

use super::{Read, Subject};
use crate::eval::swebench::Compat;
use crate::eval::swebench::python::{is_digit, is_space, words};
use crate::eval::swebench::scan::after_digits;
use crate::eval::swebench::status::{Status, StatusMap};

/// One test per line: a status, then the test's id.
pub(super) fn plain<'a>(log: &'a str, subject: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        if let Some((status, test)) = result(line, subject.compat) {
            map.set(test, Status::of(status.into()));
        }
    }
    Ok(map)
}

/// [`plain`], with paths in the brackets of an id cut to their last part.
pub(super) fn options<'a>(log: &'a str, subject: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        if let Some((status, test)) = result(line, subject.compat) {
            map.set(without_directories(test), Status::of(status.into()));
        }
    }
    Ok(map)
}

/// [`plain`], with the names of two mouse buttons replaced by their numbers.
pub(super) fn matplotlib<'a>(log: &'a str, subject: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        if memmem::find(line.as_bytes(), b"MouseButton.").is_some() {
            let line = line.replace("MouseButton.LEFT", "1").replace("MouseButton.RIGHT", "3");
            if let Some((status, test)) = result(&line, subject.compat) {
                map.set(test.to_owned(), Status::of(status.to_owned().into()));
            }
        } else if let Some((status, test)) = result(line, subject.compat) {
            map.set(test, Status::of(status.into()));
        }
    }
    Ok(map)
}

/// The status and the test's id that a line begins with.
fn result(line: &str, compat: Compat) -> Option<(&str, &str)> {
    if !begins_with_status(line) {
        return None;
    }
    let end = line.find(is_space)?;
    let (status, rest) = line.split_at(end);
    let rest = if status.starts_with("FAILED") { over_dashes(rest) } else { rest };
    let test = words(rest).next()?;
    (!is_skip_count(status, test, compat)).then_some((status, test))
}

fn begins_with_status(line: &str) -> bool {
    matches!(line.as_bytes().first(), Some(b'F' | b'P' | b'S' | b'E' | b'X'))
        && Status::WORDS.iter().any(|status| line.starts_with(status))
}

/// What is left when every `" - "` is a space: only those before the first word matter.
fn over_dashes(mut rest: &str) -> &str {
    loop {
        let shorter = rest.strip_prefix(" - ").or_else(|| rest.strip_prefix(is_space));
        match shorter {
            Some(shorter) => rest = shorter,
            None => return rest,
        }
    }
}

/// `SKIPPED [3] file:line: reason` counts, it names no test. v4 took it for one.
fn is_skip_count(status: &str, test: &str, compat: Compat) -> bool {
    compat == Compat::V5 && status == "SKIPPED" && is_bracketed_number(test)
}

fn is_bracketed_number(word: &str) -> bool {
    word.strip_prefix('[')
        .and_then(|word| word.strip_suffix(']'))
        .is_some_and(|number| !number.is_empty() && number.chars().all(is_digit))
}

/// `test[/a/b/c]` is `test[/c]`; URLs and patterns stay.
fn without_directories(test: &str) -> Cow<'_, str> {
    let Some((open, close)) = test.find('[').zip(test.rfind(']')).filter(|(open, close)| open < close) else {
        return test.into();
    };
    let option = &test[open + 1..close];
    if option.starts_with('/') && !option.starts_with("//") && !option.contains('*') {
        let last = option.rsplit('/').next().unwrap_or(option);
        return format!("{}[/{last}]", &test[..open]).into();
    }
    // What follows the brackets is dropped.
    test[..=close].into()
}

/// Later pytest: colours, and ids with spaces; a line may also end with its status.
pub(super) fn later<'a>(log: &'a str, subject: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        match without_colours(line) {
            Cow::Borrowed(line) => {
                if let Some((test, status)) = later_result(line, subject.compat) {
                    map.set(test, Status::of(status.into()));
                }
            }
            Cow::Owned(line) => {
                if let Some((test, status)) = later_result(&line, subject.compat) {
                    map.set(test.into_owned(), Status::of(status.to_owned().into()));
                }
            }
        }
    }
    Ok(map)
}

fn later_result(line: &str, compat: Compat) -> Option<(Cow<'_, str>, &str)> {
    if begins_with_status(line) {
        return match compat {
            Compat::V4 => {
                let end = line.find(is_space)?;
                let (status, rest) = line.split_at(end);
                let rest = if status.starts_with("FAILED") { over_dashes(rest) } else { rest };
                Some((words(rest).next()?.into(), status))
            }
            Compat::V5 => {
                let line = if line.starts_with("FAILED") { line.split(" - ").next().unwrap_or(line) } else { line };
                let mut words = words(line);
                let (status, first) = (words.next()?, words.next()?);
                let skipped = is_skip_count(status, first, compat);
                (!skipped).then(|| (joined(first, words), status))
            }
        };
    }
    let ends = matches!(line.as_bytes().last(), Some(b'D' | b'R' | b'L'));
    if !ends || !Status::WORDS.iter().any(|status| line.ends_with(status)) {
        return None;
    }
    match compat {
        Compat::V4 => {
            let mut words = words(line);
            Some((words.next()?.into(), words.next()?))
        }
        Compat::V5 => {
            let at = line.rfind(is_space)?;
            let status = line[at..].trim_start_matches(is_space);
            let mut words = words(&line[..at]);
            let first = words.next()?;
            Some((joined(first, words), status))
        }
    }
}

/// Words with one space between them.
fn joined<'a>(first: &'a str, mut rest: impl Iterator<Item = &'a str>) -> Cow<'a, str> {
    let Some(second) = rest.next() else {
        return first.into();
    };
    let mut text = format!("{first} {second}");
    for word in rest {
        text.push(' ');
        text.push_str(word);
    }
    text.into()
}

/// A line without `[12m` and then without control characters: what is left of it when colours go.
fn without_colours(line: &str) -> Cow<'_, str> {
    let coloured = memchr::memchr_iter(b'[', line.as_bytes()).any(|at| colour_length(&line[at..]) > 0);
    if !coloured && !line.bytes().any(|byte| (1..32).contains(&byte)) {
        return line.into();
    }
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr::memchr(b'[', rest.as_bytes()) {
        plain.push_str(&rest[..at]);
        let length = colour_length(&rest[at..]);
        plain.push_str(&rest[at..at + usize::from(length == 0)]);
        rest = &rest[at + length.max(1)..];
    }
    plain.push_str(rest);
    plain.retain(|c| !('\u{1}'..' ').contains(&c));
    plain.into()
}

fn colour_length(text: &str) -> usize {
    let inside = &text[1..];
    match after_digits(inside) {
        Some(rest) if rest.starts_with('m') => text.len() - rest.len() + 1,
        _ => 0,
    }
}

/// Seaborn's: a status before or after the id.
pub(super) fn seaborn<'a>(log: &'a str, subject: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        let mut words = words(line);
        let Some((first, second)) = words.next().zip(words.next()) else {
            if subject.compat == Compat::V4 {
                refuse_single_word(line)?;
            }
            continue;
        };
        if line.starts_with("FAILED") {
            map.set(second, Status::Failed);
        } else if memmem::find(line.as_bytes(), b" PASSED ").is_some() {
            if second == "PASSED" {
                map.set(first, Status::Passed);
            }
        } else if line.starts_with("PASSED") {
            map.set(second, Status::Passed);
        }
    }
    Ok(map)
}

/// v4 looks for a second word where there may be none.
fn refuse_single_word(line: &str) -> Result<(), super::Fault> {
    let breaks = line.starts_with("FAILED") || line.starts_with("PASSED") || line.contains(" PASSED ");
    if breaks { super::fault(format!("a line with a status and no test: {line:?}")) } else { Ok(()) }
}
