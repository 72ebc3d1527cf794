//! What must not be there at all: waiting in the domain, decisions in a face.

use super::layers::{is_domain, is_face};
use super::source::{Finding, Source, words};

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let Some(layer) = source.layer().filter(|_| source.is_rust()) else { return Vec::new() };
    let pure = is_domain(layer) || layer == "model" || source.path.starts_with("src/host/on_");
    let mut found = Vec::new();
    for (line, code) in source.shipped_lines() {
        if pure && words(code, "async").next().is_some() {
            found.push(source.at(line, "`async` in code that decides: it must run in a table test without a runtime"));
        }
        if is_face(layer) && decides_on_state(code) {
            found.push(source.at(line, "a face branches on SessionState: decide in the domain, show the result here"));
        }
    }
    found
}

/// A match arm, `matches!` or `if let` with a variant of the state in it.
fn decides_on_state(code: &str) -> bool {
    let Some(start) = words(code, "SessionState::").next() else { return false };
    let before = &code[..start];
    let arm = code[start..].contains("=>") || before.trim_start().starts_with('|') || code.trim_end().ends_with('|');
    arm || before.contains("matches!") || words(before, "let").any(|at| before[..at].trim_end().ends_with("if"))
}
