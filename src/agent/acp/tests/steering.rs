//! Prompts into the running turn, what prompts are made of, and MCP servers.

use crate::host::port::Content;
use crate::model::id::PromptId;

use super::*;

fn started(meta: &Value, capabilities: &Value, setup: ConversationSetup) -> Bench {
    let mut bench = Bench::started(setup);
    bench.answers("initialize", &json!({"protocolVersion": 1, "agentCapabilities": capabilities, "_meta": meta}));
    bench.answers("new", &json!({"sessionId": "S"}));
    bench
}

fn steer(bench: &mut Bench, prompt: &str) {
    let (prompt, turn) = (PromptId::from(prompt), TurnId::from("t1"));
    bench.feed(ConversationInput::Steer { prompt: &prompt, turn: &turn, text: "not that", content: &[] });
}

fn missed(updates: &[Update]) -> usize {
    updates.iter().filter(|update| matches!(update, Update::SteerMissed { .. })).count()
}

#[test]
fn an_agent_that_offers_it_takes_a_prompt_into_its_turn() {
    let mut bench = started(&json!({"steering": {"supported": true}}), &json!({}), ConversationSetup::default());
    assert!(bench.take().iter().any(|update| matches!(update, Update::Ready(ready) if ready.can_steer)));
    bench.prompt("t1");
    steer(&mut bench, "p2");
    let request = bench.written_as("steer:p2").clone();
    assert_eq!((&request["method"], &request["params"]["sessionId"]), (&json!("_session/steering"), &json!("S")));
    bench.answers("steer:p2", &json!({"outcome": "injected"}));
    assert_eq!(bench.take(), [Update::Steered { prompt: PromptId::from("p2") }]);
    steer(&mut bench, "p3");
    bench.answers("steer:p3", &json!({"outcome": "promptRequired"}));
    steer(&mut bench, "p4");
    bench.fails("steer:p4", -32601, "Method not found");
    assert_eq!(missed(&bench.take()), 2);
    bench.answers("prompt:t1", &json!({"stopReason": "end_turn"}));
    bench.take();
    steer(&mut bench, "p5");
    assert_eq!(missed(&bench.take()), 1);
}

#[test]
fn what_goes_with_a_prompt_depends_on_what_the_agent_takes() {
    let content = |name: &str, media_type: &str, bytes: Option<&[u8]>| Content {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        path: format!("/kept/{name}"),
        bytes: bytes.map(<[u8]>::to_vec),
    };
    let all = [content("a b.png", "image/png", Some(b"foo")), content("c.txt", "text/plain", Some(b"words"))];
    for (capabilities, blocks) in [
        (
            json!({"promptCapabilities": {"image": true, "embeddedContext": true}}),
            json!([
                {"type": "text", "text": "look"},
                {"type": "image", "mimeType": "image/png", "data": "Zm9v", "uri": "file:///kept/a%20b.png"},
                {"type": "resource", "resource": {"uri": "file:///kept/c.txt", "mimeType": "text/plain", "text": "words"}},
            ]),
        ),
        (
            json!({}),
            json!([
                {"type": "text", "text": "look\n\nAttached to this message is the file a b.png (image/png), which is here: /kept/a b.png"},
                {"type": "text", "text": "<attached-file name=\"c.txt\">\nwords\n</attached-file>"},
            ]),
        ),
    ] {
        let mut bench = started(&Value::Null, &capabilities, ConversationSetup::default());
        let turn = TurnId::from("t1");
        bench.feed(ConversationInput::Prompt { turn: &turn, text: "look", content: &all, prompt: None });
        assert_eq!(bench.written_as("prompt:t1")["params"]["prompt"], blocks);
        let told = bench.notices().iter().any(|notice| notice.contains("attached file"));
        assert_eq!(told, capabilities == json!({}));
    }
}

#[test]
fn servers_are_handed_over_with_names_in_the_place_of_secrets() {
    let text = "
        [files]
        command = 'serve'
        args = ['x']
        env = { TOKEN = '${DIVISI_MCP_0}' }
        [web]
        url = 'https://h'
        headers = { Authorization = '${DIVISI_MCP_1}' }";
    let setup = || ConversationSetup { mcp: toml_edit::de::from_str(text).unwrap(), ..ConversationSetup::default() };
    let files = json!({
        "name": "files", "command": "/usr/bin/env", "args": ["serve", "x"],
        "env": [{"name": "TOKEN", "value": "${DIVISI_MCP_0}"}],
    });
    let bench = started(&Value::Null, &json!({}), setup());
    assert_eq!(bench.written_as("new")["params"]["mcpServers"], json!([files]));
    assert!(bench.notices().iter().any(|notice| notice.contains("goes without web")), "{:?}", bench.notices());
    let bench = started(&Value::Null, &json!({"mcpCapabilities": {"http": true}}), setup());
    let web = json!({"type": "http", "name": "web", "url": "https://h", "headers": [{"name": "Authorization", "value": "${DIVISI_MCP_1}"}]});
    assert_eq!(bench.written_as("new")["params"]["mcpServers"], json!([files, web]));
}
