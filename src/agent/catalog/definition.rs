//! A definition file: its fields, read strictly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::agent::Protocol;
use crate::model::editor::EditorProtocol;

use super::command::Arguments;
use super::login::LoginRule;

/// How an agent that is spoken to by a protocol shows its own interface.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TerminalFile {
    /// Program and arguments; the word `{conversation}` is the conversation to go on with.
    pub(super) command: Vec<String>,
}

/// What a file may say. An unknown key is an error: a typing mistake in `pass_environment` must not be silent.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DefinitionFile {
    /// In a repository's `.divisi.toml` the name of its table.
    #[serde(default)]
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
    /// The variable that names the server it talks to, for `base_url` of a profile.
    pub(super) base_url_variable: Option<String>,
    /// The variable that names its mode, where that is not an argument (or not in every version).
    pub(super) mode_variable: Option<String>,
    /// The arguments that make its program tell its version; none: it is not asked.
    pub(super) version: Option<Vec<String>>,
    #[serde(default)]
    pub(super) login: LoginRule,
    /// Its own interface, for people.
    pub(super) terminal: Option<TerminalFile>,
    /// How its own interface speaks with an editor.
    #[serde(default)]
    pub(super) editor: Option<EditorProtocol>,
    pub(super) install_hint: Option<String>,
    pub(super) notes: Option<String>,
}

/// The part of a `.divisi.toml` that is read here; the rest is read elsewhere.
#[derive(Debug, Deserialize)]
struct RepositoryFile {
    #[serde(default)]
    agents: BTreeMap<String, DefinitionFile>,
}

impl DefinitionFile {
    /// Reads a file's text; the error names the line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: Self = toml_edit::de::from_str(text).map_err(|error| said(text, &error))?;
        file.check()?;
        Ok(file)
    }

    /// Reads the definitions in a repository's file, by name; the error names the line.
    pub(super) fn parse_repository(text: &str) -> Result<BTreeMap<String, Self>, String> {
        let mut file: RepositoryFile = toml_edit::de::from_str(text).map_err(|error| said(text, &error))?;
        for (name, definition) in &mut file.agents {
            if !definition.name.is_empty() && definition.name != *name {
                return Err(format!("[agents.{name}]: `name` says {:?}: leave it out", definition.name));
            }
            definition.name.clone_from(name);
            definition.check().map_err(|reason| format!("[agents.{name}]: {reason}"))?;
        }
        Ok(file.agents)
    }

    /// Reads what [`Self::to_json`] wrote.
    pub(super) fn from_json(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// The definition as a session keeps it.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings, lists and maps of strings can be written")
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
        let variables = [&self.base_url_variable, &self.mode_variable];
        let names = self.environment.keys().chain(&self.pass_environment).chain(variables.into_iter().flatten());
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

/// What is wrong with a text, with its line and what was perhaps meant.
fn said(text: &str, error: &toml_edit::de::Error) -> String {
    let message = error.message().trim().replace('\n', ", ");
    let place = error.span().map(|span| format!("line {}: ", line_of(text, span.start))).unwrap_or_default();
    let meant = meant(&message).map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default();
    format!("{place}{message}{meant}")
}

/// Of the names that a message says were expected, the one most like the one it complains about.
fn meant(message: &str) -> Option<String> {
    let (wrong, expected) = message.strip_prefix("unknown ")?.split_once(", expected ")?;
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let wrong = quoted(wrong).into_iter().next()?;
    let known = quoted(expected);
    crate::base::near::near(&wrong, known.iter().map(String::as_str)).first().map(|name| (*name).to_owned())
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}
