//! Readers of what Karma prints, and of other browsers' runs that only name what failed.

use super::{Read, Subject, fault};
use crate::eval::swebench::python::{is_space, squeeze};
use crate::eval::swebench::scan::{
    Ahead, LineEnds, after_digits, after_space, after_version, line_starts, without_escapes,
};
use crate::eval::swebench::status::{Status, StatusMap};

/// Karma's spec reporter: suites by how far they are indented, marks at the tests.
pub(in super::super) fn karma<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    let mut suites: Vec<&str> = Vec::new();
    let mut current = None;
    let mut started = false;
    for line in log.split('\n') {
        if line.starts_with("SUMMARY:") {
            break;
        }
        if line.contains("Starting browser") {
            started = true;
            continue;
        }
        let Some(spec) = Some(line).filter(|_| started).and_then(spec) else { continue };
        match spec {
            Spec::Other { indent, name } if current.is_none_or(|current| indent > current) => {
                current = Some(indent);
                suites.push(name);
            }
            Spec::Other { indent, .. } if current.is_some_and(|current| indent < current) => {
                current = Some(indent);
                if suites.pop().is_none() {
                    return fault("a suite ends that has not begun");
                }
            }
            Spec::Other { .. } => {}
            Spec::Result { name, status } => {
                suites.push(name);
                map.set(suites.join(" > "), status);
                suites.pop();
            }
        }
    }
    Ok(map)
}

enum Spec<'a> {
    Result { name: &'a str, status: Status<'static> },
    Other { indent: usize, name: &'a str },
}

fn spec(line: &str) -> Option<Spec<'_>> {
    let text = line.trim_start_matches(is_space);
    let indent = line[..line.len() - text.len()].chars().count();
    for (mark, status) in [('✔', Status::Passed), ('✖', Status::Failed)] {
        if let Some(name) = text.strip_prefix(mark).and_then(after_space) {
            return Some(Spec::Result { name, status });
        }
    }
    // One character of the whitespace is not counted; without any other the line says nothing.
    (indent > 1).then(|| Spec::Other { indent: indent - 1, name: text })
}

/// Adds `NAME` of every `HEAD NAME FAILED` that ends its line; `head` gives where the name begins.
fn failed_after<'a>(
    log: &'a str,
    map: &mut StatusMap<'a>,
    first: &str,
    head: impl Fn(&'a str) -> Option<&'a str>,
    set: impl Fn(&mut StatusMap<'a>, &'a str),
) {
    let mut ends = LineEnds::new(log);
    let mut from = 0;
    for at in memchr::memmem::find_iter(log.as_bytes(), first).map(|at| at + first.len()) {
        let Some(rest) = log.get(at..).filter(|_| at >= from + first.len()).and_then(&head) else { continue };
        let start = log.len() - rest.len();
        let Some(end) = ends.newline(start) else { continue };
        if let Some(name) = log[start..end].strip_suffix("FAILED") {
            set(map, name);
            from = end + 1;
        }
    }
}

/// ` 1.2.3 (Linux`, after the browser's name, up to where the system's version begins.
fn linux(rest: &str) -> Option<&str> {
    after_space(rest).and_then(after_version).and_then(after_space)?.strip_prefix("(Linux").and_then(after_space)
}

#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(in super::super) fn bpmn_js<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    let numbered = |rest| linux(rest).and_then(after_version)?.strip_prefix(')').and_then(after_space);
    let x86 = |rest| linux(rest)?.strip_prefix("x86_64)").and_then(after_space);
    let set = |map: &mut StatusMap<'a>, name: &'a str| map.set(name, Status::Failed);
    failed_after(log, &mut map, "2KPhantomJS", numbered, set);
    failed_after(log, &mut map, "2KPhantomJS", x86, set);
    headless_x86(log, &mut map);
    failed_after(log, &mut map, "HeadlessChrome", numbered, set);
    Ok(map)
}

/// `Chrome Headless ANYTHING (Linux x86_64) NAME FAILED`; the last system on the line counts.
fn headless_x86<'a>(log: &'a str, map: &mut StatusMap<'a>) {
    let mut ends = LineEnds::new(log);
    let mut systems = Systems { log, line_end: None, last: None };
    let mut from = 0;
    for at in memchr::memmem::find_iter(log.as_bytes(), "Chrome") {
        let head = log[at + "Chrome".len()..].chars().next().filter(|c| at >= from && is_space(*c));
        let rest = head.and_then(|c| log[at + "Chrome".len() + c.len_utf8()..].strip_prefix("Headless"));
        let Some(start) = rest.and_then(after_space).map(|rest| log.len() - rest.len()) else { continue };
        if let Some((_, name, end)) = systems.last_on_line(start, ends.end(start)).filter(|(at, ..)| *at >= start) {
            map.set(name, Status::Failed);
            from = end;
        }
    }
}

/// Remembers what the last system on a line is.
struct Systems<'a> {
    log: &'a str,
    line_end: Option<usize>,
    last: Option<(usize, &'a str, usize)>,
}

impl<'a> Systems<'a> {
    /// Where ` (Linux x86_64) NAME FAILED` begins, the name, and where it ends. The whitespace before it may be the end of the line.
    fn last_on_line(&mut self, start: usize, line_end: usize) -> Option<(usize, &'a str, usize)> {
        if self.line_end != Some(line_end) {
            self.line_end = Some(line_end);
            let log = self.log;
            let region = log.get(start..(line_end + 1).min(log.len())).unwrap_or_default();
            self.last = region.char_indices().rev().filter(|(_, c)| is_space(*c)).find_map(|(at, c)| {
                let rest = log[start + at + c.len_utf8()..].strip_prefix("(Linux").and_then(after_space)?;
                let rest = rest.strip_prefix("x86_64)").and_then(after_space)?;
                let begin = log.len() - rest.len();
                let end = if begin <= line_end { line_end } else { begin + memchr::memchr(b'\n', rest.as_bytes())? };
                let name = log.get(begin..end).filter(|_| end < log.len())?.strip_suffix("FAILED")?;
                Some((start + at, name, end + 1))
            });
        }
        self.last
    }
}

