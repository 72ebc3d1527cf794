use super::*;
use crate::model::usage::UsageScope;

#[test]
fn a_prompt_waits_until_the_agent_is_ready_and_is_written_once() {
    let mut bench = Bench::started(ConversationSetup::default());
    bench.prompt("s.t1");
    assert_eq!(bench.keys(), ["initialize"]);
    bench.initialized(&json!({}), "agent");
    bench.answers("new", &json!({"sessionId": "S"}));
    bench.prompt("s.t1");
    assert_eq!(bench.keys(), ["initialize", "new", "prompt:s.t1"]);
    let asked = bench.written_as("prompt:s.t1");
    assert_eq!(asked["id"], "prompt:s.t1");
    assert_eq!(asked["params"], json!({"sessionId": "S", "prompt": [{"type": "text", "text": "do it"}]}));
}

#[test]
fn a_prompt_that_comes_in_a_turn_waits_for_its_end() {
    let mut bench = Bench::in_turn();
    bench.prompt("s.t2");
    assert_eq!(bench.keys().last(), Some(&"prompt:s.t1"));
    bench.answers("prompt:s.t1", &json!({"stopReason": "end_turn"}));
    assert_eq!(bench.keys().last(), Some(&"prompt:s.t2"));
    assert_eq!(bench.outcome(), TurnOutcome::Done { stop_reason: "end_turn".to_owned() });
}

#[test]
fn stop_reasons() {
    let done = |reason: &str| TurnOutcome::Done { stop_reason: reason.to_owned() };
    for (answer, outcome, notices) in [
        (json!({"stopReason": "end_turn"}), done("end_turn"), 0),
        (json!({"stopReason": "max_tokens"}), done("max_tokens"), 1),
        (json!({"stopReason": "max_turn_requests"}), done("max_turn_requests"), 1),
        (
            json!({"stopReason": "refusal"}),
            TurnOutcome::Failed {
                reason: "refused: the model declined to go on; say it differently, or choose another model".to_owned(),
            },
            0,
        ),
        (
            json!({"stopReason": "cancelled"}),
            TurnOutcome::Interrupted { reason: "the agent cancelled the turn".to_owned() },
            0,
        ),
        (json!({"stopReason": "bored"}), done("bored"), 0),
        (json!({}), TurnOutcome::Failed { reason: "the agent ended the turn without saying why".to_owned() }, 0),
        (json!(null), TurnOutcome::Failed { reason: "the agent ended the turn without saying why".to_owned() }, 0),
    ] {
        let mut bench = Bench::in_turn();
        bench.answers("prompt:s.t1", &answer);
        assert_eq!(bench.notices().len(), notices, "{answer}");
        assert_eq!(bench.outcome(), outcome, "{answer}");
    }
}

