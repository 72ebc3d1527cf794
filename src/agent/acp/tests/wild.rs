use super::*;

#[test]
fn messages_thoughts_and_their_borders() {
    let mut bench = Bench::in_turn();
    let chunk = |kind: &str, id: Option<&str>, content: Value| {
        let mut update = json!({"sessionUpdate": kind, "content": content});
        if let Some(id) = id {
            update["messageId"] = json!(id);
        }
        update
    };
    let text = |text: &str| json!({"type": "text", "text": text});
    for update in [
        chunk("agent_message_chunk", Some("a"), text("one")),
        chunk("agent_message_chunk", Some("a"), text(" two")),
        chunk("agent_message_chunk", Some("b"), text("three")),
        chunk("agent_thought_chunk", None, text("hm")),
        chunk("agent_message_chunk", Some("b"), text("four\n")),
        chunk("agent_message_chunk", Some("c"), text("five")),
        chunk("agent_message_chunk", None, json!({"type": "resource_link", "uri": "file:///x", "name": "x"})),
        chunk("agent_message_chunk", None, json!({"type": "resource", "resource": {"uri": "u", "text": "body"}})),
        chunk("user_message_chunk", None, text("never shown")),
    ] {
        bench.update(&update);
    }
    let said = |text: &str| Update::Message(text.to_owned());
    assert_eq!(
        bench.take(),
        [
            said("one"),
            said(" two"),
            said("\n\nthree"),
            Update::Thought("hm".to_owned()),
            said("four\n"),
            said("five"),
            said("x (file:///x)"),
            said("body"),
        ]
    );
}

#[test]
fn tool_calls_are_merged_whatever_comes_first() {
    let mut bench = Bench::in_turn();
    bench.update(
        &json!({"sessionUpdate": "tool_call_update", "toolCallId": "t", "status": "in_progress", "kind": "levitate"}),
    );
    bench.update(&json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "Write x", "kind": "edit", "status": "teleported",
        "locations": [{"path": "x", "line": 4}, {"line": 5}], "rawInput": {"a": 1},
        "content": [{"type": "diff", "path": "x", "oldText": null, "newText": "n"}, {"type": "content", "content": {"type": "text", "text": "one"}},
            {"type": "content", "content": {"type": "text", "text": "two"}}, {"type": "terminal", "terminalId": "q"}, {"type": "hologram"}]}));
    bench.update(&json!({"sessionUpdate": "tool_call_update", "toolCallId": "t", "_meta": {"claudeCode": {"toolName": "Write"}}}));
    bench.update(&json!({"sessionUpdate": "tool_call_update", "toolCallId": "t", "status": "completed", "content": [], "locations": [], "rawOutput": "done"}));
    let calls: Vec<ToolCall> =
        bench.take().into_iter().map(|u| if let Update::Tool(call) = u { call } else { panic!("{u:?}") }).collect();
    assert_eq!(
        (calls[0].title.as_str(), calls[0].kind.as_str(), calls[0].status),
        ("t", "other", ToolStatus::InProgress)
    );
    assert_eq!(
        (calls[1].title.as_str(), calls[1].kind.as_str(), calls[1].status),
        ("Write x", "edit", ToolStatus::InProgress)
    );
    assert_eq!(
        (calls[1].text.as_str(), calls[1].locations.len(), calls[1].diffs[0].old_text.as_deref()),
        ("one\ntwo", 1, None)
    );
    assert_eq!(calls[2].name.as_deref(), Some("Write"));
    assert_eq!(calls[2].text, "one\ntwo", "what is absent stays");
    assert_eq!(
        (calls[3].status, calls[3].text.as_str(), calls[3].diffs.len(), calls[3].locations.len()),
        (ToolStatus::Completed, "", 0, 0)
    );
    assert_eq!((&calls[3].input, &calls[3].output), (&json!({"a": 1}), &json!("done")));
}

#[test]
fn streamed_terminal_output_is_collected_and_bounded() {
    let mut bench = Bench::in_turn();
    let delta = |data: &str| json!({"sessionUpdate": "tool_call_update", "toolCallId": "t", "_meta": {"terminal_output_delta": {"data": data, "terminal_id": "t"}}});
    bench.update(&delta("a\n"));
    bench.update(&delta("b\n"));
    let Some(Update::Tool(call)) = bench.take().pop() else { panic!() };
    assert_eq!(call.text, "a\nb\n");
    for _ in 0..40 {
        bench.update(&delta(&"ä".repeat(10_000)));
    }
    bench.update(
        &json!({"sessionUpdate": "tool_call_update", "toolCallId": "t", "_meta": {"terminal_exit": {"exit_code": 3}}}),
    );
    let Some(Update::Tool(call)) = bench.take().pop() else { panic!() };
    assert!(call.text.len() <= 2 * 64 * 1024 && call.text.ends_with('ä'));
    assert_eq!(call.output["exit_code"], 3);
}

#[test]
fn the_text_of_a_tool_call_is_bounded_to_its_end() {
    let mut bench = Bench::in_turn();
    let text = format!("{}the end", "ü".repeat(1_000_000));
    let content = json!([{"type": "content", "content": {"type": "text", "text": text}}]);
    bench.update(&json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "x", "content": content}));
    let Some(Update::Tool(call)) = bench.take().pop() else { panic!() };
    assert!(call.text.len() < 300 * 1024, "{}", call.text.len());
    assert!(call.text.starts_with("[17") && call.text.contains(" bytes left out]\nü"), "{}", &call.text[..60]);
    assert!(call.text.ends_with("üthe end"));
}

