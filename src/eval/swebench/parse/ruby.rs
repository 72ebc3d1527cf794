//! Readers for projects in Ruby: Minitest, Cucumber, test-unit, `RSpec`.

use super::{Read, Subject, fault};
use crate::eval::swebench::python::{is_word, lstrip, strip};
use crate::eval::swebench::scan::places_from_end;
use crate::eval::swebench::status::{Status, StatusMap};

fn each<'a>(log: &'a str, result: impl Fn(&'a str) -> Option<(&'a str, Status<'a>)>) -> StatusMap<'a> {
    let mut map = StatusMap::default();
    for (test, status) in log.split('\n').filter_map(|line| result(strip(line))) {
        map.set(test, status);
    }
    map
}

/// `Class#test_name. = 0.01 s = .`
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(super) fn minitest<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    Ok(each(log, |line| {
        let outcome = line.rfind(['.', 'F', 'E'])?;
        let equals = line[..outcome].rfind('=')?;
        let end = line[..equals].rfind(". ").filter(|end| *end > 0)?;
        let status = if line[outcome..].starts_with('.') { Status::Passed } else { Status::Failed };
        Some((&line[..end], status))
    }))
}

/// `feature.feature ....F`
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(super) fn cucumber<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    Ok(each(log, |line| {
        memchr::memrchr_iter(b' ', line.as_bytes()).find_map(|at| {
            let rest = line[at + 1..].trim_start_matches('.');
            let dots = line.len() - at - 1 - rest.len();
            match (dots, rest.starts_with('F')) {
                (0, _) | (1, false) => None,
                (_, true) => Some((&line[..at], Status::Failed)),
                (_, false) => Some((&line[..at], Status::Passed)),
            }
        })
    }))
}

/// `test: name:   .: (0.01)`
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(super) fn unit<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    Ok(each(log, |line| {
        let labelled = line.strip_prefix("test: ").and_then(unit_result);
        labelled.or_else(|| unit_result(line))
    }))
}

fn unit_result(line: &str) -> Option<(&str, Status<'_>)> {
    memchr::memrchr_iter(b':', line.as_bytes()).filter(|at| *at > 0).find_map(|at| {
        let after = &line[at + 1..];
        let rest = lstrip(after);
        let mut characters = rest.chars();
        let outcome = characters.next().filter(|_| rest.len() < after.len())?;
        let alone = !characters.next().is_some_and(is_word);
        let status = match outcome {
            '.' => Status::Passed,
            'E' | 'F' if alone => Status::Failed,
            'O' if alone => Status::Skipped,
            _ => return None,
        };
        Some((&line[..at], status))
    })
}

/// `full description - passed`
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(super) fn rspec<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    Ok(each(log, |line| {
        places_from_end(line, " - ").filter(|at| *at > 0).find_map(|at| {
            let outcome = &line[at + 3..];
            let status = if outcome.starts_with("passed") {
                Status::Passed
            } else {
                outcome.starts_with("failed").then_some(Status::Failed)?
            };
            Some((&line[..at], status))
        })
    }))
}

/// Minitest or Cucumber, by the number of the pull request.
pub(super) fn jekyll<'a>(log: &'a str, subject: &Subject<'_>) -> Read<'a> {
    match subject.instance_id.split('-').nth(1) {
        Some("9141" | "8047" | "8167") => minitest(log, subject),
        Some("8761" | "8771") => cucumber(log, subject),
        _ => fault(format!("no format is known for {}", subject.instance_id)),
    }
}
