//! The state machine fed by tables, by a played agent, and by transcripts.

use serde_json::{Value, json};

use super::*;
use crate::model::agent::{AgentReady, ToolCall, ToolStatus};
use crate::model::approval::ApprovalKind;
use crate::model::job::JobEnd;

mod handshake;
mod hostile;
mod permissions;
mod replay;
mod steering;
mod transcripts;
mod turns;
mod wild;

/// A conversation whose writes are seen as written at once, and what it yielded besides.
struct Bench {
    conversation: AcpConversation,
    /// Keys and messages, in order.
    written: Vec<(String, Value)>,
    /// Everything else, in order.
    updates: Vec<Update>,
}

impl Bench {
    /// A process that has just started.
    fn started(setup: ConversationSetup) -> Self {
        let mut bench = Self { conversation: AcpConversation::new(setup), written: Vec::new(), updates: Vec::new() };
        bench.feed(ConversationInput::Started);
        bench
    }

    /// A conversation that is ready, with what its session offers.
    fn ready_with(offer: &Value, setup: ConversationSetup) -> Self {
        let mut bench = Self::started(setup);
        bench.initialized(&json!({}), "test");
        let mut answer = offer.clone();
        answer["sessionId"] = json!("S");
        bench.answers("new", &answer);
        bench
    }

    fn ready() -> Self {
        let mut bench = Self::ready_with(&json!({}), ConversationSetup::default());
        bench.updates.clear();
        bench
    }

    /// A conversation in its first turn.
    fn in_turn() -> Self {
        let mut bench = Self::ready();
        bench.prompt("s.t1");
        bench
    }

    fn feed(&mut self, input: ConversationInput<'_>) {
        let mut updates = Vec::new();
        self.conversation.feed(input, &mut updates);
        for update in updates {
            if let Update::Write { key, bytes } = update {
                assert_eq!(bytes.iter().position(|byte| *byte == b'\n'), Some(bytes.len() - 1), "one line per message");
                self.written.push((key.clone(), serde_json::from_slice(&bytes).unwrap()));
                self.feed(ConversationInput::Written { key: &key, bytes: &bytes });
            } else {
                self.updates.push(update);
            }
        }
    }

    fn line(&mut self, message: &Value) {
        let line = format!("{message}\n");
        self.feed(ConversationInput::Output { stderr: false, bytes: line.as_bytes() });
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.feed(ConversationInput::Output { stderr: false, bytes });
    }

    fn initialized(&mut self, capabilities: &Value, name: &str) {
        let info = json!({"name": name, "version": "1.2"});
        self.answers(
            "initialize",
            &json!({"protocolVersion": 1, "agentCapabilities": capabilities, "agentInfo": info}),
        );
    }

    fn answers(&mut self, id: &str, result: &Value) {
        self.line(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
    }

    fn fails(&mut self, id: &str, code: i64, message: &str) {
        self.line(&json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}));
    }

    fn update(&mut self, update: &Value) {
        self.line(
            &json!({"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "S", "update": update}}),
        );
    }

    fn says(&mut self, text: &str) {
        self.update(&json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}));
    }

    fn prompt(&mut self, turn: &str) {
        self.feed(ConversationInput::Prompt { turn: &TurnId::from(turn), text: "do it", content: &[], prompt: None });
    }

    /// Asks a permission with the usual options.
    fn asks(&mut self, id: &Value, tool: &str) {
        let options = json!([
            {"optionId": "yes", "name": "Yes", "kind": "allow_once"},
            {"optionId": "no", "name": "No", "kind": "reject_once"},
        ]);
        let call = json!({"toolCallId": tool, "title": "Run", "kind": "execute", "rawInput": {"command": "make all"}});
        let params = json!({"sessionId": "S", "toolCall": call, "options": options});
        self.line(&json!({"jsonrpc": "2.0", "id": id, "method": "session/request_permission", "params": params}));
    }

    fn ends(&mut self, end: &JobEnd) {
        self.feed(ConversationInput::Ended(end));
    }

    fn written_as(&self, key: &str) -> &Value {
        match self.written.iter().filter(|(written, _)| written == key).collect::<Vec<_>>().as_slice() {
            [(_, message)] => message,
            other => panic!("{key} was written {} times; written: {:?}", other.len(), self.written),
        }
    }

    fn keys(&self) -> Vec<&str> {
        self.written.iter().map(|(key, _)| key.as_str()).collect()
    }

    fn take(&mut self) -> Vec<Update> {
        std::mem::take(&mut self.updates)
    }

    fn outcome(&mut self) -> TurnOutcome {
        match self.take().pop() {
            Some(Update::TurnEnded { outcome, .. }) => outcome,
            other => panic!("{other:?}"),
        }
    }

    fn notices(&self) -> Vec<&str> {
        let mut notices = Vec::new();
        for update in &self.updates {
            if let Update::Notice(text) = update {
                notices.push(text.as_str());
            }
        }
        notices
    }
}

fn exited(code: i32) -> JobEnd {
    JobEnd::Exited { code, stopped: false, leaked: 0 }
}

fn resume(conversation: &str) -> ConversationSetup {
    let earlier = AgentReady { conversation: Some(conversation.to_owned()), ..AgentReady::default() };
    ConversationSetup { directory: "/w".to_owned(), resume: Some(earlier), ..ConversationSetup::default() }
}