#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(in super::super) fn openlayers<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    headless(log, &mut map);
    let system = |rest| linux(rest).and_then(after_system);
    failed_after(log, &mut map, "Chrome", system, |map, name| map.set(squeeze(name), Status::Failed));
    numbered_errors(log, &mut map);
    mismatches(log, &mut map);
    Ok(map)
}

/// `x86_64) `: a word that ends with a parenthesis and has something in it.
fn after_system(rest: &str) -> Option<&str> {
    let end = rest.find(is_space)?;
    let inside = rest[..end].strip_suffix(')')?;
    after_space(&rest[end..]).filter(|_| !inside.is_empty())
}

/// `Chrome Headless 1.2 (Linux x86_64) NAME FAILED`, where FAILED may stand alone on the next line.
fn headless(log: &str, map: &mut StatusMap<'_>) {
    let mut ends = LineEnds::new(log);
    let mut from = 0;
    for at in memchr::memmem::find_iter(log.as_bytes(), "Chrome") {
        if at < from {
            continue;
        }
        let rest = after_space(&log[at + "Chrome".len()..]).and_then(|rest| rest.strip_prefix("Headless"));
        let Some(rest) = rest.and_then(linux).and_then(after_system) else { continue };
        let start = log.len() - rest.len();
        let Some(end) = ends.newline(start) else { continue };
        let line = &log[start..end];
        let found = if log[end + 1..].starts_with("FAILED\n") {
            Some((line, end + 1 + "FAILED\n".len()))
        } else {
            line.strip_suffix("FAILED").and_then(|name| name.strip_suffix(is_space)).map(|name| (name, end + 1))
        };
        if let Some((name, close)) = found {
            map.set(squeeze(name), Status::Failed);
            from = close;
        }
    }
}

/// `  1) NAME Error:`, over as many lines as it takes.
fn numbered_errors(log: &str, map: &mut StatusMap<'_>) {
    let mut errors = Ahead::new(log, "Error:");
    let mut from = 0;
    for start in line_starts(log) {
        let rest = Some(&log[start..]).filter(|_| start >= from).and_then(after_space).and_then(after_space);
        let Some(rest) = rest.and_then(after_digits).and_then(|rest| rest.strip_prefix(')')) else { continue };
        let begin = log.len() - rest.len();
        let Some(end) = errors.find(begin) else { return };
        map.set(squeeze(&log[begin..end]), Status::Failed);
        from = end + "Error:".len();
    }
}

/// `case NAME: mismatch`
fn mismatches(log: &str, map: &mut StatusMap<'_>) {
    let mut ends = LineEnds::new(log);
    let mut from = 0;
    for start in line_starts(log) {
        let rest = Some(&log[start..]).filter(|_| start >= from).and_then(|rest| rest.strip_prefix("case"));
        let Some(begin) = rest.and_then(after_space).map(|rest| log.len() - rest.len()) else { continue };
        let end = ends.end(begin);
        let found = memchr::memrchr_iter(b':', &log.as_bytes()[begin..end]).find_map(|at| {
            after_space(&log[begin + at + 1..])?.strip_prefix("mismatch").map(|rest| (at, log.len() - rest.len()))
        });
        if let Some((at, close)) = found {
            map.set(squeeze(&log[begin..begin + at]), Status::Failed);
            from = close;
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(in super::super) fn chart_js<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let log = without_escapes(log);
    let mut map = StatusMap::default();
    let mut ends = LineEnds::new(&log);
    let mut closings = Closings { log: &log, from: 0, found: None, begun: false };
    let mut from = 0;
    for at in memchr::memmem::find_iter(log.as_bytes(), "Chrome") {
        let rest =
            Some(&log[at + "Chrome".len()..]).filter(|_| at >= from).and_then(after_space).and_then(after_version);
        let Some(rest) = rest.and_then(|rest| rest.strip_prefix(is_space_in_line)) else { continue };
        let Some(inside) = rest.strip_prefix('(') else { continue };
        let start = log.len() - inside.len();
        let end = ends.end(start);
        // At least one character is between the parentheses.
        let Some(second) = inside.chars().next().filter(|c| *c != '\n').map(|c| start + c.len_utf8()) else { continue };
        let Some(name) = closings.after(second).filter(|name| *name <= end) else { continue };
        if let Some(name) = log[name..end].strip_suffix("FAILED") {
            map.set(name.to_owned(), Status::Failed);
            from = end;
        }
    }
    Ok(map)
}

fn is_space_in_line(c: char) -> bool {
    is_space(c) && c != '\n' && c != '\r'
}

/// Where the next `) ` ends, asked for places that only grow.
struct Closings<'t> {
    log: &'t str,
    from: usize,
    found: Option<(usize, usize)>,
    begun: bool,
}

impl Closings<'_> {
    fn after(&mut self, from: usize) -> Option<usize> {
        let known = self.begun && self.from <= from && self.found.is_none_or(|(at, _)| at >= from);
        if !known {
            self.found = memchr::memchr_iter(b')', &self.log.as_bytes()[from..]).find_map(|at| {
                let rest = self.log[from + at + 1..].strip_prefix(is_space_in_line)?;
                Some((from + at, self.log.len() - rest.len()))
            });
            self.from = from;
            self.begun = true;
        }
        self.found.map(|(_, end)| end)
    }
}
