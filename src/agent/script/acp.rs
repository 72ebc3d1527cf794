//! The agent's end of ACP: answers one client on standard input and output.

use std::collections::VecDeque;
use std::io::{self, BufRead as _};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Fault;
use super::parse::{Script, Startup, Trait};
use super::play::{Outcome, Player};
use super::voice::{Ask, Interrupt, Reply, ToolReport, Voice, write};

/// The first line of a prompt that is a script.
const SCRIPT_MARK: &str = "#!script";

/// Serves until standard input ends or the script ends the process; gives the exit code.
pub(super) fn serve(script: &Script) -> Result<i32, Fault> {
    script.startup.begin();
    if let Some(code) = script.startup.die {
        return Ok(code);
    }
    let mut agent = Agent::new(listen(), script.startup.clone());
    let mut prompts = 0;
    while let Some(message) = agent.next() {
        let id = message.get("id").cloned().unwrap_or_default();
        let params = message.get("params").cloned().unwrap_or_default();
        match message.get("method").and_then(Value::as_str) {
            Some("session/prompt") => {
                prompts += 1;
                if let Some(code) = agent.prompt(&id, &params, script, prompts)? {
                    return Ok(code);
                }
            }
            Some(method) => agent.answer(&id, method, &params)?,
            None => {}
        }
    }
    Ok(0)
}

/// Reads standard input beside the play, so that a cancel is seen while the script waits.
fn listen() -> Receiver<Value> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if let Ok(message) = serde_json::from_str(&line)
                && sender.send(message).is_err()
            {
                return;
            }
        }
    });
    receiver
}

/// The extension that puts a prompt into a running turn.
const STEERING: &str = "_session/steering";

#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
struct Agent {
    inbox: Receiver<Value>,
    /// Requests that came while a turn was played.
    waiting: VecDeque<Value>,
    closed: bool,
    cancelled: bool,
    startup: Startup,
    session: String,
    sessions: u32,
    mode: String,
    model: String,
    directory: PathBuf,
    number_ids: bool,
    /// Whether this process goes on with a conversation of an earlier one.
    resumed: bool,
    requests: u64,
    usage: Value,
    /// The MCP servers it was given.
    servers: Value,
}

impl Agent {
    fn new(inbox: Receiver<Value>, startup: Startup) -> Self {
        let first = |list: &[String]| list.first().cloned().unwrap_or_default();
        Self {
            inbox,
            waiting: VecDeque::new(),
            closed: false,
            cancelled: false,
            mode: first(&startup.modes),
            model: first(&startup.models),
            startup,
            session: String::new(),
            sessions: 0,
            directory: PathBuf::from("."),
            number_ids: false,
            resumed: false,
            requests: 0,
            usage: Value::Null,
            servers: Value::Null,
        }
    }

    /// The next request; nothing when standard input ended.
    fn next(&mut self) -> Option<Value> {
        if let Some(message) = self.waiting.pop_front() {
            return Some(message);
        }
        self.inbox.recv().ok()
    }

