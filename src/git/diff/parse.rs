//! Reads `git diff --raw --numstat --patch -z`.
//!
//! Paths come from the raw part, where git does not quote them; the patch's sections follow in the same order. Lines of a hunk are
//! taken by the counts in its header, so nothing in a file can pass for a header.

use std::collections::HashMap;

use crate::model::diff::{Diff, DiffStat, FileDiff, FileStatus, Hunk};

use super::hunk;
use crate::git::text;

/// Text of hunks kept per file, bytes; beyond it the file has counts only.
const FILE_LIMIT: usize = 2 * 1024 * 1024;

/// A diff and what is needed to make patches of its hunks.
#[derive(Debug, Default)]
pub(in crate::git) struct Parsed {
    /// The diff.
    pub(in crate::git) diff: Diff,
    /// For each file its paths and modes.
    pub(in crate::git) sources: Vec<Source>,
}

/// Paths and modes of one file, as bytes.
#[derive(Debug, Clone, Default)]
pub(in crate::git) struct Source {
    /// In the old state.
    pub(in crate::git) old_path: Vec<u8>,
    /// In the new state.
    pub(in crate::git) new_path: Vec<u8>,
    /// Six octal digits; zeros when it does not exist.
    pub(in crate::git) old_mode: String,
    /// The same.
    pub(in crate::git) new_mode: String,
    /// Whether every line of every hunk is UTF-8.
    pub(in crate::git) utf8: bool,
}

/// Reads the output.
pub(super) fn parse(output: &[u8], with_patch: bool) -> Parsed {
    let mut reader = Reader { rest: output };
    let mut parsed = Parsed::default();
    while reader.rest.first() == Some(&b':') {
        let Some((file, source)) = raw_entry(&mut reader) else { break };
        // Unmerged paths come twice; the second one carries the change.
        if parsed
            .sources
            .last()
            .is_some_and(|last: &Source| last.new_path == source.new_path && last.new_mode == "unmerged")
        {
            parsed.diff.files.pop();
            parsed.sources.pop();
        }
        parsed.diff.files.push(file);
        parsed.sources.push(source);
    }
    let by_path: HashMap<Vec<u8>, usize> =
        parsed.sources.iter().enumerate().map(|(number, source)| (source.new_path.clone(), number)).collect();
    while reader.rest.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-') {
        let Some((path, counts)) = numstat_entry(&mut reader) else { break };
        if let Some(file) = by_path.get(&path).and_then(|number| parsed.diff.files.get_mut(*number)) {
            match counts {
                Some((added, removed)) => (file.added, file.removed) = (added, removed),
                None => file.binary = true,
            }
        }
    }
    if with_patch {
        if reader.rest.first() == Some(&0) {
            reader.rest = &reader.rest[1..];
        }
        // Where only the mode or the name changed, there is no content to tell apart.
        for (file, source) in parsed.diff.files.iter_mut().zip(&parsed.sources) {
            file.content = Some(source.new_mode.clone());
        }
        patch(reader.rest, &mut parsed);
    }
    let mut stat = DiffStat::default();
    for file in &parsed.diff.files {
        stat.files += 1;
        stat.added = stat.added.saturating_add(file.added);
        stat.removed = stat.removed.saturating_add(file.removed);
    }
    parsed.diff.stat = stat;
    parsed
}

/// What is left to read.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Up to the next NUL.
    fn piece(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|byte| *byte == 0)?;
        let piece = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Some(piece)
    }
}

/// `:100644 100755 <old> <new> R086\0old\0new\0`
fn raw_entry(reader: &mut Reader<'_>) -> Option<(FileDiff, Source)> {
    let header = String::from_utf8_lossy(reader.piece()?.get(1..)?).into_owned();
    let mut fields = header.split(' ');
    let (old_mode, new_mode) = (fields.next()?.to_owned(), fields.next()?.to_owned());
    let letter = fields.nth(2)?.bytes().next()?;
    let old = reader.piece()?.to_vec();
    let new = if matches!(letter, b'R' | b'C') { reader.piece()?.to_vec() } else { old.clone() };
    let status = match letter {
        b'A' | b'C' => FileStatus::Added,
        b'D' => FileStatus::Deleted,
        b'R' => FileStatus::Renamed,
        b'T' => FileStatus::TypeChanged,
        _ if old_mode != new_mode => FileStatus::TypeChanged,
        _ => FileStatus::Modified,
    };
    let file = FileDiff {
        path: text::quote(&new),
        old_path: (letter == b'R').then(|| text::quote(&old)),
        status,
        binary: false,
        added: 0,
        removed: 0,
        content: None,
        viewed: false,
        hunks: Vec::new(),
    };
    let new_mode = if letter == b'U' { "unmerged".to_owned() } else { new_mode };
    Some((file, Source { old_path: old, new_path: new, old_mode, new_mode, utf8: true }))
}

/// `12\t3\tpath\0`, or `12\t3\t\0old\0new\0`, or `-\t-\tpath\0` for binary files.
#[expect(clippy::type_complexity, reason = "a path and its two counts, used once")]
fn numstat_entry(reader: &mut Reader<'_>) -> Option<(Vec<u8>, Option<(u32, u32)>)> {
    let entry = reader.piece()?;
    let mut fields = entry.splitn(3, |byte| *byte == b'\t');
    let (added, removed, path) = (fields.next()?, fields.next()?, fields.next()?);
    let path = if path.is_empty() {
        reader.piece()?;
        reader.piece()?
    } else {
        path
    };
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u32>().ok();
    Some((path.to_vec(), number(added).zip(number(removed))))
}

