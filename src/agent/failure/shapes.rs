//! The failures of every agent, in the shapes in which it tells them (made by hand after recordings, and after what the programs contain),
//! and the kind that comes out. One table per way of talking.

use serde_json::{Value, json};

use super::*;
use crate::agent::acp::AcpConversation;
use crate::agent::claude::ClaudeConversation;
use crate::agent::codex::CodexConversation;
use crate::agent::json_lines::{Dialect, JsonLinesConversation};
use crate::host::port::{Conversation, ConversationInput, ConversationSetup};
use crate::model::job::JobEnd;
use FailureKind as F;

fn line(conversation: &mut dyn Conversation, message: &Value, updates: &mut Vec<Update>) {
    let bytes = format!("{message}\n");
    conversation.feed(ConversationInput::Output { stderr: false, bytes: bytes.as_bytes() }, updates);
}

fn exited(code: i32) -> JobEnd {
    JobEnd::Exited { code, stopped: false, leaked: 0 }
}

/// The kind that was told last; it has to come right before the end of the turn.
fn kind(updates: &[Update]) -> Option<(FailureKind, Option<i64>, Option<u64>)> {
    let end = updates
        .iter()
        .rposition(|update| matches!(update, Update::TurnEnded { .. } | Update::Unusable { .. }))
        .unwrap_or_else(|| panic!("no end: {updates:?}"));
    match &updates[..end] {
        [.., Update::Failure { failure, retry_after_ms }] => Some((failure.kind, failure.retry_at, *retry_after_ms)),
        _ => None,
    }
}

fn once(dialect: Dialect, lines: &[Value], stderr: &str, end: &JobEnd) -> Option<FailureKind> {
    let mut conversation = JsonLinesConversation::new(dialect, &ConversationSetup::default(), TurnId::from("s.t1"));
    let mut updates = Vec::new();
    conversation.feed(ConversationInput::Started, &mut updates);
    for message in lines {
        line(&mut conversation, message, &mut updates);
    }
    conversation.feed(ConversationInput::Output { stderr: true, bytes: stderr.as_bytes() }, &mut updates);
    conversation.feed(ConversationInput::Ended(end), &mut updates);
    kind(&updates).map(|(kind, ..)| kind)
}

/// A `result` of Claude Code's dialect.
fn result(status: Option<u16>, words: &str) -> Value {
    json!({"type": "result", "subtype": "success", "is_error": true, "api_error_status": status, "result": words})
}

const CLAUDE: [(Option<u16>, &str, FailureKind); 9] = [
    (None, "Not logged in · Please run /login", F::NotLoggedIn),
    (Some(401), "Failed to authenticate. API Error: 401 fake model says 401", F::NotLoggedIn),
    (Some(400), "API Error: 400 fake model says 400", F::BadRequest),
    (Some(400), "Prompt is too long", F::ContextFull),
    (Some(400), "Credit balance is too low", F::Quota),
    (Some(404), "There's an issue with the selected model (nope-1). It may not exist", F::UnknownModel),
    (Some(429), "API Error: Request rejected (429) · fake model says 429", F::RateLimit),
    (Some(500), "API Error: 500 fake model says 500. This is a server-side issue, usually temporary", F::Model),
    (Some(529), "API Error: Repeated 529 Overloaded errors", F::Overloaded),
];

#[test]
fn claudes_results() {
    for (status, words, expected) in CLAUDE {
        let mut claude = ClaudeConversation::new(ConversationSetup::default());
        let mut updates = Vec::new();
        claude.feed(ConversationInput::Started, &mut updates);
        let ready = json!({"type": "control_response", "response": {"subtype": "success", "request_id": "initialize", "response": {}}});
        line(&mut claude, &ready, &mut updates);
        claude.feed(ConversationInput::Written { key: "prompt:s.t1", bytes: b"{}" }, &mut updates);
        line(&mut claude, &result(status, words), &mut updates);
        assert_eq!(kind(&updates).map(|(kind, ..)| kind), Some(expected), "{words}");
        for dialect in [Dialect::Claude, Dialect::Qwen, Dialect::Amp] {
            let found = once(dialect, &[result(status, words)], "", &exited(1));
            assert_eq!(found, Some(expected), "{dialect:?}: {words}");
        }
    }
}

