//! From the start of the process until it is ready for prompts, and the options that are set later.

use serde_json::{Value, json};

use crate::host::port::Update;

use super::super::acp::wire::{self, Outcome};
use super::super::turns::Phase;
use super::{CodexConversation, LOGIN, failures, options, render, request};

impl CodexConversation {
    pub(super) fn on_started(&mut self, updates: &mut Vec<Update>) {
        if self.turns.phase != Phase::Created {
            return;
        }
        self.turns.phase = Phase::Opening;
        let params = json!({
            "clientInfo": {"name": "divisi", "title": "divisi", "version": env!("CARGO_PKG_VERSION")},
            // Changing the settings of a running conversation is offered only so.
            "capabilities": {"experimentalApi": true},
        });
        updates.push(request("initialize", "initialize", &params));
    }

    pub(super) fn on_initialized(&mut self, result: Outcome, updates: &mut Vec<Update>) {
        match result {
            Err(error) => self.refused("initialize", &error.message, updates),
            Ok(answer) => {
                // `divisi/0.169.0 (Debian 12.0.0; x86_64) ...`
                let version = wire::text(&answer, "userAgent").and_then(|agent| agent.split(['/', ' ']).nth(1));
                self.ready.version = version.map(str::to_owned);
                updates
                    .push(Update::Write { key: "initialized".to_owned(), bytes: render::notification("initialized") });
                let earlier = self.setup.resume.as_ref().and_then(|earlier| earlier.conversation.clone());
                self.open(earlier.as_deref(), updates);
            }
        }
    }

    fn open(&mut self, earlier: Option<&str>, updates: &mut Vec<Update>) {
        let mut params = json!({"cwd": self.setup.directory});
        if let Some(model) = &self.setup.model {
            params["model"] = json!(model);
        }
        if let Some(wanted) = &self.setup.mode {
            match options::mode(wanted) {
                Some(mode) => {
                    params["approvalPolicy"] = json!(mode.approval);
                    params["sandbox"] = json!(mode.sandbox);
                }
                None => updates.push(Update::Notice(options::unknown_mode(wanted))),
            }
        }
        let (key, method) = match earlier {
            Some(id) => {
                params["threadId"] = json!(id);
                ("resume", "thread/resume")
            }
            None => ("start", "thread/start"),
        };
        self.opening = key;
        updates.push(request(key, method, &params));
    }

    pub(super) fn on_opened(&mut self, key: &str, result: Outcome, updates: &mut Vec<Update>) {
        match result {
            Err(error) if key == "resume" => {
                let text = format!("the earlier conversation could not be continued: {}", error.message);
                updates.push(Update::Notice(text));
                self.open(None, updates);
            }
            Err(error) => self.refused("to open a conversation", &error.message, updates),
            Ok(answer) => {
                let Some(id) = answer.pointer("/thread/id").and_then(Value::as_str) else {
                    return self.turns.unusable(
                        "Codex opened a conversation without an id".to_owned(),
                        Vec::new(),
                        updates,
                    );
                };
                self.ready.conversation = Some(id.to_owned());
                self.ready.resumed = key == "resume";
                self.options.read(&answer);
                self.turns.phase = Phase::Ready;
                updates.push(Update::Options(self.options.view()));
                updates.push(Update::Ready(self.ready.clone()));
                updates.push(request("models", "model/list", &json!({})));
                for (id, value) in std::mem::take(&mut self.wanted_options) {
                    self.on_option_wanted(&id, &value, updates);
                }
                self.deliver(updates);
            }
        }
    }

    fn refused(&mut self, what: &str, words: &str, updates: &mut Vec<Update>) {
        let reason = failures::of(None, words).reason(&format!("Codex refused {what}: {words}"), LOGIN, None);
        self.turns.unusable(reason, vec![LOGIN.to_owned()], updates);
    }

    pub(super) fn on_models(&mut self, result: Outcome, updates: &mut Vec<Update>) {
        if let Ok(answer) = result {
            self.options.read_models(&answer);
            updates.push(Update::Options(self.options.view()));
        }
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
        match options::settings(self.thread(), id, value) {
            Ok(params) => {
                let key = format!("option:{}", self.next_option);
                self.next_option += 1;
                updates.push(request(&key, "thread/settings/update", &params));
            }
            Err(reason) => {
                let (id, value) = (id.to_owned(), value.to_owned());
                updates.push(Update::OptionAnswered { id, value, refused: Some(reason) });
            }
        }
    }

    pub(super) fn on_option_written(&mut self, key: &str, bytes: &[u8]) {
        if let Some(number) = key.strip_prefix("option:").and_then(|number| number.parse::<u64>().ok()) {
            self.next_option = self.next_option.max(number.saturating_add(1));
        }
        let message = wire::parse(bytes).unwrap_or_default();
        if let Some(set) = message.get("params").and_then(options::written) {
            self.setting.insert(key.to_owned(), set);
        }
    }

    pub(super) fn on_option_set(&mut self, key: &str, result: Outcome, updates: &mut Vec<Update>) {
        let Some((id, value)) = self.setting.remove(key) else {
            return;
        };
        let refused = result.err().map(|error| error.message);
        updates.push(Update::OptionAnswered { id: id.clone(), value: value.clone(), refused: refused.clone() });
        updates.push(match refused {
            None => {
                self.options.set(&id, &value);
                Update::Options(self.options.view())
            }
            Some(why) => Update::Notice(format!("the agent did not set {id} to {value}: {why}")),
        });
    }
}
