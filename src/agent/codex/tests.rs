use crate::model::turn::TurnOutcome;

use super::*;

struct Talk {
    conversation: CodexConversation,
    updates: Vec<Update>,
    written: Vec<(String, Value)>,
}

impl Talk {
    fn new(setup: ConversationSetup) -> Self {
        let mut talk = Self { conversation: CodexConversation::new(setup), updates: Vec::new(), written: Vec::new() };
        talk.feed(ConversationInput::Started);
        talk.answers("initialize", &json!({"userAgent": "divisi/1.2.3 (x)"}));
        talk
    }

    fn ready() -> Self {
        let mut talk = Self::new(ConversationSetup::default());
        talk.answers("start", &json!({"thread": {"id": "th"}, "model": "m", "approvalPolicy": "on-request", "sandbox": {"type": "workspaceWrite"}}));
        talk
    }

    fn feed(&mut self, input: ConversationInput<'_>) {
        let mut updates = Vec::new();
        self.conversation.feed(input, &mut updates);
        for update in updates {
            if let Update::Write { key, bytes } = &update {
                assert!(self.written.iter().all(|(written, _)| written != key), "{key} is written twice");
                self.written.push((key.clone(), serde_json::from_slice(bytes).unwrap()));
                let (key, bytes) = (key.clone(), bytes.clone());
                self.feed(ConversationInput::Written { key: &key, bytes: &bytes });
            } else {
                self.updates.push(update);
            }
        }
    }

    fn says(&mut self, message: &Value) {
        self.feed(ConversationInput::Output { stderr: false, bytes: format!("{message}\n").as_bytes() });
    }

    fn answers(&mut self, key: &str, result: &Value) {
        self.says(&json!({"id": key, "result": result}));
    }

    fn prompt(&mut self, turn: &str) {
        self.feed(ConversationInput::Prompt { turn: &TurnId::from(turn), text: "x", content: &[], prompt: None });
    }

    fn completed(&mut self, turn: &str, status: &str, error: &Value) {
        self.says(&json!({"method": "turn/completed", "params": {"threadId": "th", "turn": {"id": turn, "status": status, "error": error}}}));
    }

    fn request(&self, key: &str) -> &Value {
        &self.written.iter().find(|(written, _)| written == key).unwrap_or_else(|| panic!("{key} was not written")).1
    }

    fn outcome(&self) -> &TurnOutcome {
        self.updates
            .iter()
            .rev()
            .find_map(|update| if let Update::TurnEnded { outcome, .. } = update { Some(outcome) } else { None })
            .unwrap()
    }
}

#[test]
fn a_mode_is_a_pair_of_settings() {
    let setup = ConversationSetup {
        mode: Some("Full access".to_owned()),
        model: Some("big".to_owned()),
        ..ConversationSetup::default()
    };
    let talk = Talk::new(setup);
    let params = &talk.request("start")["params"];
    assert_eq!(
        (&params["approvalPolicy"], &params["sandbox"], &params["model"]),
        (&json!("never"), &json!("danger-full-access"), &json!("big"))
    );
    let talk = Talk::new(ConversationSetup { mode: Some("nonsense".to_owned()), ..ConversationSetup::default() });
    assert!(talk.request("start")["params"].get("sandbox").is_none());
    assert!(talk.updates.iter().any(|update| matches!(update, Update::Notice(text) if text.contains("unattended"))));
    let mut talk = Talk::ready();
    talk.feed(ConversationInput::Option { id: "mode", value: "read-only" });
    assert_eq!(talk.request("option:0")["params"]["sandboxPolicy"]["type"], "readOnly");
    talk.answers("option:0", &json!({}));
    let Some(Update::Options(options)) = talk.updates.last() else { panic!("{:?}", talk.updates.last()) };
    assert_eq!(options[0].current, "read-only");
}

#[test]
fn a_conversation_that_is_gone_is_told_and_a_new_one_begun() {
    let earlier = AgentReady { conversation: Some("old".to_owned()), ..AgentReady::default() };
    let mut talk = Talk::new(ConversationSetup { resume: Some(earlier), ..ConversationSetup::default() });
    assert_eq!(talk.request("resume")["params"]["threadId"], "old");
    talk.says(&json!({"id": "resume", "error": {"code": -32600, "message": "no rollout found"}}));
    talk.answers("start", &json!({"thread": {"id": "new"}}));
    let ready = talk
        .updates
        .iter()
        .find_map(|update| if let Update::Ready(ready) = update { Some(ready) } else { None })
        .unwrap();
    assert!(!ready.resumed && ready.conversation.as_deref() == Some("new"));
    assert!(
        talk.updates.iter().any(|update| matches!(update, Update::Notice(text) if text.contains("no rollout found")))
    );
}