#[test]
fn codexes_turns_and_one_shot_errors() {
    let wrapped = |kind: &str, words: &str| json!({"error": {"message": words, "type": kind}}).to_string();
    let cases = [
        (json!("unauthorized"), "unexpected status 401 Unauthorized".to_owned(), F::NotLoggedIn),
        (json!("usageLimitExceeded"), "You've hit your usage limit. Try again in 3 hours.".to_owned(), F::Quota),
        (json!("serverOverloaded"), "Selected model is at capacity".to_owned(), F::Overloaded),
        (json!("internalServerError"), "We're currently experiencing high demand".to_owned(), F::Model),
        (
            json!("contextWindowExceeded"),
            "Codex ran out of room in the model's context window.".to_owned(),
            F::ContextFull,
        ),
        (
            json!({"responseTooManyFailedAttempts": {"httpStatusCode": 429}}),
            "exceeded retry limit".to_owned(),
            F::RateLimit,
        ),
        (
            json!({"responseStreamDisconnected": {"httpStatusCode": null}}),
            "Reconnecting... 1/1".to_owned(),
            F::Unreachable,
        ),
        (json!("badRequest"), wrapped("invalid_request_error", "fake model says 400"), F::BadRequest),
        (json!("cyberPolicy"), "This request was declined".to_owned(), F::Refused),
        (json!("other"), wrapped("rate_limit_error", "slow down"), F::RateLimit),
    ];
    for (info, message, expected) in cases {
        let mut codex = CodexConversation::new(ConversationSetup::default());
        let mut updates = Vec::new();
        codex.feed(ConversationInput::Started, &mut updates);
        for message in
            [json!({"id": "initialize", "result": {}}), json!({"id": "start", "result": {"thread": {"id": "th"}}})]
        {
            line(&mut codex, &message, &mut updates);
        }
        codex.feed(ConversationInput::Written { key: "prompt:s.t1", bytes: b"{}" }, &mut updates);
        let error = json!({"message": message, "codexErrorInfo": info});
        let turn = json!({"id": "u1", "status": "failed", "error": error});
        line(
            &mut codex,
            &json!({"method": "turn/completed", "params": {"threadId": "th", "turn": turn}}),
            &mut updates,
        );
        assert_eq!(kind(&updates).map(|(kind, ..)| kind), Some(expected), "{info}: {message}");
    }
    let exec = [
        ("exceeded retry limit, last status: 429 Too Many Requests, request id: x".to_owned(), F::RateLimit),
        ("unexpected status 401 Unauthorized: fake model says 401".to_owned(), F::NotLoggedIn),
        ("We're currently experiencing high demand, which may cause temporary errors.".to_owned(), F::Overloaded),
        (wrapped("invalid_request_error", "fake model says 400"), F::BadRequest),
    ];
    for (message, expected) in exec {
        let lines = [
            json!({"type": "turn.started"}),
            json!({"type": "error", "message": message}),
            json!({"type": "turn.failed", "error": {"message": message}}),
        ];
        assert_eq!(once(Dialect::Codex, &lines, "", &exited(1)), Some(expected), "{message}");
    }
    assert_eq!(
        once(Dialect::Codex, &[], "Error: Not logged in. Run `codex login`.\n", &exited(1)),
        Some(F::NotLoggedIn)
    );
}

