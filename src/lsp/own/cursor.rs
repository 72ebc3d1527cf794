//! Where the cursor is in a TOML text that may be half written: a reader that forgives everything.

use std::ops::Range;

/// What stands, or may stand, at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// A part of a table's name, in brackets.
    Header,
    /// A part of a key.
    Key,
    /// A value.
    Value,
    /// A comment, or what follows a header.
    Nothing,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// What stands there.
    pub spot: Spot,
    /// The keys that lead there: of a value its own, of a header or key those before the part at the place.
    pub path: Vec<String>,
    /// The part, or the value, at the place, bytes.
    pub span: Range<usize>,
    /// Whether an array is open there.
    pub in_array: bool,
}

/// The parts of a dotted key.
pub fn keys(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    for c in text.trim().chars() {
        let last = parts.len() - 1;
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '.') => parts.push(String::new()),
            (None, c) if c.is_whitespace() => {}
            (_, c) => parts[last].push(c),
        }
    }
    parts
}

enum Frame {
    Array,
    /// An inline table under these keys.
    Inline(Vec<String>),
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Key,
    Header,
    Value,
    Rest,
}

struct Reader<'a> {
    text: &'a str,
    mode: Mode,
    /// Where the part that is being read begins.
    start: usize,
    table: Vec<String>,
    /// The key whose value is being read, within the innermost inline table.
    key: Vec<String>,
    frames: Vec<Frame>,
}

/// What is at a byte.
pub fn at(text: &str, offset: usize) -> Cursor {
    let offset = floor(text, offset.min(text.len()));
    let mut reader = Reader { text, mode: Mode::Key, start: 0, table: Vec::new(), key: Vec::new(), frames: Vec::new() };
    let bytes = text.as_bytes();
    let mut index = 0;
    while index < offset {
        index = match bytes[index] {
            quote @ (b'"' | b'\'') if reader.mode != Mode::Rest => string(bytes, index, quote, offset),
            b'#' if reader.mode != Mode::Header => {
                let end = bytes[index..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| index + at);
                if offset <= end {
                    return Cursor { spot: Spot::Nothing, path: Vec::new(), span: offset..offset, in_array: false };
                }
                end
            }
            byte => {
                reader.step(index, byte);
                index + 1
            }
        };
    }
    reader.finish(offset)
}

/// Behind a string, or at the end when it is still open there.
fn string(bytes: &[u8], from: usize, quote: u8, end: usize) -> usize {
    let long = bytes[from..].starts_with(&[quote; 3]);
    let mut at = from + if long { 3 } else { 1 };
    while at < end {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 1,
            b'\n' if !long => return at,
            byte if byte == quote && (!long || bytes[at..].starts_with(&[quote; 3])) => {
                return (at + if long { 3 } else { 1 }).min(end);
            }
            _ => {}
        }
        at += 1;
    }
    end
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Reader<'_> {
    fn step(&mut self, index: usize, byte: u8) {
        match (self.mode, byte) {
            (Mode::Rest | Mode::Header, b'\n') => self.begin(index + 1),
            (Mode::Header, b'[') | (Mode::Key, b'\n' | b',') => self.start = index + 1,
            (Mode::Header, b']') => {
                self.table = keys(&self.text[self.start..index]);
                self.mode = Mode::Rest;
            }
            (Mode::Key, b'[') if self.frames.is_empty() && self.text[self.start..index].trim().is_empty() => {
                self.mode = Mode::Header;
                self.start = index + 1;
            }
            (Mode::Key, b'=') => {
                self.key = keys(&self.text[self.start..index]);
                self.mode = Mode::Value;
                self.start = index + 1;
            }
            (Mode::Value, b'[') => {
                self.frames.push(Frame::Array);
                self.start = index + 1;
            }
            (Mode::Value, b'{') => {
                self.frames.push(Frame::Inline(std::mem::take(&mut self.key)));
                self.mode = Mode::Key;
                self.start = index + 1;
            }
            (Mode::Value, b',') => {
                self.start = index + 1;
                if matches!(self.frames.last(), Some(Frame::Inline(_))) {
                    self.mode = Mode::Key;
                }
            }
            (Mode::Value, b']') => {
                if matches!(self.frames.last(), Some(Frame::Array)) {
                    self.frames.pop();
                }
            }
            (Mode::Value | Mode::Key, b'}') => {
                if matches!(self.frames.last(), Some(Frame::Inline(_)))
                    && let Some(Frame::Inline(key)) = self.frames.pop()
                {
                    self.key = key;
                    self.mode = Mode::Value;
                }
            }
            (Mode::Value, b'\n') if !self.frames.iter().any(|frame| matches!(frame, Frame::Array)) => {
                self.begin(index + 1);
            }
            _ => {}
        }
    }

    fn begin(&mut self, start: usize) {
        self.mode = Mode::Key;
        self.start = start;
        self.frames.clear();
        self.key.clear();
    }

    fn finish(&self, offset: usize) -> Cursor {
        let mut path: Vec<String> = if self.mode == Mode::Header { Vec::new() } else { self.table.clone() };
        for frame in &self.frames {
            if let Frame::Inline(key) = frame {
                path.extend(key.iter().cloned());
            }
        }
        let in_array = matches!(self.frames.last(), Some(Frame::Array));
        let before = &self.text[self.start..offset];
        match self.mode {
            Mode::Rest => Cursor { spot: Spot::Nothing, path, span: offset..offset, in_array },
            Mode::Value => {
                path.extend(self.key.iter().cloned());
                let from = self.start + before.len() - before.trim_start().len();
                let rest = &self.text[offset..];
                let stop = rest.find(['\n', ',', ']', '}', '#']).unwrap_or(rest.len());
                let to = offset + rest[..stop].trim_end().len();
                Cursor { spot: Spot::Value, path, span: from..to.max(from), in_array }
            }
            Mode::Key | Mode::Header => {
                let mut parts = keys(before);
                parts.pop();
                path.extend(parts);
                let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
                let from = offset - before.chars().rev().take_while(|&c| word(c)).map(char::len_utf8).sum::<usize>();
                let to =
                    offset + self.text[offset..].chars().take_while(|&c| word(c)).map(char::len_utf8).sum::<usize>();
                let spot = if self.mode == Mode::Key { Spot::Key } else { Spot::Header };
                Cursor { spot, path, span: from..to, in_array }
            }
        }
    }
}
