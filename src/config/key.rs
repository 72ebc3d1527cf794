//! One setting: its name, its words, how it is read and shown. And the readers that several settings share.

use std::collections::BTreeMap;

use toml_edit::{Array, Item, Value};

use crate::base::schema::{Shape, check, wrong};
use crate::config::Config;
use crate::config::section;

/// One setting.
pub struct Key {
    /// Dotted: `section.key`.
    pub name: &'static str,
    /// What it does, one sentence.
    pub about: &'static str,
    /// What its value has to be: the one place that says so.
    pub shape: fn() -> Shape,
    /// The value it has in a configuration.
    pub get: fn(&Config) -> Value,
    /// Puts a value of that shape into a configuration; the error says what it has to be and what it is.
    pub set: fn(&mut Config, &Value) -> Result<(), String>,
}

impl Key {
    /// Puts a value into a configuration.
    ///
    /// # Errors
    /// What it has to be and what it is.
    pub fn take(&self, config: &mut Config, value: &Value) -> Result<(), String> {
        check::value(&(self.shape)(), value)?;
        (self.set)(config, value)
    }
}

/// Every setting, by section.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    section::ALL.iter().flat_map(|section| section.iter())
}

/// The setting of that name.
pub fn find(name: &str) -> Option<&'static Key> {
    keys().find(|key| key.name == name)
}

/// Names close to one that does not exist.
pub(super) fn near(name: &str) -> Vec<String> {
    crate::base::near::near(name, keys().map(|key| key.name)).into_iter().map(str::to_owned).collect()
}

pub(super) fn bool_of(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| wrong("true or false", value))
}

pub(super) fn text_of(value: &Value) -> Result<String, String> {
    let text = value.as_str().ok_or_else(|| wrong("a string", value))?;
    if text.chars().any(char::is_control) {
        return Err("must not contain control characters".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn number_of(value: &Value) -> Result<u64, String> {
    let number = value.as_integer().ok_or_else(|| wrong("a whole number", value))?;
    u64::try_from(number).map_err(|_| format!("must not be negative, and {number} is"))
}

pub(super) fn texts_of(value: &Value) -> Result<Vec<String>, String> {
    value.as_array().ok_or_else(|| wrong("an array of strings", value))?.iter().map(text_of).collect()
}

pub(super) fn choice_of<T: Copy>(value: &Value, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(name, _)| value.as_str() == Some(*name));
    found.map(|(_, choice)| *choice).ok_or_else(|| format!("must be {}", Shape::choice(choices).words()))
}

pub(super) fn name_of<T: Copy + PartialEq>(chosen: T, choices: &[(&'static str, T)]) -> Value {
    choices.iter().find(|(_, choice)| *choice == chosen).map_or("", |(name, _)| name).into()
}

pub(super) fn number(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

pub(super) fn texts(texts: &[String]) -> Value {
    Value::Array(texts.iter().map(String::as_str).collect::<Array>())
}

/// Names by names.
pub(super) fn names_of(value: &Value) -> Result<BTreeMap<String, String>, String> {
    let table = value.as_inline_table().ok_or_else(|| wrong("a table of strings", value))?;
    table.iter().map(|(name, value)| Ok((name.to_owned(), text_of(value)?))).collect()
}

pub(super) fn names(names: &BTreeMap<String, String>) -> Value {
    Value::InlineTable(names.iter().map(|(name, value)| (name.as_str(), Value::from(value.as_str()))).collect())
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of a rule")]
pub(super) fn any_name(_: &str, _: &Item) -> Result<(), String> {
    Ok(())
}
