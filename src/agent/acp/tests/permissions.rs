use super::*;

fn statuses(updates: &[Update]) -> Vec<(&str, ToolStatus)> {
    let tool = |update| {
        if let &Update::Tool(ToolCall { ref id, status, .. }) = update { Some((id.as_str(), status)) } else { None }
    };
    updates.iter().filter_map(tool).collect()
}

#[test]
fn a_permission_is_asked_and_answered_by_the_agents_own_id() {
    for (id, key) in [(json!(0), "0"), (json!("a\"b"), "\"a\\\"b\"")] {
        let mut bench = Bench::in_turn();
        bench.asks(&id, "t1");
        let updates = bench.take();
        let [Update::Tool(_), Update::Approval { key: asked, kind, tool, command_line, options }] = updates.as_slice()
        else {
            panic!("{updates:?}")
        };
        assert_eq!((asked.as_str(), *kind), (key, ApprovalKind::Permission));
        assert_eq!((tool.title.as_str(), command_line.as_deref(), options.len()), ("Run", Some("make all"), 2));
        bench.feed(ConversationInput::Answer { key, option: Some("yes"), message: None });
        let written = bench.written_as(&format!("answer:{key}")).clone();
        assert_eq!(written["id"], id);
        assert_eq!(written["result"], json!({"outcome": {"outcome": "selected", "optionId": "yes"}}));
        assert_eq!(bench.take(), []);
        bench.feed(ConversationInput::Answer { key, option: Some("no"), message: None });
        assert_eq!(bench.written.len(), 4, "a second answer is not written");
    }
}

#[test]
fn a_rejected_call_failed_even_if_the_agent_does_not_say_so() {
    let mut bench = Bench::in_turn();
    bench.asks(&json!(7), "t1");
    bench.take();
    bench.feed(ConversationInput::Answer { key: "7", option: Some("no"), message: Some("use cargo") });
    let updates = bench.take();
    assert_eq!(statuses(&updates), [("t1", ToolStatus::Failed)]);
    bench.answers("prompt:s.t1", &json!({"stopReason": "cancelled"}));
    assert_eq!(
        bench.outcome(),
        TurnOutcome::Interrupted { reason: "the agent ended the turn after a refusal".to_owned() }
    );
}

#[test]
fn an_answer_that_is_not_offered_never_allows() {
    for option in [Some("yes-and-everything"), None] {
        let mut bench = Bench::in_turn();
        bench.asks(&json!(1), "t1");
        bench.feed(ConversationInput::Answer { key: "1", option, message: None });
        assert_eq!(bench.written_as("answer:1")["result"], json!({"outcome": {"outcome": "cancelled"}}));
        assert_eq!(bench.notices().len(), usize::from(option.is_some()));
    }
}

#[test]
fn a_cancel_answers_what_is_open_and_what_comes_later() {
    let mut bench = Bench::in_turn();
    bench.asks(&json!(1), "t1");
    bench.asks(&json!(2), "t2");
    bench.feed(ConversationInput::Answer { key: "2", option: Some("yes"), message: None });
    bench.take();
    bench.feed(ConversationInput::Cancel);
    assert_eq!(bench.keys()[3..], ["answer:2", "cancel:s.t1", "answer:1"]);
    assert_eq!(bench.written_as("cancel:s.t1")["params"], json!({"sessionId": "S"}));
    assert!(bench.written_as("cancel:s.t1").get("id").is_none());
    assert_eq!(bench.written_as("answer:1")["result"]["outcome"]["outcome"], "cancelled");
    let updates = bench.take();
    assert!(matches!(&updates[0], Update::ApprovalWithdrawn { key, .. } if key == "1"));
    bench.asks(&json!(3), "t3");
    assert_eq!(bench.written_as("answer:3")["result"]["outcome"]["outcome"], "cancelled");
    assert_eq!(statuses(&bench.take()).last(), Some(&("t3", ToolStatus::Failed)));
    bench.answers("prompt:s.t1", &json!({"stopReason": "cancelled"}));
    let updates = bench.take();
    assert_eq!(statuses(&updates), [("t2", ToolStatus::Failed)]);
    assert!(matches!(updates.last(), Some(Update::TurnEnded { outcome: TurnOutcome::Interrupted { .. }, .. })));
}

#[test]
fn the_agent_takes_a_request_back() {
    let mut bench = Bench::in_turn();
    bench.asks(&json!(0), "t1");
    bench.take();
    for _ in 0..2 {
        bench.line(&json!({"jsonrpc": "2.0", "method": "$/cancel_request", "params": {"requestId": 0}}));
    }
    let updates = bench.take();
    assert!(matches!(&updates[0], Update::ApprovalWithdrawn { key, .. } if key == "0"));
    assert_eq!(updates.len(), 2, "{updates:?}");
    assert_eq!(bench.written_as("answer:0")["result"]["outcome"]["outcome"], "cancelled");
    bench.feed(ConversationInput::Answer { key: "0", option: Some("yes"), message: None });
    assert_eq!(bench.keys().last(), Some(&"answer:0"));
}

#[test]
fn an_id_that_is_used_again_gets_a_key_of_its_own() {
    let mut bench = Bench::in_turn();
    bench.asks(&json!(0), "t1");
    bench.feed(ConversationInput::Answer { key: "0", option: Some("yes"), message: None });
    bench.asks(&json!(0), "t2");
    bench.feed(ConversationInput::Answer { key: "0#2", option: Some("no"), message: None });
    assert_eq!(bench.keys()[3..], ["answer:0", "answer:0#2"]);
    assert_eq!(bench.written_as("answer:0#2")["id"], 0);
}

