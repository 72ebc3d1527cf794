use super::*;

fn ready_of(bench: &Bench) -> AgentReady {
    match bench.updates.iter().find(|update| matches!(update, Update::Ready(_))) {
        Some(Update::Ready(ready)) => ready.clone(),
        _ => panic!("not ready: {:?}", bench.updates),
    }
}

fn unusable(bench: &Bench) -> (String, Vec<String>) {
    match bench.updates.last() {
        Some(Update::Unusable { reason, hints }) => (reason.clone(), hints.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_conversation() {
    let mut bench = Bench::started(ConversationSetup { directory: "/w".to_owned(), ..ConversationSetup::default() });
    let asked = bench.written_as("initialize").clone();
    assert_eq!(asked["id"], "initialize");
    assert_eq!(asked["params"]["protocolVersion"], 1);
    assert_eq!(asked["params"]["clientCapabilities"]["fs"], json!({"readTextFile": false, "writeTextFile": false}));
    assert_eq!(asked["params"]["clientCapabilities"]["terminal"], false);
    bench.initialized(&json!({"loadSession": true, "sessionCapabilities": {"resume": null}}), "agent");
    assert_eq!(bench.written_as("new")["params"], json!({"cwd": "/w", "mcpServers": []}));
    bench.answers("new", &json!({"sessionId": "S"}));
    let ready = ready_of(&bench);
    assert_eq!(
        (ready.conversation.as_deref(), ready.name.as_deref(), ready.version.as_deref()),
        (Some("S"), Some("agent"), Some("1.2"))
    );
    assert!(ready.can_load && !ready.can_resume && !ready.resumed);
}

#[test]
fn an_earlier_conversation_is_resumed_or_loaded_as_the_agent_can() {
    for (capabilities, key) in [
        (json!({"loadSession": true, "sessionCapabilities": {"resume": {}}}), "resume"),
        (json!({"loadSession": true}), "load"),
        (json!({"loadSession": false}), "new"),
    ] {
        let mut bench = Bench::started(resume("E"));
        bench.initialized(&capabilities, "agent");
        assert_eq!(bench.keys(), ["initialize", key]);
        let session = bench.written_as(key)["params"].get("sessionId").cloned();
        assert_eq!(session, (key != "new").then(|| json!("E")));
        bench.answers(key, &json!({"sessionId": "N"}));
        let ready = ready_of(&bench);
        assert_eq!(ready.resumed, key != "new");
        assert_eq!(ready.conversation.as_deref(), Some(if key == "new" { "N" } else { "E" }));
    }
}

#[test]
fn what_cannot_be_resumed_is_begun_anew() {
    let mut bench = Bench::started(resume("E"));
    bench.initialized(&json!({"loadSession": true, "sessionCapabilities": {"resume": {}}}), "agent");
    bench.fails("resume", -32002, "Resource not found");
    bench.fails("load", -32603, "Internal error");
    bench.answers("new", &json!({"sessionId": "N"}));
    assert_eq!(bench.keys(), ["initialize", "resume", "load", "new"]);
    assert!(!ready_of(&bench).resumed);
    assert_eq!(bench.notices().len(), 2, "{:?}", bench.notices());
}

#[test]
fn the_replay_of_a_loaded_conversation_is_not_shown_again() {
    let mut bench = Bench::started(resume("S"));
    bench.initialized(&json!({"loadSession": true}), "agent");
    bench.says("old answer");
    bench.update(&json!({"sessionUpdate": "user_message_chunk", "content": {"type": "text", "text": "old"}}));
    bench.update(&json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "old"}));
    bench.update(&json!({"sessionUpdate": "available_commands_update", "availableCommands": [{"name": "x", "description": "y"}]}));
    bench.answers("load", &json!({}));
    assert!(matches!(bench.take().as_slice(), [Update::Commands(_), Update::Ready(_)]));
    bench.prompt("s.t1");
    bench.says("new answer");
    assert_eq!(bench.take(), [Update::Message("new answer".to_owned())]);
}

#[test]
fn failures_are_told_apart() {
    let mut refused = Bench::started(ConversationSetup::default());
    refused.fails("initialize", -32603, "no");
    assert_eq!(unusable(&refused).0, "the agent refused initialize: no");

    let mut version = Bench::started(ConversationSetup::default());
    version.answers("initialize", &json!({"protocolVersion": 2}));
    assert!(unusable(&version).0.contains("speaks version 2"));

    let mut login = Bench::started(ConversationSetup::default());
    let methods = json!([{"id": "a", "name": "Key", "description": "Set a key"}, {"id": "b"}]);
    login.answers("initialize", &json!({"protocolVersion": 1, "authMethods": methods}));
    login.fails("new", -32000, "Authentication required");
    let (reason, hints) = unusable(&login);
    assert!(reason.contains("not logged in"), "{reason}");
    assert_eq!(hints, ["log in: Key: Set a key", "log in: b"]);

    let mut died = Bench::started(ConversationSetup::default());
    died.ends(&exited(41));
    assert_eq!(unusable(&died).0, "the agent ended before it was ready (exit 41)");

    let mut nameless = Bench::started(ConversationSetup::default());
    nameless.initialized(&json!({}), "agent");
    nameless.answers("new", &json!({}));
    assert!(unusable(&nameless).0.contains("without an id"));
}

#[test]
fn an_unusable_agent_says_so_again_for_every_prompt() {
    let mut bench = Bench::started(ConversationSetup::default());
    bench.prompt("s.t1");
    bench.fails("initialize", -1, "no");
    bench.take();
    bench.prompt("s.t1");
    assert!(matches!(bench.take().as_slice(), [Update::Failure { .. }, Update::Unusable { .. }]));
    bench.ends(&exited(1));
    assert_eq!(bench.take(), []);
}

#[test]
fn model_and_mode_are_set_before_it_is_ready() {
    let modes = json!({"currentModeId": "ask", "availableModes": [{"id": "ask", "name": "Ask"}, {"id": "plan", "name": "Plan Mode"}]});
    let brains = json!({"currentModelId": "m1", "availableModels": [{"modelId": "m1", "name": "One"}, {"modelId": "m2", "name": "Two"}]});
    let setup = ConversationSetup {
        mode: Some("plan mode".to_owned()),
        model: Some("m2".to_owned()),
        ..ConversationSetup::default()
    };
    let mut bench = Bench::ready_with(&json!({"modes": modes, "models": brains}), setup);
    bench.prompt("s.t1");
    assert_eq!(bench.keys(), ["initialize", "new", "model"]);
    assert_eq!(bench.written_as("model")["params"], json!({"sessionId": "S", "modelId": "m2"}));
    bench.answers("model", &json!({}));
    assert_eq!(bench.written_as("mode")["method"], "session/set_mode");
    assert_eq!(bench.written_as("mode")["params"], json!({"sessionId": "S", "modeId": "plan"}));
    assert!(!bench.updates.iter().any(|update| matches!(update, Update::Ready(_))));
    bench.answers("mode", &json!({}));
    assert_eq!(bench.keys(), ["initialize", "new", "model", "mode", "prompt:s.t1"]);
    let Some(Update::Options(options)) = bench.updates.iter().rfind(|update| matches!(update, Update::Options(_)))
    else {
        panic!()
    };
    let current: Vec<(&str, &str, bool)> =
        options.iter().map(|o| (o.id.as_str(), o.current.as_str(), o.is_mode)).collect();
    assert_eq!(current, [("mode", "plan", true), ("model", "m2", false)]);
}

#[test]
fn what_is_not_offered_is_told_and_left_alone() {
    let modes = json!({"currentModeId": "ask", "availableModes": [{"id": "ask", "name": "Ask"}]});
    let setup = ConversationSetup {
        mode: Some("yolo".to_owned()),
        model: Some("m".to_owned()),
        ..ConversationSetup::default()
    };
    let bench = Bench::ready_with(&json!({"modes": modes}), setup);
    assert_eq!(bench.keys(), ["initialize", "new"]);
    let notices = bench.notices();
    assert!(notices[0].contains("offers no model") && notices[1].contains("\"yolo\" (it offers ask)"), "{notices:?}");
    ready_of(&bench);
}

#[test]
fn options_of_the_newer_kind() {
    let configs = json!([
        {"id": "m", "name": "Mode", "category": "mode", "type": "select", "currentValue": "a", "options": [{"value": "a", "name": "A"}]},
        {"id": "brain", "name": "Model", "category": "model", "type": "select", "currentValue": "x",
            "options": [{"group": "g", "name": "G", "options": [{"value": "x", "name": "X"}, {"value": "y", "name": "Y"}]}]},
        {"id": "fast", "name": "Fast", "type": "boolean", "currentValue": false},
    ]);
    let modes = json!({"currentModeId": "a", "availableModes": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]});
    let setup = ConversationSetup { model: Some("Y".to_owned()), ..ConversationSetup::default() };
    let mut bench = Bench::ready_with(&json!({"configOptions": configs, "modes": modes}), setup);
    assert_eq!(bench.written_as("model")["params"], json!({"sessionId": "S", "configId": "brain", "value": "y"}));
    bench.fails("model", -32602, "not today");
    assert!(bench.notices().iter().any(|notice| notice.contains("not today")));
    bench.take();
    bench.feed(ConversationInput::Option { id: "fast", value: "true" });
    assert_eq!(bench.written_as("option:0")["params"]["value"], true);
    bench.answers("option:0", &json!({}));
    let Some(Update::Options(options)) = bench.take().pop() else { panic!() };
    let ids: Vec<(&str, &str)> = options.iter().map(|o| (o.id.as_str(), o.current.as_str())).collect();
    assert_eq!(ids, [("mode", "a"), ("brain", "x"), ("fast", "true")]);
    for value in ["b", "a", "b"] {
        bench.feed(ConversationInput::Option { id: "mode", value });
        let key = bench.keys().last().unwrap().to_string();
        bench.answers(&key, &json!({}));
    }
    assert_eq!(
        bench.keys()[3..],
        ["option:0", "option:1", "option:2", "option:3"],
        "every change has a key of its own"
    );
}

#[test]
fn an_option_wanted_early_is_set_when_it_can_be() {
    let mut bench = Bench::started(ConversationSetup::default());
    bench.feed(ConversationInput::Option { id: "mode", value: "b" });
    bench.initialized(&json!({}), "agent");
    let modes = json!({"currentModeId": "a", "availableModes": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]});
    bench.answers("new", &json!({"sessionId": "S", "modes": modes}));
    assert_eq!(bench.keys(), ["initialize", "new", "option:0"]);
    bench.update(&json!({"sessionUpdate": "current_mode_update", "currentModeId": "b"}));
    let Some(Update::Options(options)) = bench.take().pop() else { panic!() };
    assert_eq!(options[0].current, "b");
}
