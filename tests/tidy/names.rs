//! Words that say nothing about the thing they name.

use super::source::{Finding, Source, is_name, words};

const EMPTY: &[&str] = &["Manager", "Service", "Util", "Utils", "Utility", "Helper", "Helpers"];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    if !source.is_rust() {
        return found;
    }
    let stem = source.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
    let hollow = |word: &str| EMPTY.iter().any(|empty| empty.eq_ignore_ascii_case(word));
    if stem.split('_').any(hollow) {
        found.push(source.at(1, format!("a file named `{stem}` collects what has no home")));
    }
    for (index, code) in source.code.lines().enumerate() {
        for keyword in ["struct", "enum", "trait", "type", "union"] {
            for start in words(code, keyword) {
                let name = code[start + keyword.len()..].trim_start();
                let name = &name[..name.find(|c| !is_name(c)).unwrap_or(name.len())];
                if camel_words(name).any(hollow) {
                    found.push(source.at(index + 1, format!("`{name}`: name what it is, not that it does something")));
                }
            }
        }
    }
    found
}

/// `SessionHelper` as `Session` and `Helper`.
fn camel_words(name: &str) -> impl Iterator<Item = &str> {
    let mut starts: Vec<_> = name.char_indices().filter(|(_, c)| c.is_uppercase()).map(|(at, _)| at).collect();
    starts.push(name.len());
    (0..starts.len().saturating_sub(1)).map(move |at| &name[starts[at]..starts[at + 1]])
}
