//! One agent as the catalog knows it: definitions laid over each other.

use std::collections::BTreeMap;
use std::path::Path;

use crate::agent::json_lines::Dialect;
use crate::model::agent::Protocol;
use crate::model::editor::EditorProtocol;
use crate::model::schema::definition::missing;
use crate::model::tells::Tells;

use super::command::Arguments;
use super::definition::DefinitionFile;
use super::login::LoginRule;

/// The word in a command that stands for divisi's own program.
pub(super) const OWN_PROGRAM: &str = "{exe}";

/// One agent as the catalog knows it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) description: String,
    pub(super) protocol: Protocol,
    /// It does what it is told literally.
    pub(super) literal: bool,
    pub(super) dialect: Option<Dialect>,
    pub(super) arguments: Arguments,
    pub(super) command: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) pass_environment: Vec<String>,
    /// The command of its own interface.
    pub(super) terminal: Option<Vec<String>>,
    pub(super) base_url_variable: Option<String>,
    pub(super) mode_variable: Option<String>,
    /// What makes its program tell its version.
    pub(super) version: Vec<String>,
    pub(super) editor: Option<EditorProtocol>,
    pub(super) login: LoginRule,
    pub(super) tells: Tells,
    pub(super) install_hint: Option<String>,
    pub(super) notes: Option<String>,
    pub(super) source: String,
}

/// Lays a file over what the catalog has under its name.
pub(super) fn merge(
    file: DefinitionFile,
    earlier: Option<&Entry>,
    source: &str,
    own_exe: &Path,
) -> Result<Entry, String> {
    let with_program = |text: String| text.replace(OWN_PROGRAM, &own_exe.to_string_lossy());
    let mut environment = earlier.map(|entry| entry.environment.clone()).unwrap_or_default();
    environment.extend(file.environment.into_iter().map(|(name, value)| (name, with_program(value))));
    let mut pass_environment = earlier.map(|entry| entry.pass_environment.clone()).unwrap_or_default();
    for name in file.pass_environment {
        if !pass_environment.contains(&name) {
            pass_environment.push(name);
        }
    }
    let replaced = file.command.is_some();
    let command = match file.command {
        Some(command) => command.into_iter().map(with_program).collect(),
        None => earlier.map(|entry| entry.command.clone()).ok_or_else(|| missing("command"))?,
    };
    let protocol = file.protocol.or_else(|| earlier.map(|entry| entry.protocol)).ok_or_else(|| missing("protocol"))?;
    let dialect =
        file.dialect.map(|name| name.parse()).transpose()?.or_else(|| earlier.and_then(|entry| entry.dialect));
    if protocol == Protocol::JsonLines && dialect.is_none() {
        return Err("`dialect` is missing (it is needed with the protocol json_lines)".to_owned());
    }
    let tells = file.tells.or_else(|| earlier.filter(|_| !replaced).map(|entry| entry.tells));
    Ok(Entry {
        description: file
            .description
            .or_else(|| earlier.map(|entry| entry.description.clone()))
            .ok_or_else(|| missing("description"))?,
        protocol,
        // Another program may well understand words.
        literal: file.literal.unwrap_or_else(|| earlier.is_some_and(|entry| entry.literal && !replaced)),
        dialect,
        arguments: file.arguments.over(earlier.map(|entry| &entry.arguments)),
        command,
        environment,
        pass_environment,
        terminal: file
            .terminal
            .map(|terminal| terminal.command.into_iter().map(with_program).collect())
            .or_else(|| earlier.and_then(|entry| entry.terminal.clone())),
        base_url_variable: file.base_url_variable.or_else(|| earlier.and_then(|entry| entry.base_url_variable.clone())),
        mode_variable: file.mode_variable.or_else(|| earlier.and_then(|entry| entry.mode_variable.clone())),
        // Another program is not asked as the earlier one was.
        version: file.version.unwrap_or_else(|| match (earlier, replaced) {
            (Some(entry), false) => entry.version.clone(),
            _ => Vec::new(),
        }),
        editor: file.editor.or_else(|| earlier.and_then(|entry| entry.editor)),
        login: file.login.over(earlier.map(|entry| &entry.login)),
        tells: tells.unwrap_or_else(|| told(protocol, dialect)),
        install_hint: file.install_hint.or_else(|| earlier.and_then(|entry| entry.install_hint.clone())),
        notes: file.notes.or_else(|| earlier.and_then(|entry| entry.notes.clone())),
        source: source.to_owned(),
    })
}

/// What agents tell of what they use, by how they are spoken to.
fn told(protocol: Protocol, dialect: Option<Dialect>) -> Tells {
    match (protocol, dialect) {
        (Protocol::Shell | Protocol::Pty, _) | (_, Some(Dialect::Copilot)) => Tells::Nothing,
        (Protocol::ClaudeStreamJson, _) | (_, Some(Dialect::Claude | Dialect::Opencode | Dialect::Pi)) => Tells::Cost,
        (Protocol::CodexAppServer, _) | (_, Some(_)) => Tells::Tokens,
        (Protocol::Acp | Protocol::JsonLines, None) => Tells::Unknown,
    }
}
