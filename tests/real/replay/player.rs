//! Plays a transcript to a conversation: what the client did then is done again, and ids of its requests become ours.

use std::collections::{BTreeMap, VecDeque};

use divisi::agent::acp::AcpConversation;
use divisi::agent::claude::ClaudeConversation;
use divisi::agent::codex::CodexConversation;
use divisi::agent::json_lines::JsonLinesConversation;
use divisi::host::port::{Conversation, ConversationInput, ConversationSetup, Update};
use divisi::model::agent::AgentReady;
use divisi::model::id::TurnId;
use divisi::model::job::JobEnd;
use serde_json::{Value, json};

use super::transcript::{Message, Protocol, Transcript};

/// What a conversation was fed, for playing it again.
#[derive(Debug, Clone)]
pub(super) enum Fed {
    Started,
    Output { stderr: bool, bytes: Vec<u8> },
    Written { key: String, bytes: Vec<u8> },
    Ended(JobEnd),
    Prompt { turn: TurnId, text: String },
    Answer { key: String, option: Option<String>, message: Option<String> },
    Cancel,
    Option { id: String, value: String },
}

impl Fed {
    pub(super) fn input(&self) -> ConversationInput<'_> {
        match self {
            Self::Started => ConversationInput::Started,
            Self::Output { stderr, bytes } => ConversationInput::Output { stderr: *stderr, bytes },
            Self::Written { key, bytes } => ConversationInput::Written { key, bytes },
            Self::Ended(end) => ConversationInput::Ended(end),
            Self::Prompt { turn, text } => ConversationInput::Prompt { turn, text, content: &[], prompt: None },
            Self::Answer { key, option, message } => {
                ConversationInput::Answer { key, option: option.as_deref(), message: message.as_deref() }
            }
            Self::Cancel => ConversationInput::Cancel,
            Self::Option { id, value } => ConversationInput::Option { id, value },
        }
    }

    /// Whether it is in the journal.
    pub(super) fn is_record(&self) -> bool {
        matches!(self, Self::Started | Self::Output { .. } | Self::Written { .. } | Self::Ended(_))
    }
}

pub(super) struct Player {
    protocol: Protocol,
    conversation: Box<dyn Conversation>,
    pub(super) updates: Vec<Update>,
    pub(super) fed: Vec<Fed>,
    written: Vec<String>,
    /// Our requests that no recorded one stands for yet: kind and key.
    ours: VecDeque<(String, String)>,
    /// Keys by the recorded ids.
    keys: BTreeMap<String, String>,
    /// Recorded ids of requests that we never make.
    foreign: Vec<String>,
    turns: u32,
    piece: usize,
}

/// A new conversation for a transcript.
pub(super) fn conversation(transcript: &Transcript) -> Box<dyn Conversation> {
    let setup = setup(transcript);
    match transcript.protocol {
        Protocol::Acp => Box::new(AcpConversation::new(setup)),
        Protocol::Claude => Box::new(ClaudeConversation::new(setup)),
        Protocol::Codex => Box::new(CodexConversation::new(setup)),
        Protocol::Lines(dialect) => Box::new(JsonLinesConversation::new(dialect, &setup, TurnId::from("s.t1"))),
    }
}

/// Plays a transcript whose output comes in pieces of so many bytes.
pub(super) fn play(transcript: &Transcript, piece: usize) -> Vec<Update> {
    record(transcript, piece).updates
}

/// Plays a transcript and keeps what was fed.
pub(super) fn record(transcript: &Transcript, piece: usize) -> Player {
    let mut player = Player {
        protocol: transcript.protocol,
        conversation: conversation(transcript),
        updates: Vec::new(),
        fed: Vec::new(),
        written: Vec::new(),
        ours: VecDeque::new(),
        keys: BTreeMap::new(),
        foreign: Vec::new(),
        turns: 0,
        piece,
    };
    player.feed(Fed::Started);
    for message in &transcript.messages {
        match message {
            Message::Sent(message) => player.sent(message),
            Message::Got(message) => player.got(message.clone()),
            Message::Noise(text) => player.output(false, text.as_bytes()),
        }
    }
    if transcript.messages.is_empty() {
        player.output(false, &transcript.stdout);
    }
    player.output(true, &transcript.stderr);
    player.feed(Fed::Ended(transcript.end.clone()));
    player
}

fn setup(transcript: &Transcript) -> ConversationSetup {
    let resumed = transcript.messages.iter().find_map(|message| match message {
        Message::Sent(message) => match message["method"].as_str()? {
            "session/load" | "session/resume" => message["params"]["sessionId"].as_str(),
            "thread/resume" => message["params"]["threadId"].as_str(),
            _ => None,
        },
        _ => None,
    });
    let resume = resumed.map(|id| AgentReady { conversation: Some(id.to_owned()), ..AgentReady::default() });
    ConversationSetup { directory: "/w".to_owned(), resume, ..ConversationSetup::default() }
}

/// Requests that stand for each other.
fn kind(method: &str) -> String {
    match method {
        "session/new" | "session/load" | "session/resume" | "thread/start" | "thread/resume" => "open".to_owned(),
        "session/set_mode" | "session/set_model" | "session/set_config_option" => "option".to_owned(),
        method => method.to_owned(),
    }
}

