//! The reader of Django's own test runner.

use memchr::memmem::Finder;

use super::{Read, Subject, fault};
use crate::eval::swebench::python::{is_space, strip, words};
use crate::eval::swebench::scan::Ahead;
use crate::eval::swebench::status::{Status, StatusMap};

/// A test of which the harness knows that its result stands lines below its name.
const VERSION_TEST: &str = "--version is equivalent to version";

/// What migrations print before a test's name, on the same line.
const MIGRATION: &str = "Applying sites.0002_alter_domain_unique...test_no_migrations";

pub(super) fn read<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    let mut last_named = None;
    let (version, dots) = (Finder::new(VERSION_TEST), Finder::new(" ... "));
    for line in log.split('\n') {
        let mut line = strip(line);
        if line.is_empty() {
            continue;
        }
        if version.find(line.as_bytes()).is_some() {
            map.set(VERSION_TEST, Status::Passed);
        }
        if let Some(at) = dots.find(line.as_bytes()) {
            last_named = Some(&line[..at]);
            dotted(&mut map, &mut line);
        }
        let verdicts = [(" ... FAIL", "FAIL:", Status::Failed), (" ... ERROR", "ERROR:", Status::Error)];
        for (suffix, label, status) in verdicts {
            if line.ends_with(suffix) {
                map.set(line.find(suffix).map_or(line, |at| &line[..at]), status.clone());
            }
            if line.starts_with(label) {
                match words(line).nth(1) {
                    Some(test) => map.set(test, status),
                    None => return fault(format!("{label} without a test")),
                }
            }
        }
        if let Some(test) = last_named.filter(|_| line.starts_with("ok")) {
            // The test printed something between its name and its result.
            map.set(test, Status::Passed);
        }
    }
    interrupted(log, &mut map);
    Ok(map)
}

/// Lines like `test_x (app.tests.X) ... ok`.
fn dotted<'a>(map: &mut StatusMap<'a>, line: &mut &'a str) {
    for suffix in [" ... ok", " ... OK", " ...  OK"] {
        if line.ends_with(suffix) {
            if line.starts_with(MIGRATION) {
                *line = strip(line.split_once("...").map_or(line, |(_, rest)| rest));
            }
            map.set(line.strip_suffix(suffix).unwrap_or(line), Status::Passed);
            break;
        }
    }
    if let Some(at) = line.find(" ... skipped") {
        map.set(&line[..at], Status::Skipped);
    }
}

/// Results that something printed in several lines stands before.
fn interrupted<'a>(log: &'a str, map: &mut StatusMap<'a>) {
    let mut silenced = Ahead::new(log, " silenced).\nok");
    passed_after(log, map, "Testing against Django installed in ", |after| {
        let mut from = after;
        loop {
            let end = silenced.find(from)? + " silenced).\nok".len();
            if ends_line(log, end) {
                return Some(end);
            }
            from = end;
        }
    });
    passed_after(log, map, "Internal Server Error: /", |after| {
        let line_end = memchr::memchr(b'\n', &log.as_bytes()[after..]).map(|at| after + at)?;
        ok_follows(log, line_end).filter(|_| log[after..line_end].ends_with('/'))
    });
    passed_after(log, map, "System check identified no issues (0 silenced)", |after| ok_follows(log, after));
}

/// Finds `NAME ... WHAT`, with any whitespace around the dots; the end that `rest` gives closes it.
fn passed_after<'a>(
    log: &'a str,
    map: &mut StatusMap<'a>,
    what: &'static str,
    mut rest: impl FnMut(usize) -> Option<usize>,
) {
    let (mut from, mut line, mut scanned) = (0, 0, 0);
    for at in memchr::memmem::find_iter(log.as_bytes(), what) {
        let Some(end) = name_end(log, at).filter(|end| *end >= scanned) else { continue };
        if let Some(newline) = memchr::memrchr(b'\n', &log.as_bytes()[scanned..end]) {
            line = scanned + newline + 1;
        }
        scanned = end;
        let Some(closed) = rest(at + what.len()).filter(|_| line >= from) else { continue };
        map.set(&log[line..end], Status::Passed);
        from = closed;
    }
}

/// Where the name before the dots ends.
fn name_end(log: &str, at: usize) -> Option<usize> {
    let name = log[..at].strip_suffix(is_space)?.strip_suffix("...")?.strip_suffix(is_space)?;
    Some(name.len())
}

/// The end of `ok` on the next line, when nothing else is on it.
fn ok_follows(log: &str, line_end: usize) -> Option<usize> {
    let end = line_end + 3;
    (log[line_end..].starts_with("\nok") && ends_line(log, end)).then_some(end)
}

fn ends_line(log: &str, at: usize) -> bool {
    matches!(log.as_bytes().get(at), None | Some(b'\n'))
}
