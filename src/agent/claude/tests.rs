use serde_json::json;

use crate::model::job::JobEnd;
use crate::model::turn::TurnOutcome;

use super::*;

/// A conversation that writes at once and remembers what.
struct Talk {
    conversation: ClaudeConversation,
    updates: Vec<Update>,
    written: Vec<(String, Value)>,
}

impl Talk {
    fn new(setup: ConversationSetup) -> Self {
        let mut talk = Self { conversation: ClaudeConversation::new(setup), updates: Vec::new(), written: Vec::new() };
        talk.feed(ConversationInput::Started);
        talk
    }

    fn ready() -> Self {
        let mut talk = Self::new(ConversationSetup::default());
        talk.responds(
            "initialize",
            &json!({"current_permission_mode": "default", "models": [{"value": "a", "resolvedModel": "a-1"}]}),
        );
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

    fn responds(&mut self, key: &str, response: &Value) {
        self.says(&json!({"type": "control_response", "response": {"subtype": "success", "request_id": key, "response": response}}));
    }

    fn prompt(&mut self, turn: &str) {
        self.feed(ConversationInput::Prompt { turn: &TurnId::from(turn), text: "x", content: &[], prompt: None });
    }

    fn last_written(&self) -> (&str, &Value) {
        self.written.last().map(|(key, message)| (key.as_str(), message)).unwrap()
    }

    fn outcome(&self) -> &TurnOutcome {
        self.updates
            .iter()
            .rev()
            .find_map(|update| if let Update::TurnEnded { outcome, .. } = update { Some(outcome) } else { None })
            .unwrap()
    }

    fn options(&self) -> Vec<(String, String)> {
        let options = self
            .updates
            .iter()
            .rev()
            .find_map(|update| if let Update::Options(options) = update { Some(options) } else { None });
        options.unwrap().iter().map(|option| (option.id.clone(), option.current.clone())).collect()
    }
}

fn ask(request: &str, tool: &str, input: &Value) -> Value {
    json!({"type": "control_request", "request_id": request, "request": {
        "subtype": "can_use_tool", "tool_name": tool, "input": input, "tool_use_id": "t1",
        "permission_suggestions": [{"type": "setMode", "mode": "acceptEdits", "destination": "session"}],
    }})
}

#[test]
fn it_sets_the_model_and_then_the_mode_before_it_is_ready() {
    let setup = ConversationSetup {
        mode: Some("Plan".to_owned()),
        model: Some("small".to_owned()),
        ..ConversationSetup::default()
    };
    let mut talk = Talk::new(setup);
    talk.prompt("s.t1");
    talk.responds("initialize", &json!({"claude_code_version": "9"}));
    assert_eq!(talk.last_written().1["request"], json!({"subtype": "set_model", "model": "small"}));
    talk.responds("model", &json!({}));
    assert_eq!(talk.last_written().1["request"], json!({"subtype": "set_permission_mode", "mode": "plan"}));
    assert!(!talk.updates.iter().any(|update| matches!(update, Update::Ready(_))));
    talk.responds("mode", &json!({"mode": "plan"}));
    assert!(
        talk.updates
            .iter()
            .any(|update| matches!(update, Update::Ready(ready) if ready.version.as_deref() == Some("9")))
    );
    assert_eq!(talk.last_written().0, "prompt:s.t1");
    assert_eq!(talk.options(), [("mode".to_owned(), "plan".to_owned()), ("model".to_owned(), "small".to_owned())]);
}

#[test]
fn answers_say_what_was_chosen() {
    let cases = [
        ("allow", None, json!({"behavior": "allow", "updatedInput": {"command": "ls"}})),
        ("reject", Some("not now"), json!({"behavior": "deny", "message": "not now"})),
        ("reject_and_stop", Some("no"), json!({"behavior": "deny", "message": "no", "interrupt": true})),
    ];
    for (option, message, expected) in cases {
        let mut talk = Talk::ready();
        talk.prompt("s.t1");
        talk.says(&ask("r1", "Bash", &json!({"command": "ls"})));
        talk.feed(ConversationInput::Answer { key: "r1", option: Some(option), message });
        let (key, written) = talk.last_written();
        assert_eq!((key, &written["response"]["response"]), ("answer:r1", &expected));
        assert_eq!(written["response"]["request_id"], "r1");
        let written = talk.written.len();
        talk.feed(ConversationInput::Answer { key: "r1", option: Some("allow"), message: None });
        assert_eq!(talk.written.len(), written, "the first answer counts");
    }
    let mut talk = Talk::ready();
    talk.prompt("s.t1");
    talk.says(&ask("r1", "Write", &json!({"file_path": "/w/a", "content": "x"})));
    talk.feed(ConversationInput::Answer { key: "r1", option: Some("allow_always"), message: None });
    assert_eq!(talk.last_written().1["response"]["response"]["updatedPermissions"][0]["mode"], "acceptEdits");
}

#[test]
fn a_question_is_answered_with_its_choice() {
    let mut talk = Talk::ready();
    talk.prompt("s.t1");
    let questions = json!({"questions": [{"question": "Which?", "options": [{"label": "A"}, {"label": "B"}]}]});
    talk.says(&ask("r1", "AskUserQuestion", &questions));
    talk.feed(ConversationInput::Answer { key: "r1", option: Some("choice:1"), message: None });
    assert_eq!(talk.last_written().1["response"]["response"]["updatedInput"]["answers"], json!({"Which?": "B"}));
}

#[test]
fn a_cancelled_turn_is_interrupted_and_asks_no_more() {
    let mut talk = Talk::ready();
    talk.prompt("s.t1");
    talk.says(&ask("r1", "Bash", &json!({"command": "ls"})));
    talk.feed(ConversationInput::Cancel);
    assert_eq!(talk.last_written().0, "cancel:s.t1");
    assert!(talk.updates.iter().any(|update| matches!(update, Update::ApprovalWithdrawn { key, .. } if key == "r1")));
    talk.says(&ask("r2", "Bash", &json!({"command": "ls"})));
    assert_eq!(talk.last_written().1["response"]["response"]["behavior"], "deny");
    talk.says(&json!({"type": "result", "subtype": "error_during_execution", "is_error": true, "terminal_reason": "aborted_tools"}));
    assert_eq!(*talk.outcome(), TurnOutcome::Interrupted { reason: "cancelled".to_owned() });
    // The next turn is not touched by it.
    talk.prompt("s.t2");
    talk.says(&json!({"type": "result", "subtype": "success", "is_error": false, "stop_reason": "end_turn"}));
    assert_eq!(*talk.outcome(), TurnOutcome::Done { stop_reason: "end_turn".to_owned() });
}

#[test]
fn cost_is_what_the_turn_added() {
    let mut talk = Talk::ready();
    let result = |total: f64, since: Option<f64>| {
        let mut result = json!({"type": "result", "subtype": "success", "is_error": false, "total_cost_usd": total,
            "usage": {"input_tokens": 5, "output_tokens": 2}});
        if let Some(since) = since {
            result["model_usage_since_last_result"] = json!({"m": {"costUSD": since, "contextWindow": 100}});
        }
        result
    };
    let mut costs = Vec::new();
    // The first process of a resumed conversation may tell a total that is not its own.
    for (number, (total, since)) in [(0.5, Some(0.1)), (0.8, None), (0.9, None)].into_iter().enumerate() {
        talk.prompt(&format!("s.t{number}"));
        talk.says(&result(total, since));
        let usage = talk
            .updates
            .iter()
            .rev()
            .find_map(|update| if let Update::Usage(usage) = update { Some(usage) } else { None });
        costs.push(usage.unwrap().cost_micros.unwrap());
    }
    assert_eq!(costs, [100_000, 300_000, 100_000]);
}

#[test]
fn failures_say_what_to_do() {
    let mut talk = Talk::ready();
    talk.prompt("s.t1");
    talk.says(&json!({"type": "result", "subtype": "success", "is_error": true, "result": "Not logged in · Please run /login"}));
    let TurnOutcome::Failed { reason } = talk.outcome() else { panic!("{:?}", talk.outcome()) };
    assert!(reason.starts_with("not logged in") && reason.contains("run `claude` once"), "{reason}");
    talk.says(&json!({"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 1_800_000_000_u64, "rateLimitType": "five_hour"}}));
    talk.prompt("s.t2");
    talk.says(&json!({"type": "result", "is_error": true, "api_error_status": 429, "result": "limit"}));
    let TurnOutcome::Failed { reason } = talk.outcome() else { panic!("{:?}", talk.outcome()) };
    assert_eq!(reason, "rate limit: limit; it can be tried again at 2027-01-15 08:00 UTC");
}

#[test]
fn what_it_cannot_know_is_refused_and_kept() {
    let mut talk = Talk::ready();
    talk.says(&json!({"type": "control_request", "request_id": "h1", "request": {"subtype": "hook_callback"}}));
    assert_eq!(talk.last_written().1["response"]["subtype"], "error");
    talk.says(&json!({"type": "novelty"}));
    assert_eq!(talk.updates.iter().filter(|update| matches!(update, Update::Raw(_))).count(), 2);
}

#[test]
fn an_end_before_it_is_ready_tells_its_last_words() {
    let mut talk = Talk::new(ConversationSetup::default());
    let words = "\u{1b}[31mbypassPermissions cannot be used with root\u{1b}[0m\n";
    talk.feed(ConversationInput::Output { stderr: true, bytes: words.as_bytes() });
    talk.feed(ConversationInput::Ended(&JobEnd::Exited { code: 1, stopped: false, leaked: 0 }));
    let Some(Update::Unusable { reason, hints }) = talk.updates.last() else { panic!("{:?}", talk.updates) };
    assert!(reason.contains("exit 1; its last words: bypassPermissions cannot be used with root"), "{reason}");
    assert!(!hints.is_empty());
}

#[test]
fn an_old_version_is_told_as_such() {
    let mut talk = Talk::new(ConversationSetup::default());
    talk.feed(ConversationInput::Output { stderr: true, bytes: b"error: unknown option '--permission-prompt-tool'\n" });
    talk.feed(ConversationInput::Ended(&JobEnd::Exited { code: 1, stopped: false, leaked: 0 }));
    assert!(
        matches!(talk.updates.last(), Some(Update::Unusable { reason, .. }) if reason.starts_with("wrong version"))
    );
}

#[test]
fn a_crash_and_a_kill_are_told_apart() {
    for (end, expected) in [
        (JobEnd::Exited { code: 3, stopped: false, leaked: 0 }, "the agent crashed"),
        (JobEnd::Signaled { signal: 9, stopped: false, leaked: 0 }, "the agent was killed"),
        (JobEnd::Signaled { signal: 15, stopped: true, leaked: 0 }, "stopped"),
    ] {
        let mut talk = Talk::ready();
        talk.prompt("s.t1");
        talk.feed(ConversationInput::Ended(&end));
        let (TurnOutcome::Failed { reason } | TurnOutcome::Interrupted { reason }) = talk.outcome() else { panic!() };
        assert!(reason.starts_with(expected), "{reason}");
    }
}

mod steering;
