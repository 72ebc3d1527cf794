//! Client of the Agent Client Protocol, version 1 (agentclientprotocol.com), as a state machine that can be resumed.
//!
//! The SDK's connection object lives and dies with its process. Here everything follows from the job's journal: what the agent
//! printed and what was written to it. So request ids are strings that are a function of the state and equal the keys of the writes
//! (`initialize`, `resume`, `load`, `new`, `model`, `mode`, `option:<n>`, `prompt:<turn>`, `cancel:<turn>`; answers to the agent's own
//! requests are `answer:<their id as JSON>`), and a turn begins when its prompt is seen as written, not when it was asked for.
//!
//! The types are our own and tolerant: agents of the wild leave out fields, invent enum values and updates, and number their requests
//! as they like. What is not understood is kept raw.
//!
//! Every prompt ends in [`Update::TurnEnded`], unless [`Update::Unusable`] was said, which is then repeated for later prompts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::text::visible_line;
use crate::host::port::{Conversation, ConversationInput, ConversationSetup, Update};
use crate::model::agent::{AgentCommand, AgentReady};
use crate::model::id::{PromptId, TurnId};

use super::content::{self, Prompt};
use super::failure::{Ending, FailureKind};
use super::output::BoundedOutput;
use super::steer::{self, Steers, Wish};

mod handshake;
pub(super) mod lines;
mod mcp;
mod options;
mod quirks;
mod render;
mod requests;
mod steering;
pub(super) mod tools;
mod turn;
mod updates;
mod usage;
pub(super) mod wire;

pub use quirks::Quirks;

use lines::{Line, LineReader};
use options::OptionBook;
use requests::RequestBook;
use tools::ToolBook;
use turn::RunningTurn;
use wire::Incoming;

/// How many lines that are not JSON are shown; the others are counted.
const SHOWN_GARBAGE: u64 = 5;

