//! Codex's own protocol (`codex app-server`), as a state machine that can be resumed.
//!
//! JSON-RPC, one message per line, without the field `jsonrpc`; its description is printed by
//! `codex app-server generate-json-schema`. Everything follows from the job's journal: ids of our requests are the keys of their
//! writes (`initialize`, `resume`, `start`, `models`, `option:<n>`, `prompt:<turn>`, `cancel:<turn>`), answers are `answer:<id as
//! JSON>`. A turn begins when its prompt is seen as written and ends with `turn/completed`, which tells failures honestly.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::host::port::{Conversation, ConversationInput, ConversationSetup, Update};
use crate::model::agent::AgentReady;
use crate::model::id::{PromptId, TurnId};

use super::acp::wire::{self, Incoming, Outcome};
use super::content::{self, Prompt};
use super::failure::Ending;
use super::speech::Speech;
use super::steer::{self, Wish};
use super::turns::{Phase, Turns};

mod events;
pub(super) mod failures;
mod items;
mod opening;
mod options;
mod render;
mod requests;
mod usage;

use options::OptionBook;
use usage::Counter;

/// What to do when it is not logged in.
const LOGIN: &str = "run `codex login`, or set the API key of the model provider";

/// A conversation with one process of `codex app-server`.
pub struct CodexConversation {
    setup: ConversationSetup,
    turns: Turns,
    ready: AgentReady,
    options: OptionBook,
    speech: Speech,
    counter: Counter,
    /// The request that has to be answered before it is ready.
    opening: &'static str,
    /// Codex's id of the running turn.
    turn: Option<String>,
    /// The running turn is to be cancelled as soon as its id is known.
    cancel_wanted: bool,
    /// How often an id was used for a request.
    seen: BTreeMap<String, u32>,
    wanted_options: Vec<(String, String)>,
    next_option: u64,
    setting: BTreeMap<String, (String, String)>,
    /// When a limit that was hit is lifted.
    retry: Option<i64>,
}

impl CodexConversation {
    /// For a process that is about to start, or whose journal will be fed from its beginning.
    pub fn new(setup: ConversationSetup) -> Self {
        let wanted_options = setup.options.clone().into_iter().collect();
        Self {
            setup,
            turns: Turns::default(),
            ready: AgentReady {
                name: Some("Codex".to_owned()),
                can_resume: true,
                can_steer: true,
                takes_images: true,
                ..AgentReady::default()
            },
            options: OptionBook::default(),
            speech: Speech::default(),
            counter: Counter::default(),
            opening: "initialize",
            turn: None,
            cancel_wanted: false,
            seen: BTreeMap::new(),
            wanted_options,
            next_option: 0,
            setting: BTreeMap::new(),
            retry: None,
        }
    }

    /// Codex's id of the conversation; empty before it is open.
    fn thread(&self) -> &str {
        self.ready.conversation.as_deref().unwrap_or_default()
    }

    fn on_message(&mut self, message: Value, updates: &mut Vec<Update>) {
        match wire::classify(message) {
            Incoming::Request { id, method, params } => self.on_request(&id, &method, &params, updates),
            Incoming::Notification { method, params } => {
                if !self.on_event(&method, &params, updates) {
                    updates.push(Update::Raw(json!({"method": method, "params": params})));
                }
            }
            Incoming::Response { id, result, raw } => {
                if !self.on_response(&id, result, updates) {
                    updates.push(Update::Raw(raw));
                }
            }
            Incoming::Other(raw) => updates.push(Update::Raw(raw)),
        }
        updates.append(&mut self.speech.said);
    }

    /// Takes an answer to one of our requests; false when nobody asked.
    fn on_response(&mut self, id: &str, result: Outcome, updates: &mut Vec<Update>) -> bool {
        let opening = self.turns.phase == Phase::Opening && id == self.opening;
        match id {
            "initialize" if opening => self.on_initialized(result, updates),
            "resume" | "start" if opening => self.on_opened(id, result, updates),
            "models" => self.on_models(result, updates),
            _ if self.setting.contains_key(id) => self.on_option_set(id, result, updates),
            _ if id.starts_with(steer::KEY) => {
                let prompt = PromptId::from(id.strip_prefix(steer::KEY).unwrap_or_default());
                match result {
                    Ok(_) => self.turns.steers.taken(&prompt, updates),
                    Err(error) => self.turns.steers.missed(&prompt, &error.message, updates),
                }
            }
            _ if id.starts_with("cancel:") => {
                if let Err(error) = result {
                    updates.push(Update::Notice(format!("the agent did not take the interrupt: {}", error.message)));
                }
            }
            _ if id.starts_with("clean:") => {
                if let Err(error) = result {
                    let text = format!("the agent may not have ended its commands: {}", error.message);
                    updates.push(Update::Notice(text));
                }
            }
            _ => {
                let turn = id.strip_prefix("prompt:").unwrap_or_default();
                if self.turns.running.as_ref().is_none_or(|running| running.id.as_str() != turn) {
                    // The answer to a prompt whose turn is over already.
                    return id.starts_with("prompt:");
                }
                match result {
                    Ok(answer) => {
                        if let Some(id) = answer.pointer("/turn/id").and_then(Value::as_str) {
                            self.on_turn_id(id, updates);
                        }
                    }
                    Err(error) => {
                        let told = failures::of(None, &error.message).told(&error.message, LOGIN, self.retry);
                        self.close(told, updates);
                    }
                }
            }
        }
        true
    }

