//! From text to a tree, by the events of a YAML parser.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{Key, LIMIT, Node, Place, Problems, Value};

/// Values within values at most.
const DEPTH: usize = 64;
/// Values at most, those that aliases repeat included.
const NODES: usize = 200_000;

/// The tree of a YAML (or JSON) document. Absent when it cannot be read; the problems say why.
pub fn parse(text: &str, problems: &mut Problems) -> Option<Node> {
    let start = Place { line: 1, column: 1 };
    if text.len() > LIMIT {
        problems.tell(start, format!("the document is larger than {} MiB", LIMIT / 1024 / 1024));
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut building = Building::default();
    for event in Parser::new_from_str(text) {
        let taken = match event {
            Ok((event, span)) => building.take(event, place(span)),
            Err(error) => {
                let at = Place { line: count(error.marker().line()), column: count(error.marker().col() + 1) };
                Err((at, error.info().to_owned()))
            }
        };
        if let Err((at, message)) = taken {
            problems.tell(at, message);
            return None;
        }
    }
    for (at, message) in building.doubled {
        problems.tell(at, message);
    }
    if building.root.is_none() {
        problems.tell(start, "the document is empty");
    }
    building.root
}

fn place(span: Span) -> Place {
    Place { line: count(span.start.line()), column: count(span.start.col() + 1) }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

type Wrong = (Place, String);

/// A list or mapping whose end has not come.
struct Open {
    at: Place,
    anchor: usize,
    nodes: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map(Vec<(Key, Node)>, Option<Key>),
}

#[derive(Default)]
struct Building {
    open: Vec<Open>,
    root: Option<Node>,
    /// What has an anchor, with how many values it is.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    doubled: Vec<Wrong>,
}

impl Building {
    fn take(&mut self, event: Event<'_>, at: Place) -> Result<(), Wrong> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
                    return Err((at, format!("the tag {}{} is not understood", tag.handle, tag.suffix)));
                }
                let text = text.into_owned();
                let value = match style {
                    ScalarStyle::Plain if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL") => Value::Null,
                    ScalarStyle::Plain => Value::Plain(text),
                    _ => Value::Quoted(text),
                };
                self.complete(Node { at, value }, anchor, (1, 1))
            }
            Event::SequenceStart(anchor, _) => self.begin(at, anchor, Content::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.begin(at, anchor, Content::Map(Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { at, anchor, nodes, content }) = self.open.pop() else {
                    return Err((at, "an end without a beginning".to_owned()));
                };
                let value = match content {
                    Content::List(items) => Value::List(items),
                    Content::Map(entries, _) => Value::Map(entries),
                };
                // What is in it was counted as it came.
                self.complete(Node { at, value }, anchor, (nodes, 1))
            }
            Event::Alias(anchor) => {
                let Some((node, nodes)) = self.anchors.get(&anchor) else {
                    return Err((at, "this alias has no anchor before it".to_owned()));
                };
                if self.nodes + nodes > NODES {
                    return Err((at, format!("the document has more than {NODES} values")));
                }
                let (node, nodes) = (Node { at, value: node.value.clone() }, *nodes);
                self.complete(node, 0, (nodes, nodes))
            }
            Event::DocumentStart(_) if self.root.is_some() => {
                Err((at, "one file holds one document; a second one begins here".to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, at: Place, anchor: usize, content: Content) -> Result<(), Wrong> {
        if self.open.len() >= DEPTH {
            return Err((at, format!("values are nested more than {DEPTH} deep")));
        }
        self.open.push(Open { at, anchor, nodes: 1, content });
        Ok(())
    }

    /// Puts a value where it belongs: it is so many values, of which so many are new.
    fn complete(&mut self, node: Node, anchor: usize, (nodes, new): (usize, usize)) -> Result<(), Wrong> {
        let at = node.at;
        self.nodes += new;
        if self.nodes > NODES {
            return Err((at, format!("the document has more than {NODES} values")));
        }
        if anchor > 0 {
            self.nodes += nodes;
            self.anchors.insert(anchor, (node.clone(), nodes));
        }
        let Some(Open { nodes: sum, content, .. }) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        *sum += nodes;
        match content {
            Content::List(items) => items.push(node),
            Content::Map(entries, waiting) => match waiting.take() {
                Some(key) => entries.push((key, node)),
                None => match node.value {
                    Value::Plain(name) | Value::Quoted(name) => *waiting = Some(Key { at, name }),
                    Value::Null => *waiting = Some(Key { at, name: "null".to_owned() }),
                    Value::List(_) | Value::Map(_) => return Err((at, "a key has to be a text".to_owned())),
                },
            },
        }
        if let Some(Open { content: Content::Map(entries, None), .. }) = self.open.last_mut() {
            Self::refuse_double(entries, &mut self.doubled);
        }
        Ok(())
    }

    /// Only mappings that somebody could have written by hand are compared; a longer one is no mapping of known keys.
    fn refuse_double(entries: &mut Vec<(Key, Node)>, doubled: &mut Vec<Wrong>) {
        const COMPARED: usize = 256;
        let Some((newest, before)) = entries.split_last() else { return };
        if let Some((first, _)) = before.iter().take(COMPARED).find(|(key, _)| key.name == newest.0.name) {
            doubled.push((
                newest.0.at,
                format!("'{}' is here a second time (first in line {})", newest.0.name, first.at.line),
            ));
            entries.pop();
        }
    }
}