#[test]
fn one_shot_events_of_the_others() {
    let gemini = |error: &str| json!({"type": "result", "status": "error", "error": {"type": "unknown", "message": error}, "stats": {}});
    let api = |code: u16, words: &str| format!("[API Error: {}]", json!({"error": {"code": code, "message": words}}));
    let opencode = |status: Option<u16>, name: &str, words: &str| json!({"type": "error", "sessionID": "s", "error": {"name": name, "data": {"message": words, "statusCode": status}}});
    let copilot = |status: Option<u16>, words: &str| json!({"type": "session.error", "data": {"errorType": "query", "statusCode": status, "message": words}});
    let pi = |words: &str| json!({"type": "message_end", "message": {"role": "assistant", "stopReason": "error", "errorMessage": words, "content": []}});
    let cases: Vec<(Dialect, Vec<Value>, &str, i32, FailureKind)> = vec![
        (Dialect::Gemini, vec![gemini(&api(400, "fake model says 400"))], "", 144, F::BadRequest),
        (Dialect::Gemini, vec![gemini(&api(429, "Quota exceeded for quota metric"))], "", 173, F::Quota),
        (Dialect::Gemini, vec![gemini(&api(429, "Resource has been exhausted"))], "", 173, F::RateLimit),
        (
            Dialect::Gemini,
            vec![gemini(&api(400, "API key not valid. Please pass a valid API key."))],
            "",
            144,
            F::NotLoggedIn,
        ),
        (Dialect::Gemini, vec![gemini(&api(503, "The model is overloaded"))], "", 247, F::Overloaded),
        (Dialect::Gemini, vec![gemini("[API Error: terminated]")], "", 1, F::Unreachable),
        (Dialect::Gemini, vec![], "Invalid auth method selected.\n", 41, F::NotLoggedIn),
        (Dialect::Opencode, vec![opencode(Some(400), "APIError", "fake model says 400")], "", 1, F::BadRequest),
        (Dialect::Opencode, vec![opencode(Some(500), "APIError", "fake model says 500")], "", 1, F::Model),
        (Dialect::Opencode, vec![opencode(Some(429), "APIError", "Rate limited")], "", 1, F::RateLimit),
        (Dialect::Opencode, vec![opencode(None, "ProviderAuthError", "no key")], "", 1, F::NotLoggedIn),
        (Dialect::Opencode, vec![opencode(None, "ContextOverflowError", "too big")], "", 1, F::ContextFull),
        (
            Dialect::Opencode,
            vec![opencode(None, "APIError", "Cannot connect to API: The socket connection was closed unexpectedly.")],
            "",
            1,
            F::Unreachable,
        ),
        (Dialect::Copilot, vec![copilot(Some(500), "Execution failed: Error: fake model says 500")], "", 1, F::Model),
        (Dialect::Copilot, vec![copilot(Some(429), "you have exceeded your premium request quota")], "", 1, F::Quota),
        (Dialect::Copilot, vec![], "Error: No authentication information found.\n", 1, F::NotLoggedIn),
        (Dialect::Pi, vec![pi("500 fake model says 500"), json!({"type": "agent_end"})], "", 0, F::Model),
        (Dialect::Pi, vec![pi("429 Too Many Requests"), json!({"type": "agent_end"})], "", 0, F::RateLimit),
        (Dialect::Pi, vec![], "No API key found for fake.\n", 1, F::NotLoggedIn),
        (Dialect::Amp, vec![], "Error: Unauthorized. Run `amp login`.\n", 1, F::NotLoggedIn),
        (Dialect::Qwen, vec![], "error: unknown option '--output-format'\n", 1, F::WrongVersion),
        (Dialect::Copilot, vec![], "thread 'main' panicked\n", 101, F::Crashed),
    ];
    for (dialect, lines, stderr, code, expected) in cases {
        assert_eq!(once(dialect, &lines, stderr, &exited(code)), Some(expected), "{dialect:?} {lines:?} {stderr}");
    }
    for dialect in [
        Dialect::Amp,
        Dialect::Claude,
        Dialect::Codex,
        Dialect::Copilot,
        Dialect::Gemini,
        Dialect::Opencode,
        Dialect::Pi,
        Dialect::Qwen,
    ] {
        let ended = |end: &JobEnd| once(dialect, &[], "", end);
        assert_eq!(ended(&JobEnd::Signaled { signal: 9, stopped: false, leaked: 0 }), Some(F::Killed), "{dialect:?}");
        assert_eq!(ended(&JobEnd::Signaled { signal: 11, stopped: false, leaked: 0 }), Some(F::Crashed), "{dialect:?}");
        assert_eq!(ended(&JobEnd::NotStarted { reason: "no such file".to_owned() }), Some(F::NotInstalled));
        assert_eq!(ended(&JobEnd::Lost), Some(F::Lost));
        assert_eq!(ended(&JobEnd::Signaled { signal: 15, stopped: true, leaked: 0 }), None, "a stop is no failure");
    }
}

/// An agent of the Agent Client Protocol in its first turn.
fn acp(name: &str) -> (AcpConversation, Vec<Update>) {
    let mut conversation = AcpConversation::new(ConversationSetup::default());
    let mut updates = Vec::new();
    conversation.feed(ConversationInput::Started, &mut updates);
    let hello = json!({"protocolVersion": 1, "agentInfo": {"name": name}, "agentCapabilities": {}});
    for (id, answer) in [("initialize", hello), ("new", json!({"sessionId": "S"}))] {
        conversation.feed(ConversationInput::Written { key: id, bytes: b"{}" }, &mut updates);
        line(&mut conversation, &json!({"jsonrpc": "2.0", "id": id, "result": answer}), &mut updates);
    }
    conversation.feed(ConversationInput::Written { key: "prompt:s.t1", bytes: b"{}" }, &mut updates);
    (conversation, updates)
}

