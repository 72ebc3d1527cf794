//! Readers of what Mocha prints, in several of its formats.

use std::collections::HashMap;

use serde_json::Value;

use super::{Indented, Read, Subject, carbon, fault};
use crate::eval::swebench::python::{is_space, squeeze, strip};
use crate::eval::swebench::scan::{LineEnds, after_digits, after_space, before_digits, before_space};
use crate::eval::swebench::status::{Status, StatusMap};

/// The spec reporter, up to its summary.
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(in super::super) fn highlightjs<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    let mut suite = None;
    for line in log[..summary(log)].split('\n') {
        let stripped = strip(line);
        let mark = ['✓', '✔'].into_iter().find(|mark| stripped.starts_with(*mark));
        let numbered = after_digits(stripped).is_some_and(|rest| rest.starts_with(')'));
        let (name, status) = match mark {
            Some(mark) => (line.split_once(mark), Status::Passed),
            None if numbered => (line.split_once(')'), Status::Failed),
            None => {
                if line.starts_with("  ") {
                    suite = Some(stripped);
                }
                continue;
            }
        };
        let name = without_milliseconds(name.map_or("", |(_, name)| name));
        let test = match suite {
            Some(suite) => format!("{suite}.{}", strip(&name)),
            None => strip(&name).to_owned(),
        };
        map.set(test, status);
    }
    Ok(map)
}

/// Where the line `  12 passing` begins, with its newline; or the end.
fn summary(log: &str) -> usize {
    let found = memchr::memmem::find_iter(log.as_bytes(), " passing").find_map(|at| {
        let before = before_digits(&log[..at])?.trim_end_matches([' ', '\t']);
        before.strip_suffix('\n').map(str::len)
    });
    found.unwrap_or(log.len())
}

/// Takes every `(12ms)` out.
fn without_milliseconds(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find('(') {
        let (before, after) = rest.split_at(at);
        plain.push_str(before);
        if let Some(after) = after_digits(&after[1..]).and_then(|rest| rest.strip_prefix("ms)")) {
            rest = after;
        } else {
            plain.push('(');
            rest = &after[1..];
        }
    }
    plain + rest
}

/// The JSON reporter, after each command.
pub(in super::super) fn prismjs<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for run in log.split("./node_modules/.bin/mocha tests/run.js --reporter json").skip(1) {
        let inside = run.split_once('{').map_or(run, |(_, inside)| inside);
        let inside = inside.rsplit_once('}').map_or(inside, |(inside, _)| inside);
        let results: HashMap<String, Value> = match serde_json::from_str(&format!("{{{inside}}}")) {
            Ok(results) => results,
            Err(error) => return fault(format!("the results are no JSON: {error}")),
        };
        for (list, status) in [("failures", Status::Failed), ("passes", Status::Passed)] {
            let Some(tests) = results.get(list).and_then(Value::as_array) else {
                return fault(format!("the results have no {list}"));
            };
            for test in tests {
                let Some(title) = test.get("fullTitle").and_then(Value::as_str) else {
                    return fault(format!("one of the {list} has no title"));
                };
                map.set(title.to_owned(), status.clone());
            }
        }
    }
    Ok(map)
}

/// `  1) suite test: SomeError`, over as many lines as it takes.
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(in super::super) fn eslint<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    let mut from = 0;
    for at in memchr::memchr_iter(b')', log.as_bytes()) {
        let number = log.get(from..at).and_then(before_digits);
        if number.and_then(before_space).and_then(before_space).is_none() {
            continue;
        }
        let Some((end, close)) = error_after(log, at + 1) else { break };
        map.set(squeeze(&log[at + 1..end]), Status::Failed);
        from = close;
    }
    Ok(map)
}

/// The first whitespace that is followed, on the line where it ends, by something with `Error` in it: where it begins, and where the
/// last `Error` of that line ends.
fn error_after(log: &str, from: usize) -> Option<(usize, usize)> {
    let mut ends = LineEnds::new(log);
    let mut begin = from + log[from..].find(is_space)?;
    loop {
        let rest = log[begin..].trim_start_matches(is_space);
        let text = log.len() - rest.len();
        let end = ends.end(text);
        if let Some(error) = memchr::memmem::rfind(&log.as_bytes()[text..end], b"Error") {
            return Some((begin, text + error + "Error".len()));
        }
        if end == log.len() {
            return None;
        }
        // Nothing else on this line is followed by it: on with the whitespace that ends the line.
        begin = text + log[text..end].trim_end_matches(is_space).len();
    }
}