    /// Takes what came while a turn is played. An answer to one of our requests is given back.
    fn take(&mut self, wait: Duration) -> Option<Value> {
        match self.inbox.recv_timeout(wait) {
            Ok(message) => {
                let method = message.get("method").and_then(Value::as_str);
                if method == Some("session/cancel") {
                    self.cancelled = true;
                } else if method == Some(STEERING) && self.startup.has(Trait::Steers) {
                    self.steered(&message);
                } else if message.get("method").is_some() {
                    self.waiting.push_back(message);
                } else {
                    return Some(message);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.closed = true,
        }
        None
    }

    /// A prompt for the running turn: taken, and said aloud.
    fn steered(&self, message: &Value) {
        let words = message.get("params").map(words).unwrap_or_default();
        let said = self
            .update("agent_message_chunk", json!({"content": {"type": "text", "text": format!("steered: {words}\n")}}));
        let id = message.get("id").unwrap_or(&Value::Null);
        // Nobody is there to be told any more: standard input says so too.
        let _ = said.and_then(|()| Self::result(id, &json!({"outcome": "injected"})));
    }

    fn send(message: &Value) -> io::Result<()> {
        write(format!("{message}\n").as_bytes())
    }

    fn result(id: &Value, result: &Value) -> io::Result<()> {
        Self::send(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
    }

    fn error(id: &Value, code: i64, message: &str) -> io::Result<()> {
        Self::send(&json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}))
    }

    fn answer(&mut self, id: &Value, method: &str, params: &Value) -> io::Result<()> {
        if id.is_null() {
            return Ok(());
        }
        match method {
            "initialize" if self.startup.has(Trait::RefusesInitialize) => Self::error(id, -32603, "the script refuses"),
            "initialize" => Self::result(id, &self.capabilities()),
            "session/new" | "session/load" | "session/resume" if self.startup.has(Trait::NeedsLogin) => {
                Self::error(id, -32000, "Authentication required")
            }
            "session/new" => {
                self.sessions += 1;
                self.session = format!("scripted-{}", self.sessions);
                self.open(params);
                Self::result(id, &self.offer())
            }
            "session/load" | "session/resume" => self.reopen(id, method, params),
            "session/set_mode" => {
                params.get("modeId").and_then(Value::as_str).unwrap_or_default().clone_into(&mut self.mode);
                Self::result(id, &json!({}))
            }
            "session/set_model" => {
                params.get("modelId").and_then(Value::as_str).unwrap_or_default().clone_into(&mut self.model);
                Self::result(id, &json!({}))
            }
            STEERING if self.startup.has(Trait::Steers) => {
                Self::result(id, &json!({"outcome": "promptRequired", "reason": "noRunningTurn"}))
            }
            _ => Self::error(id, -32601, &format!("Method not found: {method}")),
        }
    }

    fn capabilities(&self) -> Value {
        let mut sessions = Map::new();
        if self.startup.has(Trait::Resumes) {
            sessions.insert("resume".to_owned(), json!({}));
        }
        let login = json!([{"id": "key", "name": "Key", "description": "Give the script a key"}]);
        json!({
            "protocolVersion": self.startup.version.unwrap_or(1),
            "agentCapabilities": {
                "loadSession": self.startup.has(Trait::Loads),
                "sessionCapabilities": sessions,
                "promptCapabilities": {"image": self.startup.has(Trait::Sees), "embeddedContext": self.startup.has(Trait::Sees)},
            },
            "_meta": {"steering": {"supported": self.startup.has(Trait::Steers)}},
            "agentInfo": {"name": "divisi-script", "title": "Scripted agent", "version": env!("CARGO_PKG_VERSION")},
            "authMethods": if self.startup.has(Trait::NeedsLogin) { login } else { json!([]) },
        })
    }

    fn open(&mut self, params: &Value) {
        if let Some(directory) = params.get("cwd").and_then(Value::as_str) {
            self.directory = PathBuf::from(directory);
        }
        self.servers = params.get("mcpServers").cloned().unwrap_or_default();
    }

    fn reopen(&mut self, id: &Value, method: &str, params: &Value) -> io::Result<()> {
        let load = method == "session/load";
        if !(if load { self.startup.has(Trait::Loads) } else { self.startup.has(Trait::Resumes) }) {
            return Self::error(id, -32601, &format!("Method not found: {method}"));
        }
        if self.startup.has(Trait::LoadFails) {
            return Self::error(id, -32002, "Resource not found");
        }
        params.get("sessionId").and_then(Value::as_str).unwrap_or_default().clone_into(&mut self.session);
        self.resumed = true;
        self.open(params);
        if load {
            self.update("user_message_chunk", json!({"content": {"type": "text", "text": "an earlier prompt"}}))?;
            self.update("agent_message_chunk", json!({"content": {"type": "text", "text": "an earlier answer"}}))?;
        }
        Self::result(id, &self.offer())
    }

    /// What an opened session offers.
    fn offer(&self) -> Value {
        let mut offer = json!({"sessionId": self.session});
        let named = |key: &str, ids: &[String]| {
            let entry = |id: &String| {
                Value::Object(Map::from_iter([(key.to_owned(), json!(id)), ("name".to_owned(), json!(id))]))
            };
            Value::Array(ids.iter().map(entry).collect())
        };
        if !self.startup.modes.is_empty() {
            offer["modes"] = json!({"currentModeId": self.mode, "availableModes": named("id", &self.startup.modes)});
        }
        if !self.startup.models.is_empty() {
            offer["models"] =
                json!({"currentModelId": self.model, "availableModels": named("modelId", &self.startup.models)});
        }
        offer
    }

    fn update(&self, kind: &str, mut fields: Value) -> io::Result<()> {
        fields["sessionUpdate"] = json!(kind);
        let params = json!({"sessionId": self.session, "update": fields});
        Self::send(&json!({"jsonrpc": "2.0", "method": "session/update", "params": params}))
    }

    /// Plays a prompt and answers it; gives an exit code when the process is to end.
    fn prompt(&mut self, id: &Value, params: &Value, script: &Script, number: u32) -> Result<Option<i32>, Fault> {
        let text = words(params);
        self.cancelled = false;
        self.usage = Value::Null;
        let own = match script_in(&text).map(Script::parse) {
            Some(Err(error)) => {
                Self::error(id, -32602, &format!("script in the prompt: {error}"))?;
                return Ok(None);
            }
            Some(Ok(own)) => Some(own),
            None => None,
        };
        let again = || script.resumed().filter(|_| self.resumed).unwrap_or_else(|| script.turn(number));
        let steps = own.as_ref().map_or_else(again, |own| own.turn(1));
        let directory = self.directory.clone();
        match Player::new(&directory, &text).play(steps, self)? {
            Outcome::Finished(reason) => Self::result(id, &json!({"stopReason": reason, "usage": self.usage}))?,
            Outcome::Cancelled => Self::result(id, &json!({"stopReason": "cancelled"}))?,
            Outcome::Failed { code, text } => Self::error(id, code, &text)?,
            Outcome::Closed => return Ok(Some(0)),
            Outcome::Exit(code) => return Ok(Some(code)),
        }
        Ok(None)
    }

    fn request(&mut self, method: &str, params: &Value) -> io::Result<Value> {
        let id = if self.number_ids { json!(self.requests) } else { json!(format!("r{}", self.requests)) };
        self.requests += 1;
        Self::send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        Ok(id)
    }

    fn ask_permission(&mut self, ask: &Ask<'_>) -> io::Result<Value> {
        let option = |id: &str, name: &str, kind: &str| json!({"optionId": id, "name": name, "kind": kind});
        let options = if ask.choices.is_empty() {
            vec![
                option("allow-once", "Allow", "allow_once"),
                option("allow-always", "Always allow", "allow_always"),
                option("reject", "Reject", "reject_once"),
            ]
        } else {
            ask.choices.iter().map(|choice| option(choice, choice, "choice")).collect()
        };
        let mut tool = json!({"toolCallId": ask.id, "title": ask.title, "status": "pending"});
        if let Some(command) = ask.command {
            tool["kind"] = json!("execute");
            tool["rawInput"] = json!({"command": command});
        } else if ask.choices.is_empty() {
            tool["kind"] = json!("edit");
        }
        self.request(
            "session/request_permission",
            &json!({"sessionId": self.session, "toolCall": tool, "options": options}),
        )
    }

    /// Waits for the answer to a request; nothing when standard input ended.
    fn await_answer(&mut self, id: &Value) -> Option<Value> {
        while !self.closed {
            if let Some(answer) = self.take(Duration::from_millis(50))
                && answer.get("id") == Some(id)
            {
                return Some(answer);
            }
        }
        None
    }
}

/// The words of a prompt, and in words what goes with it.
fn words(params: &Value) -> String {
    let blocks = params.get("prompt").and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |block: &Value, place: &str| block.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
    let words = blocks.iter().map(|block| match text(block, "/type").as_str() {
        "image" => format!("[image {} {}]", text(block, "/mimeType"), text(block, "/data")),
        "resource" => format!("[file {}]", text(block, "/resource/text")),
        _ => text(block, "/text"),
    });
    words.collect::<Vec<_>>().join("\n")
}

/// The script that a prompt carries.
fn script_in(prompt: &str) -> Option<&str> {
    let mut at = 0;
    for line in prompt.split_inclusive('\n') {
        at += line.len();
        if line.trim() == SCRIPT_MARK {
            return Some(&prompt[at..]);
        }
    }
    None
}

impl Voice for Agent {
    fn tell(&mut self, kind: &str, value: Value) -> io::Result<()> {
        let text = |value: Value| json!({"content": {"type": "text", "text": value}});
        match kind {
            "say" => self.update("agent_message_chunk", text(value)),
            "servers" => self.update("agent_message_chunk", text(json!(format!("servers: {}\n", self.servers)))),
            "think" => self.update("agent_thought_chunk", text(value)),
            "plan" => self.update("plan", json!({"entries": value})),
            "mode" => self.update("current_mode_update", json!({"currentModeId": value})),
            "commands" => {
                let names: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let commands: Vec<Value> = names
                    .iter()
                    .map(|name| json!({"name": name, "description": format!("The script's {name}")}))
                    .collect();
                self.update("available_commands_update", json!({"availableCommands": commands}))
            }
            "usage" => {
                let (input, output) = (value["input"].as_u64().unwrap_or(0), value["output"].as_u64().unwrap_or(0));
                let total = input.saturating_add(output);
                self.usage = json!({"inputTokens": input, "outputTokens": output, "totalTokens": total});
                let mut fields = json!({"used": total, "size": 200_000});
                if let Some(cost) = value.get("cost").filter(|cost| !cost.is_null()) {
                    fields["cost"] = json!({"amount": cost, "currency": "USD"});
                }
                self.update("usage_update", fields)
            }
            "unknown-request" => {
                let id = self.request("script/nobody_knows", &value)?;
                let answer = self.await_answer(&id).unwrap_or_default();
                let code = answer.pointer("/error/code").cloned().unwrap_or_default();
                self.update("agent_message_chunk", text(json!(format!("answered: {code}\n"))))
            }
            other => self.update(&format!("script_{other}"), value),
        }
    }

