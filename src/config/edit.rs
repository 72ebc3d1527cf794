//! `divisi config get` and `set`: one value at a time, comments and order kept.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, Value};

use crate::base::atomic_write::atomic_write;
use crate::config::key::{Key, find, keys, near};
use crate::config::{Config, ConfigError, load_text};

/// A setting with its value, as `config list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Setting {
    /// Dotted.
    pub key: &'static str,
    /// Its value as TOML.
    pub value: String,
    /// Whether that is its default.
    pub default: bool,
    /// What it does.
    pub about: &'static str,
}

/// Every setting.
pub fn list(config: &Config) -> Vec<Setting> {
    let default = Config::default();
    keys().map(|key| setting(key, config, &default)).collect()
}

/// One setting.
///
/// # Errors
/// When there is none of that name.
pub fn get(config: &Config, name: &str) -> Result<Setting, ConfigError> {
    Ok(setting(require(name)?, config, &Config::default()))
}

/// Sets one setting in the file: as TOML when `value` is that, else as a string. The whole file is checked before it is replaced.
///
/// # Errors
/// When there is no such setting, the value does not fit, or the file is wrong already or cannot be written.
pub fn set(path: &Path, name: &str, value: &str) -> Result<Config, ConfigError> {
    let key = require(name)?;
    let value = fitting(key, value)?;
    let shown = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(source) => return Err(ConfigError::File { doing: "read", path: path.to_path_buf(), source }),
    };
    load_text(&text, &shown)?;
    let changed = put(&text, name, value)?;
    let config = load_text(&changed, &shown)?;
    let written =
        path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| atomic_write(path, changed.as_bytes()));
    written.map_err(|source| ConfigError::File { doing: "write", path: path.to_path_buf(), source })?;
    Ok(config)
}

fn require(name: &str) -> Result<&'static Key, ConfigError> {
    find(name).ok_or_else(|| ConfigError::NoSuchKey { key: name.to_owned(), near: near(name) })
}

fn setting(key: &Key, config: &Config, default: &Config) -> Setting {
    let value = (key.get)(config).to_string();
    Setting { key: key.name, default: value == (key.get)(default).to_string(), value, about: key.about }
}

fn fitting(key: &Key, text: &str) -> Result<Value, ConfigError> {
    let mut scratch = Config::default();
    if let Ok(value) = text.parse::<Value>()
        && key.take(&mut scratch, &value).is_ok()
    {
        return Ok(value);
    }
    let value = Value::from(text);
    match key.take(&mut scratch, &value) {
        Ok(()) => Ok(value),
        Err(as_text) => {
            let message = match text.parse::<Value>() {
                Ok(parsed) => key.take(&mut scratch, &parsed).err().unwrap_or(as_text),
                Err(_) => as_text,
            };
            Err(ConfigError::BadValue { key: key.name.to_owned(), message })
        }
    }
}

fn put(text: &str, name: &str, mut value: Value) -> Result<String, ConfigError> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| ConfigError::Syntax {
        file: String::new(),
        line: 1,
        message: error.message().to_owned(),
    })?;
    let Some((section, leaf)) = name.split_once('.') else {
        return Err(ConfigError::NoSuchKey { key: name.to_owned(), near: Vec::new() });
    };
    let table = document.entry(section).or_insert_with(|| Item::Table(Table::new()));
    if let Some(table) = table.as_table_like_mut() {
        if let Some(old) = table.get(leaf).and_then(Item::as_value) {
            *value.decor_mut() = old.decor().clone();
        }
        // Only the value is replaced: the comments around its key stay.
        match table.get_mut(leaf) {
            Some(slot) => *slot = Item::Value(value),
            None => {
                table.insert(leaf, Item::Value(value));
            }
        }
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests;