/// Reads the sections of the patch; each belongs to the next file that has one.
fn patch(bytes: &[u8], parsed: &mut Parsed) {
    let mut lines = Lines { rest: bytes };
    let mut file: Option<usize> = None;
    let mut next = 0;
    let mut again = false;
    let mut size = 0;
    let mut seen = HashMap::new();
    while let Some(line) = lines.next() {
        if line.starts_with(b"diff --git ") {
            // A change of type is shown as a removal and an addition; both belong to the one entry.
            if let Some(number) = file
                && again
                && begins(line, &parsed.sources[number])
            {
                again = false;
                continue;
            }
            // Files without a section (touched, not changed) are passed over.
            file = (next..parsed.sources.len()).find(|number| begins(line, &parsed.sources[*number]));
            if let Some(number) = file {
                next = number + 1;
                again = two_sections(&parsed.sources[number]);
                size = 0;
                seen = HashMap::new();
            }
            continue;
        }
        let Some(number) = file else { continue };
        if let Some(content) = new_content(line) {
            parsed.diff.files[number].content = Some(content);
            continue;
        }
        if line.starts_with(b"Binary files ") || line.starts_with(b"GIT binary patch") {
            parsed.diff.files[number].binary = true;
            continue;
        }
        let Some(mut hunk) = hunk_header(line) else { continue };
        let complete = hunk_lines(&mut lines, &mut hunk, &mut parsed.sources[number].utf8, &mut size);
        let target = &mut parsed.diff.files[number];
        if !complete || size > FILE_LIMIT {
            // Too long to show: counts only, as for a binary file.
            target.binary = true;
            target.hunks = Vec::new();
        } else if !target.binary {
            hunk.id = hunk::identity(&parsed.sources[number], &hunk.lines, &mut seen);
            target.hunks.push(hunk);
        }
    }
    // A cut patch leaves files without their hunks.
    for file in &mut parsed.diff.files {
        if file.hunks.is_empty() && file.added + file.removed > 0 {
            file.binary = true;
        }
    }
}

/// `index <old object id>..<new object id>[ <mode>]`
fn new_content(line: &[u8]) -> Option<String> {
    let (_, new) = std::str::from_utf8(line.strip_prefix(b"index ")?).ok()?.split_once("..")?;
    let id = new.split(' ').next()?;
    (id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
}

/// Whether git shows the change as two sections.
fn two_sections(source: &Source) -> bool {
    let kind = |mode: &str| mode.get(..3).map(str::to_owned);
    source.old_mode != "000000" && source.new_mode != "000000" && kind(&source.old_mode) != kind(&source.new_mode)
}

/// Whether a section's first line is about a file.
fn begins(line: &[u8], source: &Source) -> bool {
    let mut expected = b"diff --git ".to_vec();
    expected.extend(text::header("a/", &source.old_path));
    expected.push(b' ');
    expected.extend(text::header("b/", &source.new_path));
    line == expected
}

/// `@@ -1,2 +3,4 @@ heading`
fn hunk_header(line: &[u8]) -> Option<Hunk> {
    let text = String::from_utf8_lossy(line.strip_prefix(b"@@ -")?).into_owned();
    let (ranges, heading) = text.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |range: &str| -> Option<(u32, u32)> {
        match range.split_once(',') {
            Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
            None => Some((range.parse().ok()?, 1)),
        }
    };
    let ((old_start, old_lines), (new_start, new_lines)) = (range(old)?, range(new)?);
    Some(Hunk {
        id: crate::model::id::HunkId(String::new()),
        old_start,
        old_lines,
        new_start,
        new_lines,
        heading: heading.trim_start().to_owned(),
        lines: Vec::new(),
        decision: None,
        returned: false,
    })
}

/// Takes the lines a header announced; false when the output ends before.
fn hunk_lines(lines: &mut Lines<'_>, hunk: &mut Hunk, utf8: &mut bool, size: &mut usize) -> bool {
    let (mut old, mut new) = (hunk.old_lines, hunk.new_lines);
    while old > 0 || new > 0 {
        let Some(line) = lines.next() else { return false };
        match line.first() {
            Some(b' ') => {
                old = old.saturating_sub(1);
                new = new.saturating_sub(1);
            }
            Some(b'-') => old = old.saturating_sub(1),
            Some(b'+') => new = new.saturating_sub(1),
            Some(b'\\') => {}
            _ => return false,
        }
        keep(hunk, line, utf8, size);
    }
    if lines.rest.first() == Some(&b'\\')
        && let Some(line) = lines.next()
    {
        keep(hunk, line, utf8, size);
    }
    true
}

fn keep(hunk: &mut Hunk, line: &[u8], utf8: &mut bool, size: &mut usize) {
    *size += line.len() + 1;
    if *size > FILE_LIMIT {
        return;
    }
    *utf8 &= std::str::from_utf8(line).is_ok();
    hunk.lines.push(String::from_utf8_lossy(line).into_owned());
}

/// Lines without their newline.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let line = &self.rest[..end.unwrap_or(self.rest.len())];
        self.rest = end.map_or(&[], |end| &self.rest[end + 1..]);
        Some(line)
    }
}

#[cfg(test)]
mod tests;
