//! A definition file: its fields, read strictly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::schema::Shape;
use crate::base::schema::check::{Problem, line_of, problems};
use crate::model::agent::Protocol;
use crate::model::editor::EditorProtocol;
use crate::model::schema::{definition, repository};
use crate::model::tells::Tells;

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
    /// It does what it is told literally: nothing for a prompt in words.
    #[serde(default)]
    pub(super) literal: Option<bool>,
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
    /// What it tells of what it uses.
    pub(super) tells: Option<Tells>,
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
        well_formed(text, &definition::file(), "")?;
        toml_edit::de::from_str(text).map_err(|error| said(text, &error))
    }

    /// Reads the definitions in a repository's file, by name; the error names the line.
    pub(super) fn parse_repository(text: &str) -> Result<BTreeMap<String, Self>, String> {
        well_formed(text, &repository::shape(), "agents")?;
        let mut file: RepositoryFile = toml_edit::de::from_str(text).map_err(|error| said(text, &error))?;
        for (name, definition) in &mut file.agents {
            definition.name.clone_from(name);
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
}

/// Only the name.
pub(super) fn name_of(text: &str) -> Result<String, String> {
    DefinitionFile::parse(text).map(|file| file.name)
}

/// Refuses a text that is not as described, as far as that concerns a section (all of it: the empty name).
fn well_formed(text: &str, shape: &Shape, section: &str) -> Result<(), String> {
    let ours = |problem: &Problem| {
        let rest = problem.key.strip_prefix(section);
        problem.key.is_empty()
            || rest.is_some_and(|rest| section.is_empty() || rest.is_empty() || rest.starts_with('.'))
    };
    problems(text, shape).iter().find(|problem| ours(problem)).map_or(Ok(()), |problem| Err(problem.told(text)))
}

/// What the description does not know of and the reader does not take.
fn said(text: &str, error: &toml_edit::de::Error) -> String {
    let message = error.message().trim().replace('\n', ", ");
    let place = error.span().map(|span| format!("line {}: ", line_of(text, span.start))).unwrap_or_default();
    format!("{place}{message}")
}
