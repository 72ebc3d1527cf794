//! Reading a mapping whose keys are known.

use std::ops::RangeInclusive;

use super::table::{KIND, Kind, Table};
use super::{Key, Node, Place, Problems, Value};
use crate::base::near::near;

/// A mapping being read. Each key is asked for once; [`Fields::finish`] tells of those nobody asked for.
pub struct Fields<'a> {
    what: &'a str,
    at: Place,
    entries: &'a [(Key, Node)],
    asked: Vec<&'a str>,
    /// By what description it is read, where there is one: tests see to it that the two agree.
    table: Option<&'static Table>,
}

impl<'a> Fields<'a> {
    /// Begins to read a mapping that is described.
    pub fn described(node: &'a Node, table: &'static Table, problems: &mut Problems) -> Option<Self> {
        Self::of(node, table.what, problems).map(|fields| Self { table: Some(table), ..fields })
    }

    /// What the description says of a key.
    fn kind_of(&self, key: &str) -> Option<Kind> {
        let table = self.table?;
        let found = table.key(key, self.word());
        debug_assert!(found.is_some(), "the description of {} has '{key}', which is read", table.what);
        found.map(|key| key.kind)
    }

    /// What the mapping calls its kind.
    fn word(&self) -> Option<&'a str> {
        self.entries.iter().find(|(key, _)| key.name == KIND).and_then(|(_, node)| node.text())
    }

    /// Begins to read a mapping; another kind of value is a problem. `what` names it in messages ("a task", "the suite").
    pub fn of(node: &'a Node, what: &'a str, problems: &mut Problems) -> Option<Self> {
        if let Value::Map(entries) = &node.value {
            return Some(Self { what, at: node.at, entries, asked: Vec::new(), table: None });
        }
        problems.tell(node.at, format!("{what} has to be a mapping, not {}", node.kind()));
        None
    }

    /// Where the mapping begins.
    pub fn at(&self) -> Place {
        self.at
    }

    /// All keys, for mappings whose keys are names; none is unknown then.
    pub fn open(node: &'a Node, what: &str, problems: &mut Problems) -> &'a [(Key, Node)] {
        match &node.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            _ => {
                problems.tell(node.at, format!("{what} has to be a mapping, not {}", node.kind()));
                &[]
            }
        }
    }

    /// A key's value; absent when it is not there or nothing.
    pub fn node(&mut self, key: &'a str) -> Option<&'a Node> {
        self.asked.push(key);
        if cfg!(debug_assertions) {
            self.kind_of(key);
        }
        let (_, node) = self.entries.iter().find(|(known, _)| known.name == key)?;
        (node.value != Value::Null).then_some(node)
    }

    /// The same, or a problem.
    pub fn require(&mut self, key: &'a str, problems: &mut Problems) -> Option<&'a Node> {
        let node = self.node(key);
        if node.is_none() {
            problems.tell(self.at, format!("{} needs '{key}'", self.what));
        }
        node
    }

    /// A text.
    pub fn text(&mut self, key: &'a str, problems: &mut Problems) -> Option<String> {
        self.node(key)?.require_text(&format!("'{key}'"), problems).map(str::to_owned)
    }

    /// A text that has to be there and is not blank.
    pub fn require_text(&mut self, key: &'a str, problems: &mut Problems) -> Option<String> {
        let node = self.require(key, problems)?;
        let text = node.require_text(&format!("'{key}'"), problems)?;
        if text.trim().is_empty() {
            problems.tell(node.at, format!("'{key}' is empty"));
            return None;
        }
        Some(text.to_owned())
    }

    /// A list of texts; one text counts as a list of it.
    pub fn texts(&mut self, key: &'a str, problems: &mut Problems) -> Vec<String> {
        let items = self.node(key).map_or(&[][..], Node::items);
        let what = format!("what is in '{key}'");
        items.iter().filter_map(|item| item.require_text(&what, problems).map(str::to_owned)).collect()
    }

    /// A whole number within a range.
    pub fn number(&mut self, key: &'a str, range: RangeInclusive<u64>, problems: &mut Problems) -> Option<u64> {
        // A reader that takes any number looks for itself.
        if cfg!(debug_assertions)
            && range != (0..=u64::MAX)
            && let Some(kind) = self.kind_of(key)
        {
            let same = matches!(kind, Kind::Number(least, most) if range == (least..=most));
            assert!(same, "the description of {} has another range of '{key}' than {range:?}", self.what);
        }
        let node = self.node(key)?;
        let number = match &node.value {
            Value::Plain(text) => text.replace('_', "").parse::<u64>().ok(),
            _ => None,
        };
        match number {
            Some(number) if range.contains(&number) => Some(number),
            _ => {
                let (first, last) = (range.start(), range.end());
                let wanted = match *last {
                    u64::MAX => format!("a whole number, at least {first}"),
                    last if last == *first => last.to_string(),
                    last => format!("a whole number, {first} to {last}"),
                };
                problems.tell(node.at, format!("'{key}' has to be {wanted}"));
                None
            }
        }
    }

    /// A number with at most six decimals, in millionths: amounts of money.
    pub fn millionths(&mut self, key: &'a str, problems: &mut Problems) -> Option<u64> {
        let node = self.node(key)?;
        let amount = match &node.value {
            Value::Plain(text) => millionths(text),
            _ => None,
        };
        if amount.is_none() {
            problems.tell(node.at, format!("'{key}' has to be a number, at least 0, with at most six decimals"));
        }
        amount
    }

    /// A flag.
    pub fn flag(&mut self, key: &'a str, problems: &mut Problems) -> Option<bool> {
        let node = self.node(key)?;
        match &node.value {
            Value::Plain(text) if matches!(text.as_str(), "true" | "True" | "TRUE") => Some(true),
            Value::Plain(text) if matches!(text.as_str(), "false" | "False" | "FALSE") => Some(false),
            _ => {
                problems.tell(node.at, format!("'{key}' has to be true or false"));
                None
            }
        }
    }

    /// One of several words.
    pub fn choice<T: Copy>(&mut self, key: &'a str, words: &[(&str, T)], problems: &mut Problems) -> Option<T> {
        if cfg!(debug_assertions)
            && let Some(kind) = self.kind_of(key)
        {
            let read = words.iter().map(|(word, _)| *word);
            let same = matches!(kind, Kind::Word(words) if words.iter().copied().eq(read));
            assert!(same, "the description of {} has other words of '{key}'", self.what);
        }
        let node = self.node(key)?;
        let text = node.require_text(&format!("'{key}'"), problems)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("'{key}' has no '{text}': it is one of {}", names.join(", "));
        problems.tell_with(node.at, message, near(text, names.iter().copied()).first().copied());
        None
    }

    /// Tells of keys that nobody asked for.
    pub fn finish(self, problems: &mut Problems) {
        if cfg!(debug_assertions)
            && let Some(table) = self.table
        {
            let kind = self.word();
            let all = table.keys.iter().filter(|key| if kind.is_some() { key.fits(kind) } else { key.with.is_empty() });
            for key in all {
                assert!(self.asked.contains(&key.name), "'{}' of {} is described, but not read", key.name, table.what);
            }
        }
        for (key, _) in self.entries.iter().filter(|(key, _)| !self.asked.contains(&key.name.as_str())) {
            let nearest = near(&key.name, self.asked.iter().copied()).first().map(|name| format!("'{name}'"));
            problems.tell_with(key.at, format!("{} has no '{}'", self.what, key.name), nearest.as_deref());
        }
    }
}

/// `1.25` as 1,250,000.
fn millionths(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || decimals.len() > 6 || !digits(whole) || !digits(decimals) {
        return None;
    }
    let decimals: u64 = format!("{decimals:0<6}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(decimals)
}
