//! Parts of hunks. A hunk is a run of changes; a person may decide on some of them. What was accepted is cut out of the hunk whenever
//! the diff is made again, found by its content, so that the rest goes on waiting for a decision.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use crate::base::hex;
use crate::model::Refusal;
use crate::model::diff::{Diff, FileDiff, Hunk};
use crate::model::id::HunkId;
use crate::model::part::{Part, Parts};

/// Lines of context on either side.
const CONTEXT: usize = 3;

/// A hunk as a person sees it: whole, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What is shown and decided on.
    pub hunk: Hunk,
    /// The hunk of the diff that it is, or is a part of.
    pub whole: HunkId,
    /// Of a part: what it is found again by.
    pub part: Option<Part>,
}

/// A line of a hunk.
#[derive(Debug, Clone)]
struct Line {
    /// With its leading sign.
    text: String,
    /// No newline follows it.
    bare: bool,
    /// Its index in the hunk.
    index: usize,
}

impl Line {
    fn sign(&self) -> u8 {
        self.text.as_bytes().first().copied().unwrap_or(b' ')
    }

    /// As it stands in the new file; none for one that went.
    fn new_text(&self) -> Option<&str> {
        (self.sign() != b'-').then(|| self.text.get(1..).unwrap_or_default())
    }
}

/// A line that stayed, or a change that cannot be divided: lines that went with the lines that came for them.
#[derive(Debug, Clone)]
struct Item {
    lines: Vec<Line>,
    changed: bool,
}

/// Divides the lines of a hunk: each line that came goes with the line that went in its place.
fn items(lines: &[String]) -> Vec<Item> {
    let mut items = Vec::new();
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    let mut all: Vec<Line> = Vec::new();
    for (index, text) in lines.iter().enumerate() {
        if text.starts_with('\\') {
            if let Some(line) = all.last_mut() {
                line.bare = true;
            }
        } else {
            all.push(Line { text: text.clone(), bare: false, index });
        }
    }
    for line in all {
        match line.sign() {
            b'-' => gone.push(line),
            b'+' => come.push(line),
            _ => {
                pair(&mut items, &mut gone, &mut come);
                items.push(Item { lines: vec![line], changed: false });
            }
        }
    }
    pair(&mut items, &mut gone, &mut come);
    items
}

fn pair(items: &mut Vec<Item>, gone: &mut Vec<Line>, come: &mut Vec<Line>) {
    let (mut gone, mut come) = (std::mem::take(gone), std::mem::take(come));
    if gone.is_empty() && come.is_empty() {
        return;
    }
    // The end of the file without a newline cannot be moved into its middle.
    if gone.iter().chain(&come).any(|line| line.bare) {
        gone.append(&mut come);
        items.push(Item { lines: gone, changed: true });
        return;
    }
    let pairs = gone.len().min(come.len());
    let more = gone.split_off(pairs);
    let alone = come.split_off(pairs);
    for (number, (old, new)) in gone.into_iter().zip(come).enumerate() {
        let mut lines = vec![old];
        if number + 1 == pairs {
            lines.extend(more.iter().cloned());
        }
        lines.push(new);
        items.push(Item { lines, changed: true });
    }
    if pairs == 0 {
        items.extend(more.into_iter().map(|line| Item { lines: vec![line], changed: true }));
    }
    items.extend(alone.into_iter().map(|line| Item { lines: vec![line], changed: true }));
}

fn raw<'a>(items: impl IntoIterator<Item = &'a Item>) -> Vec<String> {
    let mut out = Vec::new();
    for line in items.into_iter().flat_map(|item| &item.lines) {
        out.push(line.text.clone());
        if line.bare {
            out.push("\\ No newline at end of file".to_owned());
        }
    }
    out
}

/// Lines of the new file next to a run, the nearest first, as context.
fn beside<'a>(items: impl Iterator<Item = &'a Item>, backward: bool) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for item in items {
        let mut new: Vec<&Line> = item.lines.iter().filter(|line| line.sign() != b'-').collect();
        if backward {
            new.reverse();
        }
        for line in new {
            if lines.len() == CONTEXT {
                return lines;
            }
            let text = format!(" {}", line.new_text().unwrap_or_default());
            lines.push(Line { text, ..line.clone() });
        }
    }
    lines
}

