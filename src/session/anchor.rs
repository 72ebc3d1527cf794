//! Where a comment's lines are now. A comment holds on to content, never to line numbers.

use crate::model::review::{Anchor, Comment, RejectedHunk};

/// Lines of context on either side.
const CONTEXT: usize = 3;

/// Where a comment is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Its lines are there, the first one at this one-based number.
    Here(u32),
    /// Its lines changed; what was around them is there, and they would begin at this number.
    About(u32),
    /// Neither is there.
    Gone,
}

/// The lines of a file, without their ends.
pub fn lines_of(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// Makes an anchor of lines `first..=last` (one-based); absent when the file has no such lines. `first` 0 is the whole file.
pub fn make(text: &str, first: u32, last: u32, round: u32) -> Option<Anchor> {
    if first == 0 {
        return Some(Anchor { round, ..Anchor::default() });
    }
    let lines = lines_of(text);
    let (from, to) = (first as usize - 1, last as usize);
    if from >= to || to > lines.len() {
        return None;
    }
    let kept = to.min(from + Anchor::LINES);
    let copy = |lines: &[&str]| lines.iter().map(|line| cut(line)).collect::<Vec<_>>();
    Some(Anchor {
        lines: copy(&lines[from..kept]),
        before: copy(&lines[from.saturating_sub(CONTEXT)..from]),
        after: copy(&lines[kept..lines.len().min(kept + CONTEXT)]),
        round,
    })
}

fn cut(line: &str) -> String {
    line.chars().take(Anchor::WIDTH).collect()
}

/// Finds a comment's lines in a file: of several places the one whose surroundings are most alike, then the nearest to where they were.
pub fn locate(comment: &Comment, text: &str) -> Place {
    let Anchor { lines: wanted, before, after, .. } = &comment.anchor;
    if comment.first == 0 || wanted.is_empty() {
        return Place::Here(comment.first);
    }
    let lines: Vec<String> = lines_of(text).into_iter().map(cut).collect();
    let was = comment.first as usize - 1;
    let alike = |at: usize, length: usize| {
        let above = before
            .iter()
            .rev()
            .enumerate()
            .take_while(|(n, line)| at.checked_sub(n + 1).and_then(|index| lines.get(index)) == Some(line));
        let below = after.iter().enumerate().take_while(|(n, line)| lines.get(at + length + n) == Some(line));
        above.count() + below.count()
    };
    let best = |places: &mut dyn Iterator<Item = usize>, length: usize| {
        places.min_by_key(|at| (std::cmp::Reverse(alike(*at, length)), at.abs_diff(was)))
    };
    let mut exact = (0..lines.len()).filter(|at| lines[*at..].starts_with(wanted));
    if let Some(at) = best(&mut exact, wanted.len()) {
        return Place::Here(number(at));
    }
    // The lines were changed, which is what a comment asks for: it stays between the lines that were around it.
    let follows = |at: &usize| {
        let near = |list: &[String], from: usize| {
            !list.is_empty() && lines.get(from..from + list.len()).is_some_and(|found| found == list)
        };
        near(before, at.saturating_sub(before.len())) && *at >= before.len() || near(after, *at)
    };
    let mut around = (0..=lines.len()).filter(follows);
    match around.by_ref().min_by_key(|at| at.abs_diff(was)) {
        Some(at) => Place::About(number(at.min(lines.len().saturating_sub(1)))),
        None => Place::Gone,
    }
}

/// Where a rejected hunk was: the one-based line of its first change, by the lines that are back in its place.
pub fn locate_hunk(hunk: &RejectedHunk, text: &str) -> u32 {
    let back: Vec<&str> = hunk.lines.iter().filter_map(|line| line.strip_prefix([' ', '-'])).collect();
    let leading = hunk.lines.iter().take_while(|line| line.starts_with(' ')).count();
    let lines = lines_of(text);
    let was = (hunk.line as usize).saturating_sub(leading + 1);
    let there = (0..lines.len()).filter(|at| !back.is_empty() && lines[*at..].starts_with(&back));
    there.min_by_key(|at| at.abs_diff(was)).map_or(hunk.line, |at| number(at + leading))
}

/// An index as a line's number.
fn number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
