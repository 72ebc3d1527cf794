//! Readers for projects in JavaScript: Jest, Vitest, TAP, Mocha, Karma and what projects made of them.

mod karma;
mod mocha;
mod p5js;
mod quarto;
mod suites;

pub(super) use karma::{bpmn_js, chart_js, karma, openlayers};
pub(super) use mocha::{eslint, highlightjs, lighthouse, prismjs};
pub(super) use p5js::p5js;
pub(super) use quarto::quarto_cli;
pub(super) use suites::{calypso, next};

use super::c::without_duration;
use super::{Read, Subject, fault};
use crate::eval::swebench::Compat;
use crate::eval::swebench::python::{indent, is_digit, rstrip, strip};
use crate::eval::swebench::scan::{after_digits, after_space, after_version, before_digits, before_space, line_starts};
use crate::eval::swebench::status::{Status, StatusMap};

/// `✓ name (12 ms)`
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(super) fn jest<'a>(log: &'a str, subject: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        let marks = [('✓', Status::Passed), ('✕', Status::Failed), ('○', Status::Skipped)];
        if let Some((test, status)) = after_mark(strip(line), marks) {
            let test = without_duration(test);
            map.set(if subject.compat == Compat::V5 { strip(test) } else { test }, status);
        }
    }
    Ok(map)
}

/// `✓ name 12ms`
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(super) fn vitest<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        let marks = [('✓', Status::Passed), ('×', Status::Failed), ('↓', Status::Skipped)];
        if let Some((test, status)) = after_mark(strip(line), marks) {
            map.set(without_bare_duration(test), status);
        }
    }
    Ok(map)
}

/// A mark, one whitespace character, and a name.
fn after_mark<'a>(line: &'a str, marks: [(char, Status<'static>); 3]) -> Option<(&'a str, Status<'static>)> {
    let (rest, status) = marks.into_iter().find_map(|(mark, status)| Some((line.strip_prefix(mark)?, status)))?;
    after_space(rest).filter(|name| !name.is_empty()).map(|name| (name, status))
}

/// Takes ` 12ms`, ` 3` or ` [skipped]` off the end, unless nothing would be left.
fn without_bare_duration(name: &str) -> &str {
    let number = || {
        let rest = name.strip_suffix('s').unwrap_or(name);
        let rest = rest.strip_suffix('m').unwrap_or(rest);
        before_digits(rstrip(rest))
    };
    let cut = name.strip_suffix("[skipped]").or_else(number).and_then(before_space);
    cut.filter(|cut| !cut.is_empty()).unwrap_or(name)
}

/// `[PASSED] name`, as `jq` makes it of Jest's JSON.
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(super) fn jest_json<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        let line = strip(line);
        for (label, status) in [("[PASSED]", Status::Passed), ("[FAILED]", Status::Failed)] {
            if let Some(test) = line.strip_prefix(label).and_then(after_space).filter(|test| !test.is_empty()) {
                map.set(test, status);
            }
        }
    }
    Ok(map)
}

/// Jest in one of two formats, by the number of the pull request.
pub(super) fn immutable_js<'a>(log: &'a str, subject: &Subject<'_>) -> Read<'a> {
    match subject.instance_id.rsplit('-').next() {
        Some("2006") => jest(log, subject),
        Some("2005") => jest_json(log, subject),
        _ => fault(format!("no format is known for {}", subject.instance_id)),
    }
}

/// `ok 1 name`
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(super) fn tap<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        let line = strip(line);
        for (label, status) in [("ok ", Status::Passed), ("not ok ", Status::Failed)] {
            let test = line.strip_prefix(label).and_then(after_digits).and_then(|rest| rest.strip_prefix(' '));
            if let Some(test) = test.filter(|test| !test.is_empty()) {
                map.set(test, status);
            }
        }
    }
    Ok(map)
}

/// `1) name`
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(super) fn marked<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        if let Some(test) = after_digits(line).and_then(|rest| rest.strip_prefix(')')).and_then(after_space) {
            map.set(strip(test), Status::Failed);
        }
    }
    Ok(map)
}

/// `PASS path/to/file (3.2 s)`: Jest by files.
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(super) fn carbon<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        for (label, status) in [("PASS", Status::Passed), ("FAIL", Status::Failed)] {
            if let Some(file) = line.strip_prefix(label).and_then(after_space) {
                map.set(before_file_duration(file), status);
            }
        }
    }
    Ok(map)
}

/// What stands before the last ` (12ms)`, else the last ` (1.2 s)`, else the last ` (1.2s)`.
fn before_file_duration(file: &str) -> &str {
    let units: [fn(&str) -> Option<&str>; 3] = [
        |rest| rest.strip_prefix("ms)"),
        |rest| after_space(rest).and_then(|rest| rest.strip_prefix("s)")),
        |rest| rest.strip_prefix("s)"),
    ];
    let found = units.into_iter().find_map(|unit| {
        memchr::memrchr_iter(b'(', file.as_bytes()).find_map(|at| {
            let name = before_space(&file[..at])?;
            after_version(&file[at + 1..]).and_then(unit).map(|_| name)
        })
    });
    found.unwrap_or(file)
}

/// `PASS path/to/file (3.2 s)`; failures are read before what passed.
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(super) fn grommet<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for (label, status) in [("FAIL", Status::Failed), ("PASS", Status::Passed)] {
        let mut from = 0;
        for start in line_starts(log) {
            let Some(rest) = log.get(start..).filter(|_| start >= from).and_then(|rest| rest.strip_prefix(label))
            else {
                continue;
            };
            // The whitespace may be the end of the line.
            let Some(rest) = after_space(rest) else { continue };
            let file = &rest[..memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len())];
            from = log.len() - rest.len() + file.len();
            map.set(without_file_duration(strip(file)), status.clone());
        }
    }
    Ok(map)
}

/// Takes ` (3.2 s)` or ` (12ms)` off the end.
fn without_file_duration(file: &str) -> &str {
    let cut = || {
        let inside = file.strip_suffix("s)")?;
        let inside = inside.strip_suffix('m').unwrap_or(inside);
        let inside = before_space(inside).unwrap_or(inside);
        let open = inside.trim_end_matches(|c| is_digit(c) || c == '.');
        (open.len() < inside.len()).then(|| before_space(open.strip_suffix('(')?))?
    };
    cut().unwrap_or(file)
}

/// Suites by how far they are indented.
#[derive(Default)]
struct Indented<'a>(Vec<(&'a str, usize)>);

impl<'a> Indented<'a> {
    /// A line that is no result: the name of a suite when it is indented.
    fn line(&mut self, line: &'a str) {
        let indent = indent(line);
        if indent > 0 {
            while self.0.last().is_some_and(|(_, outer)| *outer >= indent) {
                self.0.pop();
            }
            self.0.push((strip(line), indent));
        }
    }

    /// The suites' names and a test's.
    fn name(&self, test: &str) -> String {
        let mut name = String::new();
        for (suite, _) in &self.0 {
            name.push_str(suite);
            name.push_str(" - ");
        }
        name + test
    }
}
