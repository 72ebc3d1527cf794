//! Versions that are known to be bad: the list `known-bad.toml`, and how versions compare.

use std::cmp::Ordering;

use serde::Deserialize;

use crate::model::login::KnownProblem;

const LIST: &str = include_str!("../data/known-bad.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    problem: Vec<Entry>,
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// The program's name, as it is called.
    pub(super) program: String,
    /// Comparisons that all have to hold: `>=0.20 <0.49`.
    versions: String,
    what: String,
    remedy: String,
}

/// The list.
pub(super) fn list() -> Vec<Entry> {
    toml_edit::de::from_str::<List>(LIST).expect("the list is part of the program, and a test reads it").problem
}

/// What is known to be wrong with a version of a program.
pub(super) fn problems(program: &str, version: &str) -> Vec<KnownProblem> {
    let known = list().into_iter().filter(|entry| entry.program == program && holds(&entry.versions, version));
    known.map(|entry| KnownProblem { versions: entry.versions, what: entry.what, remedy: entry.remedy }).collect()
}

/// Whether anything is known of a program at all.
pub(super) fn mentions(program: &str) -> bool {
    list().iter().any(|entry| entry.program == program)
}

/// Whether a version satisfies all comparisons of a range. A range that cannot be read holds for nothing.
pub(super) fn holds(range: &str, version: &str) -> bool {
    let mut comparisons = range.split_whitespace().peekable();
    comparisons.peek().is_some()
        && comparisons.all(|comparison| {
            let digits = comparison.find(|c: char| c.is_ascii_digit()).unwrap_or(comparison.len());
            let (operator, bound) = comparison.split_at(digits);
            let order = compare(version, bound);
            match operator {
                "<" => order == Ordering::Less,
                "<=" => order != Ordering::Greater,
                ">" => order == Ordering::Greater,
                ">=" => order != Ordering::Less,
                "=" | "" => order == Ordering::Equal,
                _ => false,
            }
        })
}

/// Compares dotted numbers; missing ones are zero. A pre-release (`1.0.0-rc.1`) comes before its release.
fn compare(a: &str, b: &str) -> Ordering {
    let split = |version: &str| {
        let version = version.split('+').next().unwrap_or_default();
        let (numbers, pre) =
            version.split_once('-').map_or((version, None), |(numbers, pre)| (numbers, Some(pre.to_owned())));
        let numbers: Vec<u64> = numbers.split('.').map(|part| part.parse().unwrap_or(0)).collect();
        (numbers, pre)
    };
    let ((left, left_pre), (right, right_pre)) = (split(a), split(b));
    for index in 0..left.len().max(right.len()) {
        let order = left.get(index).unwrap_or(&0).cmp(right.get(index).unwrap_or(&0));
        if order != Ordering::Equal {
            return order;
        }
    }
    match (left_pre, right_pre) {
        (None, None) => Ordering::Equal,
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(left), Some(right)) => left.cmp(&right),
    }
}

/// The version in what a program says: the first word of dotted numbers, with what is attached to it.
pub(super) fn version_in(said: &str) -> Option<String> {
    let words = said.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '/' | '"' | '@'));
    words
        .map(|word| word.trim_start_matches(['v', 'V']))
        .find(|word| {
            let dotted = word.split(['-', '+']).next().unwrap_or_default();
            dotted.contains('.')
                && dotted.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
        })
        .filter(|word| {
            word.len() <= 64
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'_'))
        })
        .map(str::to_owned)
}

#[cfg(test)]
mod tests;
