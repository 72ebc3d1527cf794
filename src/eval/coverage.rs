//! Coverage reports: lcov, Cobertura and llvm-cov's JSON, as lines that were run or not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::changed::Changed;
use super::measure::functions;
use super::output::{Report, cobertura};
use super::plan::is_python_test;
use super::score::percent;
use super::tree::Tree;
use crate::model::evaluation::{EvalFinding, Severity};

/// How often lines were run, by file. Lines that are no code are not there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lines {
    files: BTreeMap<String, BTreeMap<u32, u64>>,
}

impl Lines {
    /// A line was run so often; what several parts of a report say adds up.
    pub(crate) fn hit(&mut self, file: &str, line: u32, hits: u64) {
        if line > 0 {
            let known = self.files.entry(file.to_owned()).or_default().entry(line).or_default();
            *known = known.saturating_add(hits);
        }
    }

    /// The lines of a file of the commit. Reports name files as the commit does, in full, or from somewhere below (then the name is
    /// not that of another file); what may be two files is neither.
    fn of(&self, path: &str, tree: &Tree<'_>) -> Option<&BTreeMap<u32, u64>> {
        if let Some(exact) = self.files.get(path) {
            return Some(exact);
        }
        let is_end = |long: &str, short: &str| long.strip_suffix(short).is_some_and(|rest| rest.ends_with('/'));
        let means = |named: &str| {
            let named = named.strip_prefix("./").unwrap_or(named);
            let alone = || tree.files.iter().filter(|file| is_end(file, named)).count() == 1;
            named == path
                || is_end(named, path) && tree.place(named).as_deref() == Some(path)
                || is_end(path, named) && !tree.files.contains(named) && alone()
        };
        self.files.iter().find(|(named, _)| means(named)).map(|(_, lines)| lines)
    }

    /// Lines that were run, and all, of the whole report.
    fn whole(&self) -> (u64, u64) {
        let mut sums = (0, 0);
        for hits in self.files.values().flat_map(BTreeMap::values) {
            sums.0 += u64::from(*hits > 0);
            sums.1 += 1;
        }
        sums
    }
}

/// Reads a report; its format is found by its content.
///
/// # Errors
/// When it is none of them, or has no line at all.
pub fn parse(text: &str) -> Result<Lines, String> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let lines = if start.starts_with('<') {
        cobertura(text)?
    } else if start.starts_with('{') {
        llvm_cov(text)?
    } else {
        lcov(text)
    };
    if lines.files.values().all(BTreeMap::is_empty) {
        return Err("it names no line of code (lcov, Cobertura and llvm-cov export JSON are read)".to_owned());
    }
    Ok(lines)
}

fn lcov(text: &str) -> Lines {
    let mut lines = Lines::default();
    let mut file = "";
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("SF:") {
            file = name.trim();
        } else if let Some((number, hits)) = line.strip_prefix("DA:").and_then(|rest| rest.split_once(',')) {
            let hits = hits.split(',').next().unwrap_or_default();
            if let (Ok(number), Ok(hits)) = (number.parse(), hits.trim().parse()) {
                lines.hit(file, number, hits);
            }
        }
    }
    lines
}

/// `llvm-cov export`: segments `[line, column, count, has_count, is_region_entry, is_gap]`. A line that a segment begins in or that lies
/// within one has its count.
fn llvm_cov(text: &str) -> Result<Lines, String> {
    /// Lines that a segment may reach over.
    const FAR: u64 = 100_000;
    let value: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let mut lines = Lines::default();
    let mut left = 5_000_000_u64;
    let data = value.get("data").and_then(Value::as_array).ok_or("it has no 'data'")?;
    for file in data.iter().filter_map(|one| one.get("files")?.as_array()).flatten() {
        let name = file.get("filename").and_then(Value::as_str).unwrap_or_default();
        let segments = file.get("segments").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        for (at, segment) in segments.iter().enumerate() {
            let part = |segment: &Value, at: usize| segment.get(at).and_then(Value::as_u64).unwrap_or(0);
            let flag = |at: usize| segment.get(at).and_then(Value::as_bool).unwrap_or(false);
            if !flag(3) || flag(5) {
                continue;
            }
            let first = part(segment, 0);
            let next = segments.get(at + 1);
            let last = next.map_or(first, |next| part(next, 0)).clamp(first, first.saturating_add(FAR));
            left = left.checked_sub(last - first + 1).ok_or("it is too large")?;
            for line in first..=last {
                let Ok(line) = u32::try_from(line) else { break };
                let known = counts.entry(line).or_default();
                *known = (*known).max(part(segment, 2));
            }
        }
        for (line, hits) in counts {
            lines.hit(name, line, hits);
        }
    }
    Ok(lines)
}

/// What a report says: percent of all lines, percent of those that the session changed (absent when it changed no code), and the
/// changed lines that were never run. Code in a file that the report does not know was not run either: most tools leave out what no test
/// loads.
pub fn judge(lines: &Lines, changed: &Changed, tree: &Tree<'_>) -> (u8, Option<u8>, Report) {
    let mut report = Report::default();
    let (mut run, mut all) = (0_u64, 0_u64);
    let end = |path: &str| path.rsplit_once('.').map(|(_, end)| end.to_owned());
    let ends: BTreeSet<Option<String>> = lines.files.keys().map(|path| end(path)).collect();
    let mut find = |path: &str, line: u32, message: &str| {
        let (file, message) = (Some(path.to_owned()), message.to_owned());
        report.find(EvalFinding { file, line, column: 0, message, severity: Severity::Warning });
    };
    for (path, added) in &changed.files {
        if let Some(known) = lines.of(path, tree) {
            for (number, _) in added {
                let Some(hits) = known.get(number) else { continue };
                all += 1;
                run += u64::from(*hits > 0);
                if *hits == 0 {
                    find(path, *number, "this line is never run by the tests");
                }
            }
        } else if tree.files.contains(path) && ends.contains(&end(path)) && !is_test(path) {
            let unknown = within_functions(path, added);
            all += unknown;
            if unknown > 0 {
                let first = added.first().map_or(0, |(number, _)| *number);
                find(path, first, "the coverage report does not know this file: none of it counts as run");
            }
        }
    }
    let whole = lines.whole();
    (percent(whole.0, whole.1), (all > 0).then(|| percent(run, all)), report)
}

/// Lines of added code that lie in functions which were added, their first line left out.
fn within_functions(path: &str, added: &[(u32, String)]) -> u64 {
    let text: Vec<&str> = added.iter().map(|(_, line)| line.as_str()).collect();
    let within: BTreeSet<u32> =
        functions(path, &text.join("\n")).iter().flat_map(|one| one.first.saturating_add(1)..=one.last).collect();
    let is_code = |line: &str| line.chars().any(char::is_alphanumeric);
    let count = (1_u32..).zip(text).filter(|(number, line)| within.contains(number) && is_code(line)).count();
    count as u64
}

/// Tests are not what tests have to run.
fn is_test(path: &str) -> bool {
    let (dirs, name) = path.rsplit_once('/').unwrap_or(("", path));
    let in_tests = dirs.split('/').any(|dir| matches!(dir, "test" | "tests" | "__tests__" | "spec" | "testdata"));
    let word = |word: &str| name.split(['.', '_']).any(|part| part == word);
    in_tests || is_python_test(path) || word("test") || word("tests") || word("spec") || name == "conftest.py"
}

#[cfg(test)]
mod tests;
