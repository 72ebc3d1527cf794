//! The lines that a session added, by file: what linters and coverage are counted on.

use std::collections::BTreeMap;

use crate::model::diff::{Diff, DiffStat};

/// What a session changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// Counts of all of it.
    pub stat: DiffStat,
    /// Added or changed lines with their numbers, by file; files that are gone have none.
    pub files: BTreeMap<String, Vec<(u32, String)>>,
}

impl Changed {
    /// What a diff adds.
    pub fn of(diff: &Diff) -> Self {
        let mut files = BTreeMap::new();
        for file in &diff.files {
            let mut added = Vec::new();
            for hunk in &file.hunks {
                let mut number = hunk.new_start;
                for line in &hunk.lines {
                    match line.as_bytes().first() {
                        Some(b'+') => {
                            added.push((number, line[1..].to_owned()));
                            number = number.saturating_add(1);
                        }
                        Some(b'-' | b'\\') => {}
                        _ => number = number.saturating_add(1),
                    }
                }
            }
            files.insert(file.path.clone(), added);
        }
        Self { stat: diff.stat, files }
    }

    /// Whether a line of a file was added or changed; line 0 stands for the file.
    pub fn has(&self, file: &str, line: u32) -> bool {
        self.files
            .get(file)
            .is_some_and(|lines| line == 0 || lines.binary_search_by_key(&line, |(number, _)| *number).is_ok())
    }
}

#[cfg(test)]
mod tests;