#[test]
fn errors_say_what_the_agents_bury() {
    let failed = |error: Value| {
        let mut bench = Bench::in_turn();
        bench.line(&json!({"jsonrpc": "2.0", "id": "prompt:s.t1", "error": error}));
        match bench.outcome() {
            TurnOutcome::Failed { reason } => reason,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        failed(json!({"code": -32603, "message": "Internal error", "data": {"message": "high demand"}})),
        "the model is overloaded: Internal error: high demand; wait a while, then send the prompt again"
    );
    assert_eq!(
        failed(json!({"code": 400, "message": "{\"error\":{\"code\":400,\"message\":\"model says 400\"}}"})),
        "the model rejected the request: model says 400"
    );
    assert_eq!(failed(json!({"code": -1, "message": "x", "data": "y"})), "x: y (error -1)");
    assert_eq!(failed(json!({})), "the agent gave no reason (error 0)");
    assert_eq!(
        failed(json!({"code": -32000, "message": "Authentication required"})),
        "not logged in: Authentication required; log in with the agent's own program, or give its API key in the environment"
    );
    assert!(failed(json!({"code": 1, "message": "a\u{1b}[2J\nb"})).starts_with("a␛[2J b"));
}

#[test]
fn a_cancelled_turn_is_interrupted_however_the_agent_puts_it() {
    for how in ["cancelled", "error"] {
        let mut bench = Bench::in_turn();
        bench.feed(ConversationInput::Cancel);
        bench.feed(ConversationInput::Cancel);
        match how {
            "error" => bench.fails("prompt:s.t1", -32603, "aborted"),
            _ => bench.answers("prompt:s.t1", &json!({"stopReason": "cancelled"})),
        }
        assert_eq!(bench.outcome(), TurnOutcome::Interrupted { reason: "cancelled".to_owned() });
    }
    let mut finished = Bench::in_turn();
    finished.feed(ConversationInput::Cancel);
    finished.answers("prompt:s.t1", &json!({"stopReason": "end_turn"}));
    assert!(matches!(finished.outcome(), TurnOutcome::Done { .. }), "it was faster than the cancel");
    finished.feed(ConversationInput::Cancel);
    assert_eq!(finished.keys().last(), Some(&"cancel:s.t1"));
    assert_eq!(finished.take(), []);
}

#[test]
fn a_cancel_before_the_agent_is_ready_needs_no_agent() {
    let mut bench = Bench::started(ConversationSetup::default());
    bench.prompt("s.t1");
    bench.feed(ConversationInput::Cancel);
    assert!(matches!(bench.outcome(), TurnOutcome::Interrupted { .. }));
    bench.initialized(&json!({}), "agent");
    bench.answers("new", &json!({"sessionId": "S"}));
    assert_eq!(bench.keys(), ["initialize", "new"]);
}

#[test]
fn the_end_of_the_process_ends_the_turn() {
    let cases = [
        (exited(0), "F the agent crashed: it ended in the middle of the turn (exit 0)"),
        (exited(3), "F the agent crashed: it ended in the middle of the turn (exit 3)"),
        (JobEnd::Exited { code: 0, stopped: true, leaked: 0 }, "I stopped"),
        (JobEnd::Signaled { signal: 15, stopped: true, leaked: 0 }, "I stopped"),
        (
            JobEnd::Signaled { signal: 6, stopped: false, leaked: 0 },
            "F the agent crashed: it ended in the middle of the turn (killed by signal 6 (SIGABRT))",
        ),
        (
            JobEnd::Signaled { signal: 9, stopped: false, leaked: 0 },
            "I the agent was killed in the middle of the turn (killed by signal 9 (SIGKILL))",
        ),
        (JobEnd::Lost, "I the process was lost: its keeper was killed, or the machine restarted"),
    ];
    for (end, expected) in cases {
        let mut bench = Bench::in_turn();
        bench.ends(&end);
        let outcome = match bench.outcome() {
            TurnOutcome::Failed { reason } => format!("F {reason}"),
            TurnOutcome::Interrupted { reason } => format!("I {reason}"),
            TurnOutcome::Done { stop_reason } => stop_reason,
        };
        assert_eq!(outcome, expected);
        bench.ends(&end);
        assert_eq!(bench.take(), [], "it ends once");
        bench.prompt("s.t2");
        match bench.outcome() {
            TurnOutcome::Failed { reason } => assert!(reason.contains("before it got the prompt"), "{reason}"),
            late => assert!(expected == "I stopped" || end == JobEnd::Lost, "{late:?}"),
        }
    }
}

#[test]
fn an_idle_agent_ends_without_a_word() {
    let mut bench = Bench::ready();
    bench.ends(&exited(0));
    assert_eq!(bench.take(), []);
}

#[test]
fn standard_error_is_output_and_bounded_per_turn() {
    let mut bench = Bench::in_turn();
    bench.feed(ConversationInput::Output { stderr: true, bytes: b"warning\n" });
    assert_eq!(bench.take(), [Update::Output { stderr: true, text: "warning\n".to_owned() }]);
    let flood = vec![b'e'; 5 * 1024 * 1024];
    bench.feed(ConversationInput::Output { stderr: true, bytes: &flood });
    bench.answers("prompt:s.t1", &json!({"stopReason": "end_turn"}));
    let updates = bench.take();
    let shown: usize = updates.iter().map(|u| if let Update::Output { text, .. } = u { text.len() } else { 0 }).sum();
    let elided = updates.iter().rev().find_map(|u| if let Update::Elided(bytes) = u { Some(*bytes) } else { None });
    assert_eq!(shown as u64 + elided.unwrap(), 5 * 1024 * 1024);
    assert!(shown < 3 * 1024 * 1024);
}

#[test]
fn usage_is_reported_with_its_scope() {
    let mut bench = Bench::in_turn();
    bench.update(
        &json!({"sessionUpdate": "usage_update", "used": 10, "size": 100, "cost": {"amount": 0.5, "currency": "USD"}}),
    );
    bench.update(&json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": ""}, "_meta": {"usage": {"inputTokens": 4}}}));
    bench.answers(
        "prompt:s.t1",
        &json!({"stopReason": "end_turn", "usage": {"inputTokens": 5, "outputTokens": 6, "totalTokens": 11}}),
    );
    let updates = bench.take();
    let usages: Vec<(UsageScope, u64, Option<i64>)> = updates
        .iter()
        .filter_map(|u| if let Update::Usage(u) = u { Some((u.scope, u.input, u.cost_micros)) } else { None })
        .collect();
    assert_eq!(
        usages,
        [(UsageScope::Session, 0, Some(500_000)), (UsageScope::Step, 4, None), (UsageScope::Turn, 5, None)]
    );
    assert_eq!(updates.len(), 4, "an empty chunk is no message: {updates:?}");
}

#[test]
fn what_a_cancelled_turn_may_leave_is_ended_before_its_end_is_told() {
    for (name, leaves) in [("@agentclientprotocol/codex-acp", true), ("another", false)] {
        let mut bench = Bench::started(ConversationSetup::default());
        bench.initialized(&json!({}), name);
        bench.answers("new", &json!({"sessionId": "S"}));
        bench.prompt("s.t1");
        bench.answers("prompt:s.t1", &json!({"stopReason": "end_turn"}));
        bench.prompt("s.t2");
        bench.take();
        bench.feed(ConversationInput::Cancel);
        bench.answers("prompt:s.t2", &json!({"stopReason": "cancelled"}));
        let updates = bench.take();
        let sweep = Update::EndSince { key: "prompt:s.t2".to_owned() };
        let end = updates.iter().position(|update| matches!(update, Update::TurnEnded { .. })).unwrap();
        let found = updates.iter().position(|update| *update == sweep);
        assert_eq!(found, leaves.then(|| end - 1), "{name}: {updates:?}");
    }
}

#[test]
fn failures_that_agents_hide_are_found_by_their_quirks() {
    let mut codex = Bench::started(ConversationSetup::default());
    codex.initialized(&json!({}), "@agentclientprotocol/codex-acp");
    codex.answers("new", &json!({"sessionId": "S"}));
    codex.prompt("s.t1");
    let error = json!({"message": "Reconnecting... 1/1", "additionalDetails": "high demand", "willRetry": true});
    codex.update(&json!({"sessionUpdate": "session_info_update", "_meta": {"codex": {"error": error}}}));
    assert!(codex.notices().iter().any(|notice| notice.contains("Reconnecting... 1/1 (high demand)")));
    codex.update(
        &json!({"sessionUpdate": "session_info_update", "_meta": {"codex": {"threadStatus": {"type": "systemError"}}}}),
    );
    codex.answers("prompt:s.t1", &json!({"stopReason": "end_turn", "usage": null}));
    let reason = "the model is overloaded: Reconnecting... 1/1 (high demand); wait a while, then send the prompt again";
    assert_eq!(codex.outcome(), TurnOutcome::Failed { reason: reason.to_owned() });
    codex.prompt("s.t2");
    for status in ["systemError", "active"] {
        codex.update(
            &json!({"sessionUpdate": "session_info_update", "_meta": {"codex": {"threadStatus": {"type": status}}}}),
        );
    }
    codex.answers("prompt:s.t2", &json!({"stopReason": "end_turn"}));
    assert!(matches!(codex.outcome(), TurnOutcome::Done { .. }), "it recovered, and every turn is judged anew");

    let mut copilot = Bench::started(ConversationSetup::default());
    copilot.initialized(&json!({}), "Copilot");
    copilot.answers("new", &json!({"sessionId": "S"}));
    copilot.prompt("s.t1");
    copilot.says("Err");
    copilot.says("or: 400 bad request");
    copilot.answers("prompt:s.t1", &json!({"stopReason": "end_turn"}));
    let reason = "the model rejected the request: Error: 400 bad request";
    assert_eq!(copilot.outcome(), TurnOutcome::Failed { reason: reason.to_owned() });

    let mut other = Bench::in_turn();
    other.says("Error: is what I found in the log");
    other.answers("prompt:s.t1", &json!({"stopReason": "end_turn"}));
    assert!(matches!(other.outcome(), TurnOutcome::Done { .. }));
}

#[test]
fn an_agent_that_is_stopped_or_lost_before_it_is_ready_is_not_called_unusable() {
    for end in [JobEnd::Lost, JobEnd::Exited { code: 0, stopped: true, leaked: 0 }] {
        let mut bench = Bench::started(ConversationSetup::default());
        bench.prompt("s.t1");
        bench.ends(&end);
        assert!(matches!(bench.outcome(), TurnOutcome::Interrupted { .. }), "{end:?}");
    }
    let mut never = Bench::started(ConversationSetup::default());
    never.ends(&JobEnd::NotStarted { reason: "no such file".to_owned() });
    let updates = never.take();
    let [Update::Failure { .. }, Update::Unusable { reason, .. }] = updates.as_slice() else { panic!("{updates:?}") };
    assert_eq!(reason, "the agent could not be started: no such file");
}
