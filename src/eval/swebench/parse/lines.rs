//! Readers of logs that have a result on each line: go, cargo, `PHPUnit`.

#![expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]

use super::{Read, Subject};
use crate::eval::swebench::python::{is_word, lstrip, strip, words};
use crate::eval::swebench::status::{Status, StatusMap};

/// `test path::to::test ... ok`
pub(super) fn cargo<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        let mut words = words(line);
        if words.next() != Some("test") {
            continue;
        }
        let (Some(test), Some("..."), Some(outcome), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        match outcome {
            "ok" => map.set(test, Status::Passed),
            "FAILED" => map.set(test, Status::Failed),
            _ => {}
        }
    }
    Ok(map)
}

/// `--- PASS: TestName (0.00s)`, of subtests too.
pub(super) fn gotest<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    for line in log.split('\n') {
        let Some(rest) = strip(line).strip_prefix("--- ") else { continue };
        let results = [("PASS: ", Status::Passed), ("FAIL: ", Status::Failed), ("SKIP: ", Status::Skipped)];
        for (label, status) in results {
            if let Some(test) = rest.strip_prefix(label).and_then(before_parentheses) {
                map.set(test, status);
            }
        }
    }
    Ok(map)
}

/// The name of `name (something)`: up to the last parenthesis that has something in it.
pub(super) fn before_parentheses(text: &str) -> Option<&str> {
    let inside = text.strip_suffix(')')?;
    // At least one character between them: the parenthesis opens before the last one.
    let last = inside.char_indices().next_back()?.0;
    let at = text[..last].rfind(" (")?;
    (at > 0).then(|| &text[..at])
}

/// `--testdox`: suites with their tests below.
pub(super) fn phpunit<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    let mut suite = "None";
    for line in log.split('\n') {
        if let Some(name) = suite_name(line) {
            suite = name;
            continue;
        }
        let line = lstrip(line);
        for (mark, status) in [('✔', Status::Passed), ('✘', Status::Failed), ('↩', Status::Skipped)] {
            if let Some(test) = line.strip_prefix(mark) {
                map.set(format!("{suite} > {}", lstrip(test)), status);
            }
        }
    }
    Ok(map)
}

/// `Suite Name (Namespace\Class)`, from the very beginning of the line to its end.
fn suite_name(line: &str) -> Option<&str> {
    let name = before_parentheses(line)?;
    let mut characters = name.chars();
    (characters.next().is_some_and(is_word) && characters.next().is_some()).then_some(name)
}
