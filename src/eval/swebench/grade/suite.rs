//! Whether anything in a log shows that tests ran at all, when no test is named in it.

use crate::eval::swebench::python::is_digit;
use crate::eval::swebench::scan::{after_digits, after_spaces, after_word};

/// The summaries of several runners; a number in them must not be zero.
pub(super) fn ran(log: &str) -> bool {
    let after = |text: &'static str| {
        memchr::memmem::find_iter(log.as_bytes(), text).map(move |at| (at, &log[at + text.len()..]))
    };
    after("Executed ").any(|(_, rest)| {
        after_count(rest).and_then(|rest| rest.strip_prefix(" of ")).is_some_and(|rest| rest.starts_with(is_digit))
    }) || after("TOTAL: ").any(|(_, rest)| {
        after_count(rest).is_some_and(|rest| rest.starts_with(" SUCCESS") || rest.starts_with(" FAILED"))
    }) || after(" passing").any(|(at, _)| ends_with_count(&log[..at]))
        || after("Tests:").any(|(_, rest)| after_spaces(rest).is_some_and(starts_with_count))
        || after("Test Suites:").any(|(_, rest)| after_spaces(rest).is_some_and(suites))
        || after("# tests ").any(|(at, rest)| (at == 0 || log.as_bytes()[at - 1] == b'\n') && starts_with_count(rest))
        || after(" spec").any(|(at, rest)| {
            let failures = rest.strip_prefix('s').unwrap_or(rest).strip_prefix(", ").and_then(after_digits);
            failures.is_some_and(|rest| rest.starts_with(" failure")) && ends_with_count(&log[..at])
        })
        || after("': ok").any(|(_, rest)| rest.is_empty() || rest.starts_with('\n'))
}

fn starts_with_count(text: &str) -> bool {
    text.starts_with(|c: char| matches!(c, '1'..='9'))
}

fn after_count(text: &str) -> Option<&str> {
    after_digits(text).filter(|_| starts_with_count(text))
}

fn ends_with_count(text: &str) -> bool {
    text.chars().rev().take_while(|c| is_digit(*c)).any(|c| matches!(c, '1'..='9'))
}

/// `1 failed, 2 passed, 3 total`
fn suites(mut text: &str) -> bool {
    loop {
        if after_count(text).is_some_and(|rest| rest.starts_with(" total")) {
            return true;
        }
        let next = after_digits(text).and_then(|rest| rest.strip_prefix(' ')).and_then(after_word);
        match next.and_then(|rest| rest.strip_prefix(", ")) {
            Some(rest) => text = rest,
            None => return false,
        }
    }
}