#[test]
fn plans_commands_and_notices() {
    let mut bench = Bench::in_turn();
    bench.update(&json!({"sessionUpdate": "plan", "entries": [{"content": "a", "status": "completed", "priority": "high"}, {"content": "b"}, {}]}));
    bench.update(&json!({"sessionUpdate": "available_commands_update", "availableCommands": [{"name": "/x", "description": null, "input": null}, {}]}));
    bench.update(&json!({"sessionUpdate": "available_commands_update", "availableCommands": [{"name": "x"}]}));
    bench.update(&json!({"sessionUpdate": "notice", "message": "careful"}));
    let updates = bench.take();
    let [Update::Plan(plan), Update::Commands(commands), Update::Notice(notice)] = updates.as_slice() else {
        panic!("{updates:?}")
    };
    assert_eq!((plan.len(), plan[0].status.as_str(), plan[1].status.as_str()), (2, "completed", "pending"));
    assert_eq!((commands.len(), commands[0].name.as_str()), (1, "x"));
    assert_eq!(notice, "careful");
}

#[test]
fn what_is_not_known_is_kept_raw() {
    let mut bench = Bench::in_turn();
    bench.update(&json!({"sessionUpdate": "hologram", "x": 1}));
    bench.update(&json!({"sessionUpdate": "tool_call"}));
    bench.update(&json!({"sessionUpdate": "plan", "entries": "no"}));
    bench.update(&json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "image", "data": "", "mimeType": "image/png"}}));
    bench.update(&json!({}));
    bench.line(&json!({"method": "session/update", "params": {"sessionId": "child", "update": {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "x"}}}}));
    bench.line(&json!({"method": "_auth/status_update", "params": {}}));
    bench.line(&json!({"id": "nobody-asked", "result": {}}));
    bench.line(&json!({"id": 4, "result": {}}));
    bench.line(&json!({"id": "prompt:s.t1"}));
    bench.line(&json!(5));
    bench.line(&json!({}));
    bench.line(&json!([{"method": "x"}, {"method": "y"}]));
    let updates = bench.take();
    assert_eq!(updates.len(), 14, "{updates:#?}");
    assert!(updates.iter().all(|update| matches!(update, Update::Raw(_))));
    bench.answers("prompt:s.t1", &json!({"stopReason": "end_turn"}));
    assert!(matches!(bench.outcome(), TurnOutcome::Done { .. }));
}

#[test]
fn garbage_is_told_a_few_times_and_then_counted() {
    let mut bench = Bench::in_turn();
    for n in 0..20 {
        bench.raw(format!("log line {n} \u{1b}[31m\n").as_bytes());
    }
    bench.says("still here");
    bench.answers("prompt:s.t1", &json!({"stopReason": "end_turn"}));
    let notices = bench.notices();
    assert_eq!(notices.len() as u64, SHOWN_GARBAGE + 1, "{notices:?}");
    assert!(notices[0].contains("not JSON") && notices[0].contains("log line 0 ␛[31m"), "{}", notices[0]);
    assert!(notices[5].contains("15 more"), "{}", notices[5]);
    assert!(bench.updates.contains(&Update::Message("still here".to_owned())));
}

#[test]
fn damage_is_a_notice_and_never_a_panic() {
    let mut bench = Bench::in_turn();
    let deep = format!("{}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    bench.raw(deep.as_bytes());
    assert!(bench.notices()[0].contains("recursion limit"), "{}", bench.notices()[0]);
    bench.take();
    bench.raw(b"{\"method\":\"session/update\",\"params\":{\"update\":{\"sessionUpdate\":\"agent_message_chunk\",\"content\":{\"type\":\"text\",\"text\":\"in\xffvalid\"}}}}\n");
    assert_eq!(bench.take(), [Update::Message("in\u{fffd}valid".to_owned())]);
    bench.raw(&vec![b'x'; lines::LONGEST + 1]);
    bench.raw(b"rest\n\n\r\n");
    assert_eq!(bench.notices(), ["the agent sent a line of more than 16 MiB; it was skipped"]);
    bench.take();
    bench.raw(b"{\"jsonrpc\":\"2.0\",\"method\":\"session/upd");
    bench.ends(&exited(0));
    let notices = bench.notices();
    assert!(notices[0].contains("the beginning of a line, and ended: {\"jsonrpc\""), "{notices:?}");
}

#[test]
fn a_missing_version_field_and_numbers_where_text_belongs_do_not_matter() {
    let mut bench = Bench::in_turn();
    for message in [
        json!({"method": "session/update", "params": null}),
        json!({"method": "session/update", "params": [1, 2]}),
        json!({"method": "session/update", "params": {"update": {"sessionUpdate": 5}}}),
        json!({"method": "session/update", "params": {"update": {"sessionUpdate": "tool_call", "toolCallId": "a", "title": 5, "content": {}, "locations": 4}}}),
        json!({"method": "session/update", "params": {"update": {"sessionUpdate": "usage_update", "used": "x"}}}),
        json!({"method": "$/cancel_request", "params": {"requestId": {"deep": []}}}),
        json!({"method": 5, "id": 5}),
        json!({"id": {}, "method": "x"}),
        json!({"id": null, "result": null}),
        json!({"id": "prompt:s.t9", "result": {}}),
        json!({"id": "initialize", "result": {}}),
    ] {
        bench.line(&message);
    }
    bench.answers("prompt:s.t1", &json!({"stopReason": "end_turn"}));
    assert!(matches!(bench.outcome(), TurnOutcome::Done { .. }));
}