    /// The id of the running turn is known: a cancellation that waited for it is written.
    fn on_turn_id(&mut self, id: &str, updates: &mut Vec<Update>) {
        self.turn = Some(id.to_owned());
        if self.cancel_wanted {
            self.on_cancel(updates);
        }
        for wish in self.turns.steers.take_waiting() {
            self.on_steer(wish, updates);
        }
    }

    fn on_prompt(&mut self, turn: &TurnId, wanted: Prompt, updates: &mut Vec<Update>) {
        let deliverable = self.turns.on_prompt_wanted(turn, wanted, updates);
        updates.extend(deliverable.map(|(turn, wanted)| self.prompt(&turn, &wanted)));
    }

    /// Puts a prompt into the running turn; Codex refuses it when another one or none runs.
    fn on_steer(&mut self, wish: Wish, updates: &mut Vec<Update>) {
        let can = self.turn.is_some();
        if let Some(Wish { prompt, content, .. }) = self.turns.on_steer_wanted(wish, can, updates) {
            let input = render::input(&content);
            let params = json!({"threadId": self.thread(), "input": input, "expectedTurnId": self.turn});
            updates.push(request(&format!("{}{prompt}", steer::KEY), "turn/steer", &params));
        }
    }

    fn prompt(&self, turn: &TurnId, wanted: &Prompt) -> Update {
        let params = json!({"threadId": self.thread(), "input": render::input(wanted)});
        request(&format!("prompt:{turn}"), "turn/start", &params)
    }

    fn deliver(&self, updates: &mut Vec<Update>) {
        updates.extend(self.turns.deliverable().map(|(turn, wanted)| self.prompt(&turn, &wanted)));
    }

    /// The running turn is over; the next prompt may go.
    fn close(&mut self, ending: impl Into<Ending>, updates: &mut Vec<Update>) {
        updates.append(&mut self.speech.said);
        self.turn = None;
        self.cancel_wanted = false;
        self.turns.close(ending, updates);
        self.deliver(updates);
    }

    fn on_cancel(&mut self, updates: &mut Vec<Update>) {
        let Some(turn) = self.turns.cancellable(updates) else {
            return;
        };
        match &self.turn {
            Some(id) => {
                let params = json!({"threadId": self.thread(), "turnId": id});
                updates.push(request(&format!("cancel:{turn}"), "turn/interrupt", &params));
            }
            None => self.cancel_wanted = true,
        }
    }

    fn on_written(&mut self, key: &str, bytes: &[u8], updates: &mut Vec<Update>) {
        if let Some(turn) = key.strip_prefix("prompt:") {
            self.turns.on_prompt_written(&TurnId::from(turn));
            self.speech.begin_turn();
            content::tell_named(bytes, updates);
        } else if let Some(prompt) = key.strip_prefix(steer::KEY) {
            self.turns.steers.on_written(&PromptId::from(prompt));
            content::tell_named(bytes, updates);
        } else if let Some(turn) = key.strip_prefix("cancel:") {
            self.turns.on_cancel_written(turn, updates);
        } else if let Some(request) = key.strip_prefix("answer:") {
            self.on_answer_written(request, bytes, updates);
        } else if key.starts_with("option:") {
            self.on_option_written(key, bytes);
        }
    }
}

/// A request as a write.
fn request(key: &str, method: &str, params: &Value) -> Update {
    Update::Write { key: key.to_owned(), bytes: render::request(key, method, params) }
}

impl Conversation for CodexConversation {
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
                let hints =
                    vec!["look at its standard error in `divisi log`, and try `codex exec hello` by hand".to_owned()];
                self.turns.on_ended(end, hints, updates);
            }
            ConversationInput::Prompt { turn, text, content, prompt: _ } => {
                self.on_prompt(turn, Prompt::new(text, content), updates);
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
