//! Readers that build a test's name of the suites it is indented under.

use super::{Indented, Read, Subject, fault};
use crate::eval::swebench::python::{lstrip, strip};
use crate::eval::swebench::scan::{LineEnds, after_digits, after_space, before_digits, line_starts, without_escapes};
use crate::eval::swebench::status::{Status, StatusMap};

/// Jest's verbose reporter, after each command.
pub(in super::super) fn calypso<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    let mut suites = Indented::default();
    for run in log.split(" ./node_modules/.bin/jest ").skip(1) {
        for line in run.split('\n') {
            if line.starts_with("Test Suites") || line.starts_with("  ● ") {
                break;
            }
            let stripped = strip(line);
            let mark = [('✓', Status::Passed), ('✕', Status::Failed)]
                .into_iter()
                .find(|(mark, _)| stripped.starts_with(*mark));
            let Some((mark, status)) = mark else {
                suites.line(line);
                continue;
            };
            let Some(test) = calypso_test(line, mark) else {
                return fault(format!("a result is not written as expected: {stripped:?}"));
            };
            let named = if suites.0.is_empty() { format!(" - {test}") } else { suites.name(test) };
            map.set(strip(&named).to_owned(), status);
        }
    }
    Ok(map)
}

/// The name after the mark, which must be indented; a duration anywhere on the line has to be at its end.
fn calypso_test(line: &str, mark: char) -> Option<&str> {
    let bare = lstrip(line);
    let test = bare.strip_prefix(mark).and_then(after_space).filter(|_| bare.len() < line.len())?;
    if !has_milliseconds(line) {
        return Some(test);
    }
    before_digits(test.strip_suffix("ms)")?)?.strip_suffix('(')
}

fn has_milliseconds(line: &str) -> bool {
    memchr::memmem::find_iter(line.as_bytes(), "ms)")
        .any(|at| before_digits(&line[..at]).is_some_and(|rest| rest.ends_with('(')))
}

/// Mocha in Karma or Cypress, by the version of the project.
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(in super::super) fn next<'a>(log: &'a str, subject: &Subject<'_>) -> Read<'a> {
    Ok(if subject.version == "1.27" { next_cypress(log) } else { next_karma(log) })
}

fn next_karma(log: &str) -> StatusMap<'static> {
    let mut map = StatusMap::default();
    let log = without_assertions(&without_escapes(log));
    let mut suites = Indented::default();
    for run in log.split(" xvfb-run ").skip(1) {
        let run = run.rsplit("Starting browser Chrome").next().unwrap_or(run);
        for line in run.split('\n') {
            if line.starts_with("TOTAL") {
                break;
            }
            let stripped = strip(line);
            if ["ERROR", "LOG", "WARN", "Check", "in"].into_iter().any(|word| stripped.starts_with(word)) {
                continue;
            }
            let result = [('✗', Status::Failed), ('✓', Status::Passed)]
                .into_iter()
                .find_map(|(mark, status)| Some((line.split_once(mark)?.1, status)));
            match result {
                Some((test, status)) => map.set(suites.name(lstrip(test)), status),
                None => suites.line(line),
            }
        }
    }
    map
}

/// Without what stands from `AssertionError: #` to the next empty line.
fn without_assertions(log: &str) -> String {
    let mut plain = String::with_capacity(log.len());
    let mut copied = 0;
    for at in memchr::memmem::find_iter(log.as_bytes(), "AssertionError:") {
        let after = &log[at + "AssertionError:".len()..];
        let message = lstrip(after);
        if at < copied || message.len() == after.len() || !message.starts_with('#') {
            continue;
        }
        let start = log.len() - message.len() + 1;
        let Some(end) = memchr::memmem::find(&log.as_bytes()[start..], b"\n\n") else { break };
        plain.push_str(&log[copied..at]);
        copied = start + end + 2;
    }
    plain + &log[copied..]
}

fn next_cypress(log: &str) -> StatusMap<'static> {
    let mut map = StatusMap::default();
    let suites = cypress_suites(log);
    let ends = suites.iter().skip(1).map(|(at, ..)| *at).chain([log.len()]);
    for ((_, suite, start), end) in suites.iter().zip(ends) {
        let tests = &log[*start..end];
        for (passed, status) in [(false, Status::Failed), (true, Status::Passed)] {
            for test in cypress_tests(tests, passed) {
                map.set(format!("{suite}: {}", strip(test)), status.clone());
            }
        }
    }
    map
}

/// Every `Running: ...)`, two empty lines, and an indented name: where it begins, the name, where it ends.
fn cypress_suites(log: &str) -> Vec<(usize, &str, usize)> {
    let mut ends = LineEnds::new(log);
    let mut found = Vec::new();
    let mut from = 0;
    for at in memchr::memmem::find_iter(log.as_bytes(), "Running:") {
        let head = Some(at + "Running:".len()).filter(|_| at >= from);
        let Some((head, end)) = head.and_then(|head| Some((head, ends.newline(head)?))) else { continue };
        let rest = log[head..end].ends_with(')').then(|| log[end..].strip_prefix("\n\n\n")).flatten();
        let Some(start) = rest.and_then(after_space).and_then(after_space).map(|rest| log.len() - rest.len()) else {
            continue;
        };
        let Some(length) = memchr::memchr(b'\n', &log.as_bytes()[start..]) else { break };
        from = start + length + 1;
        found.push((at, &log[start..start + length], from));
    }
    found
}

/// Lines that begin with four whitespace characters and `1) name`, or `✓ name (`.
fn cypress_tests(tests: &str, passed: bool) -> Vec<&str> {
    let mut found = Vec::new();
    let mut from = 0;
    for start in line_starts(tests) {
        let rest = Some(&tests[start..]).filter(|_| start >= from);
        let rest = (0..4).fold(rest, |rest, _| rest.and_then(after_space));
        let rest = if passed {
            rest.and_then(|rest| rest.strip_prefix('✓'))
        } else {
            rest.and_then(after_digits).and_then(|rest| rest.strip_prefix(')'))
        };
        let Some(rest) = rest.and_then(after_space) else { continue };
        let line = &rest[..memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len())];
        let length = if passed { line.rfind('(') } else { Some(line.len()) };
        if let Some(length) = length {
            found.push(&line[..length]);
            from = tests.len() - rest.len() + length;
        }
    }
    found
}
