//! Readers for projects in Java: Maven, Ant, Gradle.

#![expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]

use std::collections::VecDeque;

use super::{Read, Subject};
use crate::eval::swebench::Compat;
use crate::eval::swebench::python::{is_space, strip, words};
use crate::eval::swebench::scan::{after_spaces, before_space, places_from_end};
use crate::eval::swebench::status::{Status, StatusMap};

/// Maven says nothing of tests that pass. Each is run alone, and the commands (which the shell prints) and the results are put
/// together in their order.
pub(super) fn maven<'a>(log: &'a str, subject: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    let mut waiting = VecDeque::new();
    let mut early = VecDeque::new();
    let mut current = "---NO TEST NAME FOUND YET---";
    for line in log.split('\n') {
        let line = strip(line);
        if let Some(test) = named_in_command(line) {
            current = test;
            waiting.push_back(test);
        }
        let Some(status) = build_result(line) else { continue };
        match subject.compat {
            Compat::V4 => map.set(current, status),
            Compat::V5 => match waiting.pop_front() {
                Some(test) => map.set(test, status),
                None => early.push_back(status),
            },
        }
    }
    if subject.compat == Compat::V5 {
        for (test, status) in waiting.into_iter().zip(early) {
            map.set(test, status);
        }
    }
    Ok(map)
}

/// The word after the last `-Dtest=` that has one.
fn named_in_command(line: &str) -> Option<&str> {
    places_from_end(line, "-Dtest=")
        .map(|at| &line[at + "-Dtest=".len()..])
        .map(|rest| &rest[..rest.find(is_space).unwrap_or(rest.len())])
        .find(|test| !test.is_empty())
}

fn build_result(line: &str) -> Option<Status<'static>> {
    if line.ends_with("BUILD SUCCESS") {
        Some(Status::Passed)
    } else {
        line.ends_with("BUILD FAILURE").then_some(Status::Failed)
    }
}

/// `[junit] [PASS] name`
pub(super) fn ant<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        let Some(rest) = strip(line).strip_prefix("[junit]").and_then(after_spaces) else { continue };
        for (label, status) in [("[PASS]", Status::Passed), ("[FAIL]", Status::Failed), ("[ERR]", Status::Failed)] {
            if let Some(test) = rest.strip_prefix(label).and_then(after_spaces) {
                map.set(test, status);
            }
        }
    }
    Ok(map)
}

/// `Class > method PASSED`; since v5 the status may also stand alone, below the name.
pub(super) fn gradle<'a>(log: &'a str, subject: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    let mut waiting = None;
    for line in log.split('\n') {
        let line = strip(line);
        if let Some((test, status)) = gradle_result(line) {
            map.set(test, status);
            waiting = None;
        } else if subject.compat == Compat::V5 {
            if is_gradle_name(line) {
                waiting = Some(line);
            } else if let Some(status) = gradle_status(line)
                && let Some(test) = waiting.take()
            {
                map.set(test, status);
            }
        }
    }
    Ok(map)
}

fn gradle_status(line: &str) -> Option<Status<'static>> {
    match line {
        "PASSED" => Some(Status::Passed),
        "FAILED" => Some(Status::Failed),
        _ => None,
    }
}

fn gradle_result(line: &str) -> Option<(&str, Status<'static>)> {
    let at = line.len().checked_sub("PASSED".len()).filter(|at| line.is_char_boundary(*at))?;
    let status = gradle_status(&line[at..])?;
    let name = before_space(&line[..at])?;
    let long_enough = name.chars().nth(1).is_some() && !name.starts_with('>');
    long_enough.then_some((name, status))
}

/// `Class > method`, and nothing else.
fn is_gradle_name(line: &str) -> bool {
    let mut words = words(line);
    let three = (words.next(), words.next(), words.next(), words.next());
    matches!(three, (Some(class), Some(">"), Some(_), None) if !class.starts_with('>'))
}
