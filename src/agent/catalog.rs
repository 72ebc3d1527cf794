//! The catalog: which agents there are, and how each is started and talked to.
//!
//! Definitions are data files. The built-in ones are part of the binary; every `*.toml` in the directory `agents` of the user's
//! configuration adds one or overrides parts of the one with the same name. A bad file is reported and takes no other down. The table
//! `agents` of a repository's `.divisi.toml` does the same for the sessions of that repository, once the user trusts the file: a session
//! keeps the definition it was created with.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::host::port::{AgentDefinition, Agents, Conversation, ConversationSetup, Lifetime, Listing, Variant};
use crate::model::Refusal;
use crate::model::agent::{AgentView, Protocol};
use crate::model::id::TurnId;
use crate::model::login::KnownProblem;
use crate::model::profile::CredentialSource;
use crate::model::query::Finding;
use crate::model::secret::Secret;

use super::acp::AcpConversation;
use super::claude::ClaudeConversation;
use super::codex::CodexConversation;
use super::json_lines::{Dialect, JsonLinesConversation};
use super::pty::{PtyConversation, PtySetup};
use super::shell::ShellConversation;

mod command;
mod credential;
mod definition;
mod entry;
mod known;
mod listing;
mod login;
mod mcp;
mod near;
mod probe;

use command::Arguments;
use definition::DefinitionFile;
use entry::{Entry, merge};
use probe::Answers;

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

/// The agents of this machine and user.
#[derive(Debug, Clone)]
pub struct Catalog {
    entries: BTreeMap<String, Entry>,
    path_env: OsString,
    own_exe: PathBuf,
    /// The daemon's variables: where agents look for their credentials, and what a credential's command runs with.
    environment: BTreeMap<String, String>,
    /// What is wrong with definitions.
    findings: Vec<Finding>,
    /// Files of the user's that are of no use: the name of the file without its ending, and why.
    useless: Vec<(String, String, String)>,
    answers: Answers,
}

impl Catalog {
    /// Reads the built-in definitions and those of the user's configuration directory. `own_exe` is divisi's program, `path_env` the
    /// `PATH` in which the agents' programs are looked up. What is wrong with a file is told and the file is left out.
    pub fn load(config_dir: Option<&Path>, own_exe: &Path, path_env: &str) -> (Self, Vec<Finding>) {
        let mut catalog = Self {
            entries: BTreeMap::new(),
            path_env: path_env.into(),
            own_exe: own_exe.to_owned(),
            environment: BTreeMap::new(),
            findings: Vec::new(),
            useless: Vec::new(),
            answers: Answers::default(),
        };
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
                Err(reason) => {
                    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                    catalog.useless.push((stem, source.clone(), format!("{source}: {reason}")));
                    findings.push(finding(&format!("agent definition {source}: {reason}"), Some(source)));
                }
            }
        }
        catalog.findings.clone_from(&findings);
        (catalog, findings)
    }

    /// The daemon's variables: where agents look for their credentials, and what a credential's command runs with.
    #[must_use]
    pub fn with_environment(mut self, environment: BTreeMap<String, String>) -> Self {
        self.environment = environment;
        self
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

    /// The entry that a definition was made from.
    fn entry(&self, agent: &AgentDefinition) -> Option<Cow<'_, Entry>> {
        self.entry_of(&agent.name, agent.definition.as_deref()).ok()
    }

    /// The catalog's entry, or that of a repository's definition laid over it.
    fn entry_of(&self, name: &str, definition: Option<&str>) -> Result<Cow<'_, Entry>, String> {
        let earlier = self.entries.get(name);
        match definition {
            Some(text) => {
                let file = DefinitionFile::from_json(text)?;
                merge(file, earlier, REPOSITORY_SOURCE, &self.own_exe).map(Cow::Owned)
            }
            None => earlier.map(Cow::Borrowed).ok_or_else(|| "it is not in the catalog".to_owned()),
        }
    }
}

/// Where a repository's definition is from, as far as a session knows.
const REPOSITORY_SOURCE: &str = ".divisi.toml";

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

impl Agents for Catalog {
    fn list(&self, listing: &Listing<'_>) -> Vec<AgentView> {
        self.listed(listing)
    }