/// The same run of changes as a hunk of its own; what else changed around it is context.
fn piece(hunk: &Hunk, path: &str, items: &[Item], run: &Range<usize>, known: Option<(&HunkId, &Part)>) -> Hunk {
    let mut before = beside(items[..run.start].iter().rev(), true);
    before.reverse();
    let after = beside(items[run.end..].iter(), false);
    let own = &items[run.clone()];
    let count =
        |items: &[Item], sign: u8| items.iter().flat_map(|item| &item.lines).filter(|line| line.sign() != sign).count();
    // Without lines git names the line before.
    let next = |start: u32, lines: u32| start + u32::from(lines == 0);
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let new_lines = small(before.len() + count(own, b'-') + after.len());
    let old_lines = small(before.len() + count(own, b'+') + after.len());
    let new_first = next(hunk.new_start, hunk.new_lines) + small(count(&items[..run.start], b'-') - before.len());
    let old_first = (next(hunk.old_start, hunk.old_lines) + small(count(&items[..run.start], b'+')))
        .saturating_sub(small(before.len()))
        .max(1);
    let context = |lines: Vec<Line>| raw(&[Item { lines, changed: false }]);
    let (before, after) = (context(before), context(after));
    let id = match known {
        Some((id, _)) => id.clone(),
        None => identity(&part_of(path, items, run)),
    };
    Hunk {
        id,
        old_start: old_first.saturating_sub(u32::from(old_lines == 0)),
        old_lines,
        new_start: new_first.saturating_sub(u32::from(new_lines == 0)),
        new_lines,
        heading: hunk.heading.clone(),
        lines: [before, raw(own), after].concat(),
        decision: None,
        returned: false,
    }
}

fn part_of(path: &str, items: &[Item], run: &Range<usize>) -> Part {
    let words = |lines: Vec<Line>| -> Vec<String> {
        lines.iter().map(|line| line.new_text().unwrap_or_default().to_owned()).collect()
    };
    let mut before = words(beside(items[..run.start].iter().rev(), true));
    before.reverse();
    let after = words(beside(items[run.end..].iter(), false));
    Part { path: path.to_owned(), lines: raw(&items[run.clone()]), before, after }
}

fn identity(part: &Part) -> HunkId {
    let mut digest = Sha256::new();
    for (name, lines) in [("part", &part.lines), ("before", &part.before), ("after", &part.after)] {
        digest.update(name.as_bytes());
        digest.update([0]);
        for line in lines {
            digest.update(line.as_bytes());
            digest.update(b"\n");
        }
    }
    digest.update(part.path.as_bytes());
    let mut id = hex::encode(&digest.finalize());
    id.truncate(16);
    HunkId(id)
}

/// Where a part is in the items of a hunk, and how much of what was around it is still there; the best place first.
fn places(items: &[Item], part: &Part) -> Vec<(usize, Range<usize>)> {
    let mut found = Vec::new();
    for start in (0..items.len()).filter(|start| items[*start].changed) {
        let mut lines = part.lines.as_slice();
        let mut end = start;
        while !lines.is_empty() && end < items.len() {
            let own = raw(&items[end..=end]);
            let Some(rest) = lines.strip_prefix(own.as_slice()) else { break };
            lines = rest;
            end += 1;
        }
        if lines.is_empty() && end > start {
            let run = start..end;
            let here = part_of(&part.path, items, &run);
            let same = |a: &[String], b: &[String]| a.iter().zip(b).filter(|(a, b)| a == b).count();
            let backward = |lines: &[String]| lines.iter().rev().cloned().collect::<Vec<_>>();
            let score = same(&backward(&here.before), &backward(&part.before)) + same(&here.after, &part.after);
            if 2 * score >= part.before.len() + part.after.len() {
                found.push((score, run));
            }
        }
    }
    found
}

