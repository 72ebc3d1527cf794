//! Reading `config.toml`.

use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item, TableLike};

use crate::config::key::{find, near};
use crate::config::{Config, ConfigError, mcp};

/// Reads a configuration file; a missing one is the default configuration.
///
/// # Errors
/// When it cannot be read or is wrong.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    match fs::read_to_string(path) {
        Ok(text) => load_text(&text, &path.display().to_string()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Config::default()),
        Err(source) => Err(ConfigError::File { doing: "read", path: path.to_path_buf(), source }),
    }
}

/// Reads a configuration's text; `file` is the name used in errors.
///
/// # Errors
/// When it is not TOML, has an unknown key, or a value of the wrong type.
pub fn load_text(text: &str, file: &str) -> Result<Config, ConfigError> {
    let document = Document::parse(text).map_err(|error| ConfigError::Syntax {
        file: file.to_owned(),
        line: line_of(text, error.span()),
        message: error.message().lines().collect::<Vec<_>>().join(", "),
    })?;
    let mut config = Config::default();
    walk(document.as_table(), "", None, &Source { text, file }, &mut config)?;
    Ok(config)
}

struct Source<'a> {
    text: &'a str,
    file: &'a str,
}

fn walk(
    table: &dyn TableLike,
    prefix: &str,
    around: Option<&Range<usize>>,
    source: &Source<'_>,
    config: &mut Config,
) -> Result<(), ConfigError> {
    for (name, item) in table.iter() {
        let dotted = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        let span = table.key(name).and_then(toml_edit::Key::span).or_else(|| item.span()).or_else(|| around.cloned());
        let file = source.file.to_owned();
        let line = line_of(source.text, span.clone());
        if prefix == mcp::SECTION {
            mcp::read(config, name, item).map_err(|message| ConfigError::Value { file, line, key: dotted, message })?;
        } else if let Some(key) = find(&dotted) {
            let outcome = match item {
                Item::Value(value) => (key.set)(config, value),
                Item::None | Item::Table(_) | Item::ArrayOfTables(_) => Err("must be a value, not a table".to_owned()),
            };
            outcome.map_err(|message| ConfigError::Value { file, line, key: dotted, message })?;
        } else if let (true, Some(inner)) = (is_section(&dotted), item.as_table_like()) {
            walk(inner, &dotted, span.as_ref(), source, config)?;
        } else if is_section(&dotted) {
            return Err(ConfigError::Value {
                file,
                line,
                key: dotted,
                message: "must be a table of settings".to_owned(),
            });
        } else {
            let near = near(&dotted);
            return Err(ConfigError::Unknown { file, line, key: dotted, near });
        }
    }
    Ok(())
}

fn is_section(dotted: &str) -> bool {
    dotted == mcp::SECTION
        || crate::config::key::keys().any(|key| key.name.split_once('.').is_some_and(|(section, _)| section == dotted))
}

fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start);
    1 + text.char_indices().take_while(|(at, _)| *at < start).filter(|(_, c)| *c == '\n').count()
}

#[cfg(test)]
mod tests;