#[test]
fn choices_that_neither_allow_nor_reject_are_a_question() {
    let mut bench = Bench::in_turn();
    let options = json!([{"optionId": "red", "name": "Red", "kind": "choice"}, {"optionId": "blue"}]);
    let params = json!({"sessionId": "S", "toolCall": {"toolCallId": "q", "title": "Which?"}, "options": options});
    bench.line(&json!({"id": "q1", "method": "session/request_permission", "params": params}));
    let updates = bench.take();
    let Some(Update::Approval { kind, options, .. }) = updates.last() else { panic!("{updates:?}") };
    assert_eq!(*kind, ApprovalKind::Question);
    assert_eq!(options[1].name, "blue");
}

#[test]
fn an_elicitation_is_a_question() {
    let ask = |schema: Value| {
        let mut bench = Bench::in_turn();
        let params = json!({"sessionId": "S", "mode": "form", "message": "Which colour?", "requestedSchema": schema});
        bench.line(&json!({"id": 5, "method": "elicitation/create", "params": params}));
        let updates = bench.take();
        let [Update::Approval { key, kind: ApprovalKind::Question, tool, options, .. }] = updates.as_slice() else {
            panic!("{updates:?}")
        };
        assert_eq!((key.as_str(), tool.title.as_str()), ("5", "Which colour?"));
        let ids: Vec<String> = options.iter().map(|option| option.id.clone()).collect();
        (bench, ids)
    };
    let one = |property: Value| json!({"type": "object", "properties": {"p": property}});
    for (schema, ids, option, message, result) in [
        (
            one(json!({"type": "string", "enum": ["red", "blue"]})),
            vec!["red", "blue", "decline"],
            Some("blue"),
            None,
            json!({"action": "accept", "content": {"p": "blue"}}),
        ),
        (
            one(json!({"type": "boolean"})),
            vec!["true", "false", "decline"],
            Some("false"),
            None,
            json!({"action": "accept", "content": {"p": false}}),
        ),
        (
            one(json!({"type": "string"})),
            vec!["accept", "decline"],
            Some("accept"),
            Some("grün"),
            json!({"action": "accept", "content": {"p": "grün"}}),
        ),
        (json!({}), vec!["accept", "decline"], Some("accept"), None, json!({"action": "accept", "content": {}})),
        (
            json!({"properties": {"a": {"type": "string"}, "b": {"type": "string"}}}),
            vec!["decline"],
            Some("decline"),
            None,
            json!({"action": "decline"}),
        ),
        (one(json!({"type": "number"})), vec!["decline"], None, None, json!({"action": "cancel"})),
    ] {
        let (mut bench, offered) = ask(schema);
        assert_eq!(offered, ids);
        bench.feed(ConversationInput::Answer { key: "5", option, message });
        assert_eq!(bench.written_as("answer:5")["result"], result);
    }
}

#[test]
fn a_permission_about_nothing_is_refused() {
    for params in [
        json!(null),
        json!({"options": []}),
        json!({"toolCall": {"toolCallId": "x"}, "options": []}),
        json!({"options": [{"optionId": "a"}]}),
    ] {
        let mut bench = Bench::in_turn();
        bench.line(&json!({"id": 1, "method": "session/request_permission", "params": params}));
        assert_eq!(bench.written_as("answer:1")["error"]["code"], -32602);
        assert_eq!(bench.notices().len(), 1);
    }
}

#[test]
fn every_other_request_is_refused_and_an_unknown_one_kept() {
    for method in ["fs/read_text_file", "terminal/create", "craft/drainMidTurnQueue"] {
        let mut bench = Bench::in_turn();
        bench.line(&json!({"id": 1, "method": method, "params": {"a": 1}}));
        assert_eq!(bench.written_as("answer:1")["error"]["code"], -32601);
        // What was not offered, and is asked for all the same, is known and is no news.
        let kept = matches!(&bench.take()[..], [Update::Raw(raw)] if raw["method"] == method);
        assert_eq!(kept, method.starts_with("craft/"), "{method}");
    }
}

#[test]
fn the_end_of_the_process_closes_what_is_open() {
    let mut bench = Bench::in_turn();
    bench.asks(&json!(1), "t1");
    bench.take();
    bench.ends(&JobEnd::Signaled { signal: 9, stopped: false, leaked: 1 });
    let updates = bench.take();
    assert!(matches!(&updates[0], Update::ApprovalWithdrawn { key, .. } if key == "1"), "{updates:?}");
    assert_eq!(statuses(&updates), [("t1", ToolStatus::Failed)]);
    assert!(
        matches!(updates.last(), Some(Update::TurnEnded { outcome: TurnOutcome::Interrupted { reason }, .. }) if reason.contains("SIGKILL"))
    );
    assert_eq!(bench.keys().len(), 3, "nothing is written to a process that ended");
}

#[test]
fn command_lines_are_strings_or_words() {
    let line = |kind: &str, input: Value| {
        tools::command_line(&ToolCall { kind: kind.to_owned(), input, ..ToolCall::default() })
    };
    assert_eq!(line("execute", json!({"command": "a b"})).as_deref(), Some("a b"));
    assert_eq!(
        line("execute", json!({"command": ["bash", "-lc", "echo 'x y'"]})).as_deref(),
        Some(r"bash -lc 'echo '\''x y'\'''")
    );
    assert_eq!(line("edit", json!({"command": "a b"})), None);
    assert_eq!(line("execute", json!({"command": 5})), None);
    assert_eq!(line("execute", json!({"command": ["a", 5]})), None);
    assert_eq!(line("execute", json!(null)), None);
}
