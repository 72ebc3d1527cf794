//! The catalog: which agents there are, and how each is started and talked to.
//!
//! Definitions are data files. The built-in ones are part of the binary; every `*.toml` in the directory `agents` of the user's
//! configuration adds one or overrides parts of the one with the same name. A bad file is reported and takes no other down.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::host::port::{AgentDefinition, Agents, Conversation, ConversationSetup, Lifetime};
use crate::model::Refusal;
use crate::model::agent::{AgentView, Protocol};
use crate::model::id::TurnId;
use crate::model::query::Finding;

use super::acp::AcpConversation;
use super::claude::ClaudeConversation;
use super::codex::CodexConversation;
use super::json_lines::{Dialect, JsonLinesConversation};
use super::pty::{PtyConversation, PtySetup};
use super::shell::ShellConversation;

mod command;
mod definition;
mod near;

use command::Arguments;
use definition::DefinitionFile;

/// The definitions built into the binary, by file name.
const BUILT_IN: [(&str, &str); 22] = [
    ("amp.toml", include_str!("data/amp.toml")),
    ("claude-acp.toml", include_str!("data/claude-acp.toml")),
    ("claude-tui.toml", include_str!("data/claude-tui.toml")),
    ("claude.toml", include_str!("data/claude.toml")),
    ("codex-acp.toml", include_str!("data/codex-acp.toml")),
    ("codex-once.toml", include_str!("data/codex-once.toml")),
    ("codex-tui.toml", include_str!("data/codex-tui.toml")),
    ("codex.toml", include_str!("data/codex.toml")),
    ("copilot-once.toml", include_str!("data/copilot-once.toml")),
    ("copilot.toml", include_str!("data/copilot.toml")),
    ("gemini-once.toml", include_str!("data/gemini-once.toml")),
    ("gemini-tui.toml", include_str!("data/gemini-tui.toml")),
    ("gemini.toml", include_str!("data/gemini.toml")),
    ("opencode-once.toml", include_str!("data/opencode-once.toml")),
    ("opencode-tui.toml", include_str!("data/opencode-tui.toml")),
    ("opencode.toml", include_str!("data/opencode.toml")),
    ("pi.toml", include_str!("data/pi.toml")),
    ("qwen-once.toml", include_str!("data/qwen-once.toml")),
    ("qwen.toml", include_str!("data/qwen.toml")),
    ("scripted.toml", include_str!("data/scripted.toml")),
    ("shell.toml", include_str!("data/shell.toml")),
    ("terminal.toml", include_str!("data/terminal.toml")),
];

/// The word in a command that stands for divisi's own program.
const OWN_PROGRAM: &str = "{exe}";

/// One agent as the catalog knows it.
#[derive(Debug, Clone)]
struct Entry {
    description: String,
    protocol: Protocol,
    dialect: Option<Dialect>,
    arguments: Arguments,
    command: Vec<String>,
    environment: BTreeMap<String, String>,
    pass_environment: Vec<String>,
    /// The command of its own interface.
    terminal: Option<Vec<String>>,
    install_hint: Option<String>,
    notes: Option<String>,
    source: String,
}

/// The agents of this machine and user.
#[derive(Debug, Clone)]
pub struct Catalog {
    entries: BTreeMap<String, Entry>,
    path_env: OsString,
}

impl Catalog {
    /// Reads the built-in definitions and those of the user's configuration directory. `own_exe` is divisi's program, `path_env` the
    /// `PATH` in which the agents' programs are looked up. What is wrong with a file is told and the file is left out.
    pub fn load(config_dir: Option<&Path>, own_exe: &Path, path_env: &str) -> (Self, Vec<Finding>) {
        let mut catalog = Self { entries: BTreeMap::new(), path_env: path_env.into() };
        let mut findings = Vec::new();
        for (file, text) in BUILT_IN {
            if let Err(reason) = catalog.add(text, "built-in", own_exe) {
                findings.push(finding(&format!("built-in agent definition {file}: {reason}"), None));
            }
        }
        let mut from_files: BTreeMap<String, String> = BTreeMap::new();
        for path in config_dir.map(|dir| definition_files(&dir.join("agents"), &mut findings)).unwrap_or_default() {
            let source = path.display().to_string();
            let added =
                std::fs::read_to_string(&path).map_err(|error| format!("cannot be read: {error}")).and_then(|text| {
                    let name = definition::name_of(&text)?;
                    match from_files.get(&name) {
                        Some(other) => Err(format!("the agent {name} is already defined by {other}")),
                        None => catalog.add(&text, &source, own_exe),
                    }
                });
            match added {
                Ok(name) => {
                    from_files.insert(name, source);
                }
                Err(reason) => findings.push(finding(&format!("agent definition {source}: {reason}"), Some(source))),
            }
        }
        (catalog, findings)
    }

