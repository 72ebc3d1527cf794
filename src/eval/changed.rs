//! The lines that a session added, by file: what linters and coverage are counted on.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::text::unquote;
use crate::model::diff::{Diff, DiffStat};

/// What a session changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// Counts of all of it.
    pub stat: DiffStat,
    /// Added or changed lines with their numbers, by file, named as a commit's files are listed; files that are gone have none.
    pub files: BTreeMap<String, Vec<(u32, String)>>,
    /// What renamed files were called before: under that name they are gone.
    pub renamed: BTreeSet<String>,
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
            files.insert(named(&file.path), added);
        }
        let renamed = diff.files.iter().filter_map(|file| file.old_path.as_deref()).map(named).collect();
        Self { stat: diff.stat, files, renamed }
    }

    /// A file that git compares as one piece (its attributes say so, it is too large, or not UTF-8): all of its lines count as added,
    /// so that an attribute hides nothing.
    pub fn add_whole(&mut self, path: &str, text: &str) {
        let added: Vec<_> = (1_u32..).zip(text.lines().map(str::to_owned)).collect();
        let count = u32::try_from(added.len()).unwrap_or(u32::MAX);
        self.stat.added = self.stat.added.saturating_add(count);
        self.files.insert(path.to_owned(), added);
    }

    /// Whether a line of a file was added or changed; line 0 stands for the file.
    pub fn has(&self, file: &str, line: u32) -> bool {
        self.files
            .get(file)
            .is_some_and(|lines| line == 0 || lines.binary_search_by_key(&line, |(number, _)| *number).is_ok())
    }
}

/// A path of a diff as a commit's files are listed.
pub fn named(path: &str) -> String {
    String::from_utf8_lossy(&unquote(path)).into_owned()
}

#[cfg(test)]
mod tests;
