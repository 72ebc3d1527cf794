//! The reader of p5.js, which first takes out what pages and objects were printed.

use std::collections::HashMap;

use super::{Read, Subject};
use crate::eval::swebench::python::{indent, is_space, is_word, rstrip, strip};
use crate::eval::swebench::scan::{Ahead, after_digits, after_word, before, line_starts, without_escapes};
use crate::eval::swebench::status::{Status, StatusMap};

/// How far after its number a failure's name may end, in characters.
const LONGEST_NAME: usize = 1000;

/// How often taking out elements is tried again where it made new ones; more is never seen, and a hostile log shall end.
const ROUNDS: usize = 8;

/// `  1) suite\n       test:`
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(in super::super) fn p5js<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let log = without_elements(without_objects(&without_escapes(log)));
    let mut map = StatusMap::default();
    let mut colons = Ahead::new(&log, ":");
    let mut from = 0;
    for start in line_starts(&log) {
        if start < from {
            continue;
        }
        let rest = log[start..].trim_start_matches(is_space);
        // Lines up to there lead to the same place.
        from = log.len() - rest.len();
        let Some(rest) = after_digits(rest).and_then(|rest| rest.strip_prefix(')')) else { continue };
        let begin = log.len() - rest.len();
        let Some(end) = colons.find(begin) else { break };
        let name = &log[begin..end];
        if name.chars().nth(LONGEST_NAME).is_some() {
            continue;
        }
        from = end + 1;
        if is_indented_further_and_further(name) {
            let lines: Vec<&str> = name.split('\n').map(strip).collect();
            map.set(lines.join(":"), Status::Failed);
        }
    }
    Ok(map)
}

fn is_indented_further_and_further(name: &str) -> bool {
    let mut last = 0;
    name.split('\n').map(indent).all(|indent| std::mem::replace(&mut last, indent) < indent)
}

/// Without lines from one that ends with `{` to one that is `}`, the same with brackets, and objects on one line.
fn without_objects(log: &str) -> String {
    let (mut in_object, mut in_list) = (false, false);
    let mut kept: Vec<&str> = Vec::new();
    for line in log.split('\n') {
        let stripped = rstrip(line);
        if stripped.ends_with('{') {
            in_object = true;
        } else if stripped.ends_with('[') {
            in_list = true;
        } else if stripped == "}" && in_object {
            in_object = false;
        } else if stripped == "]" && in_list {
            in_list = false;
        } else if !(in_object || in_list || is_in(stripped, '{', '}') || is_in(stripped, '[', ']')) {
            kept.push(line);
        }
    }
    kept.join("\n")
}

fn is_in(line: &str, open: char, close: char) -> bool {
    line.starts_with(open) && line.ends_with(close)
}

/// Without `<name>...</name>`, the first ones first; where such an element had the opening tag several times in it, that many stay and
/// look for another end.
fn without_elements(mut log: String) -> String {
    for _ in 0..ROUNDS {
        match without_elements_once(&log) {
            (rest, false) => return rest,
            (rest, true) => log = rest,
        }
    }
    log
}

/// Also says whether text that came together may have made a new tag.
fn without_elements_once(log: &str) -> (String, bool) {
    let tags = Tags::of(log);
    let mut rest = String::with_capacity(log.len());
    let (mut copied, mut seam) = (0, false);
    for tag in &tags.open {
        if tag.start < copied {
            continue;
        }
        let Some(named) = tags.named.get(tag.name) else { continue };
        let (mut open, mut end) = (1, tag.end);
        while open > 0 {
            let Some(close) = named.closes.get(named.closes.partition_point(|close| *close < end)) else { break };
            let within = |at: usize| named.opens.partition_point(|open| *open < at);
            open += within(*close) - within(end);
            open -= 1;
            end = close + tag.name.len() + 3;
        }
        if end > tag.end {
            rest.push_str(&log[copied..tag.start]);
            seam |= makes_tag(&rest, &log[end..]);
            (0..open).for_each(|_| rest.push_str(&log[tag.start..tag.end]));
            copied = end;
        }
    }
    rest.push_str(&log[copied..]);
    (rest, seam)
}

/// Whether two texts could be one tag across their seam.
fn makes_tag(left: &str, right: &str) -> bool {
    let left = left.trim_end_matches(is_word);
    let left = left.strip_suffix('/').unwrap_or(left);
    let right = right.strip_prefix('/').unwrap_or(right);
    left.ends_with('<') && after_word(right).unwrap_or(right).starts_with('>')
}

struct Tag<'a> {
    name: &'a str,
    start: usize,
    end: usize,
}

#[derive(Default)]
struct Named {
    opens: Vec<usize>,
    closes: Vec<usize>,
}

/// All tags of a text, in order.
struct Tags<'a> {
    open: Vec<Tag<'a>>,
    named: HashMap<&'a str, Named>,
}

impl<'a> Tags<'a> {
    fn of(log: &'a str) -> Self {
        let mut tags = Self { open: Vec::new(), named: HashMap::new() };
        for start in memchr::memchr_iter(b'<', log.as_bytes()) {
            let inside = &log[start + 1..];
            let closing = inside.strip_prefix('/');
            let text = closing.unwrap_or(inside);
            let Some(rest) = after_word(text).filter(|rest| rest.starts_with('>')) else { continue };
            let name = before(text, rest);
            let named = tags.named.entry(name).or_default();
            if closing.is_some() {
                named.closes.push(start);
            } else {
                named.opens.push(start);
                tags.open.push(Tag { name, start, end: log.len() - rest.len() + 1 });
            }
        }
        tags
    }
}
