//! Calls that belong in one place, so that what they do can be controlled there.

use super::source::{Finding, Source, words};

/// A call, the files that may make it, and the reason.
struct Place {
    calls: &'static [&'static str],
    allowed: &'static [&'static str],
    reason: &'static str,
}

const PLACES: &[Place] = &[
    Place {
        calls: &["Command::new"],
        allowed: &["src/process/", "src/process.rs"],
        reason: "programs start in src/process only: a group, a directory and an explicit environment for each",
    },
    Place {
        calls: &["println!", "eprintln!", "print!", "eprint!"],
        allowed: &["src/cli/render"],
        reason: "only src/cli/render writes to the terminal: other processes speak a protocol there",
    },
    Place {
        calls: &["SystemTime::now", "Instant::now"],
        allowed: &["src/base/clock"],
        reason: "only src/base/clock reads the clock, so that tests can set it",
    },
    Place {
        calls: &["thread::sleep", "sleep_ms"],
        allowed: &["src/process/", "src/process.rs", "src/base/"],
        reason: "a sleeping thread cannot be told to stop: wait for an event with a deadline",
    },
    Place {
        calls: &[".unwrap()"],
        allowed: &[],
        reason: "return an error, or `expect` with the reason why it cannot fail",
    },
];

/// Code written for later. Spelled in halves, so that this file is not its own first finding.
const UNDONE: &[&str] = &[concat!("todo", "!"), concat!("unimplemented", "!"), concat!("dbg", "!")];
const MARKS: &[&str] = &[concat!("FIX", "ME"), concat!("X", "XX")];

/// Where a test may sleep: in the one loop that polls.
const POLLING: &str = "tests/support/wait.rs";

/// Calls outside their place. In tests all but sleeping is free.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    if !source.is_rust() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for place in PLACES.iter().filter(|place| !place.allowed.iter().any(|path| source.path.starts_with(path))) {
        for (line, code) in source.shipped_lines() {
            let called = place.calls.iter().filter(|call| words(code, call).next().is_some());
            found.extend(called.map(|call| source.at(line, format!("`{call}`: {}", place.reason))));
        }
    }
    if source.path.starts_with("tests/") && source.path != POLLING {
        for (index, code) in source.code.lines().enumerate() {
            if ["thread::sleep", "time::sleep"].iter().any(|call| words(code, call).next().is_some()) {
                found.push(source.at(index + 1, "tests wait for an event with `wait_until`, never for a time"));
            }
        }
    }
    found
}

/// Unfinished code and notes to oneself, in tests too.
pub(super) fn check_markers(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, (code, text)) in source.code.lines().zip(source.text.lines()).enumerate() {
        let undone = UNDONE.iter().filter(|word| source.is_rust() && words(code, word).next().is_some());
        let marks = MARKS.iter().filter(|word| words(text, word).next().is_some());
        found.extend(
            undone.chain(marks).map(|word| source.at(index + 1, format!("`{word}`: finish it, or open an issue"))),
        );
    }
    found
}
