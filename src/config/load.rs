//! Reading `config.toml`.

use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item, TableLike, Value};

use crate::base::schema::check::{Fault, Problem, problems};
use crate::config::key::{find, near};
use crate::config::{Config, ConfigError, mcp, profiles, schema};

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
    if let Some(problem) = problems(text, &schema::shape()).into_iter().next() {
        return Err(told(problem, text, file));
    }
    let document = Document::parse(text).map_err(|error| ConfigError::Syntax {
        file: file.to_owned(),
        line: line_of(text, error.span()),
        message: error.message().lines().collect::<Vec<_>>().join(", "),
    })?;
    let mut config = Config::default();
    let source = Source { text, file };
    walk(document.as_table(), "", None, &source, &mut config)?;
    if let Some(section) = document.as_table().get(PROFILES) {
        config.settings.profiles = profiles::read(section, &source)?;
    }
    let profiles = &config.settings.profiles;
    if let Some((agent, name)) = config.settings.default_profiles.iter().find(|(_, name)| !profiles.contains_key(*name))
    {
        let agents = document.as_table().get("agents");
        let message = format!("names for {agent} a profile that does not exist: there is no profile \"{name}\"");
        let line = line_of(text, agents.and_then(|agents| agents.get("profiles")).and_then(Item::span));
        return Err(ConfigError::Value { file: file.to_owned(), line, key: "agents.profiles".to_owned(), message });
    }
    Ok(config)
}

fn told(problem: Problem, text: &str, file: &str) -> ConfigError {
    let (file, line, key) = (file.to_owned(), problem.line(text), problem.key);
    match problem.fault {
        Fault::Syntax(_, message) => ConfigError::Syntax { file, line, message },
        Fault::Unknown(near) => ConfigError::Unknown { file, line, key, near },
        Fault::Wrong(message) => ConfigError::Value { file, line, key, message },
    }
}

/// Settings whose value is a table, which may also be written as a section.
const TABLES: &[&str] = &["agents.profiles"];

/// The section that is not made of [`crate::config::key::Key`]s.
const PROFILES: &str = "profiles";

/// A file that is being read.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) file: &'a str,
}

impl Source<'_> {
    /// The line of a key, or else of its value, or else the one given; one-based.
    pub(super) fn line_of_key(&self, table: &dyn TableLike, name: &str, item: &Item, otherwise: usize) -> usize {
        let span = table.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
        span.map_or(otherwise, |span| line_of(self.text, Some(span)))
    }
}

fn walk(
    table: &dyn TableLike,
    prefix: &str,
    around: Option<&Range<usize>>,
    source: &Source<'_>,
    config: &mut Config,
) -> Result<(), ConfigError> {
    for (name, item) in table.iter().filter(|(name, _)| !(prefix.is_empty() && *name == PROFILES)) {
        let dotted = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        let span = table.key(name).and_then(toml_edit::Key::span).or_else(|| item.span()).or_else(|| around.cloned());
        let file = source.file.to_owned();
        let line = line_of(source.text, span.clone());
        if prefix == mcp::SECTION {
            mcp::read(config, name, item).map_err(|message| ConfigError::Value { file, line, key: dotted, message })?;
        } else if let Some(key) = find(&dotted) {
            let outcome = match item {
                Item::Value(value) => key.take(config, value),
                Item::Table(table) if TABLES.contains(&key.name) => {
                    key.take(config, &Value::InlineTable(table.clone().into_inline_table()))
                }
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
