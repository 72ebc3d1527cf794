//! Transcripts in the shape in which real agents were recorded: `{"dir": ">" | "<", "msg": {...}}` per line, where `>` is what a client
//! wrote. The small ones in `tests/fixtures/agents` were made by hand after recorded ones, which `tests/real/replay` plays.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;

/// Feeds a transcript: the client's request ids become our keys, its requests become records of what was written.
fn replayed(text: &str) -> (Vec<Update>, Vec<String>, Vec<TurnOutcome>) {
    let mut conversation = AcpConversation::new(resume("earlier"));
    let mut updates = Vec::new();
    let mut keys: BTreeMap<String, String> = BTreeMap::new();
    let mut prompts = 0;
    let mut turns = Vec::new();
    conversation.feed(ConversationInput::Started, &mut updates);
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let mut message = record["msg"].clone();
        let id = message.get("id").map(Value::to_string).unwrap_or_default();
        let method = message.get("method").and_then(Value::as_str).unwrap_or_default().to_owned();
        if record["dir"] == ">" {
            let key = match method.as_str() {
                "session/new" | "session/load" | "session/resume" => {
                    // What the client chose to open decides what we chose.
                    let key = method.trim_start_matches("session/").to_owned();
                    conversation.phase = Phase::Opening(match key.as_str() {
                        "new" => "new",
                        "load" => "load",
                        _ => "resume",
                    });
                    if let Some(session) = wire::text(&message["params"], "sessionId") {
                        conversation.setup = resume(session);
                    }
                    key
                }
                "session/set_mode" => "mode".to_owned(),
                "session/prompt" => {
                    prompts += 1;
                    turns.push(format!("s.t{prompts}"));
                    format!("prompt:s.t{prompts}")
                }
                "session/cancel" => format!("cancel:s.t{prompts}"),
                "" => format!("answer:{id}"),
                other => other.to_owned(),
            };
            if !method.is_empty() && message.get("id").is_some() {
                keys.insert(id, key.clone());
                message["id"] = json!(key);
            }
            let bytes = format!("{message}\n");
            conversation.feed(ConversationInput::Written { key: &key, bytes: bytes.as_bytes() }, &mut updates);
        } else {
            if method.is_empty()
                && let Some(key) = keys.get(&id)
            {
                message["id"] = json!(key);
            }
            let bytes = format!("{message}\n");
            conversation.feed(ConversationInput::Output { stderr: false, bytes: bytes.as_bytes() }, &mut updates);
        }
    }
    conversation.feed(ConversationInput::Ended(&JobEnd::Exited { code: 0, stopped: true, leaked: 0 }), &mut updates);
    let ended =
        |update: &Update| if let Update::TurnEnded { outcome, .. } = update { Some(outcome.clone()) } else { None };
    let outcomes = updates.iter().filter_map(ended).collect();
    (updates, turns, outcomes)
}

fn fixture(name: &str) -> Vec<Update> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents").join(name);
    let text = fs::read_to_string(&path).unwrap();
    let (updates, turns, outcomes) = replayed(&text);
    assert_eq!(turns.len(), outcomes.len(), "every turn of {name} ends");
    updates
}

fn count(updates: &[Update], wanted: fn(&Update) -> bool) -> usize {
    updates.iter().filter(|update| wanted(update)).count()
}

#[test]
fn an_adapter_that_asks_before_it_writes() {
    let updates = fixture("claude-shape.jsonl");
    let tool = updates.iter().rev().find_map(|u| if let Update::Tool(call) = u { Some(call) } else { None }).unwrap();
    assert_eq!(
        (tool.title.as_str(), tool.status, tool.name.as_deref()),
        ("Write hello.txt", ToolStatus::Completed, Some("Write"))
    );
    assert_eq!(tool.diffs[0].new_text, "hello\n");
    assert_eq!(count(&updates, |u| matches!(u, Update::Approval { .. })), 1);
    assert_eq!(count(&updates, |u| matches!(u, Update::Raw(_))), 1, "{updates:#?}");
    assert!(matches!(updates.last(), Some(Update::TurnEnded { outcome: TurnOutcome::Done { .. }, .. })));
}

#[test]
fn an_adapter_that_hides_the_models_error() {
    let updates = fixture("codex-shape.jsonl");
    let outcomes: Vec<&Update> = updates.iter().filter(|u| matches!(u, Update::TurnEnded { .. })).collect();
    assert!(matches!(outcomes[0], Update::TurnEnded { outcome: TurnOutcome::Done { .. }, .. }));
    assert!(
        matches!(outcomes[1], Update::TurnEnded { outcome: TurnOutcome::Failed { reason }, .. } if reason.contains("Reconnecting... 1/1 (high demand)"))
    );
    let output = updates
        .iter()
        .find_map(|u| if let Update::Tool(call) = u { (!call.text.is_empty()).then_some(&call.text) } else { None });
    assert_eq!(output.map(String::as_str), Some("made by a shell\n"));
}

#[test]
fn an_agent_that_announces_nothing_and_is_cancelled() {
    let updates = fixture("gemini-shape.jsonl");
    assert_eq!(count(&updates, |u| matches!(u, Update::ApprovalWithdrawn { .. })), 1);
    let tool = updates.iter().rev().find_map(|u| if let Update::Tool(call) = u { Some(call) } else { None }).unwrap();
    assert_eq!(tool.status, ToolStatus::Failed);
    assert!(matches!(updates.last(), Some(Update::TurnEnded { outcome: TurnOutcome::Interrupted { .. }, .. })));
}
