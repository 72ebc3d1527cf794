//! What a YAML document may say: one description, by which its reader reads, and from which its JSON Schema, completion and hover come.
//!
//! A description is about form. What follows from several values together (names that have to exist, files that have to be there) is the
//! reader's own matter.

pub mod check;
pub mod json;

/// What a key's value is.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A text.
    Text,
    /// The name of an agent of the catalog.
    Agent,
    /// The id of one of the items of this list at the document's top.
    Ref(&'static str),
    /// Several of those.
    Refs(&'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of these words.
    Words(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A whole number within a range.
    Number(u64, u64),
    /// An amount of money.
    Money,
    /// A list of texts.
    Texts,
    /// Names with texts.
    TextMap,
    /// A mapping.
    One(&'static Table),
    /// A list of mappings.
    Many(&'static Table),
    /// A list of texts or mappings.
    TextOrMany(&'static Table),
    /// Names with mappings.
    Named(&'static Table),
    /// Whatever somebody else reads.
    Any,
}

/// A mapping's keys.
#[derive(Debug)]
pub struct Table {
    /// What the mapping is, for messages: "a task".
    pub what: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// A key.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub kind: Kind,
    /// Whether it has to be there.
    pub required: bool,
    /// What it means.
    pub says: &'static str,
    /// With which words of the mapping's `kind` there is such a key; empty: with all.
    pub with: &'static [&'static str],
}

/// The key whose word decides which others there are.
pub const KIND: &str = "kind";

/// A key that may be left out.
pub const fn key(name: &'static str, kind: Kind, says: &'static str) -> Key {
    Key { name, kind, required: false, says, with: &[] }
}

/// One that may not.
pub const fn needed(name: &'static str, kind: Kind, says: &'static str) -> Key {
    Key { name, kind, required: true, says, with: &[] }
}

impl Key {
    /// The same, only beside these words of `kind`.
    #[must_use]
    pub const fn with(self, with: &'static [&'static str]) -> Self {
        Self { with, ..self }
    }

    /// Whether there is such a key in a mapping of this `kind`; where nobody knows it, there may be.
    pub fn fits(&self, kind: Option<&str>) -> bool {
        self.with.is_empty() || kind.is_none_or(|kind| self.with.contains(&kind))
    }
}

impl Table {
    /// A key by its name, in a mapping of this `kind`.
    pub fn key(&self, name: &str, kind: Option<&str>) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name && key.fits(kind))
    }
}

impl Kind {
    /// What stands under a name, in a mapping of this `kind`; with the key, where the name is one.
    pub fn under(self, name: &str, kind: Option<&str>) -> Option<(Option<&'static Key>, Self)> {
        match self {
            Self::One(table) => table.key(name, kind).map(|key| (Some(key), key.kind)),
            Self::Named(table) => Some((None, Self::One(table))),
            Self::TextMap => Some((None, Self::Text)),
            _ => None,
        }
    }

    /// What the items of a list are.
    pub fn item(self) -> Option<Self> {
        match self {
            Self::Many(table) | Self::TextOrMany(table) => Some(Self::One(table)),
            Self::Words(words) => Some(Self::Word(words)),
            Self::Refs(list) => Some(Self::Ref(list)),
            Self::Texts => Some(Self::Text),
            _ => None,
        }
    }

    /// What it has to be, in words.
    pub fn words(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Agent => "the name of an agent (`divisi agents`)".to_owned(),
            Self::Ref(list) => format!("an id of `{list}`"),
            Self::Refs(list) => format!("a list of ids of `{list}`"),
            Self::Word(words) => format!("one of `{}`", words.join("`, `")),
            Self::Words(words) => format!("a list of `{}`", words.join("`, `")),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Number(least, u64::MAX) => format!("a whole number, at least {least}"),
            Self::Number(least, most) if least == most => least.to_string(),
            Self::Number(least, most) => format!("a whole number, {least} to {most}"),
            Self::Money => "an amount, at least 0".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::TextMap => "names with texts".to_owned(),
            Self::One(_) => "a mapping".to_owned(),
            Self::Many(_) => "a list of mappings".to_owned(),
            Self::TextOrMany(_) => "a list of texts or mappings".to_owned(),
            Self::Named(_) => "names with mappings".to_owned(),
            Self::Any => "anything".to_owned(),
        }
    }
}