/// How far a conversation is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// The process does not run yet.
    Created,
    /// `initialize` is asked.
    Initializing,
    /// `session/resume`, `session/load` or `session/new` is asked, by this key.
    Opening(&'static str),
    /// The options asked for are being set, this one (`model` or `mode`) now.
    Setting(&'static str),
    /// Ready for prompts.
    Ready,
    /// Of no use, and why.
    Unusable { reason: String, hints: Vec<String>, kind: FailureKind },
    /// The process ended; what becomes of a prompt that comes too late.
    Ended(Ending),
}

/// A conversation with one process of an ACP agent.
pub struct AcpConversation {
    setup: ConversationSetup,
    phase: Phase,
    quirks: Quirks,
    ready: AgentReady,
    /// How a person can log in, from `initialize`.
    login: Vec<String>,
    lines: LineReader,
    errors: BoundedOutput,
    garbage: u64,
    options: OptionBook,
    commands: Vec<AgentCommand>,
    tools: ToolBook,
    requests: RequestBook,
    turn: Option<RunningTurn>,
    /// Turns whose prompt was written to this process.
    delivered: BTreeSet<TurnId>,
    /// A prompt that was asked for and is not yet seen as written.
    wanted: Option<(TurnId, Prompt)>,
    steers: Steers,
    /// Whether it takes text files inside of prompts.
    embeds: bool,
    /// Whether it talks to MCP servers over HTTP.
    http_mcp: bool,
    /// Options to set once it is ready.
    wanted_options: Vec<(String, String)>,
    /// The number of the next option request.
    next_option: u64,
    /// Option requests written and not answered: option id and value by key.
    setting: BTreeMap<String, (String, Value)>,
}

impl AcpConversation {
    /// For a process that is about to start, or whose journal will be fed from its beginning.
    pub fn new(setup: ConversationSetup) -> Self {
        let wanted_options = setup.options.clone().into_iter().collect();
        Self {
            setup,
            phase: Phase::Created,
            quirks: Quirks::default(),
            ready: AgentReady::default(),
            login: Vec::new(),
            lines: LineReader::default(),
            errors: BoundedOutput::default(),
            garbage: 0,
            options: OptionBook::default(),
            commands: Vec::new(),
            tools: ToolBook::default(),
            requests: RequestBook::default(),
            turn: None,
            delivered: BTreeSet::new(),
            wanted: None,
            steers: Steers::default(),
            embeds: false,
            http_mcp: false,
            wanted_options,
            next_option: 0,
            setting: BTreeMap::new(),
        }
    }

    /// The agent's own id of the conversation; empty before it is open.
    fn conversation(&self) -> &str {
        self.ready.conversation.as_deref().unwrap_or_default()
    }

    fn on_output(&mut self, bytes: &[u8], updates: &mut Vec<Update>) {
        let mut reader = std::mem::take(&mut self.lines);
        reader.push(bytes, &mut |line| self.on_line(line, updates));
        self.lines = reader;
    }

    fn on_line(&mut self, line: Line<'_>, updates: &mut Vec<Update>) {
        let line = match line {
            Line::Whole(line) => line,
            Line::TooLong => {
                updates.push(Update::Notice(format!(
                    "the agent sent a line of more than {} MiB; it was skipped",
                    lines::LONGEST / (1024 * 1024)
                )));
                return;
            }
        };
        match wire::parse(line) {
            Ok(value) => {
                let messages = if let Value::Array(batch) = value { batch } else { vec![value] };
                for message in messages {
                    self.on_message(message, updates);
                }
            }
            Err(reason) => self.on_garbage(&format!("a line that is not JSON ({reason})"), line, updates),
        }
    }

    fn on_garbage(&mut self, what: &str, line: &[u8], updates: &mut Vec<Update>) {
        self.garbage += 1;
        if self.garbage <= SHOWN_GARBAGE {
            let head = String::from_utf8_lossy(&line[..line.len().min(800)]);
            updates.push(Update::Notice(format!("the agent sent {what}: {}", visible_line(&head, 200))));
        }
    }

    /// Tells how many lines of garbage were not shown, once per turn.
    fn tell_garbage(&mut self, updates: &mut Vec<Update>) {
        let more = std::mem::take(&mut self.garbage).saturating_sub(SHOWN_GARBAGE);
        if more > 0 {
            updates.push(Update::Notice(format!("the agent sent {more} more lines that are not JSON")));
        }
    }

    fn on_message(&mut self, message: Value, updates: &mut Vec<Update>) {
        match wire::classify(message) {
            Incoming::Request { id, method, params } => self.on_request(&id, &method, &params, updates),
            Incoming::Notification { method, params } => self.on_notification(&method, &params, updates),
            Incoming::Response { id, result, raw } => {
                if !self.on_response(&id, result, updates) {
                    updates.push(Update::Raw(raw));
                }
            }
            Incoming::Other(raw) => updates.push(Update::Raw(raw)),
        }
    }

    /// Takes an answer to one of our requests; false when nobody asked.
    fn on_response(&mut self, id: &str, result: wire::Outcome, updates: &mut Vec<Update>) -> bool {
        match (id, &self.phase) {
            ("initialize", Phase::Initializing) => self.on_initialized(result, updates),
            ("resume" | "load" | "new", Phase::Opening(key)) if *key == id => self.on_opened(result, updates),
            ("model" | "mode", Phase::Setting(key)) if *key == id => {
                self.on_option_set(id, result, updates);
                self.set_next(updates);
            }
            (_, Phase::Ready) if id.starts_with("option:") && self.setting.contains_key(id) => {
                self.on_option_set(id, result, updates);
            }
            _ if id.starts_with(steer::KEY) => self.on_steer_answered(id, result, updates),
            _ => {
                let turn = id.strip_prefix("prompt:").unwrap_or_default();
                match &self.turn {
                    Some(running) if running.id.as_str() == turn => self.on_prompt_answered(result, updates),
                    _ => return false,
                }
            }
        }
        true
    }

    fn on_written(&mut self, key: &str, bytes: &[u8], updates: &mut Vec<Update>) {
        if let Some(turn) = key.strip_prefix("prompt:") {
            self.on_prompt_written(&TurnId::from(turn), bytes, updates);
        } else if let Some(prompt) = key.strip_prefix(steer::KEY) {
            self.steers.on_written(&PromptId::from(prompt));
            content::tell_named(bytes, updates);
        } else if let Some(turn) = key.strip_prefix("cancel:") {
            self.on_cancel_written(turn, updates);
        } else if let Some(request) = key.strip_prefix("answer:") {
            self.on_answer_written(request, bytes, updates);
        } else if matches!(key, "model" | "mode") || key.starts_with("option:") {
            self.on_option_written(key, bytes);
        }
    }
}

impl Conversation for AcpConversation {
    fn feed(&mut self, input: ConversationInput<'_>, updates: &mut Vec<Update>) {
        match input {
            // It is on pipes.
            ConversationInput::Resized(_) | ConversationInput::Quiet => {}
            ConversationInput::Started => self.on_started(updates),
            ConversationInput::Output { .. } if matches!(self.phase, Phase::Ended(_)) => {}
            ConversationInput::Output { stderr: true, bytes } => self.errors.push(true, bytes, updates),
            ConversationInput::Output { stderr: false, bytes } => self.on_output(bytes, updates),
            ConversationInput::Written { key, bytes } => self.on_written(key, bytes, updates),
            ConversationInput::Ended(end) => self.on_ended(end, updates),
            ConversationInput::Prompt { turn, text, content, prompt: _ } => {
                self.on_prompt_wanted(turn, Prompt::new(text, content), updates);
            }
            ConversationInput::Steer { prompt, turn, text, content } => {
                let content = Prompt::new(text, content);
                self.on_steer(Wish { prompt: prompt.clone(), turn: turn.clone(), content }, updates);
            }
            ConversationInput::Answer { key, option, message } => self.on_answer(key, option, message, updates),
            ConversationInput::Cancel => self.on_cancel(updates),
            ConversationInput::Option { id, value } => self.on_option_wanted(id, value, updates),
        }
    }

    fn can_cancel(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
