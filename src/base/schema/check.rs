//! A document against its description: everything that is wrong, each at its place.

use std::fmt;
use std::ops::Range;

use toml_edit::{Document, Item, TableLike, Value};

use super::{Shape, quoted, wrong};
use crate::base::near::near;
use crate::base::text::visible_line;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The dotted key; empty for the whole document.
    pub key: String,
    /// Where it is wrong, bytes.
    pub span: Range<usize>,
    /// Where its key is, bytes; where there is none, as `span`.
    pub key_span: Range<usize>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It cannot be read at all: the language it should be, and the parser's words, one line.
    Syntax(&'static str, String),
    /// There is no such key; dotted keys that were perhaps meant.
    Unknown(Vec<String>),
    /// A value that does not fit; the words fit after the key's name.
    Wrong(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = visible_line(&self.key, 100);
        match &self.fault {
            Fault::Syntax(language, words) => write!(formatter, "not valid {language}: {words}"),
            Fault::Wrong(words) if self.key.is_empty() => formatter.write_str(words),
            Fault::Wrong(words) => write!(formatter, "`{key}` {words}"),
            Fault::Unknown(near) => {
                write!(formatter, "unknown key `{key}`")?;
                near.first().map_or(Ok(()), |near| write!(formatter, " (did you mean `{near}`?)"))
            }
        }
    }
}

impl Problem {
    /// Something wrong with a value at a place.
    pub fn wrong(key: &str, span: Range<usize>, words: String) -> Self {
        Self { key: key.to_owned(), key_span: span.clone(), span, fault: Fault::Wrong(words) }
    }

    /// The line its key is on, one-based.
    pub fn line(&self, text: &str) -> usize {
        line_of(text, self.key_span.start)
    }

    /// With its line, for people.
    pub fn told(&self, text: &str) -> String {
        format!("line {}: {self}", self.line(text))
    }
}

/// The line of a byte, one-based.
pub fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count()
}

/// Everything that is wrong with a text, in the order of the text.
pub fn problems(text: &str, shape: &Shape) -> Vec<Problem> {
    let mut found = match Document::parse(text) {
        Ok(document) => {
            let mut walk = Walk { found: Vec::new(), root: shape };
            walk.table(document.as_table(), "", shape);
            walk.found
        }
        Err(error) => {
            let words = error.message().lines().collect::<Vec<_>>().join(", ");
            let span = error.span().unwrap_or(0..0);
            vec![Problem {
                key: String::new(),
                key_span: span.clone(),
                span,
                fault: Fault::Syntax("TOML", visible_line(&words, 300)),
            }]
        }
    };
    found.sort_by_key(|problem| (problem.key_span.start, problem.span.start));
    found
}

/// Whether one value is as it has to be; the error fits after the key's name.
///
/// # Errors
/// What it has to be and what it is.
pub fn value(shape: &Shape, value: &Value) -> Result<(), String> {
    let mut walk = Walk { found: Vec::new(), root: shape };
    walk.item(&Item::Value(value.clone()), "", &(0..0), shape);
    match walk.found.into_iter().next().map(|problem| problem.fault) {
        None => Ok(()),
        Some(Fault::Wrong(words) | Fault::Syntax(_, words)) => Err(words),
        Some(Fault::Unknown(_)) => Err("has a key that nobody knows".to_owned()),
    }
}

/// Where a dotted key's value is in a text that can be read: the deepest part of the path that there is.
pub fn place(text: &str, key: &str) -> Option<Range<usize>> {
    let document = Document::parse(text).ok()?;
    let mut table: &dyn TableLike = document.as_table();
    let mut rest = key;
    let mut found = None;
    // A name may have dots of its own: the longest that is there is it.
    while !rest.is_empty() {
        let here = table
            .iter()
            .map(|(name, _)| name)
            .filter(|name| rest.strip_prefix(name).is_some_and(|after| after.is_empty() || after.starts_with('.')));
        let Some(name) = here.max_by_key(|name| name.len()) else { break };
        let item = table.get(name)?;
        let own = table.key(name).and_then(toml_edit::Key::span);
        let (value, leaf) = (item.span(), rest.len() == name.len() && item.is_value());
        found = if leaf { value.or(own) } else { own.or(value) }.or(found);
        rest = rest[name.len()..].trim_start_matches('.');
        match item.as_table_like() {
            Some(inner) => table = inner,
            None => break,
        }
    }
    found
}

struct Walk<'a> {
    found: Vec<Problem>,
    root: &'a Shape,
}