    /// What is known about an agent's ways, for `divisi agents`.
    pub fn notes(&self, name: &str) -> Option<&str> {
        self.entries.get(name)?.notes.as_deref()
    }

    /// Adds a definition, or overrides parts of an earlier one. Gives its name.
    fn add(&mut self, text: &str, source: &str, own_exe: &Path) -> Result<String, String> {
        let file = DefinitionFile::parse(text)?;
        let name = file.name.clone();
        let entry = merge(file, self.entries.get(&name), source, own_exe)?;
        self.entries.insert(name.clone(), entry);
        Ok(name)
    }

    fn program(&self, entry: &Entry) -> Option<PathBuf> {
        // The working directory is never searched: a repository could bring its own "agent".
        which::which_in(entry.command.first()?, Some(&self.path_env), "/").ok()
    }

    fn view(&self, name: &str, entry: &Entry) -> AgentView {
        let path = self.program(entry).map(|path| path.display().to_string());
        AgentView {
            name: name.to_owned(),
            description: entry.description.clone(),
            protocol: entry.protocol,
            command: entry.command.clone(),
            installed: path.is_some(),
            path,
            source: entry.source.clone(),
            install_hint: entry.install_hint.clone(),
        }
    }
}

/// The definition files of a directory in the order of their names.
fn definition_files(dir: &Path, findings: &mut Vec<Finding>) -> Vec<PathBuf> {
    let listing = match std::fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            let subject = dir.display().to_string();
            findings.push(finding(&format!("agent definitions in {subject}: cannot be read: {error}"), Some(subject)));
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = listing
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .collect();
    files.sort();
    files
}

fn finding(message: &str, subject: Option<String>) -> Finding {
    Finding {
        kind: "agent_definition".to_owned(),
        level: "error".to_owned(),
        message: message.trim_end().to_owned(),
        repository: None,
        hint: subject.as_ref().map(|path| format!("edit or remove {path}; the other agents are not affected")),
        subject,
        fix: None,
    }
}

/// Lays a file over what the catalog has under its name.
fn merge(file: DefinitionFile, earlier: Option<&Entry>, source: &str, own_exe: &Path) -> Result<Entry, String> {
    let missing = |field: &str| format!("`{field}` is missing (it is needed for an agent that is not built in)");
    let with_program = |text: String| text.replace(OWN_PROGRAM, &own_exe.to_string_lossy());
    let mut environment = earlier.map(|entry| entry.environment.clone()).unwrap_or_default();
    environment.extend(file.environment.into_iter().map(|(name, value)| (name, with_program(value))));
    let mut pass_environment = earlier.map(|entry| entry.pass_environment.clone()).unwrap_or_default();
    for name in file.pass_environment {
        if !pass_environment.contains(&name) {
            pass_environment.push(name);
        }
    }
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
    Ok(Entry {
        description: file
            .description
            .or_else(|| earlier.map(|entry| entry.description.clone()))
            .ok_or_else(|| missing("description"))?,
        protocol,
        dialect,
        arguments: file.arguments.over(earlier.map(|entry| &entry.arguments)),
        command,
        environment,
        pass_environment,
        terminal: file
            .terminal
            .map(|terminal| terminal.command.into_iter().map(with_program).collect())
            .or_else(|| earlier.and_then(|entry| entry.terminal.clone())),
        install_hint: file.install_hint.or_else(|| earlier.and_then(|entry| entry.install_hint.clone())),
        notes: file.notes.or_else(|| earlier.and_then(|entry| entry.notes.clone())),
        source: source.to_owned(),
    })
}

