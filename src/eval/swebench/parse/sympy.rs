//! The reader of `SymPy`'s own test runner.

#![expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]

use super::{Read, Subject};
use crate::eval::swebench::python::{strip, words};
use crate::eval::swebench::status::{Status, StatusMap};

pub(super) fn read<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    // The headlines of failures come first, so that what is said of the same name below counts.
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(&log.as_bytes()[from..], b".py:").map(|at| from + at) {
        let start = memchr::memrchr(b'\n', &log.as_bytes()[from..at]).map_or(from, |newline| from + newline + 1);
        let end = memchr::memchr(b'\n', &log.as_bytes()[at..]).map_or(log.len(), |newline| at + newline);
        if let Some(test) = headline(&log[start..end]) {
            map.set(test, Status::Failed);
        }
        from = end;
    }
    for line in log.split('\n') {
        let line = strip(line);
        if !line.starts_with("test_") {
            continue;
        }
        let status = [(" E", Status::Error), (" F", Status::Failed), (" ok", Status::Passed)]
            .into_iter()
            .find_map(|(suffix, status)| line.ends_with(suffix).then_some(status));
        if let Some((status, test)) = status.zip(words(line).next()) {
            map.set(test, status);
        }
    }
    Ok(map)
}

/// `____ dir/test_x.py:test_y ____`: what stands between the first space and the last, when a file and a test are in it.
fn headline(line: &str) -> Option<&str> {
    let (first, last) = line.find(' ').zip(line.rfind(' '))?;
    let file = line[..last].rfind(".py:")?;
    (file > first).then(|| &line[first + 1..last])
}
