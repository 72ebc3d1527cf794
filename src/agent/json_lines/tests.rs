use super::*;

fn run(dialect: Dialect, stdout: &str, stderr: &str, end: &JobEnd) -> Vec<Update> {
    let setup = ConversationSetup {
        resume: Some(AgentReady { conversation: Some("c1".to_owned()), ..AgentReady::default() }),
        ..ConversationSetup::default()
    };
    let mut conversation = JsonLinesConversation::new(dialect, &setup, TurnId::from("s.t1"));
    let mut updates = Vec::new();
    for input in [
        ConversationInput::Started,
        ConversationInput::Output { stderr: false, bytes: stdout.as_bytes() },
        ConversationInput::Output { stderr: true, bytes: stderr.as_bytes() },
        ConversationInput::Ended(end),
        ConversationInput::Ended(end),
    ] {
        conversation.feed(input, &mut updates);
    }
    updates
}

fn outcome(dialect: Dialect, stdout: &str, stderr: &str, end: &JobEnd) -> TurnOutcome {
    let mut updates = run(dialect, stdout, stderr, end);
    match updates.pop() {
        Some(Update::TurnEnded { turn, outcome }) if turn.as_str() == "s.t1" => outcome,
        other => panic!("{other:?}"),
    }
}

fn exit(code: i32) -> JobEnd {
    JobEnd::Exited { code, stopped: false, leaked: 0 }
}

const DONE: &str = r#"{"type":"result","status":"success","stats":{}}"#;

#[test]
fn event_failures_and_exit_code_have_to_agree() {
    let word = |stdout: &str, stderr: &str, end: &JobEnd| match outcome(Dialect::Gemini, stdout, stderr, end) {
        TurnOutcome::Done { stop_reason } => format!("done {stop_reason}"),
        TurnOutcome::Failed { reason } => format!("failed {reason}"),
        TurnOutcome::Interrupted { reason } => format!("interrupted {reason}"),
    };
    assert_eq!(word(DONE, "", &exit(0)), "done success");
    assert!(
        word(DONE, "boom\n", &exit(3))
            .starts_with("failed the agent said that it was done, but failed (exit 3; its last words: boom")
    );
    assert!(
        word("", "", &exit(0)).starts_with("interrupted the agent stopped without saying that it was done (exit 0")
    );
    assert!(
        word("", "Invalid auth method selected.\n", &exit(41))
            .starts_with("failed not logged in: Invalid auth method selected")
    );
    assert!(word("", "", &exit(143)).starts_with("interrupted"));
    assert_eq!(word(DONE, "", &JobEnd::Exited { code: 0, stopped: true, leaked: 0 }), "interrupted stopped");
    assert!(
        word(DONE, "", &JobEnd::Signaled { signal: 9, stopped: false, leaked: 0 })
            .starts_with("interrupted the agent was killed")
    );
    assert!(
        word("", "", &JobEnd::NotStarted { reason: "no such file".to_owned() })
            .starts_with("failed could not be started")
    );
    assert!(word("", "", &JobEnd::Lost).starts_with("interrupted"));
}

#[test]
fn the_last_line_needs_no_end() {
    assert!(!DONE.ends_with('\n'));
    assert!(matches!(outcome(Dialect::Gemini, DONE, "", &exit(0)), TurnOutcome::Done { .. }));
}

#[test]
fn usage_is_normalised_from_every_dialect() {
    let cases = [
        (
            Dialect::Gemini,
            r#"{"type":"result","status":"success","stats":{"total_tokens":127,"input_tokens":100,"output_tokens":20,"cached":60}}"#,
            [40, 60, 20, 7],
        ),
        (
            Dialect::Codex,
            r#"{"type":"turn.completed","usage":{"input_tokens":100,"cached_input_tokens":60,"output_tokens":20,"reasoning_output_tokens":7}}"#,
            [40, 60, 13, 7],
        ),
        (
            Dialect::Qwen,
            r#"{"type":"result","is_error":false,"subtype":"success","usage":{"input_tokens":100,"output_tokens":20,"cache_read_input_tokens":60}}"#,
            [40, 60, 20, 0],
        ),
        (
            Dialect::Claude,
            r#"{"type":"result","is_error":false,"subtype":"success","usage":{"input_tokens":40,"output_tokens":20,"cache_read_input_tokens":60}}"#,
            [40, 60, 20, 0],
        ),
        (
            Dialect::Opencode,
            r#"{"type":"step_finish","part":{"reason":"stop","tokens":{"input":40,"output":13,"reasoning":7,"cache":{"read":60}}}}"#,
            [40, 60, 13, 7],
        ),
        (
            Dialect::Pi,
            r#"{"type":"message_end","message":{"role":"assistant","usage":{"input":40,"output":20,"cacheRead":60}}}"#,
            [40, 60, 20, 0],
        ),
    ];
    for (dialect, line, expected) in cases {
        let updates = run(dialect, line, "", &exit(0));
        let usage =
            updates.iter().find_map(|update| if let Update::Usage(usage) = update { Some(usage) } else { None });
        let usage = usage.unwrap_or_else(|| panic!("{dialect:?}: {updates:?}"));
        assert_eq!([usage.input, usage.cache_read, usage.output, usage.reasoning], expected, "{dialect:?}");
    }
}

#[test]
fn a_resumed_conversation_is_recognised() {
    for (id, resumed) in [("c1", true), ("c2", false)] {
        let line = format!(r#"{{"type":"thread.started","thread_id":"{id}"}}"#);
        let updates = run(Dialect::Codex, &line, "", &exit(0));
        let Some(Update::Ready(ready)) = updates.first() else { panic!("{updates:?}") };
        assert_eq!((ready.conversation.as_deref(), ready.resumed, ready.can_resume), (Some(id), resumed, true));
    }
}

#[test]
fn what_was_going_on_has_failed_when_it_is_cut_off() {
    for (dialect, line) in [
        (Dialect::Gemini, r#"{"type":"tool_use","tool_name":"write_file","tool_id":"c1","parameters":{}}"#),
        (
            Dialect::Claude,
            r#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":"c1","name":"Write","input":{}}]}}"#,
        ),
        (
            Dialect::Copilot,
            r#"{"type":"tool.execution_start","data":{"toolCallId":"c1","toolName":"bash","arguments":{}}}"#,
        ),
    ] {
        let updates = run(dialect, line, "", &JobEnd::Signaled { signal: 15, stopped: true, leaked: 0 });
        let last = updates
            .iter()
            .rev()
            .find_map(|update| if let Update::Tool(call) = update { Some(call.status) } else { None });
        assert_eq!(last, Some(crate::model::agent::ToolStatus::Failed), "{dialect:?}");
    }
}

#[test]
fn unknown_dialects_are_named() {
    assert_eq!("pi".parse(), Ok(Dialect::Pi));
    assert!("klingon".parse::<Dialect>().unwrap_err().contains("opencode"));
}
