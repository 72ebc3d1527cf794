//! What stands where in a YAML (or JSON) text that may be half written: a reader that forgives everything.

use std::ops::Range;

/// A step from a document's top to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Under this key.
    Key(String),
    /// In a list, counted from 0.
    Item(usize),
}

/// A key that stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What leads to its mapping.
    pub path: Vec<Step>,
    /// Its name.
    pub key: String,
    /// Where it stands, bytes, without quotes.
    pub span: Range<usize>,
    /// Its value, when that is a text on its line; without quotes.
    pub value: String,
}

/// What can be put at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// A key of the mapping, or an item of the list, that the path leads to.
    Key,
    /// The value that the path leads to.
    Value,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// What can be put there.
    pub spot: Spot,
    /// What leads there.
    pub path: Vec<Step>,
    /// What stands there already, bytes.
    pub span: Range<usize>,
    /// Spaces before whatever begins on this line.
    pub indent: usize,
    /// Whether it is between braces or brackets.
    pub flow: bool,
}

/// A text, read.
#[derive(Debug, Default)]
pub struct Scan {
    /// Every key, in the order of the text.
    pub entries: Vec<Entry>,
    /// What is at the place that was asked for; nothing in a comment or a block of text.
    pub cursor: Option<Cursor>,
}

impl Scan {
    /// The text under a key of the mapping that a path leads to.
    pub fn value(&self, path: &[Step], key: &str) -> Option<&str> {
        self.entries.iter().find(|entry| entry.path == path && entry.key == key).map(|entry| entry.value.as_str())
    }

    /// The ids of the items of a list at the document's top.
    pub fn ids(&self, list: &str) -> Vec<&str> {
        let is_item = |path: &[Step]| matches!(path, [Step::Key(name), Step::Item(_)] if name == list);
        let ids = self.entries.iter().filter(|entry| entry.key == "id" && is_item(&entry.path));
        ids.map(|entry| entry.value.as_str()).filter(|id| !id.is_empty()).collect()
    }
}

/// Reads a text, and what is at a byte of it.
pub fn scan(text: &str, offset: usize) -> Scan {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let mut reader = Reader { text, offset, frames: Vec::new(), top: 0, scan: Scan::default(), done: false };
    let mut at = 0;
    while at <= text.len() {
        at = reader.line(at);
    }
    reader.scan
}

/// A mapping or list that is open, by one key or item of it.
struct Frame {
    indent: usize,
    step: Step,
    /// Items of the list under it so far.
    items: usize,
}

struct Reader<'a> {
    text: &'a str,
    offset: usize,
    frames: Vec<Frame>,
    /// Items of a list at the top.
    top: usize,
    scan: Scan,
    /// Whether the place was passed.
    done: bool,
}

