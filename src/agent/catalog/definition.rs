//! A definition file: its fields, read strictly.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::agent::Protocol;

use super::command::Arguments;

/// How an agent that is spoken to by a protocol shows its own interface.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TerminalFile {
    /// Program and arguments; the word `{conversation}` is the conversation to go on with.
    pub(super) command: Vec<String>,
}

/// What a file may say. An unknown key is an error: a typing mistake in `pass_environment` must not be silent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DefinitionFile {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) protocol: Option<Protocol>,
    /// Whose events they are, with the protocol `json_lines`.
    pub(super) dialect: Option<String>,
    pub(super) command: Option<Vec<String>>,
    #[serde(default)]
    pub(super) arguments: Arguments,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) pass_environment: Vec<String>,
    /// Its own interface, for people.
    pub(super) terminal: Option<TerminalFile>,
    pub(super) install_hint: Option<String>,
    pub(super) notes: Option<String>,
}

impl DefinitionFile {
    /// Reads a file's text; the error names the line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: Self = toml_edit::de::from_str(text).map_err(|error| {
            let message = error.message().trim().replace('\n', ", ");
            match error.span() {
                Some(span) => format!("line {}: {message}", line_of(text, span.start)),
                None => message,
            }
        })?;
        file.check()?;
        Ok(file)
    }

    fn check(&self) -> Result<(), String> {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty()
            || self.name.len() > 64
            || !self.name.chars().all(word)
            || self.name.starts_with(['-', '.'])
        {
            return Err(format!(
                "`name` is {:?}: at most 64 of the characters a-z 0-9 - _ . are allowed, beginning with a letter or digit",
                self.name
            ));
        }
        if let Some(command) = &self.command {
            let program = command.first().map(String::as_str).unwrap_or_default();
            if program.is_empty() {
                return Err("`command` is empty: give the program and its arguments as a list".to_owned());
            }
            if program.contains('/') && !program.starts_with('/') {
                return Err(format!("`command` names the program {program:?}: give a bare name or an absolute path"));
            }
        }
        if let Some(terminal) = &self.terminal
            && !terminal.command.iter().any(|word| word == "{conversation}")
        {
            return Err("`terminal.command` lacks the word {conversation}: it has to go on with one".to_owned());
        }
        let names = self.environment.keys().chain(&self.pass_environment);
        if let Some(bad) = names.into_iter().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
            return Err(format!("{bad:?} is not a name of an environment variable"));
        }
        let values = self.environment.values().chain(self.command.iter().flatten());
        if values.into_iter().any(|value| value.contains('\0')) {
            return Err("a NUL character cannot be passed to a program".to_owned());
        }
        Ok(())
    }
}

/// Only the name.
pub(super) fn name_of(text: &str) -> Result<String, String> {
    DefinitionFile::parse(text).map(|file| file.name)
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}