/// Mocha, Jest by files, or Mocha's JSON, by the version of the project.
pub(in super::super) fn lighthouse<'a>(log: &'a str, subject: &Subject<'_>) -> Read<'a> {
    if ["9.5", "10.0", "10.2"].contains(&subject.version) {
        return Ok(spec_runs(log));
    }
    match strip(subject.version).parse::<f64>() {
        Ok(version) if version >= 3.0 => carbon(log, subject),
        Ok(_) => Ok(json_runs(log)),
        Err(_) => fault(format!("the version {:?} is no number", subject.version)),
    }
}

fn spec_runs(log: &str) -> StatusMap<'_> {
    let mut map = StatusMap::default();
    for run in runs(log) {
        let mut suites = Indented::default();
        for line in run.split('\n') {
            let stripped = strip(line);
            let passed = stripped.strip_prefix('✔').and_then(after_space);
            let failed = || after_digits(stripped)?.strip_prefix(')').and_then(after_space);
            match (passed, passed.is_none().then(failed).flatten()) {
                (Some(test), _) => map.set(suites.name(before_duration(test)), Status::Passed),
                (None, Some(test)) => map.set(suites.name(before_duration(test)), Status::Failed),
                (None, None) => suites.line(line),
            }
        }
    }
    map
}

/// What follows each `running 12 test files`, up to `34 passing`.
fn runs(log: &str) -> impl Iterator<Item = &str> {
    let mut heads = Vec::new();
    let mut from = 0;
    for at in memchr::memmem::find_iter(log.as_bytes(), "running") {
        let rest =
            Some(&log[at + "running".len()..]).filter(|_| at >= from).and_then(after_space).and_then(after_digits);
        let rest = rest.and_then(after_space).and_then(|rest| rest.strip_prefix("test")).and_then(after_space);
        if let Some(rest) = rest.and_then(|rest| rest.strip_prefix("files")) {
            from = log.len() - rest.len();
            heads.push((at, from));
        }
    }
    let ends: Vec<usize> = heads.iter().skip(1).map(|(at, _)| *at).chain([log.len()]).collect();
    heads.into_iter().zip(ends).map(|((_, start), end)| {
        let run = &log[start..end];
        let summary = memchr::memmem::find_iter(run.as_bytes(), "passing")
            .find_map(|at| before_space(&run[..at]).and_then(before_digits).map(str::len));
        strip(&run[..summary.unwrap_or(run.len())])
    })
}

/// What stands before the last ` (12ms)`; the format writes any number of `m`.
fn before_duration(test: &str) -> &str {
    let found = memchr::memrchr_iter(b'(', test.as_bytes()).find_map(|at| {
        let name = before_space(&test[..at])?;
        let unit = after_digits(&test[at + 1..])?;
        let seconds = unit.trim_start_matches('m');
        (seconds.len() < unit.len() && seconds.starts_with("s)")).then_some(name)
    });
    found.unwrap_or(test)
}

fn json_runs(log: &str) -> StatusMap<'_> {
    let mut map = StatusMap::default();
    for run in log.split("./node_modules/.bin/mocha --reporter json").skip(1) {
        for (list, close, status) in [("\"passes\": [", "]", Status::Passed), ("\"failures\": [", "],", Status::Failed)]
        {
            let tests = run.rsplit(list).next().unwrap_or(run);
            let tests = tests.rsplit_once(close).map_or(tests, |(tests, _)| tests);
            for title in titles(tests) {
                map.set(title, status.clone());
            }
        }
    }
    map
}

/// The text of every `"fullTitle": "...",` that ends its line.
fn titles(tests: &str) -> Vec<&str> {
    let mut ends = LineEnds::new(tests);
    let mut from = 0;
    let mut found = Vec::new();
    for at in memchr::memmem::find_iter(tests.as_bytes(), "\"fullTitle\":") {
        let rest = Some(&tests[at + "\"fullTitle\":".len()..]).filter(|_| at >= from).and_then(after_space);
        let Some(start) = rest.and_then(|rest| rest.strip_prefix('"')).map(|rest| tests.len() - rest.len()) else {
            continue;
        };
        let Some(end) = ends.newline(start) else { break };
        if let Some(title) = tests[start..end].strip_suffix("\",") {
            found.push(title);
            from = end + 1;
        }
    }
    found
}