    fn find_as(&self, name: &str, variant: Variant<'_>) -> Result<AgentDefinition, Refusal> {
        let entry = match self.entry_of(name, variant.definition) {
            Ok(entry) => entry,
            Err(reason) if variant.definition.is_some() => {
                return Err(Refusal::user(format!(
                    "the repository's definition of the agent {name} is of no use: {reason}"
                )));
            }
            Err(_) => {
                let mut refusal = Refusal::user(format!("there is no agent named {name:?}"));
                let near = near::names_like(name, self.entries.keys());
                if !near.is_empty() {
                    refusal = refusal.hint(format!("did you mean {}?", near.join(" or ")));
                }
                return Err(refusal
                    .hint("see them all with `divisi agents`")
                    .hint("if its definition is new: `divisi daemon restart`, which reads them"));
            }
        };
        let own = entry.command.first().map_or("", String::as_str);
        let program = variant.program.unwrap_or(own);
        let Ok(path) = which::which_in(program, Some(&self.path_env), "/") else {
            let refusal = Refusal::user(format!(
                "the agent {name} cannot be started: its program {program} was not found{}",
                if program.starts_with('/') { "" } else { " in PATH" }
            ));
            return Err(match &entry.install_hint {
                Some(hint) if variant.program.is_none() => refusal.hint(hint.clone()),
                _ if variant.program.is_some() => refusal.hint("correct `program` in the profile"),
                _ => refusal.hint(format!("install {program}, or correct `command` in {}", entry.source)),
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
            base_url_variable: entry.base_url_variable.clone(),
            mode_variable: entry.mode_variable.clone(),
            editor: entry.editor,
            tells: entry.tells,
            install_hint: entry.install_hint.clone(),
            source: entry.source.clone(),
            definition: variant.definition.map(str::to_owned),
        })
    }

    fn in_repository(&self, text: &str) -> Result<BTreeMap<String, String>, Refusal> {
        let definitions = DefinitionFile::parse_repository(text)
            .map_err(|reason| Refusal::user(format!("cannot read .divisi.toml: {reason}")))?;
        definitions
            .into_iter()
            .map(|(name, definition)| {
                let text = definition.to_json();
                merge(definition, self.entries.get(&name), REPOSITORY_SOURCE, &self.own_exe)
                    .map_err(|reason| Refusal::user(format!("cannot read .divisi.toml: [agents.{name}]: {reason}")))?;
                Ok((name, text))
            })
            .collect()
    }

    fn problems(&self, agent: &AgentDefinition) -> Vec<KnownProblem> {
        let Some(entry) = self.entry(agent) else { return Vec::new() };
        let Some(mut question) = self.question(&entry) else { return Vec::new() };
        if let Some(program) = agent.command.first() {
            question.path = PathBuf::from(program);
        }
        if !known::mentions(&question.program) {
            return Vec::new();
        }
        self.answers.ask(std::slice::from_ref(&question));
        self.answers.known(&question).map(|probe| probe.problems).unwrap_or_default()
    }

    fn findings(&self) -> Vec<Finding> {
        self.found()
    }

    fn credential(&self, source: &CredentialSource, environment: &BTreeMap<String, String>) -> Result<Secret, Refusal> {
        credential::look_up(source, environment, &self.path_env)
    }

    fn lifetime(&self, agent: &AgentDefinition) -> Lifetime {
        match agent.protocol {
            Protocol::Shell | Protocol::JsonLines => Lifetime::Turn,
            Protocol::Acp | Protocol::ClaudeStreamJson | Protocol::CodexAppServer | Protocol::Pty => Lifetime::Session,
        }
    }

    fn command(&self, agent: &AgentDefinition, setup: &ConversationSetup, prompt: Option<&str>) -> Vec<String> {
        let arguments = self.entry(agent).map_or_else(Arguments::default, |entry| entry.arguments.clone());
        command::fill(agent, &arguments, setup, prompt)
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
                let dialect = self.entry(agent).and_then(|entry| entry.dialect).unwrap_or(Dialect::Claude);
                Box::new(JsonLinesConversation::new(dialect, setup, turn))
            }
        }
    }
}

#[cfg(test)]
mod tests;
