//! Source files, with comments and literals told apart from code.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Something a rule objects to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// `path:line`, or the path.
    pub(super) place: String,
    pub(super) text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// One file.
#[derive(Debug)]
pub(super) struct Source {
    /// Relative to the repository, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// The text with every character of comments and of string and character literals replaced by a
    /// blank; line breaks stay, so lines and columns are those of the text. Of Rust only: else the text.
    pub(super) code: String,
    /// For each line, whether it is compiled for tests only.
    in_tests: Vec<bool>,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let rust = has_extension(path, "rs");
        let code = if rust { blank_out(text) } else { text.to_owned() };
        let whole = path.split('/').any(|part| part == "tests" || part == "tests.rs" || part == "benches");
        let mut in_tests = vec![whole; text.lines().count() + 1];
        if rust && !whole {
            mark_test_items(&code, &mut in_tests);
        }
        Self { path: path.to_owned(), text: text.to_owned(), code, in_tests }
    }

    pub(super) fn is_rust(&self) -> bool {
        has_extension(&self.path, "rs")
    }

    /// The folder or file right under `src/` (`session` for `src/session.rs` too); nothing for other files.
    pub(super) fn layer(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let first = inside.split('/').next().unwrap_or(inside);
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    /// The lines of code outside tests, with their numbers from 1.
    pub(super) fn shipped_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().filter(|(index, _)| !self.in_tests[*index]).map(|(index, line)| (index + 1, line))
    }

    pub(super) fn at(&self, line: usize, text: impl Into<String>) -> Finding {
        Finding { place: format!("{}:{line}", self.path), text: text.into() }
    }

    /// The line that the byte at `offset` is on, from 1.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.code[..offset].matches('\n').count() + 1
    }
}

/// The root of the repository.
pub(super) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of a language we write, tracked or not yet.
pub(super) fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    walk(repository(), &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(repository()).expect("found below it").to_string_lossy().into_owned();
        Source::new(&name, &fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {name}: {error}")))
    };
    paths.into_iter().map(read).collect()
}

fn walk(dir: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("read a folder of the repository").flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let kind = entry.file_type().expect("the kind of an entry just read");
        let foreign = name.starts_with('.') || matches!(name.as_str(), "target" | "node_modules" | "dist" | "out");
        if kind.is_dir() && !foreign {
            walk(&path, paths);
        } else if kind.is_file() && ["rs", "lua", "ts"].iter().any(|extension| has_extension(&name, extension)) {
            paths.push(path);
        }
    }
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// Whether `c` can be part of a name.
pub(super) fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `word` starts in `text` as a whole word. Its first and last character decide what borders it: a
/// word that starts with a name's character must not follow one.
pub(super) fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(start, _)| start).filter(move |start| {
        let before = text[..*start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        let glued = |inner: Option<char>, outer: Option<char>| inner.is_some_and(is_name) && outer.is_some_and(is_name);
        !glued(word.chars().next(), before) && !glued(word.chars().next_back(), after)
    })
}

/// Rust text with comments and literals blanked out.
fn blank_out(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_or_comment(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            // As many bytes as before, so that offsets agree with the text.
            for c in &chars[at..end] {
                if *c == '\n' { out.push('\n') } else { out.extend(std::iter::repeat_n(' ', c.len_utf8())) }
            }
            at = end;
        }
    }
    out
}

/// The end of the comment or literal that starts at `at`; `at` itself if there is none.
fn literal_or_comment(chars: &[char], at: usize) -> usize {
    let peek = |offset: usize| chars.get(at + offset).copied().unwrap_or('\0');
    let line_end = || chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |length| at + length);
    let in_name = at > 0 && is_name(chars[at - 1]);
    match (peek(0), peek(1)) {
        ('/', '/') => line_end(),
        ('/', '*') => block_comment(chars, at),
        ('"', _) => quoted(chars, at, '"'),
        ('\'', second) if second == '\\' || peek(2) == '\'' => quoted(chars, at, '\''),
        ('r', '"' | '#') if !in_name => raw_string(chars, at, 1),
        ('b' | 'c', 'r') if !in_name => raw_string(chars, at, 2),
        _ => at,
    }
}

fn block_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

fn quoted(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// A raw string whose `#`s or quote start `prefix` characters after `start`; `start` if it is none.
fn raw_string(chars: &[char], start: usize, prefix: usize) -> usize {
    let hashes = chars[start + prefix..].iter().take_while(|c| **c == '#').count();
    let open = start + prefix + hashes;
    if chars.get(open) != Some(&'"') {
        return start;
    }
    let closes = |at: usize| chars[at] == '"' && chars[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
    (open + 1..chars.len()).find(|at| closes(*at)).map_or(chars.len(), |at| at + 1 + hashes)
}

/// Marks the lines of items behind `#[cfg(test)]` and `#[test]`.
fn mark_test_items(code: &str, in_tests: &mut [bool]) {
    for attribute in ["#[cfg(test)]", "#[test]", "#[tokio::test"] {
        for (start, _) in code.match_indices(attribute) {
            let first = code[..start].matches('\n').count();
            let lines = code[start..item_end(code, start)].matches('\n').count();
            in_tests[first..=first + lines].fill(true);
        }
    }
}

/// The end of the item at `start`: its closing brace, or a semicolon before any brace.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, c) in code[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return start + offset,
            '}' => depth -= 1,
            ';' if depth == 0 => return start + offset,
            _ => {}
        }
    }
    code.len()
}