impl Reader<'_> {
    fn path(&self) -> Vec<Step> {
        self.frames.iter().map(|frame| frame.step.clone()).collect()
    }

    fn end_of_line(&self, from: usize) -> usize {
        self.text[from..].find('\n').map_or(self.text.len(), |at| from + at)
    }

    /// The place is in this stretch, and was in none before.
    fn here(&mut self, from: usize, to: usize) -> bool {
        let here = !self.done && (from..=to).contains(&self.offset);
        self.done |= here;
        here
    }

    fn point(&mut self, spot: Spot, path: Vec<Step>, span: Range<usize>, indent: usize, flow: bool) {
        self.scan.cursor = Some(Cursor { spot, path, span, indent, flow });
    }

    /// Leaves what a line with this indentation does not belong to. An item may stand below the key of its list.
    fn leave(&mut self, indent: usize, item: bool) {
        let closed = |frame: &Frame| {
            frame.indent > indent || frame.indent == indent && !(item && matches!(frame.step, Step::Key(_)))
        };
        while self.frames.last().is_some_and(closed) {
            self.frames.pop();
        }
    }

    /// Reads the line that begins here, and what belongs to it; the beginning of the next.
    fn line(&mut self, start: usize) -> usize {
        let end = self.end_of_line(start);
        let line = &self.text[start..end];
        let mut at = start + line.len() - line.trim_start_matches(' ').len();
        let rest = self.text[at..end].trim_end();
        if rest.is_empty() || rest.starts_with('#') || rest == "---" || rest == "..." {
            if self.here(start, end) && rest.is_empty() {
                let column = self.offset - start;
                let open = self.frames.iter().filter(|frame| frame.indent < column);
                let path = open.map(|frame| frame.step.clone()).collect();
                self.point(Spot::Key, path, self.offset..self.offset, column, false);
            }
            return end + 1;
        }
        loop {
            let column = at - start;
            let rest = &self.text[at..end];
            let dash = rest.strip_prefix('-').filter(|rest| rest.is_empty() || rest.starts_with(' '));
            let Some(behind) = dash else { break };
            self.leave(column, true);
            let counted = self.frames.last_mut().map_or(&mut self.top, |frame| &mut frame.items);
            let number = *counted;
            *counted += 1;
            self.frames.push(Frame { indent: column, step: Step::Item(number), items: 0 });
            let next = at + 1 + behind.len() - behind.trim_start_matches(' ').len();
            if next >= end {
                if self.here(at + 1, end) {
                    let path = self.path();
                    self.point(Spot::Key, path, self.offset..self.offset, self.offset - start, false);
                }
                return end + 1;
            }
            at = next;
        }
        self.content(start, at, end)
    }

    /// A key with its value, or a text.
    fn content(&mut self, start: usize, at: usize, end: usize) -> usize {
        let column = at - start;
        let rest = &self.text[at..end];
        if rest.starts_with(['{', '[']) {
            return self.flow(at);
        }
        let Some((key, colon)) = key_of(rest) else {
            let stop = at + rest.trim_end().len();
            // A key or an item that is being written.
            if self.here(start, end) && self.offset >= at {
                let open = self.frames.iter().filter(|frame| frame.indent < column);
                let open = open.map(|frame| frame.step.clone()).collect();
                self.point(Spot::Key, open, at..stop.max(at), column, false);
            }
            return if rest.starts_with(['"', '\'']) { self.quoted(at, end) } else { end + 1 };
        };
        self.leave(column, false);
        let path = self.path();
        let quote = usize::from(rest.starts_with(['"', '\'']));
        let span = at + quote..at + quote + key.len();
        if self.here(start, at + colon) && self.offset >= at {
            self.point(Spot::Key, path.clone(), span.clone(), column, false);
        }
        let behind = at + colon + 1;
        let value_at = behind + self.text[behind..end].len() - self.text[behind..end].trim_start_matches(' ').len();
        let value = &self.text[value_at..end];
        let plain = plain_of(value);
        let text = plain.trim_matches(['"', '\'']).to_owned();
        self.scan.entries.push(Entry { path, key: key.to_owned(), span, value: text });
        self.frames.push(Frame { indent: column, step: Step::Key(key.to_owned()), items: 0 });
        if value.starts_with(['{', '[']) {
            if self.here(behind, value_at) {
                let path = self.path();
                self.point(Spot::Value, path, self.offset..self.offset, column, false);
            }
            return self.flow(value_at);
        }
        if value.starts_with(['|', '>']) {
            return self.block(end, column);
        }
        if self.here(behind, value_at + plain.len()) {
            let path = self.path();
            let from = value_at.min(self.offset);
            self.point(Spot::Value, path, from..(value_at + plain.len()).max(from), column, false);
        }
        self.here(value_at, end);
        if value.starts_with(['"', '\'']) { self.quoted(value_at, end) } else { end + 1 }
    }

    /// Behind a block of text, whose lines are indented more than its key.
    fn block(&mut self, first: usize, column: usize) -> usize {
        let mut at = first + 1;
        while at < self.text.len() {
            let end = self.end_of_line(at);
            let line = &self.text[at..end];
            let indent = line.len() - line.trim_start_matches(' ').len();
            if !line.trim().is_empty() && indent <= column {
                break;
            }
            if !line.trim().is_empty() {
                self.here(at, end);
            }
            at = end + 1;
        }
        at
    }

    /// The line behind a text in quotes, which may have several lines.
    fn quoted(&mut self, at: usize, end: usize) -> usize {
        let stop = string_end(self.text, at).unwrap_or(end);
        if stop <= end {
            return end + 1;
        }
        self.here(end, stop);
        self.end_of_line(stop) + 1
    }

    /// The line behind what is between braces or brackets.
    fn flow(&mut self, from: usize) -> usize {
        let depth = self.frames.len();
        let bytes = self.text.as_bytes();
        // Whether each open one is a mapping, and whether a key was read in it.
        let mut open: Vec<(bool, bool)> = Vec::new();
        let (mut at, mut start) = (from, from);
        while at < bytes.len() {
            match bytes[at] {
                b'{' => {
                    open.push((true, false));
                    start = at + 1;
                }
                b'[' => {
                    open.push((false, true));
                    self.frames.push(Frame { indent: usize::MAX, step: Step::Item(0), items: 0 });
                    start = at + 1;
                }
                b'"' | b'\'' if self.text[start..at].trim().is_empty() => {
                    at = string_end(self.text, at).unwrap_or(bytes.len()).max(at + 1);
                    continue;
                }
                b':' if open.last().is_some_and(|(map, read)| *map && !read)
                    && bytes.get(at + 1).is_none_or(|next| b" \n\r\t,{}[]\"'".contains(next)) =>
                {
                    self.flow_key(start, at);
                    if let Some(last) = open.last_mut() {
                        last.1 = true;
                    }
                    start = at + 1;
                }
                byte @ (b',' | b'}' | b']') => {
                    self.flow_stop(start, at, open.last().copied());
                    let within = open.last().copied();
                    // A key's value has ended, or a list.
                    if within.is_some_and(|(map, read)| if map { read } else { byte != b',' }) {
                        self.frames.pop();
                    } else if let (Some((false, _)), Some(Frame { step: Step::Item(number), .. })) =
                        (within, self.frames.last_mut())
                    {
                        *number += 1;
                    }
                    if let Some((true, read)) = open.last_mut() {
                        *read = false;
                    }
                    start = at + 1;
                    if byte != b',' {
                        open.pop();
                        if open.is_empty() {
                            at += 1;
                            break;
                        }
                    }
                }
                b'#' if at > 0 && bytes[at - 1].is_ascii_whitespace() => {
                    let end = self.end_of_line(at);
                    self.here(at, end);
                    at = end;
                    start = end;
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        if !open.is_empty() {
            self.flow_stop(start, self.text.len(), open.last().copied());
        }
        self.frames.truncate(depth);
        self.end_of_line(at.min(self.text.len())) + 1
    }

    fn trimmed(&self, start: usize, end: usize) -> Range<usize> {
        let part = &self.text[start..end];
        let from = start + part.len() - part.trim_start().len();
        from..(from + part.trim().len())
    }

    fn flow_key(&mut self, start: usize, colon: usize) {
        let span = self.trimmed(start, colon);
        let key = self.text[span.clone()].trim_matches(['"', '\'']).to_owned();
        let path = self.path();
        if self.here(start, colon) {
            self.point(Spot::Key, path.clone(), span.clone(), 0, true);
        }
        let rest = &self.text[colon + 1..self.end_of_line(colon + 1)];
        let stop = rest.find([',', '}', ']', '{', '[']).unwrap_or(rest.len());
        let value = rest[..stop].trim().trim_matches(['"', '\'']).to_owned();
        self.scan.entries.push(Entry { path, key: key.clone(), span, value });
        self.frames.push(Frame { indent: usize::MAX, step: Step::Key(key), items: 0 });
    }

    /// The end of a key without a value, of a value, or of an item.
    fn flow_stop(&mut self, start: usize, end: usize, within: Option<(bool, bool)>) {
        if within.is_none() || start > end || !self.here(start, end) {
            return;
        }
        let part = self.trimmed(start, end);
        let span = if part.is_empty() || self.offset < part.start { self.offset..self.offset } else { part };
        let (map, read) = within.unwrap_or((false, false));
        let path = self.path();
        let spot = if map && !read { Spot::Key } else { Spot::Value };
        self.point(spot, path, span, 0, true);
    }
}

/// The key that a text begins with, and where its colon is.
fn key_of(text: &str) -> Option<(&str, usize)> {
    let ends = |at: usize| text[at + 1..].chars().next().is_none_or(char::is_whitespace);
    if text.starts_with(['"', '\'']) {
        let stop = string_end(text, 0)?;
        let behind = &text[stop..];
        let colon = stop + behind.len() - behind.trim_start().len();
        return (text[colon..].starts_with(':') && ends(colon)).then(|| (&text[1..stop - 1], colon));
    }
    let stop = text.find(" #").unwrap_or(text.len());
    let colon = text[..stop].match_indices(':').map(|(at, _)| at).find(|at| ends(*at))?;
    let key = text[..colon].trim_end();
    (!key.is_empty()).then_some((key, colon))
}

/// A value on its line, without what follows it.
fn plain_of(value: &str) -> &str {
    if value.starts_with(['"', '\'']) {
        return string_end(value, 0).map_or_else(|| value.trim_end(), |stop| &value[..stop]);
    }
    if value.starts_with('#') {
        return "";
    }
    value[..value.find(" #").unwrap_or(value.len())].trim_end()
}

/// Behind a text in quotes.
fn string_end(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = *bytes.get(from)?;
    let mut at = from + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 1,
            byte if byte == quote => {
                if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') {
                    at += 1;
                } else {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests;