impl Walk<'_> {
    fn wrong(&mut self, key: &str, key_span: &Range<usize>, span: Option<Range<usize>>, words: String) {
        let span = span.unwrap_or_else(|| key_span.clone());
        self.found.push(Problem { key: key.to_owned(), span, key_span: key_span.clone(), fault: Fault::Wrong(words) });
    }

    fn table(&mut self, table: &dyn TableLike, prefix: &str, shape: &Shape) {
        for (name, item) in table.iter() {
            let dotted = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
            let span = table.key(name).and_then(toml_edit::Key::span).or_else(|| item.span()).unwrap_or(0..0);
            if let Shape::Map { rule, item: inner, .. } = shape.bare() {
                let before = self.found.len();
                self.item(item, &dotted, &span, inner);
                if self.found.len() == before
                    && let Err(words) = rule(name, item)
                {
                    self.wrong(&dotted, &span, None, words);
                }
            } else if let Some((_, inner)) = shape.under(name) {
                self.item(item, &dotted, &span, inner);
            } else {
                let near = self.meant(name, prefix, shape);
                self.found.push(Problem {
                    key: dotted,
                    span: span.clone(),
                    key_span: span,
                    fault: Fault::Unknown(near),
                });
            }
        }
        for field in shape.fields().iter().filter(|field| field.required && !table.contains_key(&field.name)) {
            let words = format!("`{}` is missing: {}", field.name, field.about);
            self.found.push(Problem::wrong("", 0..0, words));
        }
    }

    /// Keys that were perhaps meant: those beside it, or the same one somewhere else.
    fn meant(&self, name: &str, prefix: &str, shape: &Shape) -> Vec<String> {
        let beside = near(name, shape.fields().iter().map(|field| field.name.as_str()));
        let dotted = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        if !beside.is_empty() {
            return beside.into_iter().map(dotted).collect();
        }
        let elsewhere = self.root.fields().iter().flat_map(|section| {
            let same = section.shape.fields().iter().filter(|field| field.name == name);
            same.map(|field| format!("{}.{}", section.name, field.name))
        });
        elsewhere.collect()
    }

    fn item(&mut self, item: &Item, key: &str, key_span: &Range<usize>, shape: &Shape) {
        match shape {
            Shape::Checked(inner, rule) => {
                let before = self.found.len();
                self.item(item, key, key_span, inner);
                if self.found.len() == before
                    && let Err(words) = rule(item)
                {
                    self.wrong(key, key_span, item.span(), words);
                }
            }
            Shape::Either(one, other) => {
                let inner = if item.is_table_like() { other } else { one };
                if item.is_table_like() || matches!(item, Item::Value(Value::String(_))) {
                    self.item(item, key, key_span, inner);
                } else {
                    // What stands there is not repeated: it may be a secret.
                    self.wrong(key, key_span, item.span(), format!("must be {}", shape.words()));
                }
            }
            Shape::Table(_) | Shape::Map { .. } => match item.as_table_like() {
                Some(table) => self.table(table, key, shape),
                None => self.wrong(key, key_span, item.span(), "must be a table of settings".to_owned()),
            },
            _ => match item {
                Item::Value(value) => {
                    if let Err((words, span)) = leaf(value, shape) {
                        self.wrong(key, key_span, span.or_else(|| value.span()), words);
                    }
                }
                _ => self.wrong(key, key_span, None, "must be a value, not a table".to_owned()),
            },
        }
    }
}

type Misfit = (String, Option<Range<usize>>);

fn leaf(value: &Value, shape: &Shape) -> Result<(), Misfit> {
    let bad = |words: String| Err((words, None));
    match shape {
        Shape::Flag if value.as_bool().is_none() => bad(wrong("true or false", value)),
        Shape::Number { least, most } => match value.as_integer() {
            None => bad(wrong("a whole number", value)),
            Some(number) if u64::try_from(number).is_ok_and(|number| (*least..=*most).contains(&number)) => Ok(()),
            Some(number) => bad(format!("must be between {least} and {most}, not {number}")),
        },
        Shape::Prose if value.as_str().is_none() => bad(wrong("a string", value)),
        Shape::Text | Shape::Agent => match value.as_str() {
            None => bad(wrong("a string", value)),
            Some(text) if text.chars().any(char::is_control) => bad("must not contain control characters".to_owned()),
            Some("") if matches!(shape, Shape::Agent) => bad("must name an agent".to_owned()),
            Some(_) => Ok(()),
        },
        Shape::Choice(names) => match value.as_str() {
            None => bad(wrong(&format!("one of {}", quoted(names)), value)),
            Some(text) if !names.iter().any(|name| name == text) => {
                bad(format!("must be one of {}, not \"{}\"", quoted(names), visible_line(text, 60)))
            }
            Some(_) => Ok(()),
        },
        Shape::Texts => match value.as_array() {
            None => bad(wrong("an array of strings", value)),
            Some(array) => match array.iter().find(|value| value.as_str().is_none()) {
                Some(other) => Err((wrong("a string", other), other.span())),
                None => Ok(()),
            },
        },
        _ => Ok(()),
    }
}
