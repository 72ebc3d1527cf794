//! From the start of the process until it is ready for prompts, and the options that are set then and later.

use serde_json::{Value, json};

use crate::host::port::Update;

use super::options::{self, SetRequest};
use super::wire::{self, Outcome, RpcError};
use super::{AcpConversation, Phase, Quirks, render};

impl AcpConversation {
    pub(super) fn on_started(&mut self, updates: &mut Vec<Update>) {
        if self.phase == Phase::Created {
            self.phase = Phase::Initializing;
            updates.push(Update::Write { key: "initialize".to_owned(), bytes: render::initialize() });
        }
    }

    pub(super) fn on_initialized(&mut self, result: Outcome, updates: &mut Vec<Update>) {
        let answer = match result {
            Ok(answer) => answer,
            Err(error) => return self.refuse("initialize", &error, updates),
        };
        self.login = wire::list(&answer, "authMethods").iter().filter_map(login).collect();
        let version = answer.get("protocolVersion").unwrap_or(&Value::Null);
        if version.as_u64() != Some(render::VERSION) {
            let reason =
                format!("the agent speaks version {version} of the protocol, divisi speaks {}", render::VERSION);
            let hints =
                vec!["install a version of the agent that speaks version 1 of the Agent Client Protocol".to_owned()];
            return self.unusable(reason, hints, updates);
        }
        let agent = answer.get("agentInfo").unwrap_or(&Value::Null);
        let capabilities = answer.get("agentCapabilities").unwrap_or(&Value::Null);
        self.ready.name = wire::text(agent, "name").map(str::to_owned);
        self.ready.version = wire::text(agent, "version").map(str::to_owned);
        self.ready.can_load = wire::offered(capabilities.get("loadSession"));
        self.ready.can_resume = wire::offered(capabilities.pointer("/sessionCapabilities/resume"));
        self.http_mcp = wire::offered(capabilities.pointer("/mcpCapabilities/http"));
        self.read_prompt_capabilities(&answer);
        self.quirks = Quirks::of(self.ready.name.as_deref().unwrap_or_default());
        let earlier = self.setup.resume.as_ref().and_then(|earlier| earlier.conversation.as_ref()).is_some();
        let key = match (earlier, self.ready.can_resume, self.ready.can_load) {
            (true, true, _) => "resume",
            (true, false, true) => "load",
            _ => "new",
        };
        self.open(key, updates);
    }

    fn open(&mut self, key: &'static str, updates: &mut Vec<Update>) {
        let mut params = json!({"cwd": self.setup.directory, "mcpServers": self.mcp_servers(updates)});
        if key != "new"
            && let Some(earlier) = self.setup.resume.as_ref().and_then(|earlier| earlier.conversation.as_ref())
        {
            params["sessionId"] = json!(earlier);
        }
        self.phase = Phase::Opening(key);
        let bytes = render::request(key, &format!("session/{key}"), &params);
        updates.push(Update::Write { key: key.to_owned(), bytes });
    }

    pub(super) fn on_opened(&mut self, result: Outcome, updates: &mut Vec<Update>) {
        let Phase::Opening(key) = self.phase else {
            return;
        };
        match result {
            Err(error) if error.code == wire::AUTH_REQUIRED || key == "new" => {
                self.refuse(&format!("session/{key}"), &error, updates);
            }
            Err(error) => {
                let next = if key == "resume" && self.ready.can_load { "load" } else { "new" };
                let text =
                    format!("the earlier conversation could not be continued (session/{key}: {})", error.message);
                updates.push(Update::Notice(text));
                self.open(next, updates);
            }
            Ok(answer) => {
                let earlier = self.setup.resume.as_ref().and_then(|earlier| earlier.conversation.as_deref());
                let opened = if key == "new" { wire::text(&answer, "sessionId") } else { earlier };
                let Some(opened) = opened else {
                    return self.unusable("the agent opened a session without an id".to_owned(), Vec::new(), updates);
                };
                self.ready.conversation = Some(opened.to_owned());
                self.ready.resumed = key != "new";
                if self.options.read(&answer) {
                    updates.push(Update::Options(self.options.view()));
                }
                self.phase = Phase::Setting("");
                self.set_next(updates);
            }
        }
    }

    /// Sets the model, then the mode (which may depend on it), then says that all is ready.
    pub(super) fn set_next(&mut self, updates: &mut Vec<Update>) {
        let Phase::Setting(done) = self.phase else {
            return;
        };
        let steps = [("model", self.setup.model.clone()), ("mode", self.setup.mode.clone())];
        let from = steps.iter().position(|(key, _)| *key == done).map_or(0, |at| at + 1);
        for (key, wanted) in steps.into_iter().skip(from) {
            let request = wanted.and_then(|wanted| self.setting_of(key, &wanted, updates));
            if let Some((request, true)) = request {
                self.phase = Phase::Setting(key);
                let bytes = render::request(key, request.method, &request.params);
                updates.push(Update::Write { key: key.to_owned(), bytes });
                return;
            }
        }
        self.phase = Phase::Ready;
        updates.push(Update::Ready(self.ready.clone()));
        for (id, value) in std::mem::take(&mut self.wanted_options) {
            self.on_option_wanted(&id, &value, updates);
        }
        self.deliver(updates);
    }