impl Player {
    fn feed(&mut self, fed: Fed) {
        let mut updates = Vec::new();
        self.conversation.feed(fed.input(), &mut updates);
        let record = fed.is_record();
        self.fed.push(fed);
        for update in updates {
            match update {
                Update::Write { key, bytes } => self.write(key, bytes),
                update if record => self.updates.push(update),
                _ => {}
            }
        }
    }

    /// Everything that is to be written is written at once.
    fn write(&mut self, key: String, bytes: Vec<u8>) {
        if self.written.contains(&key) {
            return;
        }
        self.written.push(key.clone());
        let message: Value = serde_json::from_slice(&bytes).expect("what is written is JSON");
        assert!(bytes.iter().position(|byte| *byte == b'\n') == bytes.len().checked_sub(1), "one line");
        let kind = match self.protocol {
            Protocol::Claude => message.pointer("/request/subtype").and_then(Value::as_str).map(str::to_owned),
            _ => message["method"].as_str().map(kind),
        };
        if let Some(kind) = kind {
            self.ours.push_back((kind, key.clone()));
        }
        self.feed(Fed::Written { key, bytes });
    }

    fn output(&mut self, stderr: bool, bytes: &[u8]) {
        for piece in bytes.chunks(self.piece.min(bytes.len().max(1))) {
            self.feed(Fed::Output { stderr, bytes: piece.to_vec() });
        }
    }

    /// The client sent something: the same is done here.
    fn sent(&mut self, message: &Value) {
        let (name, id) = match self.protocol {
            Protocol::Claude => (message.pointer("/request/subtype").or(message.get("type")), &message["request_id"]),
            _ => (message.get("method"), &message["id"]),
        };
        let name = name.and_then(Value::as_str).unwrap_or("answer").to_owned();
        match name.as_str() {
            "session/prompt" | "turn/start" | "user" => {
                self.turns += 1;
                let turn = TurnId::from(format!("s.t{}", self.turns).as_str());
                self.feed(Fed::Prompt { turn, text: "do it".to_owned() });
            }
            "session/cancel" | "turn/interrupt" | "interrupt" => self.feed(Fed::Cancel),
            "session/set_mode" => self.option("mode", &message["params"]["modeId"]),
            "session/set_model" => self.option("model", &message["params"]["modelId"]),
            "session/set_config_option" => {
                let id = message["params"]["configId"].as_str().unwrap_or_default().to_owned();
                self.option(&id, &message["params"]["value"]);
            }
            "set_permission_mode" => self.option("mode", &message["request"]["mode"]),
            "answer" | "control_response" => self.answered(message),
            _ => {}
        }
        let kind = kind(&name);
        let ours = self.ours.iter().position(|(ours, _)| *ours == kind).and_then(|at| self.ours.remove(at));
        match ours {
            Some((_, key)) => drop(self.keys.insert(id.to_string(), key)),
            None if !id.is_null() && kind != "answer" => self.foreign.push(id.to_string()),
            None => {}
        }
    }

    fn option(&mut self, id: &str, value: &Value) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.feed(Fed::Option { id: id.to_owned(), value });
    }

    /// The client answered a request of the agent.
    fn answered(&mut self, message: &Value) {
        let (key, option) = if self.protocol == Protocol::Claude {
            let response = &message["response"]["response"];
            let option = match (response["behavior"].as_str(), response["interrupt"].as_bool()) {
                (Some("allow"), _) => "allow",
                (_, Some(true)) => "reject_and_stop",
                _ => "reject",
            };
            (message["response"]["request_id"].as_str().unwrap_or_default().to_owned(), Some(option.to_owned()))
        } else {
            let option = message.pointer("/result/outcome/optionId").or_else(|| message.pointer("/result/decision"));
            (message["id"].to_string(), option.and_then(Value::as_str).map(str::to_owned))
        };
        self.feed(Fed::Answer { key, option, message: None });
    }

    /// The agent sent something; answers carry our ids.
    fn got(&mut self, mut message: Value) {
        let id = match self.protocol {
            Protocol::Claude if message["type"] == "control_response" => message.pointer_mut("/response/request_id"),
            Protocol::Acp | Protocol::Codex if message.get("method").is_none() => message.get_mut("id"),
            _ => None,
        };
        if let Some(id) = id {
            match self.keys.get(&id.to_string()) {
                Some(key) => *id = json!(key),
                None if self.foreign.contains(&id.to_string()) => return,
                None => {}
            }
        }
        let mut line = message.to_string();
        line.push('\n');
        self.output(false, line.as_bytes());
    }
}

/// Updates with the pieces of output joined.
pub(super) fn plain(updates: &[Update]) -> Vec<Update> {
    let mut plain: Vec<Update> = Vec::new();
    for update in updates {
        match (plain.last_mut(), update) {
            (Some(Update::Output { stderr, text }), Update::Output { stderr: same, text: more }) if stderr == same => {
                text.push_str(more);
            }
            (_, update) => plain.push(update.clone()),
        }
    }
    plain
}
