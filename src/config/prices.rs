//! The price table: a bundled file, and the user's own `prices.toml` over it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, TableLike, Value};

use crate::base::atomic_write::atomic_write;
use crate::base::text::visible_line;
use crate::config::ConfigError;
use crate::model::price::{Price, PriceTable};

/// The table that is part of the binary.
const BUNDLED: &str = include_str!("prices.toml");

/// Dollars per million tokens that nobody asks for; more is a slip of the unit.
const MOST: f64 = 1_000_000.0;

/// Where the user's own prices are.
pub fn path(config_dir: &Path) -> PathBuf {
    config_dir.join("prices.toml")
}

/// The bundled prices.
pub fn bundled() -> PriceTable {
    parse(BUNDLED, "the bundled prices").expect("a test reads them")
}

/// The bundled prices with the user's over them.
///
/// # Errors
/// When the user's file cannot be read or is wrong.
pub fn load(config_dir: &Path) -> Result<PriceTable, ConfigError> {
    let path = path(config_dir);
    let mut table = bundled();
    match fs::read_to_string(&path) {
        Ok(text) => table.extend(parse(&text, &path.display().to_string())?),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(source) => return Err(ConfigError::File { doing: "read", path, source }),
    }
    Ok(table)
}

/// Takes a file of prices as the user's own, once it is right. Gives the number of models in it.
///
/// # Errors
/// When it cannot be read, is wrong, or cannot be written to its place.
pub fn update(config_dir: &Path, file: &Path) -> Result<usize, ConfigError> {
    let text = fs::read_to_string(file).map_err(|source| ConfigError::File {
        doing: "read",
        path: file.to_path_buf(),
        source,
    })?;
    let table = parse(&text, &file.display().to_string())?;
    let path = path(config_dir);
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(config_dir)?;
        atomic_write(&path, text.as_bytes())
    };
    write().map_err(|source| ConfigError::File { doing: "write", path: path.clone(), source })?;
    Ok(table.models.len())
}

/// Reads a table of prices; `file` is the name used in errors.
///
/// # Errors
/// When it is not TOML, has an unknown key, or a value that is no price.
pub fn parse(text: &str, file: &str) -> Result<PriceTable, ConfigError> {
    let document = Document::parse(text).map_err(|error| ConfigError::Syntax {
        file: file.to_owned(),
        line: 1 + text[..error.span().map_or(0, |span| span.start).min(text.len())].matches('\n').count(),
        message: error.message().lines().collect::<Vec<_>>().join(", "),
    })?;
    let wrong = |key: &str, at: Option<std::ops::Range<usize>>, message: &str| ConfigError::Value {
        file: file.to_owned(),
        line: 1 + text[..at.map_or(0, |span| span.start).min(text.len())].matches('\n').count(),
        key: visible_line(key, 100),
        message: message.to_owned(),
    };
    let mut table = PriceTable::default();
    for (key, item) in document.as_table() {
        match (key, item) {
            ("source" | "date", item) => {
                let Some(value) = item.as_str() else { return Err(wrong(key, item.span(), "must be a string")) };
                let value = visible_line(value, 200);
                if key == "source" { table.source = value } else { table.date = value }
            }
            ("models", item) => {
                let Some(models) = item.as_table_like() else {
                    return Err(wrong(key, item.span(), "must be a table of models"));
                };
                for (name, item) in models.iter() {
                    let price = item.as_table_like().ok_or("must be a table with input and output".to_owned());
                    let price = price.and_then(price_of).map_err(|message| {
                        let at = models.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
                        wrong(&format!("models.{name}"), at, &message)
                    })?;
                    table.models.insert(name.to_lowercase(), price);
                }
            }
            _ => return Err(wrong(key, item.span(), "is not known; there are source, date and models")),
        }
    }
    Ok(table)
}

fn price_of(table: &dyn TableLike) -> Result<Price, String> {
    const KEYS: [&str; 4] = ["input", "cache_read", "cache_write", "output"];
    if let Some((unknown, _)) = table.iter().find(|(key, _)| !KEYS.contains(key)) {
        return Err(format!("has an unknown price `{}`; there are {}", visible_line(unknown, 60), KEYS.join(", ")));
    }
    let read = |key: &str| -> Result<Option<u64>, String> { table.get(key).map(|item| micros(key, item)).transpose() };
    let input = read("input")?.ok_or("needs `input`")?;
    let output = read("output")?.ok_or("needs `output`")?;
    Ok(Price {
        input,
        cache_read: read("cache_read")?.unwrap_or(input),
        cache_write: read("cache_write")?.unwrap_or(input),
        output,
    })
}

/// Dollars as millionths.
fn micros(key: &str, item: &Item) -> Result<u64, String> {
    #[expect(clippy::cast_precision_loss, reason = "whole dollars per million tokens are small")]
    let dollars = match item.as_value() {
        Some(Value::Integer(number)) => *number.value() as f64,
        Some(Value::Float(number)) => *number.value(),
        _ => return Err(format!("`{key}` must be a number: US dollars per million tokens")),
    };
    if !(0.0..=MOST).contains(&dollars) {
        return Err(format!("`{key}` must be between 0 and {MOST}: US dollars per million tokens"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above, whole after round()")]
    Ok((dollars * 1_000_000.0).round() as u64)
}

#[cfg(test)]
mod tests;
