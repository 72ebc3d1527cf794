//! Readers for projects in C and C++: Redis, jq, `MicroPython`, `GoogleTest`.

#![expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]

use super::{Read, Subject};
use crate::eval::swebench::python::{is_space, lstrip, rstrip, strip};
use crate::eval::swebench::scan::{after_space, after_spaces, before, before_digits, before_space};
use crate::eval::swebench::status::{Status, StatusMap};

/// `[ok]: name (12 ms)`
pub(super) fn redis<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        let results = [
            ("[ok]:", Status::Passed),
            ("[err]:", Status::Failed),
            ("[skip]:", Status::Skipped),
            ("[ignore]:", Status::Skipped),
        ];
        let line = strip(line);
        let found = results.into_iter().find_map(|(label, status)| Some((line.strip_prefix(label)?, status)));
        let Some((test, status)) = found.and_then(|(rest, status)| Some((after_space(rest)?, status))) else {
            continue;
        };
        if test.is_empty() {
            continue;
        }
        let test = without_duration(test);
        let test = if status == Status::Failed { without_place(test) } else { test };
        map.set(test, status);
    }
    Ok(map)
}

/// Takes ` (12 ms)` or ` (3s)` off the end, unless nothing would be left.
pub(super) fn without_duration(name: &str) -> &str {
    let cut = || {
        let inside = name.strip_suffix("s)")?;
        let inside = inside.strip_suffix('m').unwrap_or(inside);
        let name = before_space(before_digits(rstrip(inside))?.strip_suffix('(')?)?;
        (!name.is_empty()).then_some(name)
    };
    cut().unwrap_or(name)
}

/// Takes ` in tests/unit/x.tcl` off the end.
fn without_place(name: &str) -> &str {
    let cut = || {
        let before_file = name.trim_end_matches(|c| !is_space(c));
        let before_in = rstrip(before_file).strip_suffix("in")?;
        let shorter = rstrip(before_in);
        (before_file.len() < name.len() && shorter.len() < before_in.len()).then_some(shorter)
    };
    cut().unwrap_or(name)
}

/// `PASS: name`
pub(super) fn jq<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        let line = strip(line);
        for (label, status) in [("PASS:", Status::Passed), ("FAIL:", Status::Failed)] {
            if let Some(test) = line.strip_prefix(label).and_then(after_space).filter(|test| !test.is_empty()) {
                map.set(test, status);
            }
        }
    }
    Ok(map)
}

/// `pass  name`
pub(super) fn micropython<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        let line = strip(line);
        for (label, status) in [("pass", Status::Passed), ("FAIL", Status::Failed), ("skip", Status::Skipped)] {
            if let Some(test) = line.strip_prefix(label).and_then(after_spaces).filter(|test| !test.is_empty()) {
                map.set(test, status);
            }
        }
    }
    Ok(map)
}

/// `[       OK ] suite.name (3 ms)`
pub(super) fn googletest<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        let line = strip(line);
        if !line.ends_with(')') {
            continue;
        }
        let Some(duration) = last_spaced_parenthesis(line) else { continue };
        let found = memchr::memrchr_iter(b'[', line.as_bytes()).find_map(|open| {
            let label = lstrip(&line[open + 1..]);
            let (rest, status) = match label.strip_prefix("OK") {
                Some(rest) => (rest, Status::Passed),
                None => (label.strip_prefix("FAILED")?, Status::Failed),
            };
            let rest = after_space(lstrip(rest).strip_prefix(']')?)?;
            let start = before(line, rest).len();
            (start <= duration).then(|| (&line[start..duration], status))
        });
        if let Some((test, status)) = found {
            map.set(test, status);
        }
    }
    Ok(map)
}

/// Where the last ` (` begins, with any whitespace, that a `)` can still close.
fn last_spaced_parenthesis(line: &str) -> Option<usize> {
    memchr::memrchr_iter(b'(', line.as_bytes()).find_map(|at| Some(before_space(&line[..at])?.len()))
}
