//! The command line of a process: placeholders of the definition filled in.
//!
//! `{mcp}` stands for the options that name MCP servers, in the words of the protocol's program. `{resume}`, `{model}` and `{mode}`, each a word of its own, are replaced by the definition's `[arguments]` when there is a value,
//! and left out when there is none. `{prompt}` is the prompt, alone or inside of a word (`--prompt={prompt}` keeps a prompt that
//! begins with a hyphen from being read as an option).

use serde::{Deserialize, Serialize};

use super::mcp;
use crate::host::port::{AgentDefinition, ConversationSetup};
use crate::model::agent::Protocol;

/// The word that stands for the prompt; without it a shell's prompt is the last argument.
const PROMPT: &str = "{prompt}";
/// The word that stands for the conversation to go on with.
const CONVERSATION: &str = "{conversation}";
/// Stands for the value in the words of [`Arguments`].
const VALUE: &str = "{value}";

/// How values become arguments.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// The conversation to go on with.
    pub(super) resume: Option<Vec<String>>,
    model: Option<Vec<String>>,
    mode: Option<Vec<String>>,
    /// The mode when none is asked for.
    default_mode: Option<String>,
}

impl Arguments {
    /// Lays these over earlier ones.
    pub(super) fn over(self, earlier: Option<&Self>) -> Self {
        let earlier = earlier.cloned().unwrap_or_default();
        Self {
            resume: self.resume.or(earlier.resume),
            model: self.model.or(earlier.model),
            mode: self.mode.or(earlier.mode),
            default_mode: self.default_mode.or(earlier.default_mode),
        }
    }
}

/// The words for a value; none when there is no value or no way to give it.
fn words(template: Option<&Vec<String>>, value: Option<&str>) -> Vec<String> {
    match (template, value.filter(|value| !value.is_empty())) {
        (Some(template), Some(value)) => template.iter().map(|word| word.replace(VALUE, value)).collect(),
        _ => Vec::new(),
    }
}

/// Whether the definition says where the prompt goes.
pub(super) fn places_prompt(agent: &AgentDefinition) -> bool {
    agent.command.iter().any(|word| word.contains(PROMPT))
}

/// The command line of a process of `agent`.
pub(super) fn fill(
    agent: &AgentDefinition,
    arguments: &Arguments,
    setup: &ConversationSetup,
    prompt: Option<&str>,
) -> Vec<String> {
    let takes_prompt = matches!(agent.protocol, Protocol::Shell | Protocol::JsonLines) || places_prompt(agent);
    let prompt = prompt.filter(|_| takes_prompt);
    let conversation = setup.resume.as_ref().and_then(|earlier| earlier.conversation.as_deref());
    let mut command = Vec::new();
    let mut placed = prompt.is_none();
    for word in &agent.command {
        match (word.as_str(), prompt) {
            ("{resume}", _) => command.extend(words(arguments.resume.as_ref(), conversation)),
            ("{mcp}", _) => command.extend(mcp::words(agent.protocol, setup)),
            ("{model}", _) => command.extend(words(arguments.model.as_ref(), setup.model.as_deref())),
            ("{mode}", _) => {
                let mode = setup.mode.as_deref().or(arguments.default_mode.as_deref());
                command.extend(words(arguments.mode.as_ref(), mode));
            }
            (CONVERSATION, _) => command.extend(conversation.map(str::to_owned)),
            (word, None) if agent.protocol == Protocol::Pty && word.contains(PROMPT) => {}
            (word, Some(prompt)) if word.contains(PROMPT) => {
                command.push(word.replace(PROMPT, prompt));
                placed = true;
            }
            (word, _) => command.push(word.to_owned()),
        }
    }
    if let (false, Some(prompt)) = (placed, prompt) {
        command.push(prompt.to_owned());
    }
    command
}
