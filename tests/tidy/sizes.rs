//! How long files may be.

use super::source::Finding;

/// No file is longer than this.
const MOST: usize = 600;
/// What a file should stay at or under,
const WANTED: usize = 400;
/// and how many of a hundred must.
const SHARE: usize = 95;

/// `files` are paths with their numbers of lines.
pub(super) fn check<'a>(files: impl Iterator<Item = (&'a str, usize)>) -> Vec<Finding> {
    let files: Vec<_> = files.collect();
    let finding = |(path, lines): &(&str, usize), text: &str| Finding {
        place: (*path).to_owned(),
        text: format!("{lines} lines: {text}"),
    };
    let mut found: Vec<_> = files
        .iter()
        .filter(|file| file.1 > MOST)
        .map(|file| finding(file, &format!("none may be over {MOST}, give it a second job's file")))
        .collect();
    let long: Vec<_> = files.iter().filter(|file| file.1 > WANTED).collect();
    if long.len() * 100 > files.len() * (100 - SHARE) {
        let text = format!("{} of {} files are over {WANTED}, {SHARE} % must not be", long.len(), files.len());
        found.extend(long.into_iter().map(|file| finding(file, &text)));
    }
    found
}