#[test]
fn a_cancellation_waits_for_the_id_of_the_turn() {
    let mut talk = Talk::ready();
    talk.prompt("s.t1");
    talk.feed(ConversationInput::Cancel);
    assert!(talk.written.iter().all(|(key, _)| !key.starts_with("cancel")));
    talk.answers("prompt:s.t1", &json!({"turn": {"id": "u1"}}));
    assert_eq!(talk.request("cancel:s.t1")["params"]["turnId"], "u1");
    talk.completed("u1", "interrupted", &Value::Null);
    assert_eq!(*talk.outcome(), TurnOutcome::Interrupted { reason: "cancelled".to_owned() });
    // Its commands do not all end with the turn.
    let clean = talk.request("clean:s.t1");
    assert_eq!(
        (&clean["method"], &clean["params"]["threadId"]),
        (&json!("thread/backgroundTerminals/clean"), &json!("th"))
    );
    talk.answers("clean:s.t1", &json!({}));
    let told = talk.updates.len();
    talk.says(&json!({"id": "clean:s.t1", "error": {"code": -32600, "message": "unknown"}}));
    assert!(matches!(&talk.updates[told..], [Update::Notice(text)] if text.ends_with("its commands: unknown")));
}

#[test]
fn usage_is_counted_once() {
    let mut talk = Talk::ready();
    talk.prompt("s.t1");
    talk.answers("prompt:s.t1", &json!({"turn": {"id": "u1"}}));
    let tokens = |count: u64| json!({"inputTokens": 10 * count, "cachedInputTokens": 6 * count, "outputTokens": 5 * count, "reasoningOutputTokens": 2 * count});
    for total in [1, 1, 3] {
        let told = json!({"total": tokens(total), "last": tokens(1), "modelContextWindow": 100});
        talk.says(&json!({"method": "thread/tokenUsage/updated", "params": {"threadId": "th", "tokenUsage": told}}));
    }
    let usage: Vec<_> = talk
        .updates
        .iter()
        .filter_map(|update| if let Update::Usage(usage) = update { Some(usage) } else { None })
        .collect();
    let counts: Vec<_> =
        usage.iter().map(|usage| (usage.input, usage.cache_read, usage.output, usage.reasoning)).collect();
    assert_eq!(counts, [(4, 6, 3, 2), (8, 12, 6, 4)]);
}

#[test]
fn what_it_asks_is_answered_in_its_words() {
    let cases = [
        ("item/fileChange/requestApproval", "acceptForSession", json!({"decision": "acceptForSession"})),
        ("item/fileChange/requestApproval", "decline", json!({"decision": "decline"})),
        (
            "item/commandExecution/requestApproval",
            "acceptWithExecpolicyAmendment",
            json!({"decision": {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["make"]}}}),
        ),
        ("item/commandExecution/requestApproval", "cancel", json!({"decision": "cancel"})),
        (
            "item/permissions/requestApproval",
            "accept",
            json!({"permissions": {"network": {"enabled": true}}, "scope": "turn"}),
        ),
        ("item/permissions/requestApproval", "decline", json!({"permissions": {}})),
        ("item/tool/requestUserInput", "choice:1", json!({"answers": {"q": {"answers": ["B"]}}})),
    ];
    for (method, option, expected) in cases {
        let mut talk = Talk::ready();
        talk.prompt("s.t1");
        let params = json!({"threadId": "th", "itemId": "i", "command": "make", "proposedExecpolicyAmendment": ["make"],
            "permissions": {"network": {"enabled": true}}, "questions": [{"id": "q", "question": "?", "options": [{"label": "A"}, {"label": "B"}]}]});
        talk.says(&json!({"id": 7, "method": method, "params": params}));
        talk.feed(ConversationInput::Answer { key: "7", option: Some(option), message: None });
        assert_eq!(*talk.request("answer:7"), json!({"id": 7, "result": expected}), "{method} {option}");
    }
    let mut talk = Talk::ready();
    talk.says(&json!({"id": "x", "method": "attestation/generate", "params": {}}));
    assert_eq!(talk.request("answer:\"x\"")["error"]["code"], -32601);
}

#[test]
fn failures_are_told_by_their_names() {
    let cases = [
        (json!("unauthorized"), "x", "not logged in: x; run `codex login`"),
        (json!("contextWindowExceeded"), "x", "the context is full"),
        (json!("usageLimitExceeded"), "x", "out of quota"),
        (json!({"responseStreamDisconnected": {"httpStatusCode": null}}), "x", "the model cannot be reached"),
        (json!({"httpConnectionFailed": {"httpStatusCode": 500}}), "x", "the model failed"),
        (
            json!("other"),
            r#"{"error":{"message":"odd","type":"invalid_request_error"}}"#,
            "the model rejected the request: odd",
        ),
        (Value::Null, "something", "the agent failed: something"),
    ];
    for (info, message, expected) in cases {
        let mut talk = Talk::ready();
        talk.prompt("s.t1");
        talk.answers("prompt:s.t1", &json!({"turn": {"id": "u1"}}));
        talk.completed("u1", "failed", &json!({"message": message, "codexErrorInfo": info}));
        let TurnOutcome::Failed { reason } = talk.outcome() else { panic!("{:?}", talk.outcome()) };
        assert!(reason.starts_with(expected), "{info}: {reason}");
    }
}

mod steering;
