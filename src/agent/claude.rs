//! Claude Code's two-way JSON lines (`claude -p --input-format stream-json --output-format stream-json`), as a state machine that
//! can be resumed.
//!
//! Everything follows from the job's journal. Our control requests carry the keys of their writes as ids (`initialize`, `model`,
//! `mode`, `option:<n>`, `cancel:<turn>`); prompts are written as `prompt:<turn>`, answers to permission requests as
//! `answer:<request id>`. A turn begins when its prompt is seen as written and ends with the `result` message.
//!
//! Written after what versions 2.1.197 and 2.1.329 were seen to do: the order of keys means nothing, usage in `assistant` messages is
//! provisional, `subtype` says `success` for failed turns, and the id of a new conversation is told only when its first turn begins.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::host::port::{Conversation, ConversationInput, ConversationSetup, Update};
use crate::model::agent::AgentReady;
use crate::model::id::{PromptId, TurnId};

use super::acp::wire;
use super::content::{self, Prompt};
use super::speech::Speech;
use super::steer::{self, Wish};
use super::turns::{Phase, Turns};

mod control;
mod messages;
mod options;
mod permission;
mod render;
mod result;
mod steering;
mod tasks;

use options::OptionBook;
use result::Spent;

/// What to do when it is not logged in.
const LOGIN: &str = "run `claude` once and type /login, or set ANTHROPIC_API_KEY";

/// A conversation with one process of Claude Code.
pub struct ClaudeConversation {
    setup: ConversationSetup,
    turns: Turns,
    ready: AgentReady,
    options: OptionBook,
    speech: Speech,
    spent: Spent,
    tasks: tasks::Tasks,
    /// The control request that has to be answered before it is ready.
    opening: &'static str,
    /// Options to set once it is ready.
    wanted_options: Vec<(String, String)>,
    /// The number of the next option request.
    next_option: u64,
    /// Option requests written and not answered: option id and value by key.
    setting: BTreeMap<String, (String, String)>,
    /// When a limit that was hit is lifted, as told.
    retry: Option<i64>,
    /// The running turn went on after a result, with a prompt that was put into it.
    goes_on: bool,
    /// Prompts that were written when the turn they were for was over: it works on them all the same.
    strays: VecDeque<PromptId>,
    /// The result of such a prompt, when it came before its turn had begun.
    stray_result: Option<Value>,
}

impl ClaudeConversation {
    /// For a process that is about to start, or whose journal will be fed from its beginning.
    pub fn new(setup: ConversationSetup) -> Self {
        let conversation = setup.resume.as_ref().and_then(|earlier| earlier.conversation.clone());
        let wanted_options = setup.options.clone().into_iter().collect();
        let ready = AgentReady {
            resumed: conversation.is_some(),
            conversation,
            name: Some("Claude Code".to_owned()),
            can_resume: true,
            takes_images: true,
            ..AgentReady::default()
        };
        Self {
            setup,
            turns: Turns::default(),
            ready,
            options: OptionBook::default(),
            speech: Speech::default(),
            spent: Spent::default(),
            tasks: tasks::Tasks::default(),
            opening: "initialize",
            wanted_options,
            next_option: 0,
            setting: BTreeMap::new(),
            retry: None,
            goes_on: false,
            strays: VecDeque::new(),
            stray_result: None,
        }
    }

    /// For a process that serves one turn and has its prompt on the command line: no requests of ours.
    pub(super) fn one_shot(setup: ConversationSetup, name: &str, turn: &TurnId) -> Self {
        let mut conversation = Self::new(setup);
        conversation.ready.name = Some(name.to_owned());
        conversation.turns.phase = Phase::Ready;
        conversation.turns.on_prompt_written(turn);
        conversation
    }

    fn on_started(&mut self, updates: &mut Vec<Update>) {
        if self.turns.phase == Phase::Created {
            self.turns.phase = Phase::Opening;
            updates.push(write("initialize", render::initialize()));
        }
    }

    /// Takes one message.
    pub(super) fn on_message(&mut self, message: Value, updates: &mut Vec<Update>) {
        let known = match wire::text(&message, "type").unwrap_or_default() {
            "assistant" => self.on_assistant(&message, updates),
            "user" => self.on_user(&message, updates),
            "stream_event" => self.on_stream_event(&message),
            "system" => self.on_system(&message, updates),
            "result" => {
                self.on_result(&message, updates);
                true
            }
            "control_response" => self.on_control_response(&message, updates),
            "control_request" => self.on_control_request(&message, updates),
            "control_cancel_request" => {
                let key = wire::text(&message, "request_id").unwrap_or_default();
                self.turns.withdraw(key, "the agent took the request back", updates);
                true
            }
            "command_lifecycle" => self.on_lifecycle(&message, updates),
            "rate_limit_event" => self.on_rate_limit(&message, updates),
            // Signs of life, and summaries of what was told already.
            "keep_alive" | "tool_progress" | "tool_use_summary" | "prompt_suggestion" => true,
            _ => false,
        };
        updates.append(&mut self.speech.said);
        if !known {
            updates.push(Update::Raw(message));
        }
    }

