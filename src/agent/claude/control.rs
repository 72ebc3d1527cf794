//! Control requests of ours and their answers: getting ready, and the options.

use serde_json::Value;

use crate::host::port::Update;
use crate::model::agent::AgentCommand;

use super::super::acp::wire;
use super::super::turns::Phase;
use super::{ClaudeConversation, LOGIN, options, prompt, render, write};

/// The requests that make it ready, in order.
const STEPS: [&str; 3] = ["initialize", "model", "mode"];

impl ClaudeConversation {
    pub(super) fn on_control_response(&mut self, message: &Value, updates: &mut Vec<Update>) -> bool {
        let response = message.get("response").unwrap_or(&Value::Null);
        let Some(key) = wire::text(response, "request_id").map(str::to_owned) else {
            return false;
        };
        let error = (wire::text(response, "subtype") == Some("error"))
            .then(|| wire::text(response, "error").unwrap_or("it gave no reason").to_owned());
        let answer = response.get("response").unwrap_or(&Value::Null);
        let opening = self.turns.phase == Phase::Opening && key == self.opening;
        match (key.as_str(), error) {
            ("initialize", Some(error)) if opening => {
                let reason = format!("Claude Code refused to start the conversation: {error}");
                self.turns.unusable(reason, vec![LOGIN.to_owned()], updates);
            }
            ("initialize", None) if opening => {
                self.on_initialized(answer, updates);
                self.next_step(updates);
            }
            ("model" | "mode", error) if opening => {
                self.on_option_set(&key, error, updates);
                self.next_step(updates);
            }
            (_, error) if self.setting.contains_key(&key) => self.on_option_set(&key, error, updates),
            (_, Some(error)) if key.starts_with("cancel:") => {
                updates.push(Update::Notice(format!("the agent did not take the interrupt: {error}")));
            }
            (_, None) if key.starts_with("cancel:") => {}
            _ => return false,
        }
        true
    }

    fn on_initialized(&mut self, answer: &Value, updates: &mut Vec<Update>) {
        self.ready.version = wire::text(answer, "claude_code_version").map(str::to_owned);
        self.options.read(answer);
        updates.push(Update::Options(self.options.view()));
        let command = |command: &Value| {
            Some(AgentCommand {
                name: wire::text(command, "name")?.to_owned(),
                description: wire::text(command, "description").unwrap_or_default().to_owned(),
            })
        };
        updates.push(Update::Commands(wire::list(answer, "commands").iter().filter_map(command).collect()));
    }

    /// Writes the next request that makes it ready, or says that it is.
    fn next_step(&mut self, updates: &mut Vec<Update>) {
        let after = STEPS.iter().position(|step| *step == self.opening).map_or(0, |at| at + 1);
        for step in STEPS.into_iter().skip(after) {
            let wanted = if step == "model" { &self.setup.model } else { &self.setup.mode };
            let Some(request) = wanted.as_ref().and_then(|value| options::request(step, value)) else { continue };
            self.opening = step;
            updates.push(write(step, render::control(step, &request)));
            return;
        }
        self.turns.phase = Phase::Ready;
        updates.push(Update::Ready(self.ready.clone()));
        for (id, value) in std::mem::take(&mut self.wanted_options) {
            self.on_option_wanted(&id, &value, updates);
        }
        updates.extend(self.turns.deliverable().map(|(turn, wanted)| prompt(&turn, &wanted)));
    }

    pub(super) fn on_option_wanted(&mut self, id: &str, value: &str, updates: &mut Vec<Update>) {
        match self.turns.phase {
            Phase::Ready => {}
            Phase::Unusable { .. } | Phase::Ended(_) => return,
            Phase::Created | Phase::Opening => {
                self.wanted_options.push((id.to_owned(), value.to_owned()));
                return;
            }
        }
        let Some(request) = options::request(id, value) else {
            let refused = Some(format!("Claude Code has no option {id:?}; it has mode and model"));
            updates.push(Update::OptionAnswered { id: id.to_owned(), value: value.to_owned(), refused });
            return;
        };
        let key = format!("option:{}", self.next_option);
        self.next_option += 1;
        updates.push(write(&key, render::control(&key, &request)));
    }

    pub(super) fn on_option_written(&mut self, key: &str, bytes: &[u8]) {
        if let Some(number) = key.strip_prefix("option:").and_then(|number| number.parse::<u64>().ok()) {
            self.next_option = self.next_option.max(number.saturating_add(1));
        }
        if let Some(set) = options::written(bytes) {
            self.setting.insert(key.to_owned(), set);
        }
    }

    fn on_option_set(&mut self, key: &str, error: Option<String>, updates: &mut Vec<Update>) {
        let Some((id, value)) = self.setting.remove(key) else {
            return;
        };
        match error {
            None => {
                self.options.set(&id, &value);
                updates.push(Update::Options(self.options.view()));
            }
            Some(ref error) => {
                updates.push(Update::Notice(format!("the agent did not set {id} to {value}: {error}")));
            }
        }
        if key.starts_with("option:") || error.is_some() {
            updates.push(Update::OptionAnswered { id, value, refused: error });
        }
    }
}
