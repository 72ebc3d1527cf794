//! What a document of divisi's own may say: one description, from which the loader's check, the JSON Schema, completion and hover come.
//!
//! A description is about form: names, types, ranges, choices, and what can be told from one value alone. What follows from several
//! values together is the loader's own matter.

pub mod check;
pub mod json;

use toml_edit::{Item, Value};

/// A check beyond the type; the error fits after the key's name.
pub type Rule = fn(&Item) -> Result<(), String>;

/// A check of a name that the user gives, with what stands under it; the error fits after the key's name.
pub type NameRule = fn(&str, &Item) -> Result<(), String>;

/// What a value has to be.
#[derive(Debug, Clone)]
pub enum Shape {
    /// `true` or `false`.
    Flag,
    /// A whole number between two, both included.
    Number {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// A string without control characters.
    Text,
    /// Any string.
    Prose,
    /// The name of an agent.
    Agent,
    /// One of these strings.
    Choice(Vec<String>),
    /// An array of strings.
    Texts,
    /// A table with these keys and no others.
    Table(Vec<Field>),
    /// A table with names of the user's own.
    Map {
        /// What a name has to be.
        rule: NameRule,
        /// The same as a regular expression, for schemas; empty: any.
        pattern: &'static str,
        /// What stands under each.
        item: Box<Shape>,
    },
    /// One or the other.
    Either(Box<Shape>, Box<Shape>),
    /// With a check beyond the type.
    Checked(Box<Shape>, Rule),
}

/// A key of a table.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it does.
    pub about: String,
    /// What its value has to be.
    pub shape: Shape,
    /// The value it has when it is left out, as TOML.
    pub default: Option<String>,
    /// Whether it may not be left out.
    pub required: bool,
}

impl Field {
    /// A key that may be left out.
    pub fn new(name: &str, about: &str, shape: Shape) -> Self {
        Self { name: name.to_owned(), about: about.to_owned(), shape, default: None, required: false }
    }

    /// The same with its default.
    #[must_use]
    pub fn or(mut self, default: &str) -> Self {
        self.default = Some(default.to_owned());
        self
    }

    /// The same, not to be left out.
    #[must_use]
    pub fn needed(mut self) -> Self {
        self.required = true;
        self
    }
}

impl Shape {
    /// One of the names of a table of choices.
    pub fn choice<T>(choices: &[(&str, T)]) -> Self {
        Self::Choice(choices.iter().map(|(name, _)| (*name).to_owned()).collect())
    }

    /// One of these.
    pub fn one_of(choices: &[&str]) -> Self {
        Self::Choice(choices.iter().map(|name| (*name).to_owned()).collect())
    }

    /// A table of the user's names.
    pub fn map(rule: NameRule, pattern: &'static str, item: Self) -> Self {
        Self::Map { rule, pattern, item: Box::new(item) }
    }

    /// With a check beyond the type.
    #[must_use]
    pub fn and(self, rule: Rule) -> Self {
        Self::Checked(Box::new(self), rule)
    }

    /// Without the checks around it.
    pub fn bare(&self) -> &Self {
        match self {
            Self::Checked(inner, _) => inner.bare(),
            other => other,
        }
    }

    /// The keys of a table; none of anything else.
    pub fn fields(&self) -> &[Field] {
        match self.bare() {
            Self::Table(fields) => fields,
            Self::Either(_, other) => other.fields(),
            _ => &[],
        }
    }

    /// What stands under a key: its description where it has one, and its shape.
    pub fn under(&self, key: &str) -> Option<(Option<&Field>, &Self)> {
        match self.bare() {
            Self::Table(fields) => {
                fields.iter().find(|field| field.name == key).map(|field| (Some(field), &field.shape))
            }
            Self::Map { item, .. } => Some((None, item)),
            Self::Either(one, other) => one.under(key).or_else(|| other.under(key)),
            _ => None,
        }
    }

    /// What stands at the end of a path of keys.
    pub fn at<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<(Option<&Field>, &Self)> {
        path.into_iter().try_fold((None, self), |(_, shape), key| shape.under(key))
    }

    /// What it has to be, in words.
    pub fn words(&self) -> String {
        match self.bare() {
            Self::Flag => "true or false".to_owned(),
            Self::Number { least, most } => format!("a whole number between {least} and {most}"),
            Self::Text | Self::Prose => "a string".to_owned(),
            Self::Agent => "the name of an agent".to_owned(),
            Self::Choice(names) => format!("one of {}", quoted(names)),
            Self::Texts => "an array of strings".to_owned(),
            Self::Table(_) | Self::Map { .. } => "a table".to_owned(),
            Self::Either(one, other) => format!("{} or {}", one.words(), other.words()),
            Self::Checked(inner, _) => inner.words(),
        }
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// "must be this, not that".
pub fn wrong(wanted: &str, value: &Value) -> String {
    let name = value.type_name();
    let article = if matches!(name, "integer" | "array" | "inline table" | "offset datetime") { "an" } else { "a" };
    format!("must be {wanted}, not {article} {name}")
}