    /// The request that sets an option to what a person named, and whether that is a change; nothing when it cannot be (which is told).
    fn setting_of(&self, id: &str, wanted: &str, updates: &mut Vec<Update>) -> Option<(SetRequest, bool)> {
        let Some(option) = self.options.find(id) else {
            updates.push(Update::Notice(format!("the agent offers no {id} to choose; {wanted:?} was not set")));
            return None;
        };
        let Some(value) = options::choice(&option, wanted) else {
            let mut offered: Vec<&str> = option.choices.iter().take(12).map(|choice| choice.id.as_str()).collect();
            if option.choices.len() > offered.len() {
                offered.push("...");
            }
            let offered = offered.join(", ");
            let text = format!(
                "the agent does not offer the {id} {wanted:?} (it offers {offered}); it stays {}",
                option.current
            );
            updates.push(Update::Notice(text));
            return None;
        };
        Some((self.options.request(self.conversation(), &option, value), option.current != value))
    }

    pub(super) fn on_option_wanted(&mut self, id: &str, value: &str, updates: &mut Vec<Update>) {
        match self.phase {
            Phase::Ready => {}
            Phase::Unusable { .. } | Phase::Ended(_) => return,
            _ => {
                self.wanted_options.push((id.to_owned(), value.to_owned()));
                return;
            }
        }
        // Written even if it is so already: another change may be on its way.
        let Some((request, _)) = self.setting_of(id, value, updates) else {
            let refused = Some("the agent does not offer it".to_owned());
            updates.push(Update::OptionAnswered { id: id.to_owned(), value: value.to_owned(), refused });
            return;
        };
        let key = format!("option:{}", self.next_option);
        self.next_option += 1;
        let bytes = render::request(&key, request.method, &request.params);
        updates.push(Update::Write { key, bytes });
    }

    pub(super) fn on_option_written(&mut self, key: &str, bytes: &[u8]) {
        if let Some(number) = key.strip_prefix("option:").and_then(|number| number.parse::<u64>().ok()) {
            self.next_option = self.next_option.max(number.saturating_add(1));
        }
        let request = wire::parse(bytes).unwrap_or_default();
        if let Some(set) = request.get("params").and_then(options::written) {
            self.setting.insert(key.to_owned(), set);
        }
    }

    pub(super) fn on_option_set(&mut self, key: &str, result: Outcome, updates: &mut Vec<Update>) {
        let Some((id, value)) = self.setting.remove(key) else {
            return;
        };
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let refused = result.as_ref().err().map(|error| error.message.clone());
        if key.starts_with("option:") || refused.is_some() {
            updates.push(Update::OptionAnswered { id: id.clone(), value: value.clone(), refused });
        }
        match result {
            Ok(answer) => {
                if !self.options.read(&answer) {
                    self.options.set_current(&id, &value);
                }
                updates.push(Update::Options(self.options.view()));
            }
            Err(error) => {
                updates.push(Update::Notice(format!("the agent did not set {id} to {value}: {}", error.message)));
            }
        }
    }

    fn refuse(&mut self, method: &str, error: &RpcError, updates: &mut Vec<Update>) {
        if error.code == wire::AUTH_REQUIRED {
            let mut hints = self.login.clone();
            if hints.is_empty() {
                hints.push("log in with the agent's own program, or give its API key in the environment".to_owned());
            }
            self.unusable(format!("the agent is not logged in ({method}: {})", error.message), hints, updates);
        } else {
            self.unusable(format!("the agent refused {method}: {}", error.message), Vec::new(), updates);
        }
    }

    pub(super) fn unusable(&mut self, reason: String, hints: Vec<String>, updates: &mut Vec<Update>) {
        updates.push(Update::Unusable { reason: reason.clone(), hints: hints.clone() });
        self.phase = Phase::Unusable { reason, hints };
        self.wanted = None;
        self.wanted_options.clear();
    }
}

/// A way to log in, as one line.
fn login(method: &Value) -> Option<String> {
    let name = wire::text(method, "name").or_else(|| wire::text(method, "id"))?;
    let line = match wire::text(method, "description") {
        Some(description) => format!("log in: {name}: {description}"),
        None => format!("log in: {name}"),
    };
    Some(crate::base::text::visible_line(&line, 200))
}