    fn tool(&mut self, tool: &ToolReport<'_>) -> io::Result<()> {
        let mut fields = json!({"toolCallId": tool.id, "title": tool.title, "kind": tool.kind, "status": tool.status});
        if let Some(path) = tool.path {
            fields["locations"] = json!([{"path": path}]);
            if let Some((old, new)) = tool.diff {
                fields["content"] = json!([{"type": "diff", "path": path, "oldText": old, "newText": new}]);
            }
        }
        self.update(if tool.status == "in_progress" { "tool_call" } else { "tool_call_update" }, fields)
    }

    fn ask(&mut self, ask: &Ask<'_>) -> io::Result<Reply> {
        let id = self.ask_permission(ask)?;
        let answer = self.await_answer(&id).unwrap_or_default();
        let chosen = answer.pointer("/result/outcome/optionId").and_then(Value::as_str);
        Ok(match chosen {
            Some("allow-once" | "allow-always") if ask.choices.is_empty() => Reply::Allowed,
            Some("reject") if ask.choices.is_empty() => Reply::Rejected,
            Some(choice) => Reply::Chosen(choice.to_owned()),
            None => Reply::Gone,
        })
    }

    fn withdraw(&mut self, ask: &Ask<'_>) -> io::Result<()> {
        let id = self.ask_permission(ask)?;
        Self::send(&json!({"jsonrpc": "2.0", "method": "$/cancel_request", "params": {"requestId": id}}))?;
        self.await_answer(&id);
        Ok(())
    }

    fn number_ids(&mut self) {
        self.number_ids = true;
    }

    fn interrupted(&mut self, wait: bool) -> Option<Interrupt> {
        let wait = if wait { Duration::from_millis(5) } else { Duration::ZERO };
        // Nobody waits for an answer here: one that comes is to a request that is over.
        let _stray = self.take(wait);
        if self.cancelled { Some(Interrupt::Cancelled) } else { self.closed.then_some(Interrupt::Closed) }
    }
}