#[test]
fn errors_of_the_agents_of_the_agent_client_protocol() {
    let inner =
        json!({"error": {"code": 400, "message": "fake model says 400", "status": "INVALID_ARGUMENT"}}).to_string();
    let cases = [
        (
            "@agentclientprotocol/claude-agent-acp",
            json!({"code": -32603, "message": "Internal error: API Error: 500 x", "data": {"errorKind": "server_error"}}),
            F::Model,
        ),
        (
            "@agentclientprotocol/claude-agent-acp",
            json!({"code": -32603, "message": "Internal error: API Error: 429 x", "data": {"errorKind": "rate_limit"}}),
            F::RateLimit,
        ),
        (
            "@agentclientprotocol/claude-agent-acp",
            json!({"code": -32603, "message": "Internal error: x", "data": {"errorKind": "billing_error"}}),
            F::Quota,
        ),
        (
            "@agentclientprotocol/claude-agent-acp",
            json!({"code": -32000, "message": "Authentication required"}),
            F::NotLoggedIn,
        ),
        (
            "@agentclientprotocol/codex-acp",
            json!({"code": -32000, "message": "Authentication required"}),
            F::NotLoggedIn,
        ),
        (
            "codex-acp",
            json!({"code": -32603, "message": "Internal error", "data": {"message": "high demand", "codex_error_info": "internal_server_error"}}),
            F::Model,
        ),
        (
            "codex-acp",
            json!({"code": -32603, "message": "Internal error", "data": {"message": "limit", "codex_error_info": "usage_limit_exceeded"}}),
            F::Quota,
        ),
        (
            "OpenCode",
            json!({"code": -32603, "message": "Internal error: prompt is too long", "data": {"service": "session", "errorName": "APIError"}}),
            F::ContextFull,
        ),
        (
            "OpenCode",
            json!({"code": -32603, "message": "Internal error: x", "data": {"errorName": "ProviderAuthError"}}),
            F::NotLoggedIn,
        ),
        ("gemini-cli", json!({"code": 400, "message": inner}), F::BadRequest),
        ("gemini-cli", json!({"code": 429, "message": "Quota exceeded"}), F::Quota),
        ("qwen-code", json!({"code": 401, "message": "Incorrect API key provided"}), F::NotLoggedIn),
        ("anything", json!({"code": -32603, "message": "the moon is wrong"}), F::Other),
    ];
    for (name, error, expected) in cases {
        let (mut conversation, mut updates) = acp(name);
        line(&mut conversation, &json!({"jsonrpc": "2.0", "id": "prompt:s.t1", "error": error}), &mut updates);
        assert_eq!(kind(&updates).map(|(kind, ..)| kind), Some(expected), "{name}: {error}");
    }
    let (mut copilot, mut updates) = acp("Copilot");
    let text = json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "Error: 400 fake model says 400"}});
    line(
        &mut copilot,
        &json!({"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "S", "update": text}}),
        &mut updates,
    );
    line(
        &mut copilot,
        &json!({"jsonrpc": "2.0", "id": "prompt:s.t1", "result": {"stopReason": "end_turn"}}),
        &mut updates,
    );
    assert_eq!(kind(&updates).map(|(kind, ..)| kind), Some(F::BadRequest));
}

#[test]
fn moments_of_retry_are_told_with_the_failure() {
    let limit = json!({"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 1_795_219_200, "rateLimitType": "five_hour"}});
    let mut claude = JsonLinesConversation::new(Dialect::Claude, &ConversationSetup::default(), TurnId::from("s.t1"));
    let mut updates = Vec::new();
    claude.feed(ConversationInput::Started, &mut updates);
    line(&mut claude, &limit, &mut updates);
    line(&mut claude, &result(Some(429), "You've hit your session limit"), &mut updates);
    claude.feed(ConversationInput::Ended(&exited(1)), &mut updates);
    assert_eq!(kind(&updates), Some((F::RateLimit, Some(1_795_219_200_000), None)));
    let header = json!({"type": "error", "sessionID": "s", "error": {"name": "APIError", "data": {"message": "Rate limited", "statusCode": 429, "responseHeaders": {"retry-after": "90"}}}});
    let mut updates = Vec::new();
    let mut opencode =
        JsonLinesConversation::new(Dialect::Opencode, &ConversationSetup::default(), TurnId::from("s.t1"));
    opencode.feed(ConversationInput::Started, &mut updates);
    line(&mut opencode, &header, &mut updates);
    opencode.feed(ConversationInput::Ended(&exited(1)), &mut updates);
    assert_eq!(kind(&updates), Some((F::RateLimit, None, Some(90_000))));
}