impl Agents for Catalog {
    fn list(&self) -> Vec<AgentView> {
        self.entries.iter().map(|(name, entry)| self.view(name, entry)).collect()
    }

    fn find(&self, name: &str) -> Result<AgentDefinition, Refusal> {
        let Some(entry) = self.entries.get(name) else {
            let mut refusal = Refusal::user(format!("there is no agent named {name:?}"));
            let near = near::names_like(name, self.entries.keys());
            if !near.is_empty() {
                refusal = refusal.hint(format!("did you mean {}?", near.join(" or ")));
            }
            return Err(refusal.hint("see them all with `divisi agents`"));
        };
        let program = entry.command.first().map_or("", String::as_str);
        let Some(path) = self.program(entry) else {
            let refusal = Refusal::user(format!(
                "the agent {name} cannot be started: its program {program} was not found in PATH"
            ));
            return Err(match &entry.install_hint {
                Some(hint) => refusal.hint(hint.clone()),
                None => refusal.hint(format!("install {program}, or correct `command` in {}", entry.source)),
            });
        };
        let mut command = entry.command.clone();
        if let Some(first) = command.first_mut() {
            *first = path.to_string_lossy().into_owned();
        }
        Ok(AgentDefinition {
            name: name.to_owned(),
            description: entry.description.clone(),
            protocol: entry.protocol,
            command,
            environment: entry.environment.clone(),
            pass_environment: entry.pass_environment.clone(),
            install_hint: entry.install_hint.clone(),
            source: entry.source.clone(),
        })
    }

    fn lifetime(&self, agent: &AgentDefinition) -> Lifetime {
        match agent.protocol {
            Protocol::Shell | Protocol::JsonLines => Lifetime::Turn,
            Protocol::Acp | Protocol::ClaudeStreamJson | Protocol::CodexAppServer | Protocol::Pty => Lifetime::Session,
        }
    }

    fn command(&self, agent: &AgentDefinition, setup: &ConversationSetup, prompt: Option<&str>) -> Vec<String> {
        let none = Arguments::default();
        let arguments = self.entries.get(&agent.name).map_or(&none, |entry| &entry.arguments);
        command::fill(agent, arguments, setup, prompt)
    }

    fn on_terminal(&self, agent: &AgentDefinition) -> Option<AgentDefinition> {
        if agent.protocol == Protocol::Pty {
            return Some(agent.clone());
        }
        let mut command = self.entries.get(&agent.name)?.terminal.clone()?;
        let program = command.first_mut()?;
        let path = which::which_in(&program, Some(&self.path_env), "/").ok()?;
        *program = path.to_string_lossy().into_owned();
        Some(AgentDefinition { protocol: Protocol::Pty, command, ..agent.clone() })
    }

    fn takes_prompt(&self, agent: &AgentDefinition) -> bool {
        agent.protocol == Protocol::Pty && command::places_prompt(agent)
    }

    fn wants_stdin(&self, agent: &AgentDefinition) -> bool {
        self.lifetime(agent) == Lifetime::Session
    }

    fn converse(
        &self,
        agent: &AgentDefinition,
        setup: &ConversationSetup,
        turn: Option<&TurnId>,
    ) -> Box<dyn Conversation> {
        let turn = turn.cloned().unwrap_or_else(|| TurnId::from(""));
        match agent.protocol {
            Protocol::Shell => Box::new(ShellConversation::new(turn)),
            Protocol::Acp => Box::new(AcpConversation::new(setup.clone())),
            Protocol::ClaudeStreamJson => Box::new(ClaudeConversation::new(setup.clone())),
            Protocol::CodexAppServer => Box::new(CodexConversation::new(setup.clone())),
            Protocol::Pty => {
                let can_continue = self.entries.get(&agent.name).is_some_and(|entry| entry.arguments.resume.is_some());
                Box::new(PtyConversation::new(PtySetup { conversation: setup.clone(), can_continue }))
            }
            Protocol::JsonLines => {
                let dialect = self.entries.get(&agent.name).and_then(|entry| entry.dialect).unwrap_or(Dialect::Claude);
                Box::new(JsonLinesConversation::new(dialect, setup, turn))
            }
        }
    }
}

#[cfg(test)]
mod tests;
