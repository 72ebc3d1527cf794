//! One mapping of a plan, read by its table: what the table does not have cannot be asked for, and what it has must be.

use std::collections::BTreeMap;

use crate::base::near::near;
use crate::base::yaml::table::{Kind, Table};
use crate::base::yaml::{Fields, Node, Place, Problems, Value};

/// A mapping being read.
pub(super) struct Part<'a> {
    fields: Fields<'a>,
    table: &'static Table,
    asked: Vec<&'static str>,
}

impl<'a> Part<'a> {
    pub(super) fn of(node: &'a Node, table: &'static Table, problems: &mut Problems) -> Option<Self> {
        let fields = Fields::of(node, table.what, problems)?;
        Some(Self { fields, table, asked: Vec::new() })
    }

    pub(super) fn at(&self) -> Place {
        self.fields.at()
    }

    fn kind(&mut self, key: &'static str) -> Kind {
        let known = self.table.keys.iter().find(|known| known.name == key);
        self.asked.push(key);
        known.map_or(Kind::Any, |known| known.kind)
    }

    pub(super) fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.kind(key);
        self.fields.node(key)
    }

    /// A text; a number or a flag is its text.
    pub(super) fn text(&mut self, key: &'static str, problems: &mut Problems) -> Option<String> {
        self.kind(key);
        self.fields.text(key, problems)
    }

    pub(super) fn require_text(&mut self, key: &'static str, problems: &mut Problems) -> Option<String> {
        self.kind(key);
        self.fields.require_text(key, problems)
    }

    /// The mapping's own name, which is short and plain: it is shown in tables.
    pub(super) fn id(&mut self, problems: &mut Problems) -> Option<String> {
        let id = self.require_text("id", problems)?;
        require_id(&id, self.at(), problems);
        Some(id)
    }

    /// A text that one of the names is.
    pub(super) fn reference(&mut self, key: &'static str, names: &[String], problems: &mut Problems) -> Option<String> {
        let at = self.node(key)?.at;
        let name = self.fields.text(key, problems)?;
        if !names.contains(&name) {
            let nearest = near(&name, names.iter().map(String::as_str)).first().map(|near| (*near).to_owned());
            problems.tell_with(at, format!("there is no {key} '{name}' in the plan"), nearest.as_deref());
        }
        Some(name)
    }

    pub(super) fn texts(&mut self, key: &'static str, problems: &mut Problems) -> Vec<String> {
        self.kind(key);
        self.fields.texts(key, problems)
    }

    pub(super) fn number(&mut self, key: &'static str, problems: &mut Problems) -> Option<u64> {
        let Kind::Number(least, most) = self.kind(key) else { return None };
        self.fields.number(key, least..=most, problems)
    }

    pub(super) fn flag(&mut self, key: &'static str, problems: &mut Problems) -> Option<bool> {
        self.kind(key);
        self.fields.flag(key, problems)
    }

    pub(super) fn money(&mut self, key: &'static str, problems: &mut Problems) -> Option<i64> {
        self.kind(key);
        self.fields.millionths(key, problems).map(|micros| i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// One of the table's words.
    pub(super) fn word(&mut self, key: &'static str, problems: &mut Problems) -> Option<&'static str> {
        let Kind::Word(words) = self.kind(key) else { return None };
        let words: Vec<(&str, &'static str)> = words.iter().map(|word| (*word, *word)).collect();
        self.fields.choice(key, &words, problems)
    }

    /// Some of the table's words.
    pub(super) fn words(&mut self, key: &'static str, problems: &mut Problems) -> Vec<&'static str> {
        let Kind::Words(words) = self.kind(key) else { return Vec::new() };
        let items = self.fields.node(key).map_or(&[][..], Node::items);
        let mut found = Vec::new();
        for item in items {
            let Some(text) = item.require_text(&format!("what is in '{key}'"), problems) else { continue };
            if let Some(word) = words.iter().find(|word| **word == text) {
                found.push(*word);
            } else {
                let message = format!("'{key}' has no '{text}': it is any of {}", words.join(", "));
                problems.tell_with(item.at, message, near(text, words.iter().copied()).first().copied());
            }
        }
        found
    }

    /// Names with texts and their places.
    pub(super) fn text_map(&mut self, key: &'static str, problems: &mut Problems) -> BTreeMap<String, (Place, String)> {
        self.kind(key);
        let Some(node) = self.fields.node(key) else { return BTreeMap::new() };
        Fields::open(node, &format!("'{key}'"), problems)
            .iter()
            .filter_map(|(name, node)| {
                let text = node.require_text(&format!("'{}'", name.name), problems)?;
                Some((name.name.clone(), (name.at, text.to_owned())))
            })
            .collect()
    }

    pub(super) fn one(&mut self, key: &'static str, problems: &mut Problems) -> Option<Part<'a>> {
        let Kind::One(table) = self.kind(key) else { return None };
        Part::of(self.fields.node(key)?, table, problems)
    }

    pub(super) fn many(&mut self, key: &'static str, problems: &mut Problems) -> Vec<Part<'a>> {
        let Kind::Many(table) = self.kind(key) else { return Vec::new() };
        let required = self.table.keys.iter().any(|known| known.name == key && known.required);
        let node = if required { self.fields.require(key, problems) } else { self.fields.node(key) };
        let Some(node) = node else { return Vec::new() };
        let Value::List(items) = &node.value else {
            problems.tell(node.at, format!("'{key}' has to be a list, not {}", node.kind()));
            return Vec::new();
        };
        if items.is_empty() && required {
            problems.tell(node.at, format!("'{key}' is empty"));
        }
        items.iter().filter_map(|item| Part::of(item, table, problems)).collect()
    }

    /// Items that are texts or mappings.
    pub(super) fn text_or_many(&mut self, key: &'static str, problems: &mut Problems) -> Vec<TextOr<'a>> {
        let Kind::TextOrMany(table) = self.kind(key) else { return Vec::new() };
        let Some(node) = self.fields.require(key, problems) else { return Vec::new() };
        let items = node.items();
        if items.is_empty() {
            problems.tell(node.at, format!("'{key}' is empty"));
        }
        items
            .iter()
            .filter_map(|item| match item.text() {
                Some(text) => Some(TextOr::Text(item.at, text.to_owned())),
                None => Part::of(item, table, problems).map(TextOr::Part),
            })
            .collect()
    }

    pub(super) fn named(&mut self, key: &'static str, problems: &mut Problems) -> Vec<(&'a str, Part<'a>)> {
        let Kind::Named(table) = self.kind(key) else { return Vec::new() };
        let Some(node) = self.fields.node(key) else { return Vec::new() };
        Fields::open(node, &format!("'{key}'"), problems)
            .iter()
            .filter_map(|(name, node)| Some((name.name.as_str(), Part::of(node, table, problems)?)))
            .collect()
    }

    /// Tells of keys that the table does not have.
    pub(super) fn finish(mut self, problems: &mut Problems) {
        if cfg!(debug_assertions) {
            let mut asked = self.asked.clone();
            asked.sort_unstable();
            asked.dedup();
            let mut known: Vec<&str> = self.table.keys.iter().map(|key| key.name).collect();
            known.sort_unstable();
            assert_eq!(asked, known, "the table of {} is what is read", self.table.what);
        }
        for key in self.table.keys {
            self.fields.node(key.name);
        }
        self.fields.finish(problems);
    }
}

/// An item that is a text or a mapping.
pub(super) enum TextOr<'a> {
    Text(Place, String),
    Part(Part<'a>),
}

/// Names are shown in tables and become part of session names.
pub(super) fn require_id(id: &str, at: Place, problems: &mut Problems) {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+ ".contains(c);
    if id.trim().is_empty() || id.len() > 64 || !id.chars().all(plain) {
        problems.tell(at, "an id has 1 to 64 letters, digits, spaces and -_./:@+");
    }
}
