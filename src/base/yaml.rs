//! Documents that people write (plans, suites) in YAML or JSON, with where everything stands: read strictly, every problem told at once.
//!
//! [`parse`] makes a tree of [`Node`]s; [`Fields`] reads one of its mappings. What is not asked for is unknown, and said so with the
//! nearest name that is known. Hostile texts cost no more than [`LIMIT`] allows.

use serde::{Deserialize, Serialize};

mod fields;
pub mod table;
mod tree;

pub use fields::Fields;
pub use tree::parse;

/// Bytes of a document at most.
pub const LIMIT: usize = 4 * 1024 * 1024;
/// Problems that are told at most.
const MOST: usize = 100;

/// What is wrong at one place of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Line, one-based.
    pub line: u32,
    /// Column in characters, one-based.
    pub column: u32,
    /// What is wrong, one sentence fragment. Quotes the document: made visible.
    pub message: String,
    /// What was probably meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " (did you mean {suggestion}?)"),
            None => Ok(()),
        }
    }
}

/// The problems of a document, in the order in which they were found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Tells a problem at a place.
    pub fn tell(&mut self, at: Place, message: impl AsRef<str>) {
        self.tell_with(at, message, None);
    }

    /// The same, with what was probably meant.
    pub fn tell_with(&mut self, at: Place, message: impl AsRef<str>, suggestion: Option<&str>) {
        if self.0.len() < MOST {
            self.0.push(Problem {
                line: at.line,
                column: at.column,
                message: crate::base::text::visible_line(message.as_ref(), 300),
                suggestion: suggestion.map(|text| crate::base::text::visible_line(text, 80)),
            });
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, by line and column.
    pub fn into_sorted(mut self) -> Vec<Problem> {
        self.0.sort_by_key(|problem| (problem.line, problem.column));
        self.0
    }
}

/// Where something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, one-based.
    pub line: u32,
    /// Column in characters, one-based.
    pub column: u32,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it begins.
    pub at: Place,
    /// What it is.
    pub value: Value,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing: `null`, `~` or no text at all.
    Null,
    /// A text without quotes: it may be a number or a flag.
    Plain(String),
    /// A text in quotes, or a block of text.
    Quoted(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the document.
    Map(Vec<(Key, Node)>),
}

/// A mapping's key with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where it begins.
    pub at: Place,
    /// Its text.
    pub name: String,
}

impl Node {
    /// What kind of value this is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Plain(_) | Value::Quoted(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// Its text, numbers and flags included.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Plain(text) | Value::Quoted(text) => Some(text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Its text, or a problem. `what` names it in the message.
    pub fn require_text(&self, what: &str, problems: &mut Problems) -> Option<&str> {
        let text = self.text();
        if text.is_none() {
            problems.tell(self.at, format!("{what} has to be a text, not {}", self.kind()));
        }
        text
    }

    /// What stands under a key of a mapping.
    pub fn at_key(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node),
            _ => None,
        }
    }

    /// Its items; a single value that is not a list counts as one.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            Value::Null => &[],
            _ => std::slice::from_ref(self),
        }
    }
}

#[cfg(test)]
mod tests;