    /// Marks what it was doing as failed: its process is gone.
    pub(super) fn abandon(&mut self, updates: &mut Vec<Update>) {
        updates.append(&mut self.speech.said);
        updates.extend(self.turns.calls.fail_open().into_iter().map(Update::Tool));
    }

    fn on_prompt(&mut self, turn: &TurnId, wanted: Prompt, from: Option<&PromptId>, updates: &mut Vec<Update>) {
        if from.is_some_and(|from| self.strays.contains(from)) {
            // It works on this one already.
            if !self.turns.was_delivered(turn) {
                updates.push(write(&format!("prompt:{turn}"), render::keep_alive()));
            }
            return;
        }
        let deliverable = self.turns.on_prompt_wanted(turn, wanted, updates);
        updates.extend(deliverable.map(|(turn, wanted)| prompt(&turn, &wanted)));
    }

    /// Writes a prompt into the running turn.
    fn on_steer(&mut self, wish: Wish, updates: &mut Vec<Update>) {
        if let Some(Wish { prompt, content, .. }) = self.turns.on_steer_wanted(wish, true, updates) {
            let key = format!("{}{prompt}", steer::KEY);
            let bytes = render::prompt(&content, &key);
            updates.push(Update::Write { key, bytes });
        }
    }

    fn on_written(&mut self, key: &str, bytes: &[u8], updates: &mut Vec<Update>) {
        if let Some(turn) = key.strip_prefix("prompt:") {
            self.turns.on_prompt_written(&TurnId::from(turn));
            self.speech.begin_turn();
            self.goes_on = false;
            content::tell_named(bytes, updates);
            if bytes == render::keep_alive() {
                self.strays.pop_front();
                if let Some(result) = self.stray_result.take() {
                    self.on_result(&result, updates);
                }
            }
            for wish in self.turns.steers.take_waiting() {
                self.on_steer(wish, updates);
            }
        } else if let Some(prompt) = key.strip_prefix(steer::KEY) {
            content::tell_named(bytes, updates);
            self.on_steer_written(&PromptId::from(prompt), updates);
        } else if let Some(turn) = key.strip_prefix("cancel:") {
            self.turns.on_cancel_written(turn, updates);
        } else if let Some(request) = key.strip_prefix("answer:") {
            self.on_answer_written(request, bytes, updates);
        } else if matches!(key, "model" | "mode") || key.starts_with("option:") {
            self.on_option_written(key, bytes);
        }
    }

    fn on_cancel(&mut self, updates: &mut Vec<Update>) {
        if let Some(turn) = self.turns.cancellable(updates) {
            let key = format!("cancel:{turn}");
            // What it was sent meanwhile must not become a turn of its own.
            let bytes = render::control(&key, &serde_json::json!({"subtype": "interrupt", "cancel_queued": true}));
            updates.push(write(&key, bytes));
        }
    }
}

/// A write under a key.
fn write(key: &str, bytes: Vec<u8>) -> Update {
    Update::Write { key: key.to_owned(), bytes }
}

fn prompt(turn: &TurnId, wanted: &Prompt) -> Update {
    let key = format!("prompt:{turn}");
    let bytes = render::prompt(wanted, &key);
    Update::Write { key, bytes }
}

impl Conversation for ClaudeConversation {
    fn feed(&mut self, input: ConversationInput<'_>, updates: &mut Vec<Update>) {
        match input {
            // It is on pipes.
            ConversationInput::Resized(_) | ConversationInput::Quiet => {}
            ConversationInput::Started => self.on_started(updates),
            ConversationInput::Output { .. } if matches!(self.turns.phase, Phase::Ended(_)) => {}
            ConversationInput::Output { stderr: true, bytes } => self.turns.on_stderr(bytes, updates),
            ConversationInput::Output { stderr: false, bytes } => {
                for message in self.turns.values(bytes, updates) {
                    self.on_message(message, updates);
                }
            }
            ConversationInput::Written { key, bytes } => self.on_written(key, bytes, updates),
            ConversationInput::Ended(end) => {
                let hints = vec![
                    "look at its standard error in `divisi log`, and try `claude -p hello` by hand".to_owned(),
                    LOGIN.to_owned(),
                ];
                self.turns.on_ended(end, hints, updates);
            }
            ConversationInput::Prompt { turn, text, content, prompt } => {
                self.on_prompt(turn, Prompt::new(text, content), prompt, updates);
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