/// The hunks of a file with accepted parts cut out of them.
pub fn pieces(file: &FileDiff, parts: &Parts) -> Vec<Piece> {
    let mine: Vec<(&HunkId, &Part)> = parts.iter().filter(|(_, part)| part.path == file.path).collect();
    let hunks: Vec<(&Hunk, Vec<Item>)> = file.hunks.iter().map(|hunk| (hunk, items(&hunk.lines))).collect();
    let mut candidates = Vec::new();
    for (number, (_, items)) in hunks.iter().enumerate() {
        for (which, (_, part)) in mine.iter().enumerate() {
            candidates.extend(places(items, part).into_iter().map(|(score, run)| (score, number, run, which)));
        }
    }
    // The surest first; of equals the first in the file.
    candidates.sort_by_key(|(score, number, run, _)| (std::cmp::Reverse(*score), *number, run.start));
    let mut used = vec![false; mine.len()];
    let mut cuts: Vec<Vec<(Range<usize>, usize)>> = vec![Vec::new(); hunks.len()];
    for (_, number, run, which) in candidates {
        let free = cuts[number].iter().all(|(other, _)| other.end <= run.start || run.end <= other.start);
        if !used[which] && free {
            used[which] = true;
            cuts[number].push((run, which));
        }
    }
    let mut pieces = Vec::new();
    for ((hunk, items), mut cuts) in hunks.into_iter().zip(cuts) {
        if cuts.is_empty() {
            pieces.push(Piece { hunk: hunk.clone(), whole: hunk.id.clone(), part: None });
            continue;
        }
        cuts.sort_by_key(|(run, _)| run.start);
        let mut from = 0;
        let mut add = |run: Range<usize>, known: Option<(&HunkId, &Part)>| {
            let part = known.map_or_else(|| part_of(&file.path, &items, &run), |(_, part)| part.clone());
            let hunk_piece = piece(hunk, &file.path, &items, &run, known);
            pieces.push(Piece { hunk: hunk_piece, whole: hunk.id.clone(), part: Some(part) });
        };
        for (run, which) in cuts {
            if let Some(rest) = changes(&items, from..run.start) {
                add(rest, None);
            }
            from = run.end;
            add(run, Some(mine[which]));
        }
        if let Some(rest) = changes(&items, from..items.len()) {
            add(rest, None);
        }
    }
    pieces
}

/// From the first change of a run to its last.
fn changes(items: &[Item], run: Range<usize>) -> Option<Range<usize>> {
    let first = run.clone().find(|index| items[*index].changed)?;
    let last = run.rev().find(|index| items[*index].changed)?;
    Some(first..last + 1)
}

/// Cuts accepted parts out of every hunk of a diff.
pub fn cut(diff: &mut Diff, parts: &Parts) {
    for file in &mut diff.files {
        if parts.values().any(|part| part.path == file.path) {
            file.hunks = pieces(file, parts).into_iter().map(|piece| piece.hunk).collect();
        }
    }
}

/// The part of a piece that lines belong to: from the first change that one of them is in to the last.
///
/// # Errors
/// When none of the lines changed.
pub fn take(whole: &Piece, path: &str, lines: &[u32]) -> Result<Piece, Refusal> {
    let items = items(&whole.hunk.lines);
    let named =
        |item: &Item| item.lines.iter().any(|line| u32::try_from(line.index).is_ok_and(|at| lines.contains(&at)));
    let chosen: Vec<usize> = (0..items.len()).filter(|index| items[*index].changed && named(&items[*index])).collect();
    let (Some(first), Some(last)) = (chosen.first(), chosen.last()) else {
        return Err(Refusal::user("none of these lines is changed by the hunk"));
    };
    let run = *first..*last + 1;
    if changes(&items, 0..items.len()) == Some(run.clone()) {
        return Ok(whole.clone());
    }
    let part = part_of(path, &items, &run);
    let hunk = piece(&whole.hunk, path, &items, &run, None);
    Ok(Piece { hunk, whole: whole.whole.clone(), part: Some(part) })
}

/// A patch of a part alone, made from the patch of its whole hunk. It is a patch of the files as they are, so its places are those of
/// the new file.
///
/// # Errors
/// When the file is gone: then it can only be put back whole.
pub fn patch(whole: &str, part: &Hunk) -> Result<String, Refusal> {
    let mut header = String::new();
    let mut new = "";
    for line in whole.lines().take_while(|line| !line.starts_with("@@ ")) {
        if let Some(name) = line.strip_prefix("+++ ") {
            new = name;
        } else if line.starts_with("diff --git ") {
            header = format!("{line}\n");
        }
    }
    let old = if let Some(name) = new.strip_prefix("b/") {
        format!("a/{name}")
    } else if let Some(name) = new.strip_prefix("\"b/") {
        format!("\"a/{name}")
    } else {
        return Err(Refusal::user("the file is gone, so only all of it can be decided on"));
    };
    let first = part.new_start + u32::from(part.new_lines == 0);
    let named = |lines: u32| if lines == 0 { first.saturating_sub(1) } else { first };
    let (old_start, new_start) = (named(part.old_lines), named(part.new_lines));
    let mut out = format!(
        "{header}--- {old}\n+++ {new}\n@@ -{old_start},{} +{new_start},{} @@\n",
        part.old_lines, part.new_lines
    );
    for line in &part.lines {
        out.push_str(line);
        out.push('\n');
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
